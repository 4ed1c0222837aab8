"""A run proves itself in a whole house: verified and resolved, not and taken back, or nobody can say."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from incidents.core.effect import Channel
from incidents.core.events import EventType
from incidents.core.fact import FactKind
from incidents.core.incident import Resolution, Status
from incidents.core.proving import Proving
from incidents.core.run import RunStatus
from incidents.flow.ports import Turn
from tests.fakes.works import Works
from tests.flow.house import House, Postman, drift, open_house
from tests.flow.shop import Shop
from tests.make import hours, minutes
from tests.make_events import published
from tests.make_runs import a_step, a_verify

GOOD, BAD = 0.04, 0.35


@pytest.fixture
async def house(url: str) -> AsyncIterator[House]:
    made = await open_house(url)
    yield made
    await made.database.close()


def measured(id_: str, now: datetime, value: float) -> dict[str, Any]:
    """The last hour, as the monitor measured it."""
    told = drift(id_, now, value=value)
    return published(EventType.DRIFT_MEASURED, told["data"], id=id_, time=now.isoformat())


class Story:
    """Credit scoring drifts, its model is moved back, and its monitor goes on telling an hour at a time."""

    def __init__(self, house: House) -> None:
        self.house, self.works, self.told = house, Works(), 0
        self.shop = Shop(house, self.works, Proving())

    async def begin(self) -> None:
        await self.tell(BAD)
        await self.shop.begin(a_step(), a_verify())
        await self.shop.engine.round()
        await self.carry()

    async def tell(self, value: float) -> None:
        self.told += 1
        await self.house.publish(measured(f"window-{self.told}", await self.house.now(), value))

    async def hour(self, value: float | None = None) -> None:
        """An hour passes; its window is told, and the engine looks again."""
        self.house.store.shift(hours(1) + minutes(2))
        if value is not None:
            await self.tell(value)
        await self.house.clock.tick()
        await self.shop.engine.round()
        await self.carry()

    async def carry(self) -> None:
        await self.house.carry(Postman(), Postman(Channel.WEBHOOK))

    async def status(self) -> tuple[Status, RunStatus]:
        return (await self.house.incident()).status, (await self.shop.now()).status


async def test_four_good_windows_resolve_the_incident_with_the_evidence_on_the_timeline(house: House) -> None:
    story = Story(house)
    await story.begin()

    for value in (GOOD, GOOD, GOOD, GOOD):
        assert (await story.shop.now()).status is RunStatus.RUNNING
        await story.hour(value)

    assert await story.status() == (Status.RESOLVED, RunStatus.SUCCEEDED)
    assert (await house.incident()).resolution is Resolution.FIXED
    told = [text.split(",")[0] for text in await house.said(FactKind.VERIFICATION)]
    assert told == [
        "verification 0 of 4",
        "verification 1 of 4",
        "verification 2 of 4",
        "verification 3 of 4",
        "verified: 4 windows in a row within limit",
    ]
    (fact,) = [fact for fact in await house.timeline() if fact.kind is FactKind.RESOLVED]
    assert [window["verdict"] for window in fact.data["evidence"]["alerts"][0]["windows"]] == ["in"] * 4  # type: ignore[index]
    assert story.works.done == ["alias 1"]
    await house.is_well()


async def test_a_look_at_which_nothing_is_new_says_nothing(house: House) -> None:
    story = Story(house)
    await story.begin()
    before = len(await house.timeline())

    for _ in range(3):
        house.store.shift(minutes(2))
        await story.shop.engine.round()

    assert len(await house.timeline()) == before


async def test_the_same_trouble_soon_after_that_reopens_the_incident(house: House) -> None:
    story = Story(house)
    await story.begin()
    for value in (GOOD, GOOD, GOOD, GOOD):
        await story.hour(value)

    house.store.shift(minutes(20))
    await story.tell(BAD)

    assert (await house.incident()).status is Status.TRIGGERED
    assert len(await house.said(FactKind.REOPENED)) == 1


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        ([BAD] * 4, "verification failed: 4 windows out of limit, 3 allowed"),
        ([None] * 9, "verification inconclusive: 0 of 4 within 8 h 15 min, and no window was told"),
    ],
)
async def test_what_did_not_help_is_taken_back_and_people_are_asked_anew(
    house: House, windows: list[float | None], says: str
) -> None:
    story = Story(house)
    await story.begin()
    rounds = (await house.incident()).paging.round

    for value in windows:
        await story.hour(value)
    await story.shop.work()
    await story.carry()

    assert await story.status() == (Status.TRIGGERED, RunStatus.UNDONE)
    assert story.works.done == ["alias 1", "alias 2"]
    assert any(text.startswith(says) for text in await house.said(FactKind.VERIFICATION))
    paging = (await house.incident()).paging
    assert paging.round > rounds
    assert says.partition(",")[0] in paging.why
    await house.is_well()


async def test_no_window_is_kept_any_more_once_it_is_over(house: House) -> None:
    story = Story(house)
    await story.begin()
    for value in (GOOD, GOOD, GOOD, GOOD):
        await story.hour(value)

    async with house.store.unit(Turn.PEOPLE) as unit:
        _, alerts = await unit.board.incident("INC-1")

    assert [alert.proving_since for alert, _ in alerts.values()] == [None]
