"""Errors, each named for the answer that it wants."""

from collections.abc import Iterable
from dataclasses import dataclass


class IncidentsError(Exception):
    """Base of every error that a caller can answer."""


class NotAllowed(IncidentsError):
    """An action that the incident's state refuses; `code` is for machines, the text says why to a person."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class NotFound(IncidentsError):
    """Nothing has this id."""


class Stale(IncidentsError):
    """Somebody else was first: load again and decide again."""


class LeaseLost(Stale):
    """Somebody else works on it by now: whatever came of ours is theirs to find out."""


class StoreAway(IncidentsError):
    """The database cannot be reached or is too busy: nothing was saved, try again later."""


class Unstorable(IncidentsError):
    """This message will never be saved as it is: it was put aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong in a file, in words for whoever has to mend it."""

    file: str
    line: int | None  # None where the file as a whole is meant
    where: str  # the dotted path to the value
    detail: str
    suggestion: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        words = "; ".join(part for part in (self.detail, self.suggestion) if part)
        return ": ".join(part for part in (place, self.where, words) if part)


class CatalogRefused(IncidentsError):
    """A catalog that is wrong somewhere is refused whole; what runs goes on."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))
