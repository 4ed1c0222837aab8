"""Errors, each named for the answer that it wants."""


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


class StoreAway(IncidentsError):
    """The database cannot be reached or is too busy: nothing was saved, try again later."""


class Unstorable(IncidentsError):
    """This message will never be saved as it is: it was put aside."""
