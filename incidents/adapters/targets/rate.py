"""Keeps to the rate of each connection: who comes too early waits for a turn."""

import asyncio
from collections import deque
from collections.abc import Callable

from incidents.core.connection import Connection


class Turns:
    """At most so many requests of this process in any such span of time."""

    def __init__(self, connection: Connection, elapsed: Callable[[], float]) -> None:
        self._many, span = connection.rate or (0, None)
        self._span = span.total_seconds() if span is not None else 0.0
        self._elapsed = elapsed
        self._next = asyncio.Lock()
        self._taken: deque[float] = deque(maxlen=self._many or None)

    async def take(self) -> None:
        """Come back when it is this request's turn; turns are given in the order of asking."""
        if not self._many:
            return
        async with self._next:
            if len(self._taken) == self._many:
                await asyncio.sleep(self._taken[0] + self._span - self._elapsed())
            self._taken.append(self._elapsed())
