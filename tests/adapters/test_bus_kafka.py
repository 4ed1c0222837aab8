"""Kafka: no offset is committed before its record, nothing hostile is skipped; FastStream by itself loses both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka import Message as Record
from confluent_kafka.admin import AdminClient
from faststream import AckPolicy
from faststream.confluent import KafkaBroker, KafkaMessage

from incidents.adapters.bus import BusAway, BusRefused, KafkaAddress, Message, bus_address
from incidents.adapters.bus.cluster import Cluster
from incidents.adapters.bus.kafka import KafkaBus
from incidents.adapters.bus.kafka_publisher import KafkaPublisher
from incidents.core.delivery import Delivery, Origin
from tests.adapters.held_intake import SOON, HeldIntake
from tests.rig import Kafka

STRUCTURED = "application/cloudevents+json"
Headers = list[tuple[str, str | bytes | None]]


def at(url: str) -> KafkaAddress:
    address = bus_address(url)
    assert isinstance(address, KafkaAddress)
    return address


class Group:
    """A topic and a consumer group of its own, written and inspected by plain clients."""

    _numbers = count(1)

    def __init__(self, url: str) -> None:
        self.address = at(url)
        self.name = f"events{next(self._numbers)}"
        self._server: dict[str, str | int | float | bool] = {
            "bootstrap.servers": ",".join(self.address.servers),
            "log_level": 0,
        }

    async def make(self, *, partitions: int = 1) -> None:
        await Cluster(self.address).topic(self.name, partitions=partitions)

    def bus(self, intake: HeldIntake, *, drain: float = 0.2) -> KafkaBus:
        return KafkaBus(self.address, intake, topic=self.name, group=self.name, drain=drain)

    @asynccontextmanager
    async def consuming(self, intake: HeldIntake) -> AsyncIterator[KafkaBus]:
        bus = self.bus(intake)
        await bus.start()
        try:
            yield bus
        finally:
            await bus.stop()

    async def put(self, *bodies: bytes | None, partition: int = 0, headers: Headers | None = None) -> None:
        await asyncio.to_thread(self._put, bodies, partition, headers)

    def _put(self, bodies: tuple[bytes | None, ...], partition: int, headers: Headers | None) -> None:
        producer = Producer(self._server)
        for body in bodies:
            producer.produce(self.name, body, key=b"credit", partition=partition, headers=headers)
        assert producer.flush(SOON) == 0

    async def committed(self) -> dict[int, int]:
        return await asyncio.to_thread(self._committed)

    def _committed(self) -> dict[int, int]:
        consumer = Consumer(self._server | {"group.id": self.name})
        try:
            found = consumer.committed([TopicPartition(self.name, partition) for partition in (0, 1)], timeout=SOON)
        finally:
            consumer.close()
        return {place.partition: place.offset for place in found if place.offset >= 0}

    async def end(self) -> int:
        """Return the offset after the last record of partition 0."""
        consumer = Consumer(self._server | {"group.id": f"{self.name}-end"})
        try:
            _, end = await asyncio.to_thread(consumer.get_watermark_offsets, TopicPartition(self.name, 0), SOON)
        finally:
            consumer.close()
        return end

    async def partitions(self) -> int:
        admin = AdminClient(self._server)
        return len((await asyncio.to_thread(admin.list_topics, self.name, SOON)).topics[self.name].partitions)


@pytest.fixture
def group(kafka_url: str) -> Group:
    return Group(kafka_url)


async def test_a_record_comes_with_its_octets_its_key_its_headers_and_where_it_was(group: Group) -> None:
    intake = HeldIntake(at_once=True)
    await group.make()
    await group.put(b'{"id":1}', headers=[("content-type", STRUCTURED)])
    async with group.consuming(intake):
        await intake.holds(1)
    (delivery,) = intake.deliveries
    assert (delivery.body, delivery.key, delivery.origin) == (b'{"id":1}', b"credit", Origin.KAFKA)
    assert delivery.headers == (("content-type", STRUCTURED.encode()),)
    assert delivery.position == f"{group.name}[0]@0"


async def test_a_topic_that_is_missing_is_made(group: Group) -> None:
    async with group.consuming(HeldIntake()):
        assert await group.partitions() == 3


async def test_nothing_is_committed_before_the_intake_commits_it(group: Group) -> None:
    intake = HeldIntake()
    await group.make()
    await group.put(b"1", b"2")
    async with group.consuming(intake):
        await intake.holds(2)
        assert await group.committed() == {}
        intake.commit()
    assert await group.committed() == {0: 2}


async def test_a_batch_that_is_pending_when_the_service_stops_comes_again(group: Group) -> None:
    await group.make()
    await group.put(b"1", b"2")
    first, second = HeldIntake(), HeldIntake(at_once=True)
    async with group.consuming(first):
        await first.holds(2)
    assert await group.committed() == {}
    async with group.consuming(second):
        assert await second.holds(2) == [b"1", b"2"]
    assert await group.committed() == {0: 2}


async def test_a_stop_waits_for_the_batch_in_hand_and_commits_it(group: Group) -> None:
    intake = HeldIntake()
    await group.make()
    await group.put(b"1", b"2")
    bus = group.bus(intake, drain=SOON)
    await bus.start()
    await intake.holds(2)
    stopping = asyncio.create_task(bus.stop())
    await asyncio.wait([stopping], timeout=0.2)
    assert not stopping.done()
    intake.commit()
    await stopping
    assert await group.committed() == {0: 2}


async def test_a_batch_half_committed_is_not_committed_at_the_broker(group: Group) -> None:
    intake = HeldIntake()
    await group.make()
    await group.put(b"1", b"2", b"3")
    async with group.consuming(intake):
        await intake.holds(3)
        intake.commit(b"3", b"1")
    assert await group.committed() == {}


async def test_a_fast_partition_does_not_take_a_slow_ones_offset_along(group: Group) -> None:
    await group.make(partitions=2)
    await group.put(b"slow", partition=0)
    await group.put(b"fast", partition=1)
    first, second = HeldIntake(), HeldIntake(at_once=True)
    async with group.consuming(first):
        await first.holds(1)
        first.commit(b"fast")
    assert 0 not in await group.committed()
    async with group.consuming(second):
        await second.holds_all([b"slow"])
    assert await group.committed() == {0: 1, 1: 1}


async def test_the_next_batch_waits_for_the_one_in_hand(group: Group) -> None:
    intake = HeldIntake()
    await group.make()
    await group.put(b"1", b"2")
    async with group.consuming(intake):
        await intake.holds(2)
        await group.put(b"3", b"4")
        assert await group.committed() == {}
        assert intake.bodies == [b"1", b"2"]
        intake.commit()
        await intake.holds(4)
    assert await group.committed() == {0: 2}


@pytest.mark.parametrize("end", [HeldIntake.stop, HeldIntake.fail])
async def test_nothing_is_committed_past_a_batch_that_the_intake_gave_up(
    group: Group, end: Callable[[HeldIntake], None]
) -> None:
    first, second = HeldIntake(), HeldIntake(at_once=True)
    await group.make()
    await group.put(b"1", b"2")
    async with group.consuming(first):
        await first.holds(2)
        end(first)
        first.commit_from_now_on()
        await group.put(b"3")
        with pytest.raises(TimeoutError):
            await first.holds(3, within=0.5)
    assert await group.committed() == {}
    async with group.consuming(second):
        assert await second.holds(3) == [b"1", b"2", b"3"]


HOSTILE: dict[str, tuple[bytes | None, Headers]] = {
    "header not UTF-8": (b"hostile", [("k", b"\xff\xfe")]),
    "header null": (b"hostile", [("k", None)]),
    "header twice": (b"hostile", [("k", b"1"), ("k", b"2")]),
    "content type not UTF-8": (b"hostile", [("content-type", b"\xff")]),
    "reply to somewhere": (b"hostile", [("reply_to", b"elsewhere"), ("correlation_id", b"\xff")]),
    "huge header": (b"hostile", [("k", b"x" * 100_000)]),
    "tombstone": (None, []),
    "empty": (b"", []),
    "not UTF-8": (b"\xff\x00\xfe", []),
}


@pytest.mark.parametrize(("body", "headers"), HOSTILE.values(), ids=HOSTILE)
async def test_every_record_reaches_the_intake_as_it_is(group: Group, body: bytes | None, headers: Headers) -> None:
    intake = HeldIntake(at_once=True)
    await group.make()
    await group.put(b"good")
    await group.put(body, headers=headers)
    await group.put(b"after")
    async with group.consuming(intake):
        assert await intake.holds(3) == [b"good", body, b"after"]
    assert list(intake.deliveries[1].headers) == headers
    assert await group.committed() == {0: 3}


async def test_a_second_member_that_joins_in_the_middle_of_a_batch_loses_nothing(group: Group) -> None:
    await group.make(partitions=2)
    await group.put(b"1", partition=0)
    await group.put(b"2", partition=1)
    first, second = HeldIntake(), HeldIntake(at_once=True)
    async with group.consuming(first) as one:
        await first.holds(1)
        async with group.consuming(second) as two:
            first.commit_from_now_on()
            await group.put(b"3", partition=0)
            await group.put(b"4", partition=1)
            both = Both(first, second)
            await both.hold_all([b"1", b"2", b"3", b"4"])
            assert one.healthy().ok
            assert two.healthy().ok
    assert await group.committed() == {0: 2, 1: 2}


class Both:
    def __init__(self, *intakes: HeldIntake) -> None:
        self._intakes = intakes

    async def hold_all(self, bodies: list[bytes]) -> None:
        wanted = set(bodies)
        async with asyncio.timeout(SOON):
            while not wanted <= {body for intake in self._intakes for body in intake.bodies}:
                waiting = [asyncio.create_task(intake.holds(len(intake.bodies) + 1)) for intake in self._intakes]
                _, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for other in others:
                    other.cancel()


async def test_a_broker_killed_and_restarted_is_consumed_again_and_loses_nothing(kafka: Kafka, group: Group) -> None:
    intake = HeldIntake(at_once=True)
    await group.make()
    async with group.consuming(intake):
        await group.put(b"1")
        await intake.holds(1)

        kafka.kill9()
        kafka.start()

        await group.put(b"2")
        await intake.holds_all([b"1", b"2"])
    assert await group.committed() == {0: 2}


async def test_a_bus_started_before_its_broker_waits_for_it(kafka: Kafka, group: Group) -> None:
    kafka.stop()
    intake = HeldIntake(at_once=True)
    bus = group.bus(intake)
    starting = asyncio.create_task(bus.start())
    await asyncio.wait([starting], timeout=0.2)
    assert not starting.done()
    assert not bus.healthy().ok

    kafka.start()

    await asyncio.wait_for(starting, 2 * SOON)
    await group.put(b"1")
    await intake.holds(1)
    assert bus.healthy().ok
    await bus.stop()


async def test_a_published_message_arrives_with_its_content_type_and_its_system_as_key(group: Group) -> None:
    intake = HeldIntake(at_once=True)
    publisher = KafkaPublisher(group.address, topic=group.name)
    await publisher.start()
    names = [f"system-{number}" for number in range(20)]
    await publisher.publish(
        [Message(body=name.encode(), content_type=STRUCTURED, type="ai.heartbeat.v1", key=name) for name in names]
    )
    await publisher.stop()
    async with group.consuming(intake):
        await intake.holds(20)
    assert {delivery.key for delivery in intake.deliveries} == {name.encode() for name in names}
    assert {delivery.headers for delivery in intake.deliveries} == {(("content-type", STRUCTURED.encode()),)}
    assert await group.partitions() == 3


async def test_a_publisher_without_a_broker_says_so(kafka: Kafka, group: Group) -> None:
    kafka.stop()
    with pytest.raises(BusAway, match="is away"):
        await KafkaPublisher(group.address, topic=group.name).start()
    kafka.start()


async def test_a_message_larger_than_the_broker_takes_is_refused(group: Group) -> None:
    publisher = KafkaPublisher(group.address, topic=group.name)
    await publisher.start()
    with pytest.raises(BusRefused, match="no message so large"):
        await publisher.publish([Message(body=bytes(2_000_000), content_type=STRUCTURED, type="ai.heartbeat.v1")])
    await publisher.stop()


class Plain:
    """FastStream with its own parser and `ack`, and a handler that keeps what it can.

    Three ways in which it loses events, kept so that the tests above are known to be able to fail: its parser raises
    on a header that is not UTF-8 and the loop goes on; a handler that raises is logged and the loop goes on; and
    `ack` commits whatever the consumer has fetched, not what the message holds. Each time an `ack` commits past
    events that nobody kept.
    """

    def __init__(self, group: Group, intake: HeldIntake, *, fails: int = 0, enqueues: bool = False) -> None:
        self._intake = intake
        self._fails = fails
        self._enqueues = enqueues
        self._acks: set[asyncio.Task[None]] = set()
        self._broker = KafkaBroker(",".join(group.address.servers), allow_auto_create_topics=False, logger=None)
        subscriber = self._broker.subscriber(
            group.name,
            group_id=group.name,
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            polling_interval=0.05,
        )
        subscriber(self._take)

    async def _take(self, message: KafkaMessage) -> None:
        records: tuple[Record, ...] = message.raw_message  # type: ignore[assignment]
        futures = [
            self._intake.submit(Delivery(body=record.value(), origin=Origin.KAFKA, position=str(record.offset())))
            for record in records
        ]
        if self._fails:
            self._fails -= 1
            raise ConnectionError("database away")
        acked = asyncio.create_task(self._ack(message, futures))
        self._acks.add(acked)
        if not self._enqueues:
            await acked

    async def _ack(self, message: KafkaMessage, futures: list[asyncio.Future[None]]) -> None:
        await asyncio.wait(futures)
        await message.ack()

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        await self._broker.start()
        try:
            yield
        finally:
            for ack in self._acks:
                ack.cancel()
            await self._broker.stop()


async def until_committed(group: Group, offset: int) -> None:
    async with asyncio.timeout(SOON):
        while (await group.committed()).get(0) != offset:
            continue


async def test_faststream_alone_loses_a_record_with_a_header_that_is_not_utf8(group: Group) -> None:
    await group.make()
    await group.put(b"bad header", headers=[("k", b"\xff\xfe")])
    intake = HeldIntake(at_once=True)
    plain = Plain(group, intake)
    async with plain.consuming():
        async with asyncio.timeout(SOON):
            while not intake.bodies:
                await group.put(b"after")
        await until_committed(group, await group.end())
    assert b"bad header" not in intake.bodies


async def test_faststream_alone_loses_a_batch_whose_handler_failed(group: Group) -> None:
    await group.make()
    await group.put(b"1", b"2")
    intake, next_intake = HeldIntake(at_once=True), HeldIntake(at_once=True)
    async with Plain(group, intake, fails=1).consuming():
        await intake.holds(2)
        await group.put(b"3")
        await until_committed(group, 3)
    async with Plain(group, next_intake).consuming():
        await group.put(b"4")
        assert await next_intake.holds(1) == [b"4"]


async def test_faststream_alone_loses_a_pending_batch_when_a_later_one_is_acked(group: Group) -> None:
    await group.make()
    await group.put(b"1", b"2")
    intake, next_intake = HeldIntake(), HeldIntake(at_once=True)
    async with Plain(group, intake, enqueues=True).consuming():
        await intake.holds(2)
        await group.put(b"3")
        await intake.holds(3)
        intake.commit(b"3")
        await until_committed(group, 3)
    async with Plain(group, next_intake).consuming():
        await group.put(b"4")
        assert await next_intake.holds(1) == [b"4"]
