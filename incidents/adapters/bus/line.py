"""The deliveries of one RabbitMQ channel in tag order, acknowledged from the front as they are committed."""

import asyncio
from collections import deque
from typing import Any

import structlog
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.abc import AbstractChannel

log = structlog.get_logger(__name__)


class AckLine:
    """Acknowledges `multiple` up to the last of the front deliveries that are committed, and nothing beyond.

    A multiple ack covers every lower tag. So the line never skips one: a delivery that will never be committed, or
    a tag that never came by, ends the line, and what is left in it comes again when the channel closes.
    """

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel
        self.broken: str | None = None
        self._waiting: deque[tuple[int, asyncio.Future[Any]]] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._last = 0
        self._acks = asyncio.create_task(self._run())

    @property
    def stuck(self) -> str | None:
        """Say why nothing more is acknowledged on a channel that is open; a closed one sorts itself out."""
        return None if self.channel.is_closed else self.broken

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, tag: int, committed: "asyncio.Future[Any]") -> None:
        """Put a delivery at the end of the line."""
        if tag != self._last + 1:
            self._break(f"delivery {self._last + 1} never reached the intake")
        self._last = tag
        self._waiting.append((tag, committed))
        if len(self._waiting) == 1:
            self._arrived.set()

    async def close(self, *, within: float) -> None:
        """Wait for what is in the line and acknowledge it; what is not committed in time comes again."""
        self._closing = True
        self._arrived.set()
        await asyncio.wait([self._acks], timeout=within)
        self.discard()

    def discard(self) -> None:
        """Acknowledge nothing more: the channel is gone, and tags mean nothing on the next one."""
        self._acks.cancel()

    async def _run(self) -> None:
        while self.broken is None and await self._more():
            await asyncio.wait([self._waiting[0][1]])
            tag = self._committed()
            if tag:
                await self._ack(tag)

    async def _more(self) -> bool:
        while not self._waiting and not self._closing:
            self._arrived.clear()
            await self._arrived.wait()
        return bool(self._waiting)

    def _committed(self) -> int:
        """Take the committed deliveries off the front and return the last one's tag, or 0."""
        last = 0
        while self._waiting and self._waiting[0][1].done() and self.broken is None:
            tag, future = self._waiting[0]
            if future.cancelled():
                self._break("the intake stopped before it committed a delivery", quiet=self._closing)
            elif (error := future.exception()) is not None:
                self._break(f"the intake failed a delivery: {error!r}")
            else:
                self._waiting.popleft()
                last = tag
        return last

    async def _ack(self, tag: int) -> None:
        try:
            await self.channel.basic_ack(tag, multiple=True)
        except (AMQPError, ChannelInvalidStateError, ConnectionError) as error:
            log.info("ack lost with its channel; the deliveries come again and count once", reason=repr(error))
            self.broken = "its channel closed"

    def _break(self, reason: str, *, quiet: bool = False) -> None:
        self.broken = reason
        if not quiet:
            log.error("acknowledging stopped on this channel", reason=reason, unacknowledged=len(self._waiting))
