"""Silences as they are kept, and the one order that they have with alerts that fire in other transactions."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.invariants import check
from incidents.adapters.store.store import Store
from incidents.core.alert import Alert, Mute
from incidents.core.decision import Decision
from incidents.core.errors import NotFound
from incidents.core.incident import Held, Status
from incidents.core.silence import Amount, Matcher, Silence, Trait
from incidents.flow.ports import Turn
from tests.adapters.store.kept import CREDIT, a_request, a_sighting, firing, forced, kept, opened, waits_for_lock
from tests.make import NOON, hours

MATCHERS = (Matcher(field=Trait.SYSTEM, value="credit-*"), Matcher(field=Trait.KIND, value="drift", negated=True))


async def a_silence(store: Store, *, begins: float = 0, lasts: float = 2, begun: bool = True) -> Silence:
    async with store.unit(Turn.PEOPLE) as unit:
        made = Silence(
            id="",
            matchers=MATCHERS,
            starts_at=unit.now + hours(begins),
            ends_at=unit.now + hours(begins + lasts),
            reason="Backfill; 'quoted'",
            by="priya",
            made_at=unit.now,
            planned=Amount(amount=Decimal("500.10"), currency="USD"),
        )
        return await unit.silences.add(made, begun=begun)


def a_mute(by: str = "silence:1") -> Mute:
    return Mute(by=by, what="the silence of Priya", why="silenced by Priya", until=NOON + hours(900))


def muted(metric: str = "psi", by: str = "silence:1", **more: object) -> Alert:
    mute = a_mute(by)
    return replace(firing(metric, incident=None), muted=mute, wake_at=mute.until, **more)  # type: ignore[arg-type]


async def saved(store: Store, *alerts: Alert) -> None:
    sightings = {alert.fingerprint: a_sighting() for alert in alerts}
    await kept(store, Decision(alerts=alerts, sightings=sightings))


async def test_a_silence_is_read_back_as_it_was_made(store: Store) -> None:
    made = await a_silence(store)
    async with store.unit(Turn.PEOPLE) as unit:
        assert await unit.silences.one(made.id) == made
        with pytest.raises(NotFound):
            await unit.silences.one("99")
        with pytest.raises(NotFound):
            await unit.silences.one("x")
    assert made.planned == Amount(amount=Decimal("500.10"), currency="USD")
    assert made.matchers == MATCHERS


async def test_a_scene_knows_the_silences_that_have_begun_and_are_not_over(store: Store) -> None:
    now, later, over = await a_silence(store), await a_silence(store, begins=1, begun=False), await a_silence(store)
    async with store.unit(Turn.PEOPLE) as unit:
        await unit.silences.shorten(replace(over, ends_at=unit.now, ended_by="lee"))
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(CREDIT)]))[CREDIT]
        assert (await unit.silences.one(over.id)).ended_by == "lee"
    assert scene.silences == (now,)
    store.shift(hours(1))
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(CREDIT)]))[CREDIT]
    assert scene.silences == (now, later), "whether or not the clock has got round to it"


async def test_a_silence_for_later_is_due_once_its_time_has_come_and_only_until_it_has_begun(store: Store) -> None:
    made = await a_silence(store, begins=1, begun=False)
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.silences.due() == []
    store.shift(hours(1))
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.silences.due() == [made]
        await unit.silences.begin([made])
        assert await unit.silences.due() == []
        assert (await unit.board.scenes([a_request(CREDIT)]))[CREDIT].silences == (made,)


async def test_who_is_heard_and_who_is_muted_by_what(store: Store) -> None:
    heard = firing("psi", incident="INC-1")
    await opened(store, alerts=[heard])
    await saved(store, muted("ks"), muted("wasserstein", "incident:INC-1"))
    async with store.unit(Turn.PEOPLE) as unit:
        assert set(await unit.silences.heard()) == {heard.fingerprint}
        assert set(await unit.silences.muted_by("silence:1")) == {muted("ks").fingerprint}
        (alert, _) = (await unit.silences.muted_by("incident:INC-1"))[muted("wasserstein").fingerprint]
    assert alert.muted == a_mute("incident:INC-1")


async def test_muted_alerts_are_counted_apart_from_those_that_are_heard(store: Store) -> None:
    await opened(store, alerts=[firing("psi"), replace(firing("ks"), muted=a_mute(), wake_at=NOON)])
    async with store.unit(Turn.INTAKE) as unit:
        others = (await unit.board.others(["INC-1"], set()))["INC-1"]
    assert (others.burning, others.muted, others.hot, others.flapping) == (2, 1, 1, 0)


async def test_a_muted_alert_brings_the_incident_that_it_belonged_to_before(store: Store) -> None:
    await opened(store, status=Status.RESOLVED, gathering=False)
    alert = muted()
    before = replace(a_mute(), before="INC-1")
    await saved(store, replace(alert, muted=before))
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(CREDIT, alert)]))[CREDIT]
    assert set(scene.previous) == {"INC-1"}


async def test_upstream_trouble_comes_with_when_it_was_last_told(store: Store) -> None:
    alert = firing(incident="INC-1")
    await opened(store, system="feature-store")
    told = {alert.fingerprint: replace(a_sighting(), last_firing_at=NOON)}
    await kept(store, Decision(alerts=(alert,), sightings=told))
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(CREDIT, depends_on=("feature-store",))]))[CREDIT]
    assert [(above.incident.id, above.last_firing_at) for above in scene.upstream] == [("INC-1", NOON)]


@pytest.mark.postgres
async def test_a_silence_waits_for_alerts_that_fire_and_they_for_it(pg: Database) -> None:
    store, fired = Store(pg), firing(incident="INC-1")
    begun = asyncio.Event()

    async def silence() -> set[str]:
        await begun.wait()
        async with store.unit(Turn.PEOPLE) as unit:
            await unit.silences.alone()
            return set(await unit.silences.heard())

    waiting = asyncio.create_task(silence())
    async with store.unit(Turn.INTAKE) as unit:
        await unit.board.scenes([a_request(CREDIT)])
        begun.set()
        await waits_for_lock(pg)
        await unit.board.save([Decision(alerts=(fired,), sightings={fired.fingerprint: a_sighting()})], {})
    assert await waiting == {fired.fingerprint}, "what was about to fire is seen"

    async with store.unit(Turn.PEOPLE) as unit:
        await unit.silences.alone()
        reading = asyncio.create_task(a_scene(store))
        await waits_for_lock(pg)
        made = await unit.silences.add(
            Silence(
                id="", matchers=MATCHERS, starts_at=unit.now, ends_at=unit.now + hours(1), reason="r", by="p",
                made_at=unit.now,
            ),
            begun=True,
        )  # fmt: skip
    assert await reading == (made,), "what fires later knows of the silence, although it began before"


async def a_scene(store: Store) -> tuple[Silence, ...]:
    async with store.unit(Turn.INTAKE) as unit:
        return (await unit.board.scenes([a_request(CREDIT)]))[CREDIT].silences


async def test_an_incident_that_is_silenced_without_a_muted_alert_is_found(store: Store, database: Database) -> None:
    await opened(store, alerts=[replace(muted(), incident="INC-1")], held=Held.SILENCED)
    assert await check(database) == []
    await forced(database, "update alerts set muted_by = null")
    assert [(found.code, found.where) for found in await check(database)] == [("silence", "INC-1")]


MUTED = muted().fingerprint


@pytest.mark.parametrize(
    ("by_hand", "code"),
    [
        ("update alerts set muted_by = null", "alert_without_incident"),
        ("update alerts set wake_at = null", "muted_for_ever"),
        ("update alerts set state = 'clear', burning = false", "muted_and_clear"),
        ("update alerts set doc = replace(doc, 'silenced by Priya', '')", "muted_without_reason"),
    ],
)
async def test_an_alert_that_is_muted_without_reason_or_end_is_found(
    store: Store, database: Database, by_hand: str, code: str
) -> None:
    await saved(store, muted())
    assert await check(database) == []
    await forced(database, by_hand)
    assert (code, MUTED) in [(found.code, found.where) for found in await check(database)]
