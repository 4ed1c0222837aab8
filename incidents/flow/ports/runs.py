"""Runs: what people ask of them, what they read, and how one is kept and leased inside a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from incidents.core.fact import Actor
from incidents.core.plan import Plan
from incidents.core.run import Run, RunStatus
from incidents.flow.ports.board import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Which runbook for which incident; a parameter that is not given has the runbook's or the system's default."""

    incident: str
    runbook: str
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A person asks for a run; `plan` is the hash that they have seen, where they have seen one."""

    wanted: PlanRequest
    by: Actor
    plan: str | None = None
    note: str = ""
    warned: bool = False  # the plan's warning was read and answered with yes


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says about a run: to approve, reject or cancel it, or what came of a step."""

    run: str
    by: Actor
    plan: str | None = None  # approve: the hash that they have seen
    warned: bool = False  # approve: the plan's warning was read and answered with yes
    step: str | None = None  # answer: of which step
    answer: str | None = None  # answer: done, failed, retry, or the name of a choice
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Filters of the list of runs; several values of one filter mean any of them."""

    incident: str | None = None
    status: tuple[RunStatus, ...] = ()
    system: tuple[str, ...] = ()
    runbook: tuple[str, ...] = ()
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How the runs of a runbook ended so far."""

    runs: int  # that ended after they had begun
    succeeded: int
    median: timedelta | None  # from start to success


class RunReader(Protocol):
    """The read side of runs."""

    async def runs(self, query: RunQuery) -> tuple[Sequence[Run], str | None]:
        """Newest first, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        ...

    async def run(self, run: str) -> Run:
        """One run whole, or NotFound."""
        ...

    async def evidence(self, run: str) -> tuple[str, bytes]:
        """The evidence that was kept before a run changed anything: its hash and its canonical JSON; NotFound."""
        ...

    async def outcomes(self, runbooks: Sequence[str]) -> dict[str, Outcomes]: ...


class RunDesk(Protocol):
    """One function for each thing that a person does to a run, behind Slack, web, API and CLI.

    Each raises NotFound, StoreAway, or NotAllowed with a code: no_connection, target (its answer to a question),
    template, parameter, not_runnable, closed, changed (the plan is another by now), same_person, no_role, no_person,
    expired, one_runs (another run at the system), warning (must be answered), already_done, not_allowed.
    """

    async def plan(self, wanted: PlanRequest) -> Plan:
        """What would be done, with the targets asked what is there now; nothing is changed or kept."""
        ...

    async def request(self, asked: RunRequest, *, once: str | None = None) -> Run: ...

    async def approve(self, word: Word, *, once: str | None = None) -> Run: ...

    async def reject(self, word: Word, *, once: str | None = None) -> Run: ...

    async def cancel(self, word: Word, *, once: str | None = None) -> Run: ...

    async def answer(self, word: Word, *, once: str | None = None) -> Run: ...


class RunsUnit(Protocol):
    """Runs inside one transaction. Whoever locks an incident and a run locks the incident first."""

    async def add(self, run: Run) -> Run:
        """Keep a new one; it comes back with its id."""
        ...

    async def one(self, run: str) -> Run:
        """Lock one and load it, or raise NotFound."""
        ...

    async def incident_of(self, run: str) -> str:
        """The incident of a run, which is to be locked before it; NotFound."""
        ...

    async def save(self, run: Run, *, lease: str | None = None, hold: timedelta | None = None) -> Run:
        """Save it at its next version; Stale when it is not as it was read, or the lease is another's by now.

        Stale too where another run at the same system became active first. The lease is given back, unless it is to be
        held for so long again.
        """
        ...

    async def active_at(self, place: Place) -> str | None:
        """The run that is active at a system and environment."""
        ...

    async def of(self, incident: str) -> list[Run]:
        """Every run of an incident that is not over, locked."""
        ...

    async def claim(self, *, limit: int, lease: timedelta) -> list[tuple[Run, str]]:
        """Lease the runs that are ready and that nobody holds, each with its fencing token."""
        ...

    async def expired(self, limit: int) -> list[tuple[str, str]]:
        """(run, incident) of the proposals that nobody approved in time."""
        ...

    async def keep(self, run: str, evidence: object) -> str:
        """Keep a snapshot of evidence for a run; its hash."""
        ...
