"""kill -9 at every named point of the road, then a restart: no event is lost and nothing is shown twice."""

import asyncio

import pytest

from incidents.core.events import EventType
from incidents.flow.faults import ROAD
from tests.faults.conftest import HOUSES, Pair
from tests.faults.household import KILLED, LEASE_OVER
from tests.faults.roads import consumed
from tests.make_events import delivered, drift_data, published, report_data

SYSTEM = "triage-bot"
# Without a time and a window: told as it happens, so that it pages at any hour that the test runs at.
HARM = published(EventType.REPORT_FILED, report_data(system=SYSTEM), id="harm", time=None)
DRIFT = published(EventType.DRIFT_DETECTED, drift_data(system=SYSTEM) | {"window": None}, id="drift", time=None)
CALM = published(EventType.HEARTBEAT, id="calm", time=None)
STORY = (HARM, DRIFT, HARM, CALM)


@pytest.mark.parametrize("house", HOUSES, indirect=True)
@pytest.mark.parametrize("point", ROAD)
async def test_a_process_killed_on_the_way_loses_nothing_and_repeats_nothing(house: Pair, point: str) -> None:
    household, road = house
    await road.lay()
    monitor = asyncio.create_task(road.put([delivered(event) for event in STORY]))
    first = household.start(fault=f"{point}:1")
    assert await first.ended() == KILLED, first.told()
    await road.release()
    second = household.start(offset=LEASE_OVER)
    await monitor
    await household.at_rest(events=3)
    await consumed(road)
    await household.agrees_with(["harm", "drift", "calm"])
    second.stop()
    assert await second.ended() == 0, second.told()
    assert await road.left() == 0
