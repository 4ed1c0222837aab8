"""Other systems that follow incidents on the bus, with plain clients; each remembers all that it was told."""

import asyncio
import json
from typing import Any, Protocol

import aio_pika
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.rig import Kafka

OUTLET = "ai.incidents"
QUEUE = "follower"
BOUND = 30


class Follower(Protocol):
    @property
    def bus_url(self) -> str: ...

    async def listen(self) -> None:
        """Be there before anything is told."""
        ...

    async def heard(self) -> list[dict[str, Any]]:
        """Every event that has come by now, repeats too, in the order in which they came."""
        ...


class RabbitFollower:
    def __init__(self, url: str) -> None:
        self.bus_url = url

    async def listen(self) -> None:
        async with await aio_pika.connect(self.bus_url) as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(OUTLET, aio_pika.ExchangeType.TOPIC, durable=True)
            queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
            await queue.bind(exchange, "ai.incident.#")

    async def heard(self) -> list[dict[str, Any]]:
        found = []
        async with await aio_pika.connect(self.bus_url) as connection:
            queue = await (await connection.channel()).get_queue(QUEUE)
            while (message := await queue.get(fail=False)) is not None:
                await message.ack()
                said = json.loads(message.body)
                assert message.routing_key == said["type"]
                assert message.content_type == "application/cloudevents+json"
                assert message.delivery_mode is aio_pika.DeliveryMode.PERSISTENT
                found.append(said)
        return found


class KafkaFollower:
    def __init__(self, kafka: Kafka) -> None:
        self.bus_url = kafka.url
        self._kafka = kafka
        self._server: dict[str, str | int | float | bool] = {"bootstrap.servers": kafka.bootstrap, "log_level": 0}

    async def listen(self) -> None:
        """A log is read from its beginning, whenever that was."""

    async def heard(self) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self._heard)

    def _heard(self) -> list[dict[str, Any]]:
        topic = AdminClient(self._server).list_topics(OUTLET, timeout=BOUND).topics[OUTLET]
        consumer = Consumer(self._server | {"group.id": QUEUE, "auto.offset.reset": "earliest"})
        found = []
        try:
            for number in topic.partitions:
                begin, end = consumer.get_watermark_offsets(TopicPartition(OUTLET, number), BOUND)
                consumer.assign([TopicPartition(OUTLET, number, begin)])
                for record in consumer.consume(end - begin, BOUND) if end > begin else ():
                    said = json.loads(record.value() or b"")
                    assert record.key() == said["subject"].encode()
                    assert dict(record.headers() or [])["content-type"] == b"application/cloudevents+json"
                    found.append(said)
        finally:
            consumer.close()
        return found
