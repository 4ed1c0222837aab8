"""What a bus offers to the service, whoever makes the broker, and how it says that it is unwell."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from incidents.core.delivery import Delivery
from incidents.core.errors import IncidentsError

PATIENCE = 30.0  # seconds of trouble before it is reported as ill health
FIRST_WAIT, LAST_WAIT = 0.25, 5.0


class BusAway(IncidentsError):
    """The broker cannot be reached or does not take messages now: try again later."""


class BusRefused(IncidentsError):
    """The broker answers and refuses what the settings ask for: a person has to change one or the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether messages flow; `stuck` means that the broker is fine and only a restart of this process will help."""

    ok: bool
    reason: str
    stuck: bool = False


class Intake(Protocol):
    def submit(self, delivery: Delivery, /) -> "asyncio.Future[Any]":
        """Take a delivery at once; the future resolves when it is committed and is cancelled when it never will be."""
        ...


class Bus(Protocol):
    async def start(self) -> None:
        """Return when messages flow; waits for a broker that is away and raises `BusRefused` for one that refuses."""
        ...

    async def stop(self) -> None:
        """Take nothing new, wait a while for what was taken, acknowledge what is committed and leave."""
        ...

    def healthy(self) -> Health: ...


class Trouble:
    """Since when messages do not flow, and why; once they flowed, a short trouble is told but is no ill health."""

    def __init__(self, reason: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._reason: str | None = reason
        self._patience = 0.0
        self._since: float | None = now()
        self._stuck_since: float | None = None

    def over(self) -> None:
        self._reason = self._since = self._stuck_since = None
        self._patience = PATIENCE

    def is_that(self, reason: str, *, stuck: bool = False) -> None:
        """Remember a trouble: it keeps its age under another reason, and how long it is stuck is counted apart."""
        now = self._now()
        self._reason = reason
        self._since = now if self._since is None else self._since
        if not stuck:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now

    def health(self) -> Health:
        if self._since is None:
            return Health(ok=True, reason="messages flow")
        now = self._now()
        age = now - self._since
        stuck = self._stuck_since is not None and now - self._stuck_since >= PATIENCE
        return Health(ok=age < self._patience, reason=f"{self._reason} (for {age:.0f} s)", stuck=stuck)


def waits() -> Iterator[float]:
    """Return how long to wait before each further attempt: doubling to five seconds, with jitter."""
    longest = FIRST_WAIT
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - spreads attempts, guards nothing
        longest = min(longest * 2, LAST_WAIT)
