"""Carries lifecycle events out: those that are ready together are published together, and stay until confirmed."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import structlog

from incidents.adapters.bus.address import BadAddress
from incidents.adapters.bus.health import BusAway, BusRefused
from incidents.adapters.bus.lifecycle import message
from incidents.adapters.bus.publisher import Message, Publisher
from incidents.core.effect import Channel
from incidents.flow.ports import Finding, NotSent, NotThere, Outcome, Sent, Unknown
from incidents.flow.ports import Message as Told

log = structlog.get_logger(__name__)

_PATIENCE = timedelta(seconds=5)  # with a broker that is away; nothing is lost by asking often
_WITHIN = 10.0  # seconds for a broker to be reached, and to be left


class BusCarrier:
    """One that may have arrived is sent again under the same id: who follows drops what it has seen."""

    channel = Channel.BUS

    def __init__(self, opened: Callable[[], Publisher]) -> None:
        self._opened = opened
        self._publisher: Publisher | None = None
        self._waiting: list[tuple[Message, asyncio.Future[Outcome]]] = []
        self._publishing: asyncio.Task[None] | None = None

    async def carry(self, message_: Told) -> Outcome:
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((message(message_), done))
        if self._publishing is None:
            self._publishing = asyncio.create_task(self._publish_all())
        return await done

    async def find(self, message: Told) -> Finding:  # noqa: ARG002 - nothing in it would help
        """A broker cannot be asked what it has handed on, and need not be."""
        return NotThere()

    async def close(self) -> None:
        if self._publishing is not None:
            await asyncio.wait([self._publishing])
        await self._leave()

    async def _publish_all(self) -> None:
        """Until nothing waits; what comes in meanwhile waits for the next turn."""
        await asyncio.sleep(0)  # let all that are carried in one round come first
        while self._waiting:
            turn, self._waiting = self._waiting, []
            outcome = await self._published([each for each, _ in turn])
            for _, done in turn:
                if not done.done():  # whoever wanted to know is gone
                    done.set_result(outcome)
        self._publishing = None

    async def _published(self, messages: list[Message]) -> Outcome:
        try:
            publisher = await self._reached()
        except (BadAddress, BusAway, BusRefused) as error:
            return NotSent(str(error), after=_PATIENCE)
        except TimeoutError:
            return NotSent(f"the bus did not answer in {_WITHIN:.0f} s", after=_PATIENCE)
        try:
            await publisher.publish(messages)
        except (BusAway, BusRefused) as error:
            await self._leave()
            return Unknown(str(error))
        except Exception as error:  # the edge of a broker's library: whatever it was, it may have been sent
            log.exception("events could not be published", count=len(messages))
            await self._leave()
            return Unknown(f"{type(error).__name__} while it was published")
        return Sent()

    async def _reached(self) -> Publisher:
        """The publisher, connected; after any trouble a new one is."""
        if self._publisher is None:
            publisher = self._opened()
            async with asyncio.timeout(_WITHIN):
                await publisher.start()
            self._publisher = publisher
        return self._publisher

    async def _leave(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WITHIN):
                    await publisher.stop()
