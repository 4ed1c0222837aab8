"""Lifecycle events on real brokers: as their schema says, confirmed, and carried on when a broker comes back."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from incidents.adapters.bus import BusCarrier, Message, bus_address, event_schema, open_outlet
from incidents.adapters.bus.lifecycle import IncidentMoved, message
from incidents.core.effect import Channel, EffectKind
from incidents.flow.ports import Message as Told
from incidents.flow.ports import NotSent, NotThere, Outcome, Sent, Unknown
from tests.faults.followers import Follower, KafkaFollower, RabbitFollower
from tests.rig import Kafka, RabbitMQ, Server

NOON = "2026-11-18T12:00:00+00:00"


def told(number: int = 1, incident: str = "INC-1", **more: object) -> Told:
    data = {
        "incident": incident,
        "system": "credit-scoring",
        "environment": "production",
        "severity": "sev2",
        "status": "triggered",
        "title": "Credit scoring: drift",
        "url": f"https://incidents.example.com/incidents/{incident}",
        "at": NOON,
        "by": {"type": "system", "id": "incidents"},
        **more,
    }
    said = {"type": "ai.incident.opened.v1", "source": "https://incidents.example.com/incidents", "data": data}
    key = f"event:{incident}:{number}"
    return Told(key=key, kind=EffectKind.EVENT, incident=incident, data=said)


@asynccontextmanager
async def carrying(url: str) -> AsyncIterator[BusCarrier]:
    carrier = BusCarrier(lambda: open_outlet(bus_address(url)))
    try:
        yield carrier
    finally:
        await carrier.close()


@pytest.fixture(
    params=[pytest.param("rabbitmq", marks=pytest.mark.rabbit), pytest.param("kafka", marks=pytest.mark.kafka)]
)
def broker(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Follower]]:
    server: RabbitMQ | Kafka = request.getfixturevalue(request.param)
    url = server.fresh()
    yield server, KafkaFollower(server) if isinstance(server, Kafka) else RabbitFollower(url)
    if isinstance(server, RabbitMQ):
        server.drop(url)


def test_an_event_is_a_cloudevent_whose_id_is_its_key() -> None:
    made = message(told())
    assert (made.type, made.key, made.content_type) == (
        "ai.incident.opened.v1",
        "INC-1",
        "application/cloudevents+json",
    )
    said = json.loads(made.body)
    data = said.pop("data")
    assert said == {
        "specversion": "1.0",
        "id": "event:INC-1:1",
        "source": "https://incidents.example.com/incidents",
        "type": "ai.incident.opened.v1",
        "subject": "INC-1",
        "time": "2026-11-18T12:00:00Z",
        "datacontenttype": "application/json",
    }
    assert data["at"] == "2026-11-18T12:00:00Z"
    assert message(told()) == made  # the same however often it is sent


def test_the_schema_names_every_field_and_its_example_is_an_event() -> None:
    schema = event_schema()
    assert set(schema["required"]) == set(schema["properties"]) == set(json.loads(message(told()).body)["data"])
    assert "ai.incident.reopened.v1" in schema["description"]
    IncidentMoved.model_validate(schema["examples"][0])


async def test_events_that_are_ready_together_arrive_and_the_outlet_is_made(broker: tuple[Server, Follower]) -> None:
    _, follower = broker
    await follower.listen()
    async with carrying(follower.bus_url) as carrier:
        wanted = [told(incident=f"INC-{number}") for number in range(1, 21)]
        assert await asyncio.gather(*map(carrier.carry, wanted)) == [Sent()] * 20
        assert await carrier.find(wanted[0]) == NotThere()
        assert await carrier.carry(told(2)) == Sent()
    heard = [event["id"] for event in await follower.heard()]
    assert sorted(heard) == sorted([*(one.key for one in wanted), "event:INC-1:2"])
    assert heard.index("event:INC-1:1") < heard.index("event:INC-1:2")


@pytest.mark.rabbit
async def test_nobody_has_to_listen(rabbitmq_url: str) -> None:
    async with carrying(rabbitmq_url) as carrier:
        assert await carrier.carry(told()) == Sent()


async def test_a_broker_that_dies_gets_the_event_when_it_is_back(broker: tuple[Server, Follower]) -> None:
    server, follower = broker
    if server.is_outside:
        pytest.skip("somebody else's broker is not ours to kill")
    await follower.listen()
    async with carrying(follower.bus_url) as carrier:
        assert await carrier.carry(told(1)) == Sent()
        server.kill9()
        trouble = await carrier.carry(told(2))
        assert isinstance(trouble, NotSent | Unknown)
        server.start()
        assert await again(carrier, told(2)) == Sent()
    heard = [event["id"] for event in await follower.heard()]
    assert list(dict.fromkeys(heard)) == ["event:INC-1:1", "event:INC-1:2"]


async def again(carrier: BusCarrier, one: Told) -> Outcome:
    """Carry it as the courier does: until it is there."""
    async with asyncio.timeout(90):
        while not isinstance(outcome := await carrier.carry(one), Sent):
            pass  # each try takes as long as the broker does
    return outcome


async def test_a_bus_that_cannot_be_reached_or_makes_no_sense_is_asked_again_later() -> None:
    for url in ("amqp://127.0.0.1:1", "kafka://127.0.0.1:1", "carrier-pigeon://x"):
        async with carrying(url) as carrier:
            outcome = await carrier.carry(told())
            assert isinstance(outcome, NotSent), url
            assert outcome.after is not None


class Broken:
    """A library that fails in a way nobody thought of."""

    async def start(self) -> None:
        """Connected."""

    async def publish(self, messages: list[Message]) -> None:
        raise KeyError(len(messages))

    async def stop(self) -> None:
        """Left."""


async def test_whatever_a_library_raises_the_event_may_have_gone() -> None:
    carrier = BusCarrier(Broken)  # type: ignore[arg-type]
    assert await carrier.carry(told()) == Unknown("KeyError while it was published")
    assert carrier.channel is Channel.BUS
