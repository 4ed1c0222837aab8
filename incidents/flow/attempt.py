"""One transaction for what a person asks: tried again where others were first, and given up where they keep being."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from incidents.core.errors import NotAllowed, Stale
from incidents.flow.ports import Store, Turn, Unit

_TRIES = 6  # of what lost a race
_Done = TypeVar("_Done")


async def attempt(
    store: Store, work: Callable[[Unit], Awaitable[_Done]], made: Callable[[Iterable[str]], None], what: str
) -> _Done:
    """What `work` comes to, with the channels of its effects given to `made`; NotAllowed where `what` stays busy."""
    for _ in range(_TRIES):
        try:
            async with store.unit(Turn.PEOPLE) as unit:
                done = await work(unit)
        except Stale:
            await asyncio.sleep(0.02 * random.random())  # noqa: S311  (jitter, no secret)
            continue
        made(unit.board.channels)
        return done
    raise NotAllowed("busy", f"others are changing {what} just now: try again")
