"""The roads that a monitor's messages take to the service, with plain clients, and what still lies on each."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import Any, Protocol

import aio_pika
import httpx
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its C part has no types

from incidents.core.delivery import Delivery
from tests.faults.household import until
from tests.rig import Kafka

EXCHANGE = TOPIC = "ai.events"
QUEUE = "incidents.intake"
GROUP = "incidents"
PARTITIONS = 2
BOUND = 30
AT_ONCE = 500


class Road(Protocol):
    """One way in. What was put is confirmed when `put` returns."""

    @property
    def bus_url(self) -> str | None: ...

    async def lay(self) -> None:
        """Make what must be there before anything is published."""
        ...

    async def put(self, messages: Sequence[Delivery]) -> None: ...

    async def release(self) -> None:
        """Let the broker notice at once that a consumer is dead."""
        ...

    async def left(self) -> int:
        """How many messages still wait; RabbitMQ counts those in hand only when nobody consumes any more."""
        ...


class RabbitRoad:
    def __init__(self, url: str) -> None:
        self.bus_url: str = url

    async def lay(self) -> None:
        async with await aio_pika.connect(self.bus_url) as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
            arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 1_000}
            queue = await channel.declare_queue(QUEUE, durable=True, arguments=arguments)
            await queue.bind(exchange, "ai.#")

    async def put(self, messages: Sequence[Delivery]) -> None:
        async with await aio_pika.connect(self.bus_url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            exchange = await channel.get_exchange(EXCHANGE)
            for start in range(0, len(messages), AT_ONCE):
                part = messages[start : start + AT_ONCE]
                await asyncio.gather(*(exchange.publish(_parcel(one), "ai.event", timeout=BOUND) for one in part))

    async def release(self) -> None:
        """A dead consumer's connection is closed by its kernel."""

    async def left(self) -> int:
        async with await aio_pika.connect(self.bus_url) as connection:
            queue = await (await connection.channel()).get_queue(QUEUE)
            return queue.declaration_result.message_count or 0


class KafkaRoad:
    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self.bus_url: str = kafka.url
        self._server: dict[str, str | int | float | bool] = {"bootstrap.servers": kafka.bootstrap, "log_level": 0}

    async def lay(self) -> None:
        """A topic that takes larger messages than the service does."""
        topic = NewTopic(TOPIC, PARTITIONS, 1, config={"max.message.bytes": str(4 << 20)})
        admin = AdminClient(self._server)
        await asyncio.to_thread(admin.create_topics([topic], operation_timeout=BOUND)[TOPIC].result, BOUND)

    async def put(self, messages: Sequence[Delivery]) -> None:
        await asyncio.to_thread(self._put, messages)

    def _put(self, messages: Sequence[Delivery]) -> None:
        producer = Producer(self._server | {"acks": "all", "message.max.bytes": 4 << 20})
        failed: list[object] = []
        for one in messages:
            told = [("content-type", one.content_type)] if one.content_type else []
            producer.produce(
                TOPIC,
                one.body,
                key=b"one system",  # and so one partition
                headers=[*told, *one.headers],
                on_delivery=lambda error, _: failed.append(error) if error else None,
            )
            producer.poll(0)
        assert producer.flush(BOUND) == 0
        assert failed == []

    async def release(self) -> None:
        """Take the dead out of the group, which would else be held for ten seconds more."""
        await asyncio.to_thread(self._release)

    def _release(self) -> None:
        admin = AdminClient(self._server)
        found = admin.describe_consumer_groups([GROUP], request_timeout=BOUND)[GROUP]
        try:
            members = [member.member_id for member in found.result().members]
        except KafkaException:  # nobody has ever joined
            return
        for member in members:
            leave(self._kafka.bootstrap, GROUP, member)

    def forget(self) -> None:
        """Make the broker forget every event and every reader."""
        self._release()
        self._kafka.fresh()

    async def left(self) -> int:
        return await asyncio.to_thread(self._left)

    def _left(self) -> int:
        consumer = Consumer(self._server | {"group.id": GROUP})
        try:
            places = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
            ends = [consumer.get_watermark_offsets(place, BOUND)[1] for place in places]
            stands = [max(place.offset, 0) for place in consumer.committed(places, timeout=BOUND)]
        finally:
            consumer.close()
        return sum(ends) - sum(stands)


class HttpRoad:
    """A monitor that sends each event again until it is told that it was taken."""

    bus_url: str | None = None

    def __init__(self, url: str) -> None:
        self._url = url
        self.answers: list[int] = []

    async def lay(self) -> None:
        """Nothing is needed."""

    async def put(self, messages: Sequence[Delivery]) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=BOUND) as client:
            for one in messages:
                await self._put(client, one)

    async def _put(self, client: httpx.AsyncClient, one: Delivery) -> None:
        async def taken() -> bool:
            try:
                told = {"content-type": one.content_type or ""}
                answer = await client.post("/events", content=one.body or b"", headers=told)
            except httpx.TransportError:
                return False
            self.answers.append(answer.status_code)
            return not answer.is_server_error

        await until(taken, within=2 * BOUND)

    async def release(self) -> None:
        """Nobody holds anything."""

    async def left(self) -> int:
        return 0


async def consumed(road: Road) -> None:
    """Wait until the broker has been told of everything."""

    async def nothing() -> bool:
        return await road.left() == 0

    await until(nothing)


def leave(server: str, group: str, member: str) -> None:
    """Tell Kafka that a member leaves its group, as a client that ends well does (LeaveGroup, version 0)."""

    def text(value: str) -> bytes:
        return struct.pack(">h", len(value)) + value.encode()

    asked = struct.pack(">hhi", 13, 0, 1) + text("rig") + text(group) + text(member)
    host, _, port = server.partition(":")
    with socket.create_connection((host, int(port)), timeout=BOUND) as line:
        line.sendall(struct.pack(">i", len(asked)) + asked)
        assert line.recv(4)


def _parcel(one: Delivery) -> aio_pika.Message:
    return aio_pika.Message(
        one.body or b"",
        headers={name: _shown(value) for name, value in one.headers},
        content_type=one.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _shown(value: bytes | str | None) -> str | bytearray | None:
    """A header as AMQP has it: text where it is text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return bytearray(value)
    return value
