"""Named points at which a test may end the process, as a power cut would; without a setting they do nothing."""

import os
from collections.abc import Iterable

ROAD = (
    "intake.received",
    "intake.marked",
    "intake.decoded",
    "intake.begun",
    "intake.remembered",
    "intake.decided",
    "intake.saved",
    "intake.committed",
    "intake.answered",
    "deliver.claimed",
    "deliver.sending",
    "deliver.sent",
    "deliver.saved",
    "deliver.committed",
)
RUN = ("run.claimed", "run.doing", "run.sent", "run.saved")
POINTS = (*ROAD, *RUN, "catalog.saved", "catalog.committed")
_KILLED = 137  # what a shell reports for kill -9


class Faults:
    """`spec` is `point:n` (die at the n-th passing of a point) or `event:ID` (die whenever that event is looked at)."""

    def __init__(self, spec: str | None = None) -> None:
        point, _, rest = (spec or "").partition(":")
        if point and point != "event" and point not in POINTS:
            raise ValueError(f"no fault point {point!r}; there are {', '.join(POINTS)}")
        self._event = rest if point == "event" else None
        self._point = point if point != "event" else ""
        self._left = int(rest or "1") if self._point else 0

    def reach(self, point: str) -> None:
        """Pass a point."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os._exit(_KILLED)

    def look_at(self, events: Iterable[str]) -> None:
        """Look at events by their ids."""
        if self._event is not None and self._event in events:
            os._exit(_KILLED)


NONE = Faults()
