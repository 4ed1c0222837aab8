"""Consumes from RabbitMQ: every delivery goes to the intake at once and is acknowledged after its commit."""

import asyncio
import contextlib
import ssl
from typing import cast

import structlog
from aio_pika import RobustConnection, RobustQueue
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from aiormq import Channel as AioChannel
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelAccessRefused
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue
from yarl import URL

from incidents.adapters.bus.address import RabbitAddress
from incidents.adapters.bus.health import BusAway, BusRefused, Health, Intake, Trouble, waits
from incidents.adapters.bus.line import AckLine
from incidents.adapters.bus.wire import delivery

log = structlog.get_logger(__name__)

EXCHANGE = "ai.events"
QUEUE = "incidents.intake"
EVERYTHING = "ai.#"
CONSUMER = "incidents"
BATCH = 500
PREFETCH = 2 * BATCH  # one batch in the database while the next one comes
# A backstop only: attempts are counted in the database, and the broker drops what passes its limit.
DELIVERY_LIMIT = 1_000
DRAIN = 15.0
RECONNECT = 1.0
HEARTBEAT = "10"
ANSWER = 10.0
LOOK = 2.0
AWAY = (*CONNECTION_EXCEPTIONS, TimeoutError)
REFUSED = (
    AuthenticationError,
    ProbableAuthenticationError,
    ChannelAccessRefused,
    ChannelPreconditionFailed,
    ssl.SSLCertVerificationError,
)


def rabbit_broker(address: RabbitAddress, channel: Channel) -> RabbitBroker:
    """Return FastStream's broker for an address; its own log is off because it names every message."""
    url = URL(address.url)
    if "heartbeat" not in url.query:
        url = url.update_query(heartbeat=HEARTBEAT)
    return RabbitBroker(
        url,
        timeout=ANSWER,
        reconnect_interval=RECONNECT,
        default_channel=channel,
        app_id="incidents",
        apply_types=False,
        logger=None,
    )


def refusal(error: BaseException) -> bool:
    """Return whether waiting will not help: a person has to change the settings or the broker."""
    return isinstance(error, REFUSED)


def why_away(address: RabbitAddress, error: BaseException) -> str:
    """Return a sentence for a broker that did not let us in; waiting may help."""
    if isinstance(error, InvalidFrameError):
        # It closed the connection instead of opening the virtual host, and aiormq does not say why.
        return f"{address.shown} does not open its virtual host: it is starting, or the host is not there or not for us"
    return f"{address.shown} is away: {error!r}"


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
        drain: float = DRAIN,
    ) -> None:
        self._address = address
        self._intake = intake
        self._exchange = RabbitExchange(exchange, type=ExchangeType.TOPIC, durable=True)
        self._queue_wanted = RabbitQueue(
            queue, queue_type=QueueType.QUORUM, durable=True, arguments={"x-delivery-limit": DELIVERY_LIMIT}
        )
        self._prefetch = prefetch
        self._drain = drain
        self._broker: RabbitBroker | None = None
        self._connection: RobustConnection | None = None
        self._queue: RobustQueue | None = None
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
                reason = why_away(self._address, error)
                self._trouble.is_that(reason)
                log.warning("waiting for RabbitMQ", reason=reason, wait_s=round(wait, 2))
                await asyncio.sleep(wait)
        self._trouble.over()
        self._watch = asyncio.create_task(self._look())
        log.info("consuming", address=self._address.shown, queue=self._queue_wanted.name)

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(ANSWER):
                await self._cancel()
        if self._line is not None:
            await self._line.close(within=self._drain)
            if len(self._line):
                log.warning("stopped before every delivery was committed; they come again", left=len(self._line))
        await self._shut()

    def healthy(self) -> Health:
        if self._watch is not None and self._watch.done():
            return Health(ok=False, reason="the watch over the consumer ended", stuck=True)
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
            raise BusAway(why_away(self._address, error)) from error
        return answer.consumer_count or 0

    async def _open(self) -> None:
        self._broker = rabbit_broker(self._address, Channel(prefetch_count=self._prefetch))
        self._connection = await self._broker.connect()
        async with asyncio.timeout(ANSWER):
            exchange = await self._broker.declare_exchange(self._exchange)
            self._queue = await self._broker.declare_queue(self._queue_wanted)
            await self._queue.bind(exchange, EVERYTHING)
            await self._consume()

    async def _consume(self) -> None:
        """Consume on the present channel, unless we do already.

        The callback is aiormq's. aio-pika would make a second task and a message with checked attributes for each
        delivery, and FastStream two context stacks and a chain of middlewares: a handler that only enqueues needs
        none of it, and without it takes 25 thousand a second instead of 10 on the same two cores.
        """
        channel = await self._channel()
        if channel is not None and CONSUMER not in channel.consumers:
            await channel.basic_consume(self._queue_wanted.name, self._take, consumer_tag=CONSUMER)

    async def _cancel(self) -> None:
        channel = await self._channel()
        if channel is not None and CONSUMER in channel.consumers:
            await channel.basic_cancel(CONSUMER)

    async def _channel(self) -> AioChannel | None:
        if self._queue is None:
            return None
        return cast("AioChannel", await self._queue.channel.get_underlay_channel())

    async def _shut(self) -> None:
        if self._broker is not None:
            with contextlib.suppress(*AWAY):
                await self._broker.stop()
        self._broker = self._connection = self._queue = None

    async def _take(self, message: DeliveredMessage) -> None:
        if message.channel.is_closed:
            return  # it comes again on the next channel, and could not be acknowledged on this one
        line = self._line
        if line is None or line.channel is not message.channel:
            if line is not None:
                line.discard()
            line = self._line = AckLine(message.channel)
        tag = message.delivery_tag or 0
        line.add(tag, self._intake.submit(delivery(message, self._queue_wanted.name)))

    async def _look(self) -> None:
        """Look again and again whether we consume, and consume where a reconnect or a deleted queue left us without."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                async with asyncio.timeout(ANSWER):
                    await self._restore()
                self._tell(await self.consumers())
            except BusAway as error:
                self._trouble.is_that(str(error))
            except AWAY as error:
                self._trouble.is_that(why_away(self._address, error))
            except asyncio.CancelledError:
                # A connection that closes cancels what waits for its answers, and this is not our end.
                if _is_cancelled():
                    raise
                self._trouble.is_that(f"{self._address.shown} is away: the connection closed")

    async def _restore(self) -> None:
        channel = await self._channel()
        if self._queue is not None and channel is not None and CONSUMER not in channel.consumers:
            log.warning("consuming again, because the consumer was lost", queue=self._queue_wanted.name)
            await self._queue.declare()
            await self._queue.bind(self._exchange.name, EVERYTHING)
            await self._consume()

    def _tell(self, consumers: int) -> None:
        if consumers == 0:
            self._trouble.is_that(f"{self._queue_wanted.name} has no consumer", stuck=True)
        elif self._line is not None and (why := self._line.stuck):
            self._trouble.is_that(f"nothing is acknowledged, because {why}", stuck=True)
        else:
            self._trouble.over()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
