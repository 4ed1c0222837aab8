"""Decides what of a raw message is an event: every mode and spelling of CloudEvents that we take, and why not."""

from dataclasses import dataclass
from enum import StrEnum

from incidents.core.delivery import Delivery
from incidents.core.events import Event

MAX_BODY = 1024 * 1024
MAX_EVENTS = 1_000


class RefusalKind(StrEnum):
    MALFORMED = "malformed"  # not JSON that can be trusted
    INVALID = "invalid"  # a field is wrong
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    EMPTY_BATCH = "empty_batch"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    BAD_HEADERS = "bad_headers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One event that was not taken: which, where, why in plain words; `raw` is its JSON when it came in a batch."""

    index: int
    field: str
    detail: str
    kind: RefusalKind
    raw: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    events: tuple[Event, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    batch: bool = False


def decode(delivery: Delivery) -> Decoded:
    """Every event in the message and every refusal; never raises, whatever the message holds."""
    raise NotImplementedError(delivery)
