"""Silences against alerts that fire in the same moment, on PostgreSQL: muted or paged, never both, never neither."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from incidents.core.alert import Alert
from incidents.core.effect import Channel
from incidents.core.incident import Held
from incidents.core.silence import Matcher, Silence, Trait
from incidents.flow.ports import Silencing
from tests.flow.house import House, Postman, drift
from tests.make import by, hours

pytestmark = pytest.mark.postgres
WAVES, WIDTH = 12, 8


async def fires(house: House, places: list[str]) -> None:
    """Drift that pages at any hour, place after place."""
    now = await house.now()
    for place in places:
        await house.publish(drift(f"bad {place}", now, value=0.45, performance="degraded", environment=place))


async def waits(house: House, wave: int) -> None:
    """So many questions to the database that not all waves go the same way."""
    for _ in range(12 * wave):
        await house.now()


async def raced(wave: int, one: Awaitable[object], other: Awaitable[object]) -> None:
    """At once; the first wave and the last one after the other, so that both orders are there on any machine."""
    if wave == 0:
        await one
        await other
    elif wave == WAVES - 1:
        await other
        await one
    else:
        await asyncio.gather(one, other)


async def hushes(house: House, places: list[str], *, wave: int = 0) -> list[Silence]:
    """The places from the last to the first: somewhere they meet the alerts."""
    await waits(house, wave)
    return [(await house.silences.make(of(place))).silence for place in reversed(places)]


async def ends(house: House, made: list[Silence], *, wave: int) -> None:
    await waits(house, wave)
    for silence in made:
        await house.silences.end(silence.id, by=by("lee"))


def of(place: str) -> Silencing:
    where = Matcher(field=Trait.ENVIRONMENT, value=place)
    return Silencing(matchers=(where,), reason="load test", by=by("priya"), lasting=hours(2))


async def at(house: House) -> dict[str, Alert]:
    views, _ = await house.shelf.alerts((), limit=200)
    return {view.alert.environment: view.alert for view in views}


async def order_of(house: House, alert: Alert) -> str:
    """Who was first, as the data tells; the rest of what it tells must fit."""
    assert alert.muted is not None, "it fired while it was silenced, or was silenced while it fired"
    if alert.incident is None:
        return "silence"
    whole = await house.shelf.incident(alert.incident)
    kinds = [chained.fact.kind.value for chained in whole.facts]
    assert kinds.count("silenced") == 1
    assert kinds.index("opened") < kinds.index("silenced")
    assert whole.incident.held is Held.SILENCED
    assert {effect.state for effect in whole.effects if effect.key.startswith("page:")} == {"cancelled"}
    return "alert"


async def test_an_alert_that_fires_while_it_is_silenced_is_muted_or_was_open_before(houses: list[House]) -> None:
    orders: Counter[str] = Counter()
    for wave in range(WAVES):
        places = [f"stage-{wave}-{number}" for number in range(WIDTH)]
        both = hushes(houses[0], places, wave=wave), fires(houses[1], places)
        await raced(wave, *both)
        await houses[0].carry(Postman(), Postman(Channel.WEBHOOK))
        alerts = await at(houses[0])
        orders.update([await order_of(houses[0], alerts[place]) for place in places])
    assert orders.total() == WAVES * WIDTH
    assert set(orders) == {"silence", "alert"}
    await houses[0].is_well()


async def test_what_fires_while_its_silence_is_ended_is_heard_within_a_moment(houses: list[House]) -> None:
    muted_first = 0
    for wave in range(WAVES):
        places = [f"stage-{wave}-{number}" for number in range(WIDTH)]
        made = await hushes(houses[0], places)
        await raced(wave, ends(houses[0], made, wave=wave), fires(houses[1], places))
        alerts = await at(houses[0])
        muted_first += sum(alerts[place].muted is not None for place in places)
        for house in houses:
            await house.clock.tick()
        heard = await at(houses[0])
        assert [heard[place].muted for place in places] == [None] * WIDTH
        paged = {effect.partition(":")[2].partition(":")[0] for effect in await houses[0].effects()}
        assert {heard[place].incident for place in places} <= paged
    assert 0 < muted_first < WAVES * WIDTH
    await houses[0].carry(Postman(), Postman(Channel.WEBHOOK))
    await houses[0].is_well()


async def test_a_silence_is_over_for_two_processes_at_once_and_each_alert_joins_once(houses: list[House]) -> None:
    places = [f"stage-{number}" for number in range(WIDTH)]
    await hushes(houses[0], places)
    await fires(houses[1], places)
    for house in houses:
        house.store.shift(hours(2) + timedelta(seconds=1))
    await asyncio.gather(*(house.clock.tick() for house in houses for _ in range(3)))
    await asyncio.gather(*(house.clock.tick() for house in houses))
    heard = await at(houses[0])
    assert len({heard[place].incident for place in places} - {None}) == WIDTH
    opened = await houses[0].found("select count(*) as many from incidents")
    assert opened[0].many == WIDTH
    await houses[0].carry(Postman(), Postman(Channel.WEBHOOK))
    await houses[0].is_well()
