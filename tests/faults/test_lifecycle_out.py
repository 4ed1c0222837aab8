"""What other systems are told: every move of an incident in its order, whoever was away or died on the way."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from incidents.adapters.bus.lifecycle import IncidentMoved
from incidents.adapters.store.tables import dead_letters, effects
from incidents.core.events import EventType
from incidents.flow.faults import ROAD
from tests.faults.followers import Follower, KafkaFollower, RabbitFollower
from tests.faults.household import KILLED, LEASE_OVER, WAITING, Household
from tests.faults.roads import KafkaRoad
from tests.make_events import delivered, published, report_data
from tests.rig import Kafka, RabbitMQ
from tests.rig.child import LOOPBACK, free_ports

KINDS = ["opened", "acknowledged", "escalated", "mitigated", "reopened", "resolved", "closed"]
HARM = delivered(published(EventType.REPORT_FILED, report_data(system="triage-bot"), id="harm", time=None))


RABBIT, KAFKA = pytest.mark.rabbit, pytest.mark.kafka
BUSES = [pytest.param("rabbitmq", marks=RABBIT), pytest.param("kafka", marks=KAFKA)]
DEATHS = [pytest.param("rabbitmq", point, marks=RABBIT) for point in ROAD if point.startswith("deliver.")]


@pytest.fixture
def follower(request: pytest.FixtureRequest) -> Iterator[Follower]:
    if request.param == "kafka":
        kafka: Kafka = request.getfixturevalue("kafka")
        KafkaRoad(kafka).forget()
        yield KafkaFollower(kafka)
        KafkaRoad(kafka).forget()
        return
    rabbitmq: RabbitMQ = request.getfixturevalue("rabbitmq")
    url = rabbitmq.fresh()
    yield RabbitFollower(url)
    rabbitmq.drop(url)


@pytest.fixture
async def household(fresh_sqlite: str, follower: Follower) -> AsyncIterator[Household]:
    made = Household(database=fresh_sqlite, bus=follower.bus_url, slack=None)
    yield made
    await made.end()


async def whole_story(household: Household) -> None:
    """An incident from its first event to its end, by HTTP."""

    async def alive() -> bool:
        try:
            return (await http.get("/healthz")).is_success
        except httpx.TransportError:
            return False

    async def does(action: str, **said: str) -> None:
        answer = await http.post(f"/api/incidents/INC-1/{action}", json=said)
        assert answer.is_success, answer.text

    async with httpx.AsyncClient(base_url=household.url, timeout=60) as http:
        await household.until(alive)
        headers = {"content-type": HARM.content_type or ""}
        assert (await http.post("/events", content=HARM.body or b"", headers=headers)).status_code == 202
        await does("acknowledge")
        await does("escalate")
        await does("mitigate")
        await does("reopen")
        await does("resolve", reason="false_positive")
        [alert] = (await http.get("/api/incidents/INC-1")).json()["alerts"]
        await does("waive", alert=alert["fingerprint"], reason="nobody was hurt")
        await does("close")


async def carried(household: Household, *, but: str = "") -> None:
    """Wait until nothing waits to be carried on any channel, or on any `but` one."""

    async def nothing() -> bool:
        waiting = select(func.count()).select_from(effects)
        where = (effects.c.state.in_(WAITING), effects.c.channel != but)
        [(count,)] = await household.rows(waiting.where(*where))
        return not count

    await household.until(nothing)


async def events_of(household: Household) -> list[Any]:
    query = select(effects.c.key, effects.c.state, effects.c.data).where(effects.c.channel == "bus")
    return list(await household.rows(query.order_by(effects.c.id)))


def kinds(events: list[Mapping[str, Any]]) -> list[str]:
    """What happened, each once however often in a row."""
    found: list[str] = []
    for event in events:
        kind = event["type"].removeprefix("ai.incident.").removesuffix(".v1")
        if found[-1:] != [kind]:
            found.append(kind)
    return found


def once_each(events: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """What is left when repeats are dropped by their id, as everybody who follows can."""
    found: dict[str, Mapping[str, Any]] = {}
    for event in events:
        assert found.setdefault(event["id"], event) == event  # a repeat says the same
    return list(found.values())


async def nothing_came_back(household: Household) -> None:
    assert set(await household.events()) == {"harm"}
    assert await household.rows(select(dead_letters)) == []


@pytest.mark.parametrize("follower", BUSES, indirect=True)
async def test_the_seven_kinds_are_told_in_order_and_never_come_back_in(
    household: Household, follower: Follower
) -> None:
    await follower.listen()
    running = household.start()
    await household.ready()
    await whole_story(household)
    await carried(household)
    heard = await follower.heard()
    assert [event["id"] for event in heard] == [row.key for row in await events_of(household)]
    assert kinds(once_each(heard)) == KINDS
    for event in heard:
        IncidentMoved.model_validate(event["data"])
        assert (event["source"], event["subject"]) == (f"{household.url}/incidents", "INC-1")
    await nothing_came_back(household)
    running.stop()
    assert await running.ended() == 0, running.told()


@pytest.mark.parametrize(
    ("follower", "point"), [*DEATHS, pytest.param("kafka", "deliver.sent", marks=KAFKA)], indirect=["follower"]
)
async def test_with_the_broker_away_and_a_death_on_the_way_nothing_is_lost_and_the_order_stays(
    household: Household, follower: Follower, point: str
) -> None:
    [nobody] = free_ports(1)
    scheme = follower.bus_url.partition("://")[0]
    before = household.start(INCIDENTS_BUS_URL=f"{scheme}://{LOOPBACK}:{nobody}")
    await whole_story(household)
    await carried(household, but="bus")
    before.stop()
    assert await before.ended() == 0, before.told()
    made = await events_of(household)
    assert kinds([row.data for row in made]) == KINDS
    assert {row.state for row in made} <= set(WAITING)

    await follower.listen()
    first = household.start(fault=f"{point}:1", offset=LEASE_OVER)  # events are all that is left to carry
    assert await first.ended() == KILLED, first.told()
    second = household.start(offset=2 * LEASE_OVER)
    await carried(household)
    heard = await follower.heard()
    assert {event["id"] for event in heard} == {row.key for row in made}
    assert [event["id"] for event in once_each(heard)] == [row.key for row in made]
    await nothing_came_back(household)
    second.stop()
    assert await second.ended() == 0, second.told()
