"""What one transaction writes about one run: how it and its steps move by their tables, and what is told of that."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from incidents.core.desk import Desk
from incidents.core.effect import Effect, EffectKind
from incidents.core.errors import NotAllowed
from incidents.core.fact import SYSTEM, Actor, FactKind
from incidents.core.incident import UNRESOLVED, Status
from incidents.core.people import Person
from incidents.core.run import STEP_NEXT, Run, RunStatus, StepRun, StepState, moved
from incidents.core.step import Step

PASSED = frozenset({StepState.DONE, StepState.FAILED, StepState.SKIPPED})  # a running run has left these behind
_ENDS = {
    RunStatus.SUCCEEDED: FactKind.RUN_SUCCEEDED,
    RunStatus.FAILED: FactKind.RUN_FAILED,
    RunStatus.UNDONE: FactKind.UNDONE,
    RunStatus.UNDO_FAILED: FactKind.UNDO_FAILED,
    RunStatus.CANCELLED: FactKind.RUN_CANCELLED,
    RunStatus.REJECTED: FactKind.RUN_REJECTED,
    RunStatus.EXPIRED: FactKind.RUN_EXPIRED,
}
_TITLES = 5  # steps named in one line


class Course:
    """A run on the desk of its incident; `run` is what is saved."""

    def __init__(self, desk: Desk, run: Run) -> None:
        self.desk, self.run = desk, run

    @property
    def now(self) -> datetime:
        return self.desk.now

    def change(self, **values: object) -> None:
        """Set fields of the run."""
        self.run = replace(self.run, **values)  # type: ignore[arg-type]

    def of(self, id_: str) -> tuple[Step, StepRun]:
        """A step with how it stands, or NotAllowed."""
        step, standing = self.run.plan.step(id_), self.run.step(id_)
        if step is None or standing is None:
            raise NotAllowed("no_step", f"{self.run.id} has no step {id_}")
        return step, standing

    def note(self, step: Step, **values: object) -> None:
        """Set fields of a step whose state stays."""
        noted = (
            replace(each, **values) if each.id == step.id else each  # type: ignore[arg-type]
            for each in self.run.steps
        )
        self.change(steps=tuple(noted))

    def move(self, step: Step, to: StepState, **values: object) -> None:
        """Bring a step to another state, or NotAllowed where the table has no such move."""
        was = self.of(step.id)[1].state
        if to not in STEP_NEXT[was]:
            raise NotAllowed("not_allowed", f"{step.title} is {was.replace('_', ' ')}")
        self.note(step, state=to, **values)

    def tell(self, kind: FactKind, text: str, step: Step | None = None, *, by: Actor = SYSTEM, **data: object) -> None:
        """Put it on the incident's timeline."""
        named = {"run": self.run.id, **({"step": step.id} if step else {}), **data}
        self.desk.tell(kind, text, by=by, **named)

    def post(self, text: str) -> None:
        self.desk.post(f"{self.run.id}: {text}")

    def notice(self, step: Step, to: Iterable[Person], title: str, text: str, key: str) -> None:
        """Tell people one by one that a step waits for them, with the way to the run's page; once for each key."""
        estate = self.desk.estate
        for person in to:
            told = {"title": title, "text": text, "path": f"/runs/{self.run.id}", "run": self.run.id, "step": step.id}
            effect = Effect(
                key=f"notice:{self.run.id}:{step.id}:{key}:{person.id}",
                kind=EffectKind.NOTICE,
                channel=estate.page_channel(person),
                incident=None,
                due_at=self.now,
                target=person.id,
                data=told,
            )
            self.desk.effects.append(effect)

    # --- steps --------------------------------------------------------------------------------------------------------

    def done(self, step: Step, said: str, *, by: Actor = SYSTEM, touched: bool = False, **data: object) -> None:
        """It is as it should be: the run goes on."""
        touched = touched or self.of(step.id)[1].touched
        self.move(step, StepState.DONE, ended_at=self.now, until=None, said=said, touched=touched)
        self.tell(FactKind.STEP_DONE, f"{step.title}: {said}", step, by=by, **data)

    def failed(self, step: Step, why: str, *, by: Actor = SYSTEM, touched: bool = False) -> None:
        """It is not as it should be: taken back, left behind, or another way is taken, as the plan says."""
        touched = touched or self.of(step.id)[1].touched
        self.move(step, StepState.FAILED, ended_at=self.now, until=None, said=why, touched=touched)
        self.tell(FactKind.STEP_FAILED, f"{step.title}: {why}", step, by=by)
        if self.run.status is not RunStatus.RUNNING or step.on_failure == "continue":
            return
        if step.on_failure == "abort":
            self.give_up(f"{step.title}: {why}")
        else:
            self.jump(step, step.on_failure)

    def jump(self, step: Step, to: str | None) -> None:
        """Go on at a later step; those between are left out."""
        ids = [each.id for each in self.run.plan.steps]
        if to is None or to not in ids:
            return
        self._skip(ids[ids.index(step.id) + 1 : ids.index(to)])

    def _skip(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            step, standing = self.of(id_)
            if standing.state in {StepState.PENDING, StepState.WAITING}:
                self.move(step, StepState.SKIPPED, ended_at=self.now, until=None)

    # --- the run ------------------------------------------------------------------------------------------------------

    @property
    def changed(self) -> tuple[Step, ...]:
        """The steps that may have changed a target and were not taken back, the last first."""
        left = {each.id for each in self.run.steps if each.touched and each.state is not StepState.UNDONE}
        return tuple(step for step in reversed(self.run.plan.steps) if step.id in left)

    @property
    def undoable(self) -> tuple[Step, ...]:
        """Those of them that say how they are taken back."""
        return tuple(step for step in self.changed if step.undo is not None)

    def give_up(self, why: str) -> None:
        """It did not help: what was changed is taken back, or it ends where nothing can be."""
        if self.undoable:
            self.take_back(why)
        else:
            self.end(RunStatus.FAILED, f"{why}. {self.left()}")

    def left(self) -> str:
        """What stays as the run made it, in words."""
        if not self.changed:
            return "Nothing was changed"
        return f"Changed, and not taken back: {titles(self.changed)}"

    def take_back(self, why: str, *, by: Actor = SYSTEM) -> None:
        """No further step: what was changed is taken back in reverse order."""
        self.change(status=moved(self.run.status, RunStatus.UNDOING), why=why, ready_at=self.now)
        self._skip([each.id for each in self.run.steps])
        text = f"{self.run.id} is taken back: {why}"
        self.tell(FactKind.UNDO_BEGUN, text, by=by, steps=[step.id for step in self.undoable])
        self.desk.post(text)

    def end(self, status: RunStatus, why: str, *, by: Actor = SYSTEM) -> None:
        """It is over; who has the incident is asked again where it did not help."""
        self._skip([each.id for each in self.run.steps])
        self.change(status=moved(self.run.status, status), why=why, ended_at=self.now, ready_at=None, expires_at=None)
        text = f"{self.run.id} {status.replace('_', ' ')}: {why}"
        self.tell(_ENDS[status], text, by=by, runbook=self.run.plan.runbook)
        self.desk.post(text)
        if status is RunStatus.UNDO_FAILED:
            self._worse(text)
        elif status in {RunStatus.FAILED, RunStatus.UNDONE} and self.run.cancelled_by is None:
            if status is RunStatus.UNDONE and self.desk.incident.status is Status.RESOLVED:
                self._reopen(text)  # what it was resolved by is taken away again
            self.ask(text)

    def ask(self, why: str) -> None:
        """Page people anew, whatever the alerts say meanwhile; one that is closed stays so."""
        status = self.desk.incident.status
        if status in UNRESOLVED:
            self.desk.change(held=None, held_at=None, mitigated_at=None, verified_at=None)
            self.desk.ask(why, wanted=True)

    def _reopen(self, why: str) -> None:
        """It gathers no alerts, for another incident of the system may by now."""
        self.desk.reopen(why, gathers=False)

    def _worse(self, why: str) -> None:
        """A target is in a state that nobody wanted: one level worse, and people are paged for that alone."""
        desk, was = self.desk, self.desk.incident.severity
        if desk.incident.status is Status.RESOLVED:
            self._reopen(why)
        if desk.incident.status in UNRESOLVED:
            desk.raise_to(was.raised(), why)
            self.ask(why)


def titles(steps: Iterable[Step]) -> str:
    """Some steps by their titles."""
    named = [step.title for step in steps]
    more = f" and {len(named) - _TITLES} more" if len(named) > _TITLES else ""
    return ", ".join(named[:_TITLES]) + more
