"""What people see of an incident, as data: every channel renders the same briefing with its own escape."""

from dataclasses import dataclass
from datetime import datetime

from incidents.core.incident import Action, Status
from incidents.core.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One labelled line: `label` is ours, `text` may hold words from events and is hostile."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookLink:
    id: str
    title: str
    url: str
    why: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """The first 100 characters of `headline` say it all: severity, system, what and how bad."""

    incident: str  # INC-1
    url: str
    headline: str
    title: str
    status: Status
    severity: Severity
    system: str  # the system's title
    environment: str
    opened_at: datetime
    lines: tuple[Line, ...]  # what, since, changed before, cost, severity arithmetic, who is next
    runbooks: tuple[RunbookLink, ...] = ()
    actions: tuple[Action, ...] = ()  # what is allowed now, in the order of the buttons
    version: int = 0
