"""One step of a plan, with every value filled in: what is asked of which target, and how it is taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from incidents.core.system import Role

ANSWERED_WITHIN = timedelta(seconds=30)  # by a target, where the runbook says nothing
APPROVED_WITHIN = timedelta(minutes=30)  # the longest that an incident can wait for a second person


class StepType(StrEnum):
    MANUAL = "manual"  # a person does it and says so
    HTTP = "http"  # one request to a target
    APPROVE = "approve"  # a second person agrees before it goes on
    WAIT = "wait"  # time passes
    VERIFY = "verify"  # the metric that fired says whether it helped
    NOTIFY = "notify"  # one line in the incident's channel
    DECISION = "decision"  # a person chooses how to go on


class Method(StrEnum):
    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request to a connection of the settings; it holds no secret."""

    connection: str  # by name: base address, credentials and limits are the operator's
    method: Method = Method.GET
    path: str = "/"  # below the connection's base address; values in it are percent-encoded
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: object = None  # a JSON value; None: no body


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What an answer must look like to count as done."""

    status: tuple[int, ...] = ()  # empty: any 2xx
    fields: tuple[tuple[str, object], ...] = ()  # (JSON pointer of RFC 6901, the value that stands there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that changes nothing, and what is kept of its answer."""

    request: Request
    expect: Expectation = Expectation()
    keep: tuple[tuple[str, str], ...] = ()  # (name, JSON pointer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How a step is taken back."""

    request: Request
    expect: Expectation = Expectation()
    idempotent: bool = True  # it sets the state that was before: twice is once


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Whose word a plan needs."""

    roles: tuple[Role, ...] = ()  # empty: any owner of the system
    people: int = 1  # so many different ones, none of them the one who asked
    within: timedelta = APPROVED_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to go on after a decision."""

    name: str
    title: str
    goto: str | None = None  # the id of a later step; None: the next one


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    id: str
    title: str
    type: StepType
    text: str = ""  # what a person is asked to do or to decide, or what is told
    request: Request | None = None  # http
    expect: Expectation = Expectation()  # http
    prior: Mapping[str, object] = field(default_factory=dict)  # what the target said before, by name
    look: Question | None = None  # how that was read, and is read again just before the step
    status: Question | None = None  # http: how the target is asked whether it was done
    undo: Undo | None = None
    irreversible: bool = False  # it changes something, and cannot be taken back
    idempotent: bool = False  # sent twice is done once: the target knows the Idempotency-Key, or it sets a state
    retries: int = 0  # only of what is idempotent, or was surely not done
    delay: timedelta = timedelta(seconds=5)  # between two tries
    timeout: timedelta = ANSWERED_WITHIN  # for an answer; of a manual step or a decision: until it is asked about
    on_failure: str = "abort"  # abort, continue, or the id of a later step
    role: Role | None = None  # manual, decision: whose it is
    approval: Approval | None = None  # approve
    wait: timedelta | None = None  # wait
    choices: tuple[Choice, ...] = ()  # decision

    @property
    def changes(self) -> bool:
        """Whether it changes something outside."""
        return self.type is StepType.HTTP and self.request is not None and self.request.method is not Method.GET
