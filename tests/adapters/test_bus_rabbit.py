"""RabbitMQ: nothing is acknowledged before its commit, nothing hostile stops the intake, a dead broker is outlived."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from struct import pack

import aiormq
import pytest
from aiormq import spec

from incidents.adapters.bus import BusAway, BusRefused, Message, RabbitAddress, bus_address
from incidents.adapters.bus.health import PATIENCE, Trouble
from incidents.adapters.bus.rabbit import EXCHANGE, QUEUE, RabbitBus
from incidents.adapters.bus.rabbit_publisher import RabbitPublisher
from incidents.core.delivery import Origin
from tests.adapters.held_intake import SOON, HeldIntake
from tests.rig import RabbitMQ

TYPE = "ai.drift.measured.v1"
STRUCTURED = "application/cloudevents+json"


def at(url: str) -> RabbitAddress:
    address = bus_address(url)
    assert isinstance(address, RabbitAddress)
    return address


@asynccontextmanager
async def consuming(url: str, intake: HeldIntake) -> AsyncIterator[RabbitBus]:
    bus = RabbitBus(at(url), intake, drain=0.2)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


async def publish(url: str, *bodies: bytes) -> None:
    publisher = RabbitPublisher(at(url))
    await publisher.start()
    try:
        await publisher.publish([Message(body=body, content_type=STRUCTURED, type=TYPE) for body in bodies])
    finally:
        await publisher.stop()


async def left(url: str) -> list[bytes | None]:
    """Return what the broker still has for the intake: what comes to a new consumer before a last, new message."""
    intake = HeldIntake(at_once=True)
    async with consuming(url, intake):
        await publish(url, b"last")
        return sorted(set(await intake.holds_all([b"last"])) - {b"last"}, key=repr)


class RawProperties(spec.Basic.Properties):
    """Properties as octets that no careful client would write."""

    def __init__(self, flags: int, octets: bytes) -> None:
        super().__init__(message_id="raw")
        self._octets = pack(">H", flags) + octets

    def marshal(self) -> bytes:
        return self._octets


CONTENT_TYPE, HEADERS, TIMESTAMP = 1 << 15, 1 << 13, 1 << 6


def table(octets: bytes) -> bytes:
    return pack(">I", len(octets)) + octets


def nested(depth: int) -> bytes:
    octets = b"V"
    for _ in range(depth):
        octets = b"A" + table(octets)
    return octets


async def publish_raw(url: str, body: bytes, properties: RawProperties) -> None:
    connection = await aiormq.connect(url)
    channel = await connection.channel()
    await channel.basic_publish(body, exchange=EXCHANGE, routing_key=TYPE, properties=properties)
    await connection.close()


async def test_a_message_comes_with_its_octets_its_content_type_and_where_it_was(rabbitmq_url: str) -> None:
    intake = HeldIntake(at_once=True)
    async with consuming(rabbitmq_url, intake):
        await publish(rabbitmq_url, b'{"id":1}')
        await intake.holds(1)
    (delivery,) = intake.deliveries
    assert delivery.body == b'{"id":1}'
    assert delivery.content_type == STRUCTURED
    assert delivery.origin is Origin.RABBITMQ
    assert delivery.position == f"{QUEUE}[{TYPE}]#1"


async def test_what_is_not_committed_is_not_acknowledged(rabbitmq_url: str) -> None:
    intake = HeldIntake()
    async with consuming(rabbitmq_url, intake):
        await publish(rabbitmq_url, b"1", b"2", b"3")
        await intake.holds(3)
    assert await left(rabbitmq_url) == [b"1", b"2", b"3"]


async def test_a_commit_behind_one_that_is_pending_is_not_acknowledged_yet(rabbitmq_url: str) -> None:
    intake = HeldIntake()
    async with consuming(rabbitmq_url, intake):
        await publish(rabbitmq_url, *(b"%d" % number for number in range(1, 7)))
        await intake.holds(6)
        intake.commit(b"5", b"2", b"1", b"4")
    assert await left(rabbitmq_url) == [b"3", b"4", b"5", b"6"]


async def test_commits_in_any_order_are_all_acknowledged_in_the_end(rabbitmq_url: str) -> None:
    intake = HeldIntake()
    async with consuming(rabbitmq_url, intake):
        await publish(rabbitmq_url, b"1", b"2", b"3")
        await intake.holds(3)
        intake.commit(b"3", b"2", b"1")
    assert await left(rabbitmq_url) == []


async def test_a_stop_waits_for_the_commit_in_hand_and_acknowledges_it(rabbitmq_url: str) -> None:
    intake = HeldIntake()
    bus = RabbitBus(at(rabbitmq_url), intake)
    await bus.start()
    await publish(rabbitmq_url, b"1", b"2")
    await intake.holds(2)
    stopping = asyncio.create_task(bus.stop())
    await asyncio.wait([stopping], timeout=0.2)
    assert not stopping.done()
    intake.commit()
    await stopping
    assert await left(rabbitmq_url) == []


@pytest.mark.parametrize("end", [HeldIntake.stop, HeldIntake.fail])
async def test_an_intake_that_gives_up_leaves_everything_at_the_broker(
    rabbitmq_url: str, end: Callable[[HeldIntake], None]
) -> None:
    intake = HeldIntake()
    async with consuming(rabbitmq_url, intake):
        await publish(rabbitmq_url, b"1", b"2", b"3")
        await intake.holds(3)
        intake.commit(b"1")
        end(intake)
        await publish(rabbitmq_url, b"4")
        await intake.holds(4)
        intake.commit(b"4")
    assert await left(rabbitmq_url) == [b"2", b"3", b"4"]


HOSTILE = {
    "content type not UTF-8": RawProperties(CONTENT_TYPE, b"\x02\xff\xfe"),
    "header name not UTF-8": RawProperties(HEADERS, table(b"\x01\xffV")),
    "header value not UTF-8": RawProperties(HEADERS, table(b"\x01kS" + table(b"\xff\xfe"))),
    "header null": RawProperties(HEADERS, table(b"\x01kV")),
    "header of every kind": RawProperties(
        HEADERS,
        table(
            b"\x01at\x01\x01bI\xff\xff\xff\xff\x01dd" + bytes(8) + b"\x01eD\x02\x00\x00\x00\x05\x01fx" + table(b"\xff")
        ),
    ),
    "header nested": RawProperties(HEADERS, table(b"\x01kF" + table(b"\x01iF" + table(b"\x01jI\x00\x00\x00\x07")))),
    "header nested beyond reason": RawProperties(HEADERS, table(b"\x01k" + nested(3_000))),
    "header time beyond the calendar": RawProperties(HEADERS, table(b"\x01kT" + pack(">Q", 1 << 62))),
    "huge header": RawProperties(HEADERS, table(b"\x01kS" + table(b"x" * 100_000))),
    "timestamp beyond the calendar": RawProperties(TIMESTAMP, pack(">Q", 1 << 62)),
    "nothing but a body": RawProperties(0, b""),
}


@pytest.mark.parametrize("properties", HOSTILE.values(), ids=HOSTILE)
async def test_no_property_keeps_a_message_or_the_next_one_from_the_intake(
    rabbitmq_url: str, properties: RawProperties
) -> None:
    intake = HeldIntake(at_once=True)
    async with consuming(rabbitmq_url, intake):
        await publish_raw(rabbitmq_url, b"hostile", properties)
        await publish(rabbitmq_url, b"good")
        assert await intake.holds(2) == [b"hostile", b"good"]
    assert await left(rabbitmq_url) == []


async def test_what_amqp_types_is_told_as_text_octets_or_json(rabbitmq_url: str) -> None:
    intake = HeldIntake(at_once=True)
    async with consuming(rabbitmq_url, intake):
        for name in ("header of every kind", "header nested", "header null", "header value not UTF-8"):
            await publish_raw(rabbitmq_url, name.encode(), HOSTILE[name])
        await intake.holds(4)
    assert [delivery.headers for delivery in intake.deliveries] == [
        (("a", "true"), ("b", "-1"), ("d", "0.0"), ("e", "0.05"), ("f", b"\xff")),
        (("k", '{"i": {"j": 7}}'),),
        (("k", None),),
        (("k", b"\xff\xfe"),),
    ]


async def test_headers_that_cannot_be_read_are_kept_as_octets(rabbitmq_url: str) -> None:
    intake = HeldIntake(at_once=True)
    async with consuming(rabbitmq_url, intake):
        await publish_raw(rabbitmq_url, b"hostile", HOSTILE["header name not UTF-8"])
        await intake.holds(1)
    assert intake.deliveries[0].headers == (("unreadable-headers", b"\x01\xffV"),)


async def test_a_broker_killed_and_restarted_is_consumed_again_and_loses_nothing(
    rabbitmq: RabbitMQ, rabbitmq_url: str
) -> None:
    intake = HeldIntake()
    async with consuming(rabbitmq_url, intake) as bus:
        await publish(rabbitmq_url, b"1", b"2", b"3")
        await intake.holds(3)

        rabbitmq.kill9()
        rabbitmq.start()

        await intake.holds(6)
        assert await bus.consumers() == 1
        assert bus.healthy().ok
        intake.commit()
        await publish(rabbitmq_url, b"4")
        await intake.holds(7)
        intake.commit()
    assert await left(rabbitmq_url) == []


async def test_a_commit_of_the_old_channel_acknowledges_nothing_on_the_new_one(
    rabbitmq: RabbitMQ, rabbitmq_url: str
) -> None:
    intake = HeldIntake()
    async with consuming(rabbitmq_url, intake):
        await publish(rabbitmq_url, b"1", b"2", b"3")
        await intake.holds(3)

        rabbitmq.kill9()
        rabbitmq.start()

        await intake.holds(6)
        intake.commit_first(3)
    assert await left(rabbitmq_url) == [b"1", b"2", b"3"]


async def test_a_queue_that_somebody_deletes_is_made_and_consumed_again(rabbitmq_url: str) -> None:
    intake = HeldIntake(at_once=True)
    async with consuming(rabbitmq_url, intake):
        connection = await aiormq.connect(rabbitmq_url)
        await (await connection.channel()).queue_delete(QUEUE)
        await connection.close()
        async with asyncio.timeout(SOON):
            while True:
                try:
                    await publish(rabbitmq_url, b"after")
                    break
                except BusAway:
                    continue
        await intake.holds_all([b"after"])


async def says(bus: RabbitBus, words: str) -> None:
    """Wait until the bus gives this reason for being unwell."""
    for _ in range(int(SOON / 0.02)):
        if words in bus.healthy().reason:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{bus.healthy().reason!r} does not say {words!r}")


async def test_a_bus_started_before_its_broker_waits_for_it(rabbitmq: RabbitMQ, rabbitmq_url: str) -> None:
    rabbitmq.stop()
    intake = HeldIntake(at_once=True)
    bus = RabbitBus(at(rabbitmq_url), intake)
    starting = asyncio.create_task(bus.start())
    await says(bus, "is away")
    assert not starting.done()

    rabbitmq.start()

    await asyncio.wait_for(starting, SOON)
    assert bus.healthy().ok
    assert await bus.consumers() == 1
    await bus.stop()


async def test_a_start_that_is_given_up_leaves_nothing_behind(rabbitmq: RabbitMQ, rabbitmq_url: str) -> None:
    rabbitmq.stop()
    bus = RabbitBus(at(rabbitmq_url), HeldIntake())
    starting = asyncio.create_task(bus.start())
    await asyncio.wait([starting], timeout=0.2)
    starting.cancel()
    await asyncio.wait([starting])
    await bus.stop()
    rabbitmq.start()
    assert not bus.healthy().ok


async def test_a_refused_login_is_told_at_once_and_not_tried_again(rabbitmq_url: str) -> None:
    bus = RabbitBus(at(rabbitmq_url.replace("guest:guest", "guest:s3cret")), HeldIntake())
    with pytest.raises(BusRefused, match="ACCESS_REFUSED") as refused:
        await asyncio.wait_for(bus.start(), SOON)
    assert "s3cret" not in str(refused.value)


async def test_a_virtual_host_that_is_not_there_is_named_while_the_bus_waits(rabbitmq_url: str) -> None:
    bus = RabbitBus(at(f"{rabbitmq_url}-no"), HeldIntake())
    starting = asyncio.create_task(bus.start())
    await says(bus, "does not open its virtual host")
    starting.cancel()


async def test_a_queue_of_the_same_name_but_another_kind_is_told_at_once(rabbitmq_url: str) -> None:
    connection = await aiormq.connect(rabbitmq_url)
    await (await connection.channel()).queue_declare(QUEUE, durable=True)
    await connection.close()
    with pytest.raises(BusRefused, match="inequivalent arg"):
        await asyncio.wait_for(RabbitBus(at(rabbitmq_url), HeldIntake()).start(), SOON)


async def test_consumers_are_counted_at_the_broker(rabbitmq_url: str) -> None:
    async with consuming(rabbitmq_url, HeldIntake()) as one:
        async with consuming(rabbitmq_url, HeldIntake()):
            assert await one.consumers() == 2
        assert await one.consumers() == 1


async def test_a_message_that_no_queue_takes_is_an_error_for_its_publisher(rabbitmq_url: str) -> None:
    with pytest.raises(BusAway, match="start `incidents serve` first"):
        await publish(rabbitmq_url, b"1")


async def test_a_message_that_need_not_arrive_may_go_nowhere(rabbitmq_url: str) -> None:
    publisher = RabbitPublisher(at(rabbitmq_url), exchange="ai.incidents", must_arrive=False)
    await publisher.start()
    await publisher.publish([Message(body=b"1", content_type=STRUCTURED, type="ai.incident.opened.v1")])
    await publisher.stop()


async def test_a_publisher_without_a_broker_says_so(rabbitmq: RabbitMQ, rabbitmq_url: str) -> None:
    rabbitmq.stop()
    with pytest.raises(BusAway, match="is away"):
        await publish(rabbitmq_url, b"1")
    rabbitmq.start()


def test_a_short_trouble_is_told_and_a_long_one_is_ill_health() -> None:
    clock = [100.0]
    trouble = Trouble("not yet connected", now=lambda: clock[0])
    trouble.over()
    trouble.is_that("the broker is away")
    assert trouble.health().ok
    assert "the broker is away" in trouble.health().reason
    clock[0] += PATIENCE
    trouble.is_that("the broker is still away")
    assert (trouble.health().ok, trouble.health().stuck) == (False, False)


def test_only_a_broker_that_is_there_without_a_consumer_asks_for_a_restart() -> None:
    clock = [100.0]
    trouble = Trouble("not yet connected", now=lambda: clock[0])
    trouble.is_that("the broker is away")
    clock[0] += 10 * PATIENCE
    trouble.is_that("no consumer", stuck=True)
    assert not trouble.health().stuck
    clock[0] += PATIENCE
    assert trouble.health().stuck
    trouble.over()
    assert trouble.health().ok
