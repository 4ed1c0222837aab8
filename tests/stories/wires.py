"""How a monitor gets a message to the service: over RabbitMQ, Kafka or HTTP, with plain clients and not with ours."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Protocol

import aio_pika
import httpx
from aio_pika.abc import HeadersType
from confluent_kafka import Producer

from incidents.core.delivery import Delivery
from tests.make_events import BATCH as BATCH_TYPE
from tests.make_events import Payload, delivered

EXCHANGE = TOPIC = "ai.events"
BATCH = 500  # events in one request
BOUND = 30


class Wire(Protocol):
    """Carries messages to the service, and returns when the other end has them safe."""

    async def send(self, deliveries: Sequence[Delivery]) -> list[httpx.Response]: ...


class RabbitWire:
    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, deliveries: Sequence[Delivery]) -> list[httpx.Response]:
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            exchange = await channel.get_exchange(EXCHANGE)
            for start in range(0, len(deliveries), BATCH):
                part = deliveries[start : start + BATCH]
                await asyncio.gather(*(exchange.publish(_parcel(one), _type_of(one)) for one in part))
        return []


class KafkaWire:
    def __init__(self, url: str) -> None:
        self._server = url.partition("://")[2]

    async def send(self, deliveries: Sequence[Delivery]) -> list[httpx.Response]:
        await asyncio.to_thread(self._send, deliveries)
        return []

    def _send(self, deliveries: Sequence[Delivery]) -> None:
        failed: list[object] = []
        producer = Producer({"bootstrap.servers": self._server, "acks": "all", "log_level": 0})
        for one in deliveries:
            told = [("content-type", one.content_type)] if one.content_type else []
            producer.produce(
                TOPIC,
                one.body,
                key=b"one system",  # one partition, so that events come in the order in which the story tells them
                headers=[*told, *one.headers],
                on_delivery=lambda error, _: failed.append(error) if error else None,
            )
            producer.poll(0)
        assert producer.flush(BOUND) == 0
        assert failed == []


class HttpWire:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def send(self, deliveries: Sequence[Delivery]) -> list[httpx.Response]:
        return [await self._post(one) for one in deliveries]

    async def _post(self, one: Delivery) -> httpx.Response:
        headers = [(name.encode(), _octets(value)) for name, value in one.headers]
        if one.content_type is not None:
            headers.append((b"content-type", one.content_type.encode()))
        return await self._http.post("/events", content=one.body or b"", headers=headers)


def _octets(value: bytes | str | None) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _parcel(one: Delivery) -> aio_pika.Message:
    headers: HeadersType = {name: _octets(value).decode() for name, value in one.headers}
    mode = aio_pika.DeliveryMode.PERSISTENT
    return aio_pika.Message(one.body or b"", headers=headers, content_type=one.content_type, delivery_mode=mode)


def _type_of(one: Delivery) -> str:
    """The routing key that a publisher gives: the type of the event, or of the first of a batch."""
    by_header = next((value for name, value in one.headers if name.lower().endswith("type")), None)
    if by_header is not None:
        return _octets(by_header).decode()
    try:
        said: object = json.loads(one.body or b"")
    except ValueError:
        return "ai.unreadable"
    first = said[0] if isinstance(said, list) and said else said
    told = first.get("type") if isinstance(first, Mapping) else None
    return told if isinstance(told, str) and told.startswith("ai.") else "ai.unreadable"


def batched(payloads: Sequence[Payload], size: int = BATCH) -> list[Delivery]:
    """The same events, several to a message."""
    parts = [payloads[start : start + size] for start in range(0, len(payloads), size)]
    return [delivered(part, content_type=BATCH_TYPE) for part in parts]
