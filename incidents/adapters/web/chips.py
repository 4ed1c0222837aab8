"""The filters of a page that are set: the address that says them, and a chip for each with the address without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from incidents.adapters.web.template import words

Pairs = Sequence[tuple[str, str]]

_LABELS = {"q": "words"}
_WORDY = frozenset({"status", "kind", "code"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """An active filter, and the address without it."""

    label: str
    value: str
    without: str


def address(path: str, pairs: Pairs, **more: str | None) -> str:
    """Where `path` shows what `pairs` and those of `more` that are set ask for."""
    query = urlencode([*pairs, *((name, value) for name, value in more.items() if value)])
    return f"{path}?{query}" if query else path


def but(pairs: Pairs, name: str) -> Pairs:
    """All of them but those of one filter."""
    return [pair for pair in pairs if pair[0] != name]


def chips(path: str, pairs: Pairs) -> tuple[Chip, ...]:
    return tuple(
        Chip(
            label=_LABELS.get(name, name),
            value=value.upper() if name == "severity" else words(value) if name in _WORDY else value,
            without=address(path, [pair for pair in pairs if pair != (name, value)]),
        )
        for name, value in pairs
        if name != "refresh"
    )
