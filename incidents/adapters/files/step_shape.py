"""What a machine step of a runbook may hold: the keys of a fence that is marked `yaml step`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from incidents.adapters.files.shape import (
    Duration,
    Entry,
    HeaderName,
    Name,
    ParameterName,
    Pointer,
    Slug,
    StepName,
    Text,
    one_or_more,
    refused,
    written,
)
from incidents.core.step import Method, StepType
from incidents.core.system import Role

_ANY = WithJsonSchema({"type": ["string", "number", "boolean", "null", "object", "array"]})


@dataclass(frozen=True, slots=True)
class Json:
    """A value that is passed on as it is, with its types."""

    value: object


def _unpacked(given: object) -> object:
    return given.value if isinstance(given, Json) else given


def _truth(given: object) -> object:
    if isinstance(given, bool) or given in ("true", "false"):
        return given in (True, "true")
    raise refused(f'must be true or false, not "{str(given)[:60]}"')


def _lasting(least: timedelta, most: timedelta) -> AfterValidator:
    def judged(given: timedelta) -> timedelta:
        if least <= given <= most:
            return given
        raise refused(f"must be between {written(least)} and {written(most)}")

    return AfterValidator(judged)


_SECOND, _MINUTE, _HOUR, _WEEK = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)
Truth = Annotated[bool, BeforeValidator(_truth, json_schema_input_type=bool)]
Value = Annotated[Any, AfterValidator(_unpacked), _ANY]
Template = Annotated[str, Field(max_length=2000)]
Parameter = Annotated[Template, WithJsonSchema({"type": ["string", "number", "boolean"]})]
StatusCode = Annotated[int, Field(ge=100, le=599)]


class RequestEntry(Entry):
    connection: Slug
    """Connection of the settings that it goes to: base address, credentials and limits stand there."""
    method: Method = Method.GET
    """HTTP method."""
    path: Annotated[Template, Field(min_length=1, examples=["/api/items/{{ parameters.item }}"])]
    """Path below the connection's address; values of templates are percent-encoded."""
    query: Annotated[dict[Name, Parameter], Field(max_length=50)] = Field(default_factory=dict)
    """Query parameters by name; values are percent-encoded."""
    headers: Annotated[dict[HeaderName, Parameter], Field(max_length=50)] = Field(default_factory=dict)
    """Headers by name; credentials never stand here, but with the connection."""
    body: Value = None
    """What is sent as JSON; a text that is one `{{ }}` keeps the type of its value."""


class ExpectEntry(Entry):
    status: Annotated[tuple[StatusCode, ...], one_or_more(StatusCode)] = ()
    """Status codes that mean it was done; any 2xx where none are given."""
    fields: Annotated[dict[Pointer, Value], Field(max_length=50)] = Field(default_factory=dict)
    """What must stand in the answer, by JSON pointer."""


class QuestionEntry(Entry):
    request: RequestEntry
    """A request that changes nothing."""
    expect: ExpectEntry = ExpectEntry()
    """What an answer looks like; of `status`, the one that says that the step was done."""
    keep: Annotated[dict[ParameterName, Pointer], Field(max_length=30)] = Field(default_factory=dict)
    """What is kept of the answer, by name: the JSON pointer where it stands. Templates name it `prior.NAME`."""


class UndoEntry(Entry):
    request: RequestEntry
    """The request that takes the step back."""
    expect: ExpectEntry = ExpectEntry()
    """What its answer looks like."""
    idempotent: Truth = True
    """Sent twice it does no more than once."""


class ApprovalEntry(Entry):
    roles: Annotated[tuple[Role, ...], one_or_more(Role)] = ()
    """Owners of the system who may approve; any of them where none are named."""
    people: Annotated[int, Field(ge=1, le=5)] = 1
    """How many must approve, none of them the one who asked."""
    within: Annotated[Duration, _lasting(_MINUTE, 24 * _HOUR)] = timedelta(minutes=30)
    """How long the proposal stands."""


class ChoiceEntry(Entry):
    name: StepName
    """Its name in answers."""
    title: Name
    """What a person reads."""
    goto: StepName | None = None
    """Id of the later step with which it goes on; the next one where none is named."""


class StepEntry(Entry):
    """One machine step: a fence marked `yaml step` in a runbook."""

    model_config = ConfigDict(json_schema_extra={"required": ["id", "title", "type"]})

    id: StepName = ""
    """Id, by which other steps name it."""
    title: Name = ""
    """What it does, in a few words; may hold templates."""
    type: StepType | None = None
    """`manual`: a person does it; `http`: one request; `approve`: a second person agrees; `wait`: time passes;
    `verify`: the metric that fired says whether it helped; `notify`: a line in the channel; `decision`: a person
    chooses."""
    when: Annotated[Template, Field(min_length=1, examples=["{{ parameters.region == 'eu' }}"])] | None = None
    """One `{{ }}` that comes to true or false: false leaves the step out."""
    text: Text | None = None
    """What a person is asked to do or to decide, or what is told; may hold templates."""
    look: QuestionEntry | None = None
    """http: how the state before is read, for the plan and for `undo`; it is read again just before the step."""
    request: RequestEntry | None = None
    """http: what is sent."""
    expect: ExpectEntry = ExpectEntry()
    """http: what its answer looks like where it was done."""
    status: QuestionEntry | None = None
    """http: how the target is asked whether it was done, where the answer was lost."""
    undo: UndoEntry | None = None
    """http: how it is taken back; a step that changes something has this or `irreversible: true`."""
    irreversible: Truth = False
    """http: it changes something and cannot be taken back."""
    idempotent: Truth = False
    """http: sent twice it is done once, as it sets a state or the target knows the Idempotency-Key."""
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    """http: how often it is tried again, where it was surely not done or is idempotent."""
    delay: Annotated[Duration, _lasting(_SECOND, _HOUR)] = timedelta(seconds=5)
    """http: how long it waits before that."""
    timeout: Annotated[Duration, _lasting(_SECOND, _WEEK)] | None = None
    """http: how long an answer is waited for, 30s where it is not said; manual and decision: until it is asked about
    again, 15m where it is not said; verify: until it is inconclusive."""
    on_failure: StepName = "abort"
    """`abort`: undo what was done, and end; `continue`; or the id of a later step."""
    role: Role | None = None
    """manual and decision: the owner of the system whose it is."""
    approval: ApprovalEntry = ApprovalEntry()
    """approve: whose word it needs."""
    wait: Annotated[Duration, _lasting(_SECOND, _WEEK)] | None = None
    """wait: how long."""
    choices: Annotated[tuple[ChoiceEntry, ...], Field(min_length=2, max_length=20)] | None = None
    """decision: the ways to go on."""
