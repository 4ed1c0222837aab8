"""Consumes from RabbitMQ: every delivery goes to the intake at once and is acknowledged after its commit."""

import asyncio
import contextlib
import ssl
from typing import Any

import structlog
from aio_pika import RobustConnection, RobustQueue
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ConnectionClosed,
    ProbableAuthenticationError,
)
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelAccessRefused
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue
from yarl import URL

from incidents.adapters.bus.address import RabbitAddress
from incidents.adapters.bus.health import BusAway, BusRefused, Health, Intake, Trouble, waits
from incidents.adapters.bus.line import AckLine
from incidents.adapters.bus.wire import PlainConnection, delivery

log = structlog.get_logger(__name__)

EXCHANGE = "ai.events"
QUEUE = "incidents.intake"
EVERYTHING = "ai.#"
BATCH = 500
PREFETCH = 2 * BATCH  # one batch in the database while the next one comes
# A backstop only: attempts are counted in the database, and the broker drops what passes its limit.
DELIVERY_LIMIT = 1_000
DRAIN = 15.0
RECONNECT = 1.0
HEARTBEAT = "10"
ANSWER = 10.0
LOOK = 5.0
AWAY = (*CONNECTION_EXCEPTIONS, TimeoutError)
REFUSED = (
    AuthenticationError,
    ProbableAuthenticationError,
    ChannelAccessRefused,
    ChannelPreconditionFailed,
    ssl.SSLCertVerificationError,
)
NOT_ALLOWED = 530  # no such virtual host, or not for this user


def rabbit_broker(address: RabbitAddress, channel: Channel) -> RabbitBroker:
    """Return FastStream's broker for an address; its own log is off because it names every message."""
    url = URL(address.url)
    if "heartbeat" not in url.query:
        url = url.update_query(heartbeat=HEARTBEAT)
    return _PlainBroker(
        url,
        timeout=ANSWER,
        reconnect_interval=RECONNECT,
        default_channel=channel,
        app_id="incidents",
        apply_types=False,
        logger=None,
    )


class _PlainBroker(RabbitBroker):
    """FastStream's broker on a connection whose queues hand over messages as they are read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - FastStream's own arguments
        super().__init__(*args, **kwargs)
        self._connection_kwargs["connection_class"] = PlainConnection


def refusal(error: BaseException) -> bool:
    """Return whether waiting will not help: a person has to change the settings or the broker."""
    if isinstance(error, ConnectionClosed):
        return bool(error.args) and error.args[0] == NOT_ALLOWED
    return isinstance(error, REFUSED)


class RabbitBus:
    """A quorum queue bound to every AI event, consumed with manual acknowledgement."""

    def __init__(
        self,
        address: RabbitAddress,
        intake: Intake,
        *,
        exchange: str = EXCHANGE,
        queue: str = QUEUE,
        prefetch: int = PREFETCH,
    ) -> None:
        self._address = address
        self._intake = intake
        self._exchange = RabbitExchange(exchange, type=ExchangeType.TOPIC, durable=True)
        self._queue_wanted = RabbitQueue(
            queue, queue_type=QueueType.QUORUM, durable=True, arguments={"x-delivery-limit": DELIVERY_LIMIT}
        )
        self._prefetch = prefetch
        self._broker: RabbitBroker | None = None
        self._connection: RobustConnection | None = None
        self._queue: RobustQueue | None = None
        self._consumer = ""
        self._line: AckLine | None = None
        self._watch: asyncio.Task[None] | None = None
        self._trouble = Trouble(f"not yet connected to {address.shown}")

    async def start(self) -> None:
        for wait in waits():
            try:
                await self._open()
                break
            except AWAY as error:
                await self._shut()
                if refusal(error):
                    raise BusRefused(f"{self._address.shown} refuses: {error}") from error
                self._trouble.is_that(f"{self._address.shown} is away: {error!r}")
                log.warning("waiting for RabbitMQ", address=self._address.shown, reason=repr(error), wait_s=wait)
                await asyncio.sleep(wait)
        self._trouble.over()
        self._watch = asyncio.create_task(self._look())
        log.info("consuming", address=self._address.shown, queue=self._queue_wanted.name)

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._queue is not None:
            with contextlib.suppress(*AWAY):
                await self._queue.cancel(self._consumer, timeout=ANSWER)
        if self._line is not None:
            await self._line.close(within=DRAIN)
            if len(self._line):
                log.warning("stopped before every delivery was committed; they come again", left=len(self._line))
        await self._shut()

    def healthy(self) -> Health:
        return self._trouble.health()

    async def consumers(self) -> int:
        """Return how many consumers the broker counts on the queue; raises `BusAway` when it does not say."""
        transport = self._connection.transport if self._connection is not None else None
        if transport is None:
            raise BusAway(f"{self._address.shown} is away")
        try:
            async with asyncio.timeout(ANSWER):
                channel = await transport.connection.channel(publisher_confirms=False)
                try:
                    answer = await channel.queue_declare(self._queue_wanted.name, passive=True)
                finally:
                    await channel.close()
        except ChannelNotFoundEntity:
            return 0
        except AWAY as error:
            raise BusAway(f"{self._address.shown} is away: {error!r}") from error
        return answer.consumer_count or 0

    async def _open(self) -> None:
        self._broker = rabbit_broker(self._address, Channel(prefetch_count=self._prefetch))
        self._connection = await self._broker.connect()
        async with asyncio.timeout(ANSWER):
            exchange = await self._broker.declare_exchange(self._exchange)
            self._queue = await self._broker.declare_queue(self._queue_wanted)
            await self._queue.bind(exchange, EVERYTHING)
            self._consumer = await self._queue.consume(self._take)  # type: ignore[arg-type]

    async def _shut(self) -> None:
        if self._broker is not None:
            with contextlib.suppress(*AWAY):
                await self._broker.stop()
        self._broker = self._connection = self._queue = None

    async def _take(self, message: DeliveredMessage) -> None:
        line = self._line
        if line is None or line.channel is not message.channel:
            if line is not None:
                line.discard()
            line = self._line = AckLine(message.channel)
        tag = message.delivery_tag or 0
        line.add(tag, self._intake.submit(delivery(message, self._queue_wanted.name)))

    async def _look(self) -> None:
        """Ask the broker again and again whether anybody consumes: a reconnect can lose the consumer alone."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                found = await self.consumers()
            except BusAway as error:
                self._trouble.is_that(str(error))
                continue
            if found == 0:
                self._trouble.is_that(f"{self._queue_wanted.name} has no consumer", stuck=True)
            elif self._line is not None and (why := self._line.stuck):
                self._trouble.is_that(f"nothing is acknowledged, because {why}", stuck=True)
            else:
                self._trouble.over()
