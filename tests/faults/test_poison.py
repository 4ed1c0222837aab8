"""An event that ends the process whenever it is looked at: it alone is put aside, and all its neighbours are taken."""

import asyncio

import httpx
import pytest
from sqlalchemy import select

from incidents.adapters.store.tables import dead_letters
from incidents.core.delivery import Delivery
from incidents.core.events import EventType
from incidents.flow.intake import TRIES
from tests.faults.conftest import HOUSES, KAFKA_ON_POSTGRES, Pair
from tests.faults.household import KILLED, Household, Running
from tests.faults.roads import HttpRoad, Road, consumed
from tests.make_events import delivered, heartbeat_data, published

DEADLY = "deadly"
NEIGHBOURS = [f"calm-{number}" for number in range(20)]
AT_ONCE = 1  # the crash that makes suspects of a whole batch


def heartbeat(event: str, *, source: str = "//monitors.example/nightly") -> Delivery:
    return delivered(published(EventType.HEARTBEAT, heartbeat_data(), id=event, source=source, time=None))


def among_neighbours(*deadly: Delivery) -> list[Delivery]:
    half = len(NEIGHBOURS) // 2
    before, after = NEIGHBOURS[:half], NEIGHBOURS[half:]
    return [*map(heartbeat, before), *deadly, *map(heartbeat, after)]


async def letters(household: Household) -> list[tuple[str, bytes]]:
    query = select(dead_letters.c.reason, dead_letters.c.body).order_by(dead_letters.c.id)
    return [(row.reason, bytes(row.body)) for row in await household.rows(query)]


async def deaths_until_put_aside(household: Household, road: Road, *, guilty: int = 1) -> int:
    """Start the service again each time it dies, until so many messages are put aside; how often it died."""
    deaths = 0
    while True:
        service = household.start(fault=f"event:{DEADLY}")
        if await lives_until_put_aside(household, service, guilty):
            return deaths
        assert await service.ended() == KILLED, service.told()
        await road.release()
        deaths += 1
        assert deaths < 20, service.told()


async def lives_until_put_aside(household: Household, service: Running, guilty: int) -> bool:
    async def over() -> bool:
        return not service.lives or len(await letters(household)) == guilty

    await household.until(over)
    return service.lives


@pytest.mark.parametrize("house", HOUSES, indirect=True)
async def test_an_event_that_kills_the_process_is_put_aside_and_its_neighbours_are_taken(house: Pair) -> None:
    household, road = house
    await road.lay()
    deadly = heartbeat(DEADLY)
    monitor = asyncio.create_task(road.put(among_neighbours(deadly)))
    assert await deaths_until_put_aside(household, road) == AT_ONCE + TRIES
    await monitor
    await household.at_rest(events=len(NEIGHBOURS))
    await consumed(road)
    assert sorted((await household.events()).elements()) == sorted(NEIGHBOURS)
    assert await letters(household) == [("quarantined", deadly.body)]
    await household.keeps_its_promise()
    await road.put([deadly, heartbeat("later")])  # it comes again, and harms nobody
    await household.at_rest(events=len(NEIGHBOURS) + 1)
    await consumed(road)
    assert await letters(household) == [("quarantined", deadly.body)]
    if isinstance(road, HttpRoad):
        assert [answer for answer in road.answers if 400 <= answer < 500] == [422, 422]
    await is_taken_once_mended(household)


async def is_taken_once_mended(household: Household) -> None:
    """The service does not die of it any more, so that an operator sends it through the front door again."""
    household.newest.stop()
    assert await household.newest.ended() == 0
    household.start()
    await household.ready()
    [letter] = await household.rows(select(dead_letters.c.id))
    async with httpx.AsyncClient(base_url=household.url) as client:
        answer = await client.post(f"/api/dead-letters/{letter.id}/replay")
    assert answer.status_code == 200, answer.text
    assert DEADLY in await household.events()


@pytest.mark.parametrize("house", [KAFKA_ON_POSTGRES], indirect=True)
async def test_two_deadly_events_in_one_batch_cost_no_more_than_their_own_tries(house: Pair) -> None:
    household, road = house
    await road.lay()
    two = [heartbeat(DEADLY, source=f"//monitors.example/{name}") for name in ("one", "two")]
    await road.put(among_neighbours(*two))
    assert await deaths_until_put_aside(household, road, guilty=2) == AT_ONCE + 2 * TRIES
    await household.at_rest(events=len(NEIGHBOURS))
    await consumed(road)
    assert [body for _, body in await letters(household)] == [one.body for one in two]
