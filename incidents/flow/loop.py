"""Does one thing again and again until stopped, whatever becomes of one turn of it."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from incidents.core.errors import StoreAway

log = structlog.get_logger(__name__)


async def again(
    turn: Callable[[], Awaitable[object]],
    stopping: asyncio.Event,
    *,
    every: float,
    failed: str,
    away: str | None = None,
) -> None:
    """Take a turn, rest `every` seconds, and so on until `stopping` is set; the log is told when one `failed`.

    `away` is what a database that cannot be reached means here; None where other loops say so.
    """
    while not stopping.is_set():
        try:
            await turn()
        except StoreAway as reason:
            if away is not None:
                log.warning(away, reason=str(reason))
        except Exception:  # the loop's edge: the next turn tries again
            log.exception(failed)
        await rest(stopping, every)


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until stopped."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
