"""Why something that came in was not taken, in words that its sender can act on."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_PATH = 200


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
    """One event that was not taken; `raw` is its JSON as it came when its neighbours in a batch were taken."""

    index: int
    field: str
    detail: str
    kind: RefusalKind
    raw: bytes | None = None


class Refused(Exception):
    """Raised inside the door where an event is found wanting; never leaves it."""

    def __init__(self, kind: RefusalKind, field: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.field = _shown(field)
        self.detail = detail

    def refusal(self, index: int = 0, raw: bytes | None = None) -> Refusal:
        return Refusal(index=index, field=self.field, detail=self.detail, kind=self.kind, raw=raw)


def _shown(path: str) -> str:
    """A path that may hold a sender's own names, fit to be shown."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in path[:LONGEST_PATH])
