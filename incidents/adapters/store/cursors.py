"""Where the next page of a list begins, as a word that its reader hands back."""

import base64

from incidents.adapters.store.rows import whole


def cursor_of(text: str) -> str:
    """A place in a list, in letters that an address may hold."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened(cursor: str) -> str:
    """What a cursor says; ValueError for one that is none of ours."""
    padded = cursor + "=" * (-len(cursor) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True).decode()


def number_in(cursor: str) -> int:
    """The number that a cursor says; ValueError for one that is none of ours."""
    number = whole(opened(cursor))
    if number is None:
        raise ValueError("a cursor of this list holds a number")
    return number
