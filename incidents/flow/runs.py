"""People act on runs: propose, approve, reject, cancel and answer, one function each behind every door."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from incidents.core.alert import Alert, Sighting
from incidents.core.approval import Consent, may_approve, may_ask, still_open
from incidents.core.decision import Decision
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.evidence import evidence
from incidents.core.fact import Actor, FactKind
from incidents.core.plan import Plan
from incidents.core.progress import answered, approved, cancelled, expired, rejected, started
from incidents.core.proposal import alike, proposed, refused
from incidents.core.run import Run, RunStatus, StepRun
from incidents.flow.attempt import attempt
from incidents.flow.ports import PlanRequest, RunRequest, Store, Turn, Unit, Word

Alerts = dict[str, tuple[Alert, Sighting]]
_AT_ONCE = 100  # proposals in one turn
_Done = TypeVar("_Done")


class Planning(Protocol):
    """What works out a plan, with the targets asked what is there now."""

    async def plan(self, wanted: PlanRequest) -> Plan: ...


class Runs:
    """Loads, asks the core, saves; whoever comes second is told why."""

    def __init__(
        self,
        store: Store,
        planner: Planning,
        estate: Callable[[], Estate],
        made: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        self._store, self._planner, self._estate, self._made = store, planner, estate, made

    async def plan(self, wanted: PlanRequest) -> Plan:
        """What would be done, with the targets asked what is there now; nothing is changed or kept."""
        return await self._planner.plan(wanted)

    async def request(self, asked: RunRequest, *, once: str | None = None) -> Run:
        """Propose a run; one that changes nothing needs no approval and begins at once."""
        may_ask(asked.by, self._estate())
        plan = await self._planner.plan(asked.wanted)
        return await self._attempt(lambda unit: self._request(unit, asked, plan, once))

    async def approve(self, word: Word, *, once: str | None = None) -> Run:
        """Say yes to exactly the plan that was seen; with enough of that it begins. A refusal is kept as a fact."""
        done = await self._attempt(lambda unit: self._approve(unit, word, once))
        if isinstance(done, NotAllowed):
            raise done
        return done

    async def reject(self, word: Word, *, once: str | None = None) -> Run:
        """Say no to a proposal."""
        return await self._say(word, once, lambda desk, run: rejected(desk, run, word.by, word.note))

    async def cancel(self, word: Word, *, once: str | None = None) -> Run:
        """Take back a proposal, or stop a run: no further step, and what was done is undone."""
        return await self._say(word, once, lambda desk, run: cancelled(desk, run, word.by, word.note))

    async def answer(self, word: Word, *, once: str | None = None) -> Run:
        """Say what came of a step, or how to go on after it."""

        def say(desk: Desk, run: Run) -> Run:
            return answered(desk, run, word.by, word.step or "", word.answer or "", word.note)

        return await self._say(word, once, say)

    async def _attempt(self, work: Callable[[Unit], Awaitable[_Done]]) -> _Done:
        return await attempt(self._store, work, self._made, "this run")

    # --- inside one transaction ---------------------------------------------------------------------------------------

    async def _request(self, unit: Unit, asked: RunRequest, plan: Plan, once: str | None) -> Run:
        desk, alerts = await self._desk(unit, asked.wanted.incident)
        open_ones = await unit.runs.of(desk.incident.id)
        same = alike(open_ones, plan)
        if once is not None and not await unit.board.clicked(once, desk.incident.id):
            if same is not None:
                return same
            raise NotAllowed("already_done", "this was asked for already")
        still_open(desk.incident)
        if asked.plan is not None and asked.plan != plan.hash:
            raise NotAllowed("changed", f"the plan is another by now, {plan.hash}: look at it again")
        if same is not None:
            raise NotAllowed("already_done", f"{same.id} is exactly this, and {same.status}")
        if plan.warning and not asked.warned:
            raise NotAllowed("warning", f"answer this first: {plan.warning}")
        await _alone(unit, plan)
        run = await unit.runs.add(_proposal(asked, plan, unit))
        _acted(desk, asked.by)
        if plan.approval is not None:
            proposed(desk, run)
            await _save(unit, desk)
            return run
        return await self._saved(unit, desk, await self._begun(unit, desk, started(desk, run), alerts))

    async def _approve(self, unit: Unit, word: Word, once: str | None) -> Run | NotAllowed:
        desk, alerts, run = await self._of(unit, word)
        fresh = once is None or await unit.board.clicked(once, desk.incident.id)
        if not fresh and any(each.by == word.by.id for each in run.approvals):
            return run
        consent = Consent(by=word.by, plan=word.plan, warned=word.warned, step=word.step, note=word.note)
        try:
            step = may_approve(run, consent, desk.incident, desk.estate, unit.now)
            if step is None:
                await _alone(unit, run.plan)
        except NotAllowed as refusal:
            if fresh:
                refused(desk, run, word.by, refusal)
                await _save(unit, desk)
            return refusal
        if not fresh:
            return run
        _acted(desk, word.by)
        after = approved(desk, run, word.by, step=step.id if step else None, note=word.note)
        if run.status is RunStatus.PROPOSED and after.status is RunStatus.RUNNING:
            after = await self._begun(unit, desk, after, alerts)
        return await self._saved(unit, desk, after)

    async def _say(self, word: Word, once: str | None, say: Callable[[Desk, Run], Run]) -> Run:
        """What any person of the catalog may say, at once."""

        async def work(unit: Unit) -> Run:
            desk, _, run = await self._of(unit, word)
            if once is not None and not await unit.board.clicked(once, desk.incident.id):
                return run
            may_ask(word.by, desk.estate)
            after = say(desk, run)
            _acted(desk, word.by)
            return await self._saved(unit, desk, after)

        return await self._attempt(work)

    async def _of(self, unit: Unit, word: Word) -> tuple[Desk, Alerts, Run]:
        """The run with its incident, which is locked first."""
        desk, alerts = await self._desk(unit, await unit.runs.incident_of(word.run))
        return desk, alerts, await unit.runs.one(word.run)

    async def _desk(self, unit: Unit, incident: str) -> tuple[Desk, Alerts]:
        found, alerts = await unit.board.incident(incident)
        return Desk(found, self._estate(), unit.now, await unit.board.unreachable()), alerts

    async def _begun(self, unit: Unit, desk: Desk, run: Run, alerts: Alerts) -> Run:
        """Evidence of how things stood is kept with the start, before anything is changed."""
        snapshot = evidence(run, desk.before, alerts.values(), desk.estate.system(run.system))
        digest = await unit.runs.keep(run.id, snapshot)
        text = f"Evidence of how everything stood is kept before {run.id} changes anything: {digest}"
        desk.tell(FactKind.EVIDENCE_KEPT, text, run=run.id, hash=digest)
        return replace(run, evidence=digest)

    async def _saved(self, unit: Unit, desk: Desk, run: Run) -> Run:
        saved = await unit.runs.save(run)
        await _save(unit, desk)
        return saved


async def _alone(unit: Unit, plan: Plan) -> None:
    other = await unit.runs.active_at((plan.system, plan.environment))
    if other is not None:
        raise NotAllowed("one_runs", f"{other} is changing {plan.system} just now: wait for its end, or cancel it")


async def _save(unit: Unit, desk: Desk) -> None:
    incident, facts, effects = desk.close()
    await unit.board.save([Decision(incidents=(incident,), facts=tuple(facts), effects=tuple(effects))], {})


def _acted(desk: Desk, by: Actor) -> None:
    """Somebody takes part: a responder, from whom a word was heard."""
    desk.change(touched_at=desk.now, responders=tuple(dict.fromkeys((*desk.incident.responders, by.id))))


def _proposal(asked: RunRequest, plan: Plan, unit: Unit) -> Run:
    return Run(
        id="",
        incident=plan.incident,
        system=plan.system,
        environment=plan.environment,
        plan=plan,
        status=RunStatus.PROPOSED,
        requested_by=asked.by,
        requested_at=unit.now,
        note=asked.note,
        expires_at=unit.now + plan.approval.within if plan.approval else None,
        warned=asked.by.id if plan.warning and asked.warned else None,
        steps=tuple(StepRun(id=step.id) for step in plan.steps),
    )


async def expire_due(store: Store, estate: Estate, made: Callable[[Iterable[str]], None]) -> int:
    """End the proposals that nobody has approved in time; how many those were."""
    async with store.unit(Turn.PAGES) as unit:
        due = await unit.runs.expired(_AT_ONCE)
    done = 0
    for run, incident in due:
        async with store.unit(Turn.PAGES) as unit:
            found, _ = await unit.board.incident(incident)
            proposal = await unit.runs.one(run)
            if proposal.status is not RunStatus.PROPOSED or (proposal.expires_at or unit.now) > unit.now:
                continue  # somebody approved or ended it just now
            desk = Desk(found, estate, unit.now, await unit.board.unreachable())
            await unit.runs.save(expired(desk, proposal))
            await _save(unit, desk)
            done += 1
        made(unit.board.channels)
    return done
