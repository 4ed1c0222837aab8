"""A run: one plan being carried out; what may follow what is a table, for the run and for each of its steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from incidents.core.errors import NotAllowed
from incidents.core.fact import Actor
from incidents.core.plan import Plan


class RunStatus(StrEnum):
    PROPOSED = "proposed"  # waits for the approval of a second person
    RUNNING = "running"
    UNDOING = "undoing"  # it did not help, or was cancelled: taken back in reverse order
    SUCCEEDED = "succeeded"  # every step done, and verified where the plan says so
    UNDONE = "undone"
    FAILED = "failed"  # it ended, and nothing was changed or could be taken back
    UNDO_FAILED = "undo_failed"  # the target is in a state that a person must look at
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody approved in time
    CANCELLED = "cancelled"


NEXT: Mapping[RunStatus, frozenset[RunStatus]] = MappingProxyType(
    {
        RunStatus.PROPOSED: frozenset({RunStatus.RUNNING, RunStatus.REJECTED, RunStatus.EXPIRED, RunStatus.CANCELLED}),
        RunStatus.RUNNING: frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.UNDOING}),
        RunStatus.UNDOING: frozenset({RunStatus.UNDONE, RunStatus.UNDO_FAILED, RunStatus.FAILED, RunStatus.CANCELLED}),
        RunStatus.SUCCEEDED: frozenset(),
        RunStatus.UNDONE: frozenset(),
        RunStatus.FAILED: frozenset(),
        RunStatus.UNDO_FAILED: frozenset(),
        RunStatus.REJECTED: frozenset(),
        RunStatus.EXPIRED: frozenset(),
        RunStatus.CANCELLED: frozenset(),
    }
)
ACTIVE = frozenset({RunStatus.RUNNING, RunStatus.UNDOING})  # one of them at a time for each system
OPEN = ACTIVE | {RunStatus.PROPOSED}


class StepState(StrEnum):
    PENDING = "pending"
    DOING = "doing"  # written down before the request is sent
    WAITING = "waiting"  # for a person, for time, or for the metric
    UNKNOWN = "unknown"  # sent, and nobody knows whether it was done
    DONE = "done"
    FAILED = "failed"  # surely not done, or not as expected
    SKIPPED = "skipped"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"


STEP_NEXT: Mapping[StepState, frozenset[StepState]] = MappingProxyType(
    {
        StepState.PENDING: frozenset(
            {StepState.DOING, StepState.WAITING, StepState.DONE, StepState.FAILED, StepState.SKIPPED}
        ),
        StepState.DOING: frozenset({StepState.DONE, StepState.FAILED, StepState.UNKNOWN, StepState.PENDING}),
        StepState.WAITING: frozenset({StepState.DONE, StepState.FAILED, StepState.SKIPPED}),
        StepState.UNKNOWN: frozenset({StepState.DONE, StepState.FAILED, StepState.PENDING, StepState.UNDOING}),
        StepState.DONE: frozenset({StepState.UNDOING}),
        StepState.FAILED: frozenset({StepState.UNDOING}),  # where it may have changed something all the same
        StepState.SKIPPED: frozenset(),
        StepState.UNDOING: frozenset({StepState.UNDONE, StepState.UNDO_FAILED}),
        StepState.UNDONE: frozenset(),
        StepState.UNDO_FAILED: frozenset(),
    }
)


def moved(was: RunStatus, to: RunStatus) -> RunStatus:
    """`to`, or NotAllowed where the table has no such move."""
    if to in NEXT[was]:
        return to
    raise NotAllowed("already_done" if was is to else "not_allowed", f"the run is {was.replace('_', ' ')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """How one step stands; `touched` where the target may have been changed by it."""

    id: str
    state: StepState = StepState.PENDING
    touched: bool = False
    attempts: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    asked: int = 0  # how often the target was asked about it, or a person reminded
    undos: int = 0  # how often its undo was sent
    until: datetime | None = None  # when it is looked at next; None while a request is out, or a person must answer
    said: str = ""  # what came of it, in words; hostile text of a target is cut and carries no secret
    by: str | None = None  # who answered it


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """One person's word for the plan of this hash."""

    by: str  # a person id
    at: datetime
    plan: str
    step: str | None = None  # of a step of type approve; None: of the whole plan
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    id: str  # RUN-1
    incident: str
    system: str
    environment: str
    plan: Plan
    status: RunStatus
    requested_by: Actor
    requested_at: datetime
    note: str = ""  # why it was asked for; hostile text
    expires_at: datetime | None = None  # of a proposal
    approvals: tuple[Approved, ...] = ()
    warned: str | None = None  # who answered the plan's warning
    evidence: str | None = None  # hash of the snapshot that was kept before anything was changed
    steps: tuple[StepRun, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ready_at: datetime | None = None  # when the engine looks at it next; None: it waits for a person, or is over
    why: str = ""  # why it ended as it did, or is being taken back
    cancelled_by: str | None = None  # a person id: it is being taken back because they want it so
    version: int = 0

    @property
    def hash(self) -> str:
        """What an approval must name."""
        return self.plan.hash

    def step(self, id_: str) -> StepRun | None:
        return next((step for step in self.steps if step.id == id_), None)
