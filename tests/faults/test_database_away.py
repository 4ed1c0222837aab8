"""The database or the broker stops, dies or loses an answer under load: nothing is lost, nothing is taken twice."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from incidents.core.delivery import Delivery
from incidents.core.events import EventType
from tests.faults.conftest import RABBIT_ON_POSTGRES, Pair
from tests.faults.household import Household, SlackTown, until
from tests.faults.indoors import indoors
from tests.faults.roads import HttpRoad, RabbitRoad, consumed
from tests.make_events import delivered, heartbeat_data, published, report_data
from tests.rig import Postgres, RabbitMQ
from tests.rig.proxy import Proxy

PATIENT = 30.0  # seconds that a monitor waits for its answer; a database's own client would wait for longer
LOST = 20  # commits whose answer never comes
GROWTH = 100  # MB while the database is away


def calm(name: str) -> Delivery:
    return delivered(published(EventType.HEARTBEAT, heartbeat_data(), id=name, time=None))


def harm(system: str) -> Delivery:
    return delivered(published(EventType.REPORT_FILED, report_data(system=system), id=f"harm-{system}", time=None))


class Load:
    """Monitors that go on publishing, by HTTP and on the bus, until they are told to end."""

    def __init__(self, household: Household, road: RabbitRoad) -> None:
        self._household, self._road = household, road
        self.confirmed: set[str] = set()
        self.refusals: list[httpx.Response] = []
        self._over = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        tasks = [asyncio.create_task(self._by_http()), asyncio.create_task(self._by_bus())]
        try:
            yield self
        finally:
            self._over.set()
            await asyncio.gather(*tasks)

    async def _by_bus(self) -> None:
        number = 0
        while not self._over.is_set():
            await self._road.put([calm(f"bus-{number}")])
            self.confirmed.add(f"bus-{number}")
            number += 1
            await asyncio.sleep(0.01)

    async def _by_http(self) -> None:
        number = 0
        async with httpx.AsyncClient(base_url=self._household.url, timeout=PATIENT) as client:
            while not self._over.is_set():
                one = calm(f"http-{number}")
                told = {"content-type": one.content_type or ""}
                answer = await client.post("/events", content=one.body or b"", headers=told)
                if answer.status_code == 202:
                    self.confirmed.add(f"http-{number}")
                    number += 1
                else:
                    self.refusals.append(answer)
                await asyncio.sleep(0.01)

    async def grows(self, by: int) -> None:
        """Wait until so many more were confirmed by HTTP."""
        wanted = self._by_http_confirmed() + by

        async def more() -> bool:
            return self._by_http_confirmed() >= wanted

        await until(more, within=120)

    def _by_http_confirmed(self) -> int:
        return sum(name.startswith("http") for name in self.confirmed)

    async def refused(self, times: int) -> None:
        wanted = len(self.refusals) + times

        async def enough() -> bool:
            return len(self.refusals) >= wanted

        await until(enough, within=120)


def family(postgres: Postgres) -> list[int]:
    """The pids of the server and of all its children."""
    pid = int((postgres.child.folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@asynccontextmanager
async def stopped(postgres: Postgres) -> AsyncIterator[None]:
    """The whole server says nothing more, and then goes on."""
    pids = family(postgres)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def killed(postgres: Postgres) -> AsyncIterator[None]:
    """The server dies by kill -9, and is started again."""
    postgres.kill9()
    try:
        yield
    finally:
        postgres.start()  # in this thread: a child dies with the thread that it was started by


Away = Callable[[Postgres], AbstractAsyncContextManager[None]]


@pytest.mark.parametrize("house", [RABBIT_ON_POSTGRES], indirect=True)
@pytest.mark.parametrize("away", [stopped, killed])
async def test_while_the_database_is_away_http_is_told_and_the_bus_waits(
    house: Pair, postgres: Postgres, away: Away
) -> None:
    household, road = house
    assert isinstance(road, RabbitRoad)
    await road.lay()
    service = household.start()
    await household.ready()
    async with Load(household, road).running() as load:
        await load.grows(by=20)
        before = service.memory()
        for _ in range(2):
            async with away(postgres):
                await load.refused(2)
            await load.grows(by=20)
    assert load.refusals
    for answer in load.refusals:
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"]
    assert service.lives
    assert service.memory() - before < GROWTH
    await household.at_rest(events=len(load.confirmed))
    await consumed(road)
    events = await household.events()
    assert load.confirmed <= set(events)
    assert set(events.values()) == {1}
    service.stop()
    assert await service.ended() == 0
    assert await road.left() == 0
    await household.keeps_its_promise()


@pytest.mark.parametrize("house", [RABBIT_ON_POSTGRES], indirect=True)
async def test_nothing_is_acknowledged_while_the_database_says_nothing(house: Pair, postgres: Postgres) -> None:
    household, road = house
    await road.lay()
    service = household.start()
    await household.ready()
    names = [f"bus-{number}" for number in range(50)]
    async with stopped(postgres):
        await road.put([calm(name) for name in names])

        async def in_hand() -> bool:
            return await road.left() == 0

        await until(in_hand)
        service.kill9()
    second = household.start()
    await household.at_rest(events=len(names))
    assert set(await household.events()) == set(names)
    second.stop()
    assert await second.ended() == 0
    assert await road.left() == 0


@pytest.mark.parametrize("road_too", [pytest.param("rabbit_road", marks=[pytest.mark.rabbit, pytest.mark.postgres])])
async def test_a_commit_whose_answer_is_lost_counts_once(
    request: pytest.FixtureRequest, fresh_postgres: str, slack_town: SlackTown, road_too: str
) -> None:
    road: RabbitRoad = request.getfixturevalue(road_too)
    await road.lay()
    await slack_town.up()
    names = [f"bus-{number}" for number in range(60)]
    server = urlsplit(fresh_postgres)
    proxy = Proxy(server.port or 0, said=b"COMMIT")
    async with proxy.running():
        through = server._replace(netloc=server.netloc.replace(str(server.port), str(proxy.port))).geturl()
        household = Household(database=through, bus=road.bus_url, slack=slack_town)
        by_http = HttpRoad(household.url)
        async with indoors(household) as home:
            proxy.loses = lambda number: number % 3 == 0 and proxy.lost < LOST
            for start in range(0, len(names), 10):
                await road.put([calm(name) for name in names[start : start + 10]])
                await by_http.put([calm(f"http-{start}")])
            await road.put([harm("triage-bot")])
            await by_http.put([harm("credit-scoring")])
            expected = [
                *names,
                *(f"http-{start}" for start in range(0, 60, 10)),
                "harm-triage-bot",
                "harm-credit-scoring",
            ]

            async def cut_often() -> bool:
                return proxy.lost == LOST

            await until(cut_often)
            await home.wind(30)  # what was leased by a commit that nobody heard of is free
            await household.at_rest(events=len(expected))
            await consumed(road)
            await household.agrees_with(expected, incidents_held=2)
        await household.end()
    assert await road.left() == 0


@pytest.mark.parametrize("house", [RABBIT_ON_POSTGRES], indirect=True)
async def test_a_broker_that_dies_is_consumed_from_again(house: Pair, rabbitmq: RabbitMQ) -> None:
    household, road = house
    await road.lay()
    service = household.start()
    await household.ready()
    names = [f"bus-{number}" for number in range(60)]
    await road.put([calm(name) for name in names[:30]])
    rabbitmq.kill9()
    rabbitmq.start()
    await road.put([calm(name) for name in names[30:]])
    await household.at_rest(events=len(names))
    assert set(await household.events()) == set(names)
    assert service.lives
    service.stop()
    assert await service.ended() == 0
    assert await road.left() == 0


async def test_a_service_that_waits_for_its_broker_still_ends_when_asked(fresh_sqlite: str) -> None:
    household = Household(database=fresh_sqlite, bus="amqp://guest:guest@127.0.0.1:1/", slack=None)
    service = household.start()

    async def serves() -> bool:
        try:
            async with httpx.AsyncClient(base_url=household.url) as client:
                return (await client.get("/healthz")).is_success
        except httpx.TransportError:
            return False

    await until(serves)
    service.stop()
    assert await service.ended() == 0, service.told()
    await household.end()
