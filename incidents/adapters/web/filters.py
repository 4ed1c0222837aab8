"""What a list may be asked for: filters, how many at a time, and where to go on; unknown ones are refused by name."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from incidents.adapters.web.asked import IncidentRef, Name, Words
from incidents.core.alert import AlertState
from incidents.core.difference import SECTIONS
from incidents.core.events import Kind
from incidents.core.finding import Code
from incidents.core.incident import Status
from incidents.core.revision import ChangeKind
from incidents.core.run import RunStatus
from incidents.core.severity import Severity
from incidents.core.silence import SilenceState
from incidents.core.system import Criticality, Lifecycle
from incidents.core.task import TaskKind, TaskState
from incidents.flow.ports import ChangeQuery, IncidentQuery, RunQuery, TaskQuery

Cursor = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")]
LetterState = Literal["open", "replayed", "discarded"]

_WHERE = {"cursor", "limit", "page", "show"}  # in the list, and not what is in it


class Filters(BaseModel):
    """Several values of one filter mean any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def pairs(self) -> list[tuple[str, str]]:
        """The filters that are set, as they stand in an address; where one is in the list does not matter."""
        told = self.model_dump(exclude=_WHERE, exclude_none=True, mode="json")
        return [
            (name, value)
            for name, values in told.items()
            for value in (values if isinstance(values, list) else [values])
            if value
        ]


class Paged(Filters):
    limit: Annotated[int, Field(ge=1, le=200, description="How many at a time.")] = 50
    cursor: Cursor | None = Field(None, description="Where to go on: `next` of the answer before.")


class IncidentFilters(Paged):
    status: list[Status] = []
    severity: list[Severity] = []
    system: list[Name] = Field([], description="Ids of AI systems.")
    environment: list[Name] = []
    kind: list[Kind] = []
    owner: list[Name] = Field([], description="Ids of whoever owns it: people, teams or schedules.")
    q: Words | None = Field(None, description="Words in the title or the system, or the number.")

    def query(self) -> IncidentQuery:
        return IncidentQuery(
            status=tuple(self.status),
            severity=tuple(self.severity),
            system=tuple(self.system),
            environment=tuple(self.environment),
            kind=tuple(self.kind),
            owner=tuple(self.owner),
            q=self.q or None,
            limit=self.limit,
            cursor=self.cursor,
        )


class AlertFilters(Paged):
    state: list[AlertState] = []


class AuditFilters(Filters):
    code: list[Code] = Field([], description="What is wanting.")
    system: list[Name] = Field([], description="Ids of AI systems.")
    criticality: list[Criticality] = []


def _filled(values: object) -> object:
    """Forms send a choice that was not made as an empty one."""
    return [value for value in values if value != ""] if isinstance(values, list) else values


_Filled = BeforeValidator(_filled)


class SystemChoice(Filters):
    lifecycle: Annotated[list[Lifecycle], _Filled] = Field([], description="Only of systems in the catalog.")
    criticality: Annotated[list[Criticality], _Filled] = Field([], description="Medium where nobody has said it.")
    owner: Annotated[list[Name], _Filled] = Field(
        [], description="Ids of people, teams or schedules; a person owns also through teams and turns."
    )
    q: Words | None = Field(None, description="Words in the id, title, aliases, vendor, model or justification.")


class SystemFilters(SystemChoice):
    limit: Annotated[int, Field(ge=1, le=200)] | None = Field(None, description="How many at a time; without it, all.")
    cursor: Cursor | None = Field(None, description="Where to go on: `next` of the answer before.")


class SystemPageFilters(SystemChoice):
    page: Annotated[int, Field(ge=1, le=10_000)] = 1


class LetterFilters(Paged):
    state: list[LetterState] = []


class SilenceFilters(Paged):
    state: list[SilenceState] = []


class RunFilters(Paged):
    incident: IncidentRef | None = Field(None, description="Of this incident.")
    status: list[RunStatus] = []
    system: list[Name] = Field([], description="Ids of AI systems.")
    runbook: list[Name] = Field([], description="Ids of runbooks.")

    def query(self) -> RunQuery:
        return RunQuery(
            incident=self.incident,
            status=tuple(self.status),
            system=tuple(self.system),
            runbook=tuple(self.runbook),
            limit=self.limit,
            cursor=self.cursor,
        )


class TaskFilters(Paged):
    owner: list[Name] = Field([], description="Ids of people.")
    state: list[TaskState] = []
    kind: list[TaskKind] = []
    system: list[Name] = Field([], description="Ids of AI systems.")
    incident: IncidentRef | None = None
    overdue: bool = Field(default=False, description="Only those that are open and whose time is over.")

    def query(self) -> TaskQuery:
        return TaskQuery(
            owner=tuple(self.owner),
            state=tuple(self.state),
            kind=tuple(self.kind),
            system=tuple(self.system),
            incident=self.incident,
            overdue=self.overdue,
            limit=self.limit,
            cursor=self.cursor,
        )


_SECTIONS = f"One of {', '.join(SECTIONS)}."


def _known(section: str) -> str:
    if section and section not in SECTIONS:
        raise PydanticCustomError("section", f"should be one of {', '.join(SECTIONS)}")
    return section


class CatalogFilters(Paged):
    """An empty one is none, as forms send it."""

    section: Annotated[Words, AfterValidator(_known)] | None = Field(None, description=_SECTIONS)
    entry: Words | None = Field(None, description="The id of an entry.")
    kind: ChangeKind | Literal[""] | None = None
    revision: Annotated[int, Field(ge=1, le=10**15)] | None = None

    def query(self) -> ChangeQuery:
        return ChangeQuery(
            section=self.section or None,
            entry=self.entry or None,
            kind=self.kind or None,
            revision=self.revision,
            limit=self.limit,
            cursor=self.cursor,
        )
