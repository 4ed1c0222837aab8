"""Publishes to RabbitMQ: persistent, mandatory, and confirmed by the broker before it returns."""

import asyncio
import contextlib
from collections.abc import Sequence
from itertools import islice

from aio_pika.exceptions import DeliveryError, PublishError
from faststream.rabbit import Channel, ExchangeType, RabbitExchange

from incidents.adapters.bus.address import RabbitAddress
from incidents.adapters.bus.health import BusAway, BusRefused
from incidents.adapters.bus.publisher import Message
from incidents.adapters.bus.rabbit import ANSWER, AWAY, EXCHANGE, rabbit_broker, refusal, why_away

AT_ONCE = 500  # unconfirmed messages in flight


class RabbitPublisher:
    """A topic exchange; with `must_arrive` a message that no queue takes is an error, not a loss."""

    def __init__(self, address: RabbitAddress, *, exchange: str = EXCHANGE, must_arrive: bool = True) -> None:
        self._address = address
        self._exchange = RabbitExchange(exchange, type=ExchangeType.TOPIC, durable=True)
        self._must_arrive = must_arrive
        self._broker = rabbit_broker(address, Channel(publisher_confirms=True, on_return_raises=True))

    async def start(self) -> None:
        try:
            await self._broker.connect()
            async with asyncio.timeout(ANSWER):
                await self._broker.declare_exchange(self._exchange)
        except AWAY as error:
            await self.stop()
            if refusal(error):
                raise BusRefused(f"{self._address.shown} refuses: {error}") from error
            raise BusAway(why_away(self._address, error)) from error

    async def publish(self, messages: Sequence[Message]) -> None:
        left = iter(messages)
        while several := tuple(islice(left, AT_ONCE)):
            await self._confirmed(several)

    async def stop(self) -> None:
        with contextlib.suppress(*AWAY):
            await self._broker.stop()

    async def _confirmed(self, messages: Sequence[Message]) -> None:
        try:
            # A broker that blocks publishers, or is gone, confirms nothing and says nothing.
            async with asyncio.timeout(ANSWER):
                answers = await asyncio.gather(*map(self._publish, messages), return_exceptions=True)
        except TimeoutError:
            raise BusAway(
                f"{self._address.shown} confirmed nothing for {ANSWER:.0f} s: it is away or short of memory or disk."
            ) from None
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        if failed:
            raise self._answer(failed[0], len(failed)) from failed[0]

    def _answer(self, error: BaseException, count: int) -> BaseException:
        match error:
            case PublishError():
                unbound = f"No queue of {self._address.shown} is bound to {self._exchange.name}"
                return BusAway(f"{unbound}: start `incidents serve` first.")
            case DeliveryError():
                return BusAway(f"{self._address.shown} did not take {count} messages.")
            case _ if isinstance(error, AWAY):
                return BusAway(why_away(self._address, error))
            case _:
                return error

    async def _publish(self, message: Message) -> None:
        await self._broker.publish(
            message.body,
            exchange=self._exchange,
            routing_key=message.type,
            content_type=message.content_type,
            message_type=message.type,
            mandatory=self._must_arrive,
            persist=True,
        )
