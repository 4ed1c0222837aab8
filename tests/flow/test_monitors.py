"""Signs of life come in, monitors fall silent and are heard of again, and retired systems go on publishing."""
# ruff: noqa: ANN401 - an event's data is whatever its story needs

import asyncio
from datetime import datetime, timedelta
from typing import Any

from incidents.core.effect import Channel
from incidents.core.events import EventType
from incidents.core.fact import FactKind
from incidents.core.incident import Status
from incidents.core.policy import MonitorPolicy, Policy
from incidents.core.severity import Severity
from incidents.core.silence import Matcher, Trait
from incidents.core.system import Lifecycle, Monitor
from incidents.flow.listening import Listener
from incidents.flow.ports import Silencing, Turn
from tests.flow.house import SOON, House, Postman
from tests.make import a_catalog, a_system, an_estate, by, hours, minutes
from tests.make_events import published


def beat(id_: str, **data: Any) -> dict[str, Any]:
    """A monitor of the credit model says that it lives, and will say so every minute."""
    told = {"system": "credit-scoring", "monitor": "nightly", "every_seconds": 60, **data}
    return published(EventType.HEARTBEAT, {name: said for name, said in told.items() if said is not None}, id=id_)


def now_with(house: House, *monitors: Monitor, **more: Any) -> None:
    """The catalog as it is from now on."""
    house.estate = an_estate(a_catalog(a_system(monitors=monitors, **more)))


def good(id_: str, now: datetime) -> dict[str, Any]:
    """The drift monitor of the credit model has measured the last hour, and all is well."""
    window = {"start": (now - hours(1)).isoformat(), "end": now.isoformat()}
    data = {"system": "credit-scoring", "metric": "psi", "value": 0.01, "threshold": 0.1, "window": window}
    return published(EventType.DRIFT_MEASURED, data, id=id_, time=now.isoformat())


async def passes(house: House, time: timedelta) -> None:
    """Time passes, and what it brings about is carried."""
    house.store.shift(time)
    await house.clock.tick()
    await house.carry(Postman(), Postman(Channel.WEBHOOK))


async def titles(house: House) -> list[str]:
    return [row.title for row in await house.found("select title from incidents order by number")]


async def watched(house: House) -> list[tuple[Any, ...]]:
    return [
        tuple(row) for row in await house.found("select system, environment, monitor from monitors order by 1, 2, 3")
    ]


async def test_a_monitor_that_stops_beating_opens_one_incident_and_a_beat_ends_it(house: House) -> None:
    await house.publish(beat("1"))
    await passes(house, minutes(6))
    assert await titles(house) == []
    await passes(house, minutes(2))
    await passes(house, minutes(5))
    (title,) = await titles(house)
    assert title.startswith("Credit scoring: a monitor is silent, nightly was last heard of")
    assert (await house.incident()).severity is Severity.SEV4
    assert not [key for key in await house.effects() if key.startswith("page:")]  # SEV4 posts, and pages nobody
    await house.is_well()

    await house.publish(beat("2"))
    await house.clock.tick()
    assert await house.said(FactKind.ALERT_CLEARED) == ["nightly is heard of again"]
    await passes(house, minutes(31))  # silent again by then, soon after it was resolved by itself
    assert len(await titles(house)) == 1
    assert (await house.incident()).status is Status.TRIGGERED
    await house.is_well()


async def test_a_monitor_that_goes_on_beating_stays_well_and_is_written_down_once_a_minute(house: House) -> None:
    for number in range(40):
        await house.publish(beat(str(number)))
        await passes(house, minutes(0.5))
    assert await titles(house) == []
    assert await watched(house) == [("credit-scoring", "production", "nightly")]
    await house.is_well()


async def test_readings_are_signs_of_life_of_the_monitor_that_the_catalog_expects(house: House) -> None:
    now_with(house, Monitor(kind="drift", name="evidently", every=hours(1)))
    await house.clock.tick()
    assert await watched(house) == [("credit-scoring", "production", "evidently")]
    for number in range(5):
        await house.publish(good(f"d{number}", await house.now()))
        await passes(house, hours(1))
    assert await titles(house) == []
    await passes(house, hours(3))
    assert len(await titles(house)) == 1
    await house.is_well()


async def test_a_monitor_that_the_catalog_expects_and_nobody_ever_heard_of_is_told_of(house: House) -> None:
    now_with(house, Monitor(kind="cost_anomaly", every=hours(1)))
    await house.clock.tick()
    await passes(house, hours(2))
    assert await titles(house) == []
    await passes(house, hours(2))
    (title,) = await titles(house)
    assert "cost_anomaly was never heard of since" in title

    now_with(house)  # taken out of the catalog again
    await house.clock.tick()
    assert await house.said(FactKind.ALERT_CLEARED) == ["Nobody waits for cost_anomaly any more"]
    await house.is_well()


async def test_a_shorter_cadence_in_the_catalog_counts_from_when_it_is_read(house: House) -> None:
    await house.publish(beat("1", every_seconds=86_400))
    await passes(house, hours(4))
    assert await titles(house) == []
    now_with(house, Monitor(kind="drift", name="nightly", every=hours(1)))
    await house.clock.tick()
    await house.clock.tick()
    assert len(await titles(house)) == 1


async def test_a_monitor_of_many_systems_shows_to_live_for_each_that_expects_it(house: House) -> None:
    shared = Monitor(kind="drift", name="nightly", every=hours(1))
    house.estate = an_estate(a_catalog(a_system(monitors=(shared,)), a_system("rag-assistant", monitors=(shared,))))
    await house.publish(beat("1", system=None))
    assert await watched(house) == [
        ("credit-scoring", "production", "nightly"),
        ("rag-assistant", "production", "nightly"),
    ]


async def test_a_name_that_is_not_in_the_catalog_is_seen_by_its_heartbeat_and_its_silence_is_no_further_trouble(
    house: House,
) -> None:
    await house.publish(beat("1", system="shadow-bot"))
    assert await watched(house) == []
    assert [tuple(row) for row in await house.found("select system, known from systems")] == [("shadow-bot", 0)]
    await passes(house, hours(1))
    assert await titles(house) == []
    await house.is_well()


async def test_a_retired_system_that_still_publishes_is_told_of_once_until_it_is_quiet_for_a_day(house: House) -> None:
    now_with(house, lifecycle=Lifecycle.RETIRED)
    await house.publish(good("d1", await house.now()))
    await house.clock.tick()
    for number in range(3):
        await house.publish(beat(f"b{number}"))
        await passes(house, hours(8))
    (title,) = await titles(house)
    assert title.startswith("Credit scoring: retired, and still publishing")
    await passes(house, hours(15))
    assert await house.said(FactKind.ALERT_CLEARED) == []
    await passes(house, hours(2))
    assert await house.said(FactKind.ALERT_CLEARED) == ["No event for 1 d"]
    await house.is_well()


async def test_the_same_heartbeat_sent_again_is_no_sign_of_life(house: House) -> None:
    await house.publish(beat("1"))
    await passes(house, minutes(5))
    await house.publish(beat("1"))
    await passes(house, minutes(3))
    assert len(await titles(house)) == 1


async def test_silent_monitors_of_one_system_share_its_incident(house: House) -> None:
    await house.publish(*(beat(f"{name}", monitor=name) for name in ("one", "two", "three")))
    await passes(house, minutes(8))
    assert len(await titles(house)) == 1
    assert len(await house.said(FactKind.ALERT_JOINED)) == 3
    await house.is_well()


async def silenced(house: House, lasting: timedelta) -> None:
    """Priya wants to hear nothing of silent monitors for so long."""
    matchers = (Matcher(field=Trait.KIND, value="monitor_silent"),)
    await house.silences.make(Silencing(matchers=matchers, lasting=lasting, reason="Scheduler moves", by=by("priya")))


async def test_a_monitor_silent_under_a_silence_is_told_of_when_that_is_over(house: House) -> None:
    await house.publish(beat("1"))
    await silenced(house, minutes(30))
    await passes(house, minutes(8))
    assert await titles(house) == []
    assert [row.state for row in await house.found("select state from alerts where muted_by is not null")] == ["firing"]
    await house.is_well()
    await passes(house, minutes(23))
    assert len(await titles(house)) == 1
    await house.is_well()


async def test_a_monitor_heard_of_again_before_the_silence_is_over_is_never_told_of(house: House) -> None:
    await house.publish(beat("1"))
    await silenced(house, minutes(30))
    await passes(house, minutes(8))
    await house.publish(beat("2"))
    await house.clock.tick()
    assert await house.found("select 1 from alerts where burning") == []
    await house.publish(beat("3", every_seconds=3600))
    await passes(house, minutes(40))
    assert await titles(house) == []
    await house.is_well()


async def test_a_flood_of_silences_is_one_incident_past_so_many_an_hour_and_ends_as_each_is_heard_of_again(
    house: House,
) -> None:
    systems = [a_system(f"bot-{number:02d}") for number in range(30)]
    policy = Policy(monitors=MonitorPolicy(incidents_an_hour=4))
    house.estate = an_estate(a_catalog(*systems), policy=policy)
    await house.publish(*(beat(system.id, system=system.id) for system in systems))
    await passes(house, minutes(8))
    found = await titles(house)
    assert len(found) == 5
    (shared,) = [title for title in found if title.startswith("Silent monitors: many within an hour, nightly was")]
    burning = await house.found("select incident, count(*) as many from alerts where burning group by incident")
    assert sorted(row.many for row in burning) == [1, 1, 1, 1, 26]
    await house.is_well()

    await house.publish(*(beat(f"again {system.id}", system=system.id) for system in systems))
    await house.clock.tick()
    assert await house.found("select 1 from alerts where burning") == []
    (number,) = [
        f"INC-{row.number}" for row in await house.found("select number, title from incidents") if row.title == shared
    ]
    assert await house.said(FactKind.VERIFIED, number)
    await house.carry(Postman(), Postman(Channel.WEBHOOK))
    await house.is_well()


# --- while nobody listens ---------------------------------------------------------------------------------------------


async def listened_for(house: House, listener: Listener, time: timedelta) -> None:
    """Time passes while somebody listens, as the service does each minute."""
    for _ in range(round(time / minutes(2))):
        house.store.shift(minutes(2))
        await listener.note()
        await house.clock.tick()


async def test_a_service_that_was_down_for_three_hours_takes_nobody_for_silent_that_it_could_not_hear(
    house: House,
) -> None:
    listener = Listener(house.store, lambda: True)
    await listener.note()
    await house.publish(*(beat(name, monitor=name) for name in ("one", "two")))
    house.store.shift(hours(3))
    await house.clock.tick()  # the clock is back before anybody listens
    await listener.note()
    await house.clock.tick()
    assert await titles(house) == []
    await house.publish(beat("again", monitor="one"))
    await listened_for(house, listener, minutes(6))
    assert await titles(house) == []
    await house.publish(beat("once more", monitor="one"))
    await listened_for(house, listener, minutes(2))
    (title,) = await titles(house)  # two could have been heard by now
    assert "two was last heard of" in title
    await house.carry(Postman(), Postman(Channel.WEBHOOK))
    await house.is_well()


async def test_while_the_bus_is_away_nobody_is_taken_for_silent(house: House) -> None:
    await Listener(house.store, lambda: True).note()
    await house.publish(beat("1"))
    await passes(house, hours(1))
    assert await titles(house) == []
    await house.is_well()


async def test_a_process_that_hears_nothing_notes_nothing_until_it_does(house: House) -> None:
    hears = [False]
    listener = Listener(house.store, lambda: hears[0], every=0.01)
    async with house.store.unit(Turn.PAGES) as unit:
        assert await unit.monitors.listened_at() is None
    running = asyncio.create_task(listener.run())
    hears[0] = True
    async with asyncio.timeout(SOON):
        noted = None
        while noted is None:
            async with house.store.unit(Turn.PAGES) as unit:
                noted = await unit.monitors.listened_at()
    listener.stop()
    await running
    assert await watched(house) == [("", "", "")]
