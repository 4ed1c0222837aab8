"""The incident: its lifecycle as a table, and what a person may do to it.

Status says where the response stands. How bad it is (severity), who is being asked (paging) and what is wrong
(alerts) are told beside it, each by its own machine; status never encodes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from incidents.core.errors import NotAllowed
from incidents.core.severity import Severity
from incidents.core.system import Role

LONGEST_SNOOZE = timedelta(days=1)  # a day: what can wait longer is not acknowledged trouble but work to be planned


class Status(StrEnum):
    TRIGGERED = "triggered"  # open, and nobody has it
    ACKNOWLEDGED = "acknowledged"  # a responder has it
    MITIGATED = "mitigated"  # users are no longer hurt
    RESOLVED = "resolved"  # the cause is gone
    CLOSED = "closed"  # the paperwork is done; read-only


class Action(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    SNOOZE = "snooze"
    HAND_OVER = "hand_over"
    MITIGATE = "mitigate"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"
    NOTE = "note"
    ASSIGN = "assign"
    SEVERITY = "severity"
    WAIVE = "waive"
    MERGE = "merge"


class Resolution(StrEnum):
    """Why an incident was resolved."""

    FIXED = "fixed"
    FALSE_POSITIVE = "false_positive"
    MONITOR_FAULT = "monitor_fault"
    DUPLICATE = "duplicate"
    PLANNED = "planned"
    ACCEPTED = "accepted"


def _while(status: Status) -> dict[Action, Status]:
    """The actions that leave the status as it is, allowed until the incident is closed."""
    stays = (Action.NOTE, Action.ASSIGN, Action.SEVERITY, Action.WAIVE)
    return dict.fromkeys(stays, status) | {Action.MERGE: Status.RESOLVED}


NEXT: Mapping[Status, Mapping[Action, Status]] = MappingProxyType(
    {
        Status.TRIGGERED: MappingProxyType(
            {
                Action.ACKNOWLEDGE: Status.ACKNOWLEDGED,
                Action.ESCALATE: Status.TRIGGERED,
                Action.SNOOZE: Status.ACKNOWLEDGED,
                Action.HAND_OVER: Status.TRIGGERED,
                Action.MITIGATE: Status.MITIGATED,
                Action.RESOLVE: Status.RESOLVED,
                **_while(Status.TRIGGERED),
            }
        ),
        Status.ACKNOWLEDGED: MappingProxyType(
            {
                Action.ESCALATE: Status.TRIGGERED,  # by a person who needs help, or after an hour of silence
                Action.SNOOZE: Status.ACKNOWLEDGED,
                Action.HAND_OVER: Status.TRIGGERED,
                Action.MITIGATE: Status.MITIGATED,
                Action.RESOLVE: Status.RESOLVED,
                **_while(Status.ACKNOWLEDGED),
            }
        ),
        Status.MITIGATED: MappingProxyType(
            {Action.REOPEN: Status.TRIGGERED, Action.RESOLVE: Status.RESOLVED, **_while(Status.MITIGATED)}
        ),
        Status.RESOLVED: MappingProxyType(
            {Action.REOPEN: Status.TRIGGERED, Action.CLOSE: Status.CLOSED, **_while(Status.RESOLVED)}
        ),
        Status.CLOSED: MappingProxyType({}),
    }
)

UNRESOLVED = frozenset({Status.TRIGGERED, Status.ACKNOWLEDGED, Status.MITIGATED})
_DONE = {
    Action.ACKNOWLEDGE: Status.ACKNOWLEDGED,
    Action.MITIGATE: Status.MITIGATED,
    Action.RESOLVE: Status.RESOLVED,
    Action.CLOSE: Status.CLOSED,
}


def after(status: Status, action: Action) -> Status:
    """The status that `action` leads to, or NotAllowed (`already_done`, `closed` or `not_allowed`)."""
    found = NEXT[status].get(action)
    if found is not None:
        return found
    if _DONE.get(action) is status:
        raise NotAllowed("already_done", f"the incident is already {status}")
    if status is Status.CLOSED:
        raise NotAllowed("closed", "the incident is closed and read-only")
    raise NotAllowed("not_allowed", f"cannot {action} an incident that is {status}")


def allowed(status: Status) -> tuple[Action, ...]:
    """What may be done to an incident of this status, in the order of the buttons."""
    return tuple(action for action in Action if action in NEXT[status])


_SHOWN = frozenset({Action.ESCALATE, Action.SNOOZE, Action.HAND_OVER})  # they matter also where the status stays


def draw() -> str:
    """The table as a Mermaid state diagram; the README's diagram is this text."""
    lines = ["stateDiagram-v2", "    [*] --> triggered"]
    for status, moves in NEXT.items():
        by_target: dict[Status, list[str]] = {}
        for action, target in moves.items():
            if target is not status or action in _SHOWN:
                by_target.setdefault(target, []).append(action)
        lines += [f"    {status} --> {target}: {', '.join(actions)}" for target, actions in by_target.items()]
    return "\n".join([*lines, f"    {Status.CLOSED} --> [*]"])


class Held(StrEnum):
    """Why nobody further is asked for now."""

    CALM = "calm"  # the latest telling of every alert is good
    FLAPPING = "flapping"  # one page for the episode
    SILENCED = "silenced"  # every alert that burns is muted


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One person who was asked in the present round."""

    level: int
    person: str
    at: datetime
    schedule: str | None = None  # whose turn on it was the reason
    until: datetime | None = None  # when that turn ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Where the escalation ladder stands. Levels are computed from these times, never chained jobs."""

    round: int = 0  # 0: nobody was ever asked
    run: int = 0  # how often the ladder was run again in this episode
    clock_at: datetime | None = None  # when the patience of `level` began; None: nobody is to be asked
    level: int = 0  # the level that `clock_at` belongs to
    asked: tuple[Asked, ...] = ()
    why: str = ""  # why this round began
    by_day: bool = False  # old news: waits for working hours whatever the severity
    gave_up: bool = False  # the last run went by unanswered
    wanted: bool = False  # a person asked for this round: nothing but their word or a later silence holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """Who is asked before everybody else, and has not answered yet."""

    to: str  # person ids
    by: str
    note: str = ""  # hostile text
    snoozed: bool = False  # nobody handed it over: it is theirs, and the time for which they snoozed it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another incident that this one has to do with."""

    incident: str
    # "older", "newer", "recurrence_of", "merged_into", "merged_from", "duplicate_of", "depends_on", or "unfinished":
    # it has the same cause, and follow-ups that are not done.
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A release before the trouble, and what to roll back to."""

    kind: str
    name: str
    version: str
    previous: str | None = None
    deployed_at: datetime | None = None
    by: str | None = None
    url: str | None = None
    announced: bool = True
    evident: bool = True  # False: the first version ever met, which may have run for long
    back: bool = False  # it goes back to a version that ran before
    taken_back_at: datetime | None = None  # when the version before it was put back


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Trouble that people respond to; it holds alerts. The row is guarded by its lock and counted by `version`."""

    id: str
    system: str
    environment: str
    title: str
    status: Status
    severity: Severity
    severity_why: str
    policy_version: str
    opened_at: datetime
    kinds: tuple[str, ...] = ()
    drift_kinds: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()  # the first owner's role of each kind: level 0 of the ladder
    gathering: bool = True
    registered: bool = True
    assignee: str | None = None
    responders: tuple[str, ...] = ()  # people who acted
    touched_at: datetime | None = None  # the last fact by a person
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None  # when whoever has it is asked again
    handed: Handed | None = None  # who is asked first
    mitigated_at: datetime | None = None
    verified_at: datetime | None = None  # every alert clear since
    resolved_at: datetime | None = None
    resolution: Resolution | None = None
    closed_at: datetime | None = None
    last_change: Change | None = None  # what changed before it
    shifted: bool = False  # +1 given for two kinds after one release
    folding_since: datetime | None = None  # the minute whose new alerts are counted
    folded: int = 0  # new alerts in that minute
    began: tuple[tuple[str, datetime], ...] = ()  # (kind, when it first went out of limit)
    held_at: datetime | None = None  # since when it is held
    held: Held | None = None  # why the ladder stands still although nobody has answered
    ownerless: bool = False  # nobody in the catalog could be asked
    skipped: tuple[str, ...] = ()  # who was skipped and why, told once each
    related: tuple[Related, ...] = ()
    causes: tuple[str, ...] = ()  # what its alerts have shown to be behind it, by which it is known again
    runbooks: tuple[tuple[str, str], ...] = ()  # (runbook id, why it fits), closest first
    paging: Paging = Paging()
    wake_at: datetime | None = None  # when time alone may change something
    version: int = 0
    head_seq: int = 0
    head_hash: str = ""

    @property
    def handed_to(self) -> str | None:
        return self.handed.to if self.handed and not self.handed.snoozed else None
