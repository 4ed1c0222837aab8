"""Publishes to Kafka: acknowledged by all in-sync replicas, idempotent, in order per AI system."""

import asyncio
from collections.abc import Sequence
from itertools import islice

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Record

from incidents.adapters.bus.address import KafkaAddress
from incidents.adapters.bus.cluster import PARTITIONS, TOPIC, Cluster, login
from incidents.adapters.bus.health import BusAway, BusRefused
from incidents.adapters.bus.publisher import Message

DELIVERED = 10.0
LINGER_MS = 5
AT_ONCE = 10_000  # unconfirmed messages in flight
LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


class KafkaPublisher:
    """A topic, made when it is missing."""

    def __init__(self, address: KafkaAddress, *, topic: str = TOPIC, partitions: int = PARTITIONS) -> None:
        self._address = address
        self._topic = topic
        self._partitions = partitions
        self._producer: Producer | None = None

    async def start(self) -> None:
        await Cluster(self._address).topic(self._topic, partitions=self._partitions)
        self._producer = self._make()

    async def publish(self, messages: Sequence[Message]) -> None:
        if self._producer is None:
            raise BusAway(f"{self._address.shown} is not connected yet")
        try:
            await asyncio.to_thread(self._deliver, self._producer, messages)
        except BusAway:
            # An idempotent producer that gave up on a message may refuse all that follow.
            self._producer = self._make()
            raise

    async def stop(self) -> None:
        self._producer = None

    def _make(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": ",".join(self._address.servers),
                "client.id": "incidents",
                "log_level": 0,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": LINGER_MS,
                "delivery.timeout.ms": int(DELIVERED * 1000),
                # Where Java's clients put a key: one system's events stay in one partition whoever publishes them.
                "partitioner": "murmur2_random",
                **login(self._address),
            }
        )

    def _deliver(self, producer: Producer, messages: Sequence[Message]) -> None:
        left = iter(messages)
        while several := tuple(islice(left, AT_ONCE)):
            self._confirmed(producer, several)

    def _confirmed(self, producer: Producer, messages: Sequence[Message]) -> None:
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Record) -> None:
            if error is not None:
                failed.append(error)

        for message in messages:
            headers: list[tuple[str, str | bytes | None]] = [("content-type", message.content_type)]
            try:
                producer.produce(self._topic, message.body, key=message.key, headers=headers, on_delivery=delivered)
            except KafkaException as error:
                raise self._answer(error.args[0], len(messages)) from error
        if producer.flush(2 * DELIVERED):
            raise BusAway(f"{self._address.shown} confirmed nothing for {2 * DELIVERED:.0f} s.")
        if failed:
            raise self._answer(failed[0], len(failed))

    def _answer(self, error: KafkaError, count: int) -> BusAway | BusRefused:
        if error.code() in LARGE:
            return BusRefused(f"{self._address.shown} takes no message so large: {error.str()}")
        return BusAway(f"{self._address.shown} did not take {count} messages: {error.str()}")
