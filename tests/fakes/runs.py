"""Runs in memory: refused for the same reasons as the real ones, moved by the same table; targets are not there."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from incidents.core.errors import NotAllowed, NotFound
from incidents.core.fact import Actor
from incidents.core.onward import answers
from incidents.core.plan import Plan
from incidents.core.rollback import Rollback
from incidents.core.run import ACTIVE, Approved, Run, RunStatus, StepRun, StepState, moved
from incidents.core.runbook import AppliesTo, Outline, Parameter, ParameterType, Runbook
from incidents.core.step import Approval, Choice, Method, Question, Request, Step, StepType, Undo
from incidents.flow.ports import Outcomes, PlanRequest, RunQuery, RunRequest, Word
from tests.fakes.told import ADA, NOW, minutes

MOVE = Runbook(
    id="rollback-mlflow-alias",
    title="Move the serving alias back to the version before",
    applies_to=AppliesTo(kind=("drift",)),
    owner="model",
    last_reviewed=(NOW - timedelta(days=12)).date(),
    steps=("Look which version the alias points to.", "Point it to the version before."),
    parameters=(
        Parameter(name="model", default="{{ rollback.name }}", description="Registered model"),
        Parameter(name="alias", default="champion", choices=("champion", "challenger")),
        Parameter(name="percent", type=ParameterType.INTEGER, default=100),
        Parameter(name="dry", type=ParameterType.BOOLEAN, default=False),
    ),
    outlines=(
        Outline(id="move", title="Point {{ parameters.alias }} back", type=StepType.HTTP),
        Outline(id="verify", title="It helped", type=StepType.VERIFY),
    ),
    body="Why and when.",
)
_ALIAS = "/api/2.0/mlflow/registered-models/alias"


def a_step(**more: Any) -> Step:  # noqa: ANN401 - any field
    body = {"name": "credit", "alias": "champion", "version": "1"}
    look = Request(connection="mlflow", path=_ALIAS, query=(("name", "credit"), ("alias", "champion")))
    made = Step(
        id="move",
        title="Point champion of credit to version 1",
        type=StepType.HTTP,
        request=Request(connection="mlflow", method=Method.POST, path=_ALIAS, body=body),
        prior={"version": "2"},
        look=Question(request=look, keep=(("version", "/model_version/version"),)),
        undo=Undo(request=Request(connection="mlflow", method=Method.POST, path=_ALIAS, body={**body, "version": "2"})),
        idempotent=True,
    )
    return replace(made, **more)


VERIFY = Step(id="verify", title="It helped", type=StepType.VERIFY)
BY_HAND = Step(id="tell", title="Tell the vendor", type=StepType.MANUAL, text="Call them.")
CHOOSE = Step(
    id="choose",
    title="Retrain or wait?",
    type=StepType.DECISION,
    choices=(Choice(name="retrain", title="Retrain now"), Choice(name="wait", title="Wait a day")),
)


def a_plan(*steps: Step, **more: Any) -> Plan:  # noqa: ANN401 - any field
    made = Plan(
        runbook=MOVE.id,
        title=MOVE.title,
        runbook_hash="c" * 64,
        incident="INC-1",
        system="credit-scoring",
        environment="production",
        parameters={"model": "credit", "alias": "champion", "version": "1"},
        steps=steps or (a_step(), VERIFY),
        rollback=Rollback(kind="model", name="credit", version="2", to="1"),
        approval=Approval(),
    )
    return replace(made, **more)


def a_run(number: int = 1, **more: Any) -> Run:  # noqa: ANN401 - any field
    plan = more.pop("plan", None) or a_plan()
    made = Run(
        id=f"RUN-{number}",
        incident=plan.incident,
        system=plan.system,
        environment=plan.environment,
        plan=plan,
        status=RunStatus.PROPOSED,
        requested_by=ADA,
        requested_at=NOW - minutes(5),
        note="Version 2 drifts.",
        expires_at=NOW + minutes(25),
        steps=tuple(StepRun(id=step.id) for step in plan.steps),
    )
    return replace(made, **more)


def running(*states: StepRun, **more: Any) -> Run:  # noqa: ANN401 - any field
    approved = Approved(by="lee", at=NOW - minutes(3), plan="a" * 64)
    told = {"status": RunStatus.RUNNING, "started_at": NOW - minutes(3), "approvals": (approved,), "steps": states}
    return a_run(**{**told, **more})


@dataclass(slots=True)
class Runs:
    """RunReader and RunDesk over a dictionary; `planned` is what every plan comes to."""

    now: datetime = NOW
    people: frozenset[str] = frozenset({"ada", "lee"})
    planned: Plan = field(default_factory=a_plan)
    refusal: NotAllowed | None = None  # what a plan is refused with
    held: dict[str, Run] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)  # as evidence
    past: dict[str, Outcomes] = field(default_factory=dict)
    wanted: list[PlanRequest] = field(default_factory=list)
    done: dict[str, str] = field(default_factory=dict)  # what was asked for once, and the run that came of it

    def hold(self, *runs: Run) -> None:
        self.held |= {run.id: run for run in runs}

    # --- RunReader -------------------------------------------------------------------------------------------------

    async def runs(self, query: RunQuery) -> tuple[Sequence[Run], str | None]:
        start = int(_after(query.cursor)) if query.cursor else 0
        newest = sorted(self.held.values(), key=lambda run: -int(run.id[4:]))
        found = [run for run in newest if _matches(run, query)]
        end = start + query.limit
        return found[start:end], f"at-{end}" if end < len(found) else None

    async def run(self, run: str) -> Run:
        if run not in self.held:
            raise NotFound(f"no run {run}")
        return self.held[run]

    async def evidence(self, run: str) -> tuple[str, bytes]:
        kept = self.kept.get(run)
        if kept is None:
            raise NotFound(f"no evidence was kept for {run}")
        return sha256(kept).hexdigest(), kept

    async def outcomes(self, runbooks: Sequence[str]) -> dict[str, Outcomes]:
        return {id_: self.past[id_] for id_ in runbooks if id_ in self.past}

    # --- RunDesk ---------------------------------------------------------------------------------------------------

    async def plan(self, wanted: PlanRequest) -> Plan:
        self.wanted.append(wanted)
        if self.refusal is not None:
            raise self.refusal
        if wanted.runbook != self.planned.runbook:
            raise NotFound(f"no runbook {wanted.runbook}")
        return replace(self.planned, incident=wanted.incident)

    async def request(self, asked: RunRequest, *, once: str | None = None) -> Run:
        if once in self.done:
            return self.held[self.done[once]]
        self._known(asked.by)
        plan = await self.plan(asked.wanted)
        if asked.plan is not None and asked.plan != plan.hash:
            raise NotAllowed("changed", "the plan is another by now: read it again")
        if plan.warning and not asked.warned:
            raise NotAllowed("warning", f"answer the warning first: {plan.warning}")
        made = a_run(
            len(self.held) + 1,
            plan=plan,
            status=RunStatus.PROPOSED if plan.approval else RunStatus.RUNNING,
            requested_by=asked.by,
            requested_at=self.now,
            note=asked.note,
            warned=asked.by.id if plan.warning else None,
        )
        return self._kept(made, once)

    async def approve(self, word: Word, *, once: str | None = None) -> Run:
        if once in self.done:
            return self.held[self.done[once]]
        run = await self.run(word.run)
        self._known(word.by)
        if run.status is RunStatus.PROPOSED and run.expires_at is not None and run.expires_at <= self.now:
            raise NotAllowed("expired", "nobody approved in time: ask again")
        status = moved(run.status, RunStatus.RUNNING)
        if word.plan != run.hash:
            raise NotAllowed("changed", "this is not the plan that was read")
        if word.by == run.requested_by:
            raise NotAllowed("same_person", "whoever asked for it cannot approve it")
        if run.plan.warning and not word.warned:
            raise NotAllowed("warning", f"answer the warning first: {run.plan.warning}")
        if any(each.status in ACTIVE and each.system == run.system for each in self.held.values()):
            raise NotAllowed("one_runs", "another run is at work at this system")
        word_given = Approved(by=word.by.id, at=self.now, plan=run.hash, note=word.note)
        return self._kept(
            replace(run, status=status, approvals=(*run.approvals, word_given), started_at=self.now), once
        )

    async def reject(self, word: Word, *, once: str | None = None) -> Run:
        return await self._ended(word, RunStatus.REJECTED, once)

    async def cancel(self, word: Word, *, once: str | None = None) -> Run:
        proposed = (await self.run(word.run)).status is RunStatus.PROPOSED
        return await self._ended(word, RunStatus.CANCELLED if proposed else RunStatus.UNDOING, once)

    async def answer(self, word: Word, *, once: str | None = None) -> Run:
        if once in self.done:
            return self.held[self.done[once]]
        run = await self.run(word.run)
        self._known(word.by)
        if word.answer not in answers(run, word.step or ""):
            raise NotAllowed("not_asked", f"step {word.step} does not wait for the answer {word.answer}")
        told = {"done": StepState.DONE, "failed": StepState.FAILED, "retry": StepState.PENDING}
        state = told.get(word.answer or "", StepState.DONE)
        steps = tuple(
            replace(each, state=state, by=word.by.id, said=word.note) if each.id == word.step else each
            for each in run.steps
        )
        return self._kept(replace(run, steps=steps), once)

    async def _ended(self, word: Word, status: RunStatus, once: str | None) -> Run:
        if once in self.done:
            return self.held[self.done[once]]
        run = await self.run(word.run)
        self._known(word.by)
        return self._kept(replace(run, status=moved(run.status, status), ended_at=self.now, why=word.note), once)

    def _known(self, by: Actor) -> None:
        if by.id not in self.people:
            raise NotAllowed("no_person", f"{by.id} is nobody in the catalog")

    def _kept(self, run: Run, once: str | None) -> Run:
        self.held[run.id] = run
        if once is not None:
            self.done[once] = run.id
        return run


def _after(cursor: str) -> str:
    if not cursor.startswith("at-"):
        raise ValueError(cursor)
    return cursor.removeprefix("at-")


def _matches(run: Run, query: RunQuery) -> bool:
    return (
        query.incident in {None, run.incident}
        and (not query.status or run.status in query.status)
        and (not query.system or run.system in query.system)
        and (not query.runbook or run.plan.runbook in query.runbook)
    )
