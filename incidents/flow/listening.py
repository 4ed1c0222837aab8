"""Notes that signs of life are listened for, so that the time in which nobody did is no monitor's silence."""

import asyncio
from collections.abc import Callable

import structlog

from incidents.core.errors import Stale, StoreAway
from incidents.core.figures import span
from incidents.core.monitors import DEAF_AFTER
from incidents.flow.loop import rest
from incidents.flow.ports import Store, Turn

log = structlog.get_logger(__name__)


class Listener:
    """One loop in every process; `listening` says whether signs of life can reach it just now."""

    def __init__(self, store: Store, listening: Callable[[], bool], *, every: float = 60.0) -> None:
        self._store, self._listening, self._every = store, listening, every
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Note it until stopped."""
        while not self._stopping.is_set():
            wait = 1.0  # until it hears
            try:
                if self._listening():
                    await self.note()
                    wait = self._every
            except (StoreAway, Stale) as away:
                log.warning("the database is away; whether anybody listens is not noted", reason=str(away))
            except Exception:  # the loop's edge: the next turn tries again
                log.exception("whether anybody listens cannot be noted")
            await rest(self._stopping, wait)

    def stop(self) -> None:
        self._stopping.set()

    async def note(self) -> None:
        """Somebody listens now; if nobody did for long, that time counts against no monitor."""
        async with self._store.unit(Turn.INTAKE) as unit:
            before = await unit.monitors.listens()
            if before is not None and unit.now - before > DEAF_AFTER:
                await unit.monitors.forgive(unit.now - before)
                log.info("nobody listened for a while: that is no monitor's silence", deaf=span(unit.now - before))
