"""Consumes from Kafka: a batch is committed by the intake first, then its offsets, and never one offset more."""

import asyncio
from typing import Any, cast

import structlog
from confluent_kafka import KafkaException
from confluent_kafka import Message as Record
from faststream import AckPolicy
from faststream.confluent import KafkaBroker, KafkaMessage
from faststream.confluent.message import FAKE_CONSUMER
from faststream.confluent.message import KafkaMessage as Batch
from faststream.confluent.subscriber.usecase import BatchSubscriber

from incidents.adapters.bus.address import KafkaAddress
from incidents.adapters.bus.cluster import PARTITIONS, TOPIC, Cluster, login
from incidents.adapters.bus.health import BusAway, BusRefused, Health, Intake, Trouble, waits
from incidents.core.delivery import Delivery, Header, Origin

log = structlog.get_logger(__name__)

GROUP = "incidents"
BATCH = 500
POLL = 0.005  # how long an unfilled batch waits; an idle member costs 3 % of a core with it
DRAIN = 15.0
LOOK = 5.0
UNREADABLE: tuple[Header, ...] = (("unreadable-headers", None),)


class KafkaBus:
    """One member of a consumer group that reads in batches.

    FastStream's own parser raises on a header that is not UTF-8, and its `ack` commits whatever was fetched. So the
    parser here decodes nothing, offsets are stored by hand, and a batch that is not committed ends all storing.
    """

    def __init__(
        self,
        address: KafkaAddress,
        intake: Intake,
        *,
        topic: str = TOPIC,
        group: str = GROUP,
        partitions: int = PARTITIONS,
        drain: float = DRAIN,
    ) -> None:
        self._address = address
        self._intake = intake
        self._topic = topic
        self._group = group
        self._partitions = partitions
        self._drain = drain
        self._cluster = Cluster(address)
        self._broker: KafkaBroker | None = None
        self._subscriber: BatchSubscriber | None = None
        self._broken: str | None = None
        self._watch: asyncio.Task[None] | None = None
        self._trouble = Trouble(f"not yet connected to {address.shown}")

    async def start(self) -> None:
        for wait in waits():
            try:
                await self._cluster.topic(self._topic, partitions=self._partitions)
                break
            except BusAway as error:
                self._trouble.is_that(str(error))
                log.warning("waiting for Kafka", reason=str(error), wait_s=round(wait, 2))
                await asyncio.sleep(wait)
        self._broker, self._subscriber = self._made()
        await self._broker.start()
        self._trouble.over()
        self._watch = asyncio.create_task(self._look())
        log.info("consuming", address=self._address.shown, topic=self._topic, group=self._group)

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._broker is not None:
            # Fetches no more, waits for the batch in hand within the drain time, and leaves the group.
            await self._broker.stop()
        self._broker = self._subscriber = None

    def healthy(self) -> Health:
        if self._watch is not None and self._watch.done():
            return Health(ok=False, reason="the watch over the consumer ended", stuck=True)
        return self._trouble.health()

    def _made(self) -> tuple[KafkaBroker, BatchSubscriber]:
        config: Any = {"enable.auto.offset.store": False, **login(self._address)}
        broker = KafkaBroker(
            self._address.servers,
            client_id="incidents",
            allow_auto_create_topics=False,
            graceful_timeout=self._drain,
            apply_types=False,
            logger=None,
            config=config,
        )
        subscriber = broker.subscriber(
            self._topic,
            group_id=self._group,
            batch=True,
            max_records=BATCH,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            polling_interval=POLL,
            parser=_as_read,
            decoder=_undecoded,
            no_reply=True,
        )
        subscriber(self._take)
        return broker, subscriber

    async def _take(self, batch: KafkaMessage) -> None:
        """Hand a batch to the intake, wait for its commit, then commit its offsets; never raises for one record."""
        if self._broken is not None:
            # An offset stored now would also skip the batch that was not committed.
            return
        records: tuple[Record, ...] = batch.raw_message  # type: ignore[assignment]
        stored = False
        try:
            stored = await self._stored(records)
        finally:
            if not stored:
                self._broken = "a batch was not committed"
                log.warning("offsets stay where they are; the records come again", reason=self._broken)
        if stored:
            await self._commit(records)

    async def _stored(self, records: tuple[Record, ...]) -> bool:
        futures = [self._intake.submit(_delivery(record)) for record in records]
        await asyncio.wait(futures)
        return not any(future.cancelled() or future.exception() for future in futures)

    async def _commit(self, records: tuple[Record, ...]) -> None:
        consumer = self._subscriber.consumer if self._subscriber is not None else None
        if consumer is None:
            return
        # A batch keeps each partition's order, so the last one seen is the highest.
        last = {record.partition(): record for record in records}
        try:
            for record in last.values():
                consumer.consumer.store_offsets(message=record)
            await consumer.commit(asynchronous=False)
        except KafkaException as error:
            # Mostly a rebalance: whoever has the partition now reads the records again, and they count once.
            log.warning("offsets not committed; the records come again and count once", reason=str(error.args[0]))

    async def _look(self) -> None:
        """Ask again and again whether the cluster answers and whether our own reading goes on."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                there = await self._cluster.has(self._topic)
            except (BusAway, BusRefused) as error:
                self._trouble.is_that(str(error))
                continue
            if not there:
                self._trouble.is_that(f"the topic {self._topic} is gone")
            elif self._broken is not None:
                self._trouble.is_that(f"nothing is committed, because {self._broken}", stuck=True)
            elif self._subscriber is None or all(task.done() for task in self._subscriber.tasks):
                self._trouble.is_that(f"nothing reads {self._topic}", stuck=True)
            else:
                self._trouble.over()


async def _as_read(batch: tuple[Record, ...]) -> Batch:
    return Batch(
        body=b"",
        raw_message=batch,
        headers={},
        reply_to="",
        message_id="batch",
        correlation_id="batch",
        consumer=FAKE_CONSUMER,
        is_manual=True,
    )


async def _undecoded(message: Batch) -> Batch:
    return message


def _delivery(record: Record) -> Delivery:
    return Delivery(
        body=record.value(),
        headers=_headers(record),
        origin=Origin.KAFKA,
        position=f"{record.topic()}[{record.partition()}]@{record.offset()}",
        key=record.key(),
    )


def _headers(record: Record) -> tuple[Header, ...]:
    try:
        return tuple(cast("list[Header]", record.headers() or []))
    except (UnicodeDecodeError, SystemError):  # a name that is not UTF-8 fails inside confluent's C code
        return UNREADABLE
