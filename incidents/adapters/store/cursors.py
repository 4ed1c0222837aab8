"""Where the next page of a list begins, as a word that its reader hands back."""

import base64


def cursor_of(text: str) -> str:
    """A place in a list, in letters that an address may hold."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened(cursor: str) -> str:
    """What a cursor says; ValueError for one that is none of ours."""
    padded = cursor + "=" * (-len(cursor) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
