"""How long something took, over many incidents: how many there were, their mean, median and 90th percentile."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from incidents.core.figures import counted, span

_NINE_TENTHS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A few durations said of many. Without any there is no number, rather than a zero."""

    name: str
    label: str
    count: int
    open: int = 0  # those in which it has not happened
    mean: timedelta | None = None
    median: timedelta | None = None
    p90: timedelta | None = None  # nearest rank: nine in ten took no longer

    @property
    def text(self) -> str:
        """In words, each number with its unit."""
        if self.mean is None or self.median is None or self.p90 is None:
            return f"not yet in any of {counted(self.open, 'incident')}" if self.open else "no incident yet"
        figures = f"median {span(self.median)}, 90 % within {span(self.p90)}, mean {span(self.mean)}"
        return f"{figures}, over {counted(self.count, 'incident')}"


def spread(name: str, label: str, took: Iterable[timedelta | None]) -> Spread:
    """Sum up durations; None is an incident in which it has not happened, which is counted and has no length."""
    every = list(took)
    known = sorted(length for length in every if length is not None)
    if not known:
        return Spread(name=name, label=label, count=0, open=len(every))
    return Spread(
        name=name,
        label=label,
        count=len(known),
        open=len(every) - len(known),
        mean=sum(known, timedelta()) / len(known),
        median=(known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2,
        p90=known[ceil(_NINE_TENTHS * len(known)) - 1],
    )
