"""The one way in which words from outside enter a Slack message."""

import re
from collections.abc import Iterable

# Slack acts on nothing but what stands between < and >, and & begins its own escapes: these three, and no more.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they would turn round the words that follow
_SURROGATE = re.compile("[\ud800-\udfff]")
_ELLIPSIS = "\u2026"


def clean(text: str) -> str:
    """`text` without what cannot be shown or would change how its neighbours are shown."""
    return _SURROGATE.sub("\ufffd", _DIRECTION.sub("", _CONTROL.sub(" ", text)))


def escape(text: str, limit: int) -> str:
    """`text` as one line of mrkdwn that says exactly this; what is escaped already stays literal."""
    return _shortened((_ENTITIES.get(letter, letter) for letter in _line(text)), limit)


def plain(text: str, limit: int) -> str:
    """`text` as one line for a plain_text object, in which Slack acts on nothing."""
    return _shortened(_line(text), limit)


def width(text: str) -> int:
    """The length of `text` in UTF-16 units: Slack does not say how it counts, and no other way counts more."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def _line(text: str) -> str:
    """On one line: a second one could pose as a line of ours."""
    return " ".join(clean(text).split())


def _shortened(pieces: Iterable[str], limit: int) -> str:
    """As many whole pieces as fit, with an ellipsis in place of the rest; never empty, as Slack refuses that."""
    kept: list[str] = []
    used = fitting = 0  # `fitting`: how many pieces leave room for the ellipsis
    for piece in pieces:
        used += width(piece)
        if used > limit:
            return "".join(kept[:fitting]).rstrip() + _ELLIPSIS
        kept.append(piece)
        fitting = len(kept) if used < limit else fitting
    return "".join(kept) or "-"
