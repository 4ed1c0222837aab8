"""Alerts and incidents: what a decision is made from, and how it is saved only where nobody was first."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.core.alert import AlertState
from incidents.core.decision import Decision, Others
from incidents.core.effect import Channel, EffectKind
from incidents.core.errors import NotFound, Stale
from incidents.core.estate import UNKNOWN_SYSTEMS
from incidents.core.fact import GENESIS, FactKind, link
from incidents.core.incident import Change, Resolution, Status
from incidents.core.reading import fingerprint
from incidents.flow.ports import Place, QuietTelling, Turn
from tests.adapters.store.kept import (
    CREDIT,
    RAG,
    a_fact,
    a_request,
    a_sighting,
    an_alert,
    an_effect,
    firing,
    kept,
    moved,
    opened,
    told,
    waits_for_lock,
)
from tests.make import NOON, an_incident, hours, minutes

FLOOD: Place = (UNKNOWN_SYSTEMS, "production")


async def see(store: Store, *names: str, known: bool = False, limit: int = 10) -> frozenset[Place]:
    async with store.unit(Turn.INTAKE) as unit:
        return (await unit.board.see({(name, "production"): known for name in names}, limit=limit)).flooded


# --- names -----------------------------------------------------------------------------------------------------------


async def test_unknown_names_past_the_limit_of_an_hour_are_a_flood(store: Store) -> None:
    assert await see(store, "a", "b", limit=3) == frozenset()
    assert await see(store, "c", "d", "e", limit=3) == {("d", "production"), ("e", "production")}
    assert await see(store, "a", "d", "f", limit=3) == {("d", "production"), ("f", "production")}


async def test_an_hour_later_there_is_room_again_and_the_flood_stays_what_it_was(store: Store) -> None:
    await see(store, "a", "b", limit=1)
    store.shift(hours(1) + minutes(1))
    assert await see(store, "b", "c", limit=1) == {("b", "production")}


async def test_a_known_name_is_no_flood_and_takes_no_room(store: Store) -> None:
    assert await see(store, "a", "b", "c", known=True, limit=1) == frozenset()
    assert await see(store, "d", limit=1) == frozenset()


async def test_a_name_that_is_registered_later_leaves_the_flood(store: Store) -> None:
    await see(store, "a", "b", limit=1)
    assert await see(store, "b", known=True) == frozenset()


async def test_the_place_of_the_flood_can_be_locked_like_any_other(store: Store, database: Database) -> None:
    await see(store, "a", limit=0)
    rows = await told(database, "select system, flooded from systems order by system")
    assert [(row.system, bool(row.flooded)) for row in rows] == [("a", True), (UNKNOWN_SYSTEMS, False)]


@pytest.mark.postgres
async def test_two_processes_that_see_a_name_at_once_agree_on_whether_it_is_a_flood(
    pg_store: Store, pg: Database
) -> None:
    async with pg_store.unit(Turn.INTAKE) as unit:
        assert not (await unit.board.see({("a", "production"): False}, limit=1)).flooded
        second = asyncio.create_task(see(pg_store, "a", limit=0))
        await waits_for_lock(pg)
    assert await second == frozenset()


# --- scenes ----------------------------------------------------------------------------------------------------------


async def test_a_scene_holds_the_incident_that_gathers_its_alerts_and_the_older_one(store: Store) -> None:
    alert = firing(incident="INC-2")
    await opened(store, id="INC-1", system="credit-scoring", gathering=False)
    gathers = await opened(store, id="INC-2", system="credit-scoring", alerts=[alert])
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(CREDIT, alert, an_alert("ks"))]))[CREDIT]
    assert scene.gathering == gathers
    assert scene.older is not None
    assert scene.older.id == "INC-1"
    assert set(scene.previous) == {"INC-1", "INC-2"}
    assert set(scene.alerts) == set(scene.sightings) == {alert.fingerprint}
    assert scene.alerts[alert.fingerprint] == replace(alert, version=1)


async def test_an_alert_brings_the_incident_it_belonged_to_even_where_that_is_resolved(store: Store) -> None:
    alert = firing()
    await opened(store, status=Status.RESOLVED, gathering=False, resolution=Resolution.FIXED, alerts=[alert])
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(CREDIT, alert)]))[CREDIT]
    assert (scene.gathering, scene.older, set(scene.previous)) == (None, None, {"INC-1"})


async def test_a_scene_knows_only_the_incidents_of_its_own_place_and_alerts(store: Store) -> None:
    merged = firing("ks", incident="INC-2")
    await opened(store, id="INC-1", system="credit-scoring")
    await opened(store, id="INC-2", system="rag-assistant", alerts=[merged])
    async with store.unit(Turn.INTAKE) as unit:
        scenes = await unit.board.scenes([a_request(CREDIT), a_request(RAG)])
        apart = {place: set(scene.previous) for place, scene in scenes.items()}
        joined = (await unit.board.scenes([a_request(CREDIT, merged)]))[CREDIT]
    assert apart == {CREDIT: {"INC-1"}, RAG: {"INC-2"}}
    assert set(joined.previous) == {"INC-1", "INC-2"}
    assert joined.gathering is not None
    assert joined.gathering.id == "INC-1"


async def test_alerts_that_were_not_asked_for_are_counted(store: Store) -> None:
    names = {"psi": AlertState.FIRING, "ks": AlertState.FLAPPING, "js": AlertState.CLEAR}
    alerts = [firing(name, state=state) for name, state in names.items()]
    waived, calm = firing("waived", waived="known"), firing("calm", quiet_from=NOON)
    asked = firing("asked")
    await opened(store, system="credit-scoring", alerts=[*alerts, waived, calm, asked])
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(CREDIT, asked)]))[CREDIT]
    assert scene.others["INC-1"] == Others(burning=3, hot=1, flapping=1)


async def test_the_last_firing_telling_of_the_others_is_known(store: Store) -> None:
    alert = firing()
    sighting = a_sighting(last_firing_at=NOON + hours(1))
    incident = an_incident(system="credit-scoring")
    decision = Decision(incidents=(incident,), alerts=(alert,), sightings={alert.fingerprint: sighting})
    await kept(store, decision)
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request()]))[CREDIT]
    assert scene.others["INC-1"].last_firing_at == NOON + hours(1)


async def test_releases_come_newest_first_and_one_busy_system_hides_nobody_elses(store: Store) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        for n in range(150):
            change = Change(kind="model", name="credit", version=str(n), deployed_at=NOON + minutes(n))
            await unit.board.save_releases(CREDIT, [change])
        await unit.board.save_releases(
            RAG, [Change(kind="prompt", name="rag", version="1", deployed_at=NOON - hours(9))]
        )
        scenes = await unit.board.scenes([a_request(CREDIT), a_request(RAG)])
    assert [change.version for change in scenes[CREDIT].releases] == [str(n) for n in range(149, 49, -1)]
    assert [change.version for change in scenes[RAG].releases] == ["1"]


async def test_what_was_met_unannounced_becomes_announced_and_not_the_other_way(store: Store) -> None:
    met = Change(kind="model", name="credit", version="17", deployed_at=NOON, announced=False)
    announced = replace(met, announced=True, deployed_at=NOON - hours(1), url="https://ci.example/17")
    for said in (met, announced, met):
        async with store.unit(Turn.INTAKE) as unit:
            await unit.board.save_releases(CREDIT, [said])
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request()]))[CREDIT]
    assert scene.releases == (announced,)


async def test_incidents_that_gather_at_systems_it_depends_on_are_upstream(store: Store) -> None:
    await opened(store, id="INC-1", system="feature-store")
    await opened(store, id="INC-2", system="feature-store", environment="staging")
    await opened(store, id="INC-3", system="warehouse", gathering=False)
    async with store.unit(Turn.INTAKE) as unit:
        request = a_request(CREDIT, depends_on=("feature-store", "warehouse", "nobody"))
        scene = (await unit.board.scenes([request, a_request(RAG)]))[CREDIT]
    assert [above.incident.id for above in scene.upstream] == ["INC-1"]


async def test_who_cannot_be_reached_is_known_until_the_time_is_over(store: Store) -> None:
    async with store.unit(Turn.PAGES) as unit:
        await unit.outbox.skip("priya", "is away", unit.now + hours(1))
        await unit.outbox.skip("dana", "left", unit.now + hours(3))
        await unit.outbox.skip("priya", "is deactivated", unit.now + hours(1))
        assert await unit.board.unreachable() == {"priya": "is deactivated", "dana": "left"}
    store.shift(hours(2))
    async with store.unit(Turn.PAGES) as unit:
        assert (await unit.board.scenes([a_request()]))[CREDIT].unreachable == {"dana": "left"}
        await unit.outbox.reached(["dana"])
        assert await unit.board.unreachable() == {}


@pytest.mark.postgres
async def test_who_decides_about_a_place_waits_for_whoever_is_at_it(pg_store: Store, pg: Database) -> None:
    await see(pg_store, "credit-scoring", known=True)

    async def open_second() -> bool:
        async with pg_store.unit(Turn.INTAKE) as unit:
            scene = (await unit.board.scenes([a_request()]))[CREDIT]
            return scene.gathering is not None

    async with pg_store.unit(Turn.INTAKE) as unit:
        await unit.board.scenes([a_request()])
        second = asyncio.create_task(open_second())
        await waits_for_lock(pg)
        await unit.board.save([Decision(incidents=(an_incident(system="credit-scoring"),))], {})
    assert await second, "it sees what was opened while it waited"


# --- saving ----------------------------------------------------------------------------------------------------------


async def test_a_change_of_what_somebody_else_has_changed_is_stale(store: Store) -> None:
    incident = await opened(store)
    await moved(store, incident, title="first")
    with pytest.raises(Stale):
        await moved(store, incident, title="second")
    async with store.unit(Turn.PEOPLE) as unit:
        assert (await unit.board.held(["INC-1"]))["INC-1"].title == "first"


async def test_an_alert_that_somebody_else_has_changed_is_stale_and_nothing_is_saved(
    store: Store, database: Database
) -> None:
    alert = firing()
    incident = await opened(store, alerts=[alert])
    stale = Decision(
        incidents=(replace(incident, version=2, title="changed"),),
        alerts=(replace(alert, version=7),),
        sightings={alert.fingerprint: a_sighting()},
        facts=(a_fact(),),
        effects=(an_effect(),),
    )
    with pytest.raises(Stale):
        await kept(store, stale)
    assert await told(database, "select 1 from incidents where title = 'changed'") == []
    assert await told(database, "select 1 from facts") == []
    assert await told(database, "select 1 from effects") == []


async def test_a_second_incident_that_would_gather_at_the_same_place_is_stale(store: Store) -> None:
    await opened(store, id="INC-1")
    with pytest.raises(Stale):
        await opened(store, id="INC-2")
    await opened(store, id="INC-3", environment="staging")


async def test_gathering_passes_from_one_incident_to_an_older_one_in_one_statement(store: Store) -> None:
    """The index lets one gather at a time, row after row: what gathers no more is written first."""
    older = await opened(store, id="INC-1", status=Status.RESOLVED, gathering=False)
    stale = await opened(store, id="INC-2")
    back = replace(older, version=2, status=Status.TRIGGERED, gathering=True)
    await kept(store, Decision(incidents=(back, replace(stale, version=2, gathering=False))))
    async with store.unit(Turn.PEOPLE) as unit:
        assert await unit.board.gathering_at(("rag-assistant", "production")) == "INC-1"


async def test_facts_are_chained_to_those_before(store: Store, database: Database) -> None:
    incident = await opened(store, facts=[a_fact(FactKind.OPENED), a_fact(words="One")])
    later = replace(incident, version=2)
    await kept(store, Decision(incidents=(later,), facts=(a_fact(words="Two", data={"n": [1, "ä", None]}),)))
    rows = await told(database, "select seq, hash, previous, text from facts order by seq")
    assert [(row.seq, row.text) for row in rows] == [(1, "Looked"), (2, "One"), (3, "Two")]
    assert [row.previous for row in rows] == [GENESIS, rows[0].hash, rows[1].hash]
    assert rows[2].hash == link(3, a_fact(words="Two", data={"n": [1, "ä", None]}), rows[1].hash)
    async with store.unit(Turn.PEOPLE) as unit:
        head = (await unit.board.held(["INC-1"]))["INC-1"]
    assert (head.head_seq, head.head_hash, head.version) == (3, rows[2].hash, 2)


async def test_a_fact_of_an_incident_that_is_not_saved_with_it_is_a_mistake(store: Store) -> None:
    """It would be forgotten in silence."""
    await opened(store)
    with pytest.raises(ValueError, match="INC-1"):
        await kept(store, Decision(facts=(a_fact(),)))


async def test_an_incident_reads_back_as_it_was_saved(store: Store) -> None:
    incident = an_incident(acknowledged_at=NOON + timedelta(microseconds=1), skipped=("x",), related=())
    await kept(store, Decision(incidents=(incident,)))
    async with store.unit(Turn.PEOPLE) as unit:
        assert (await unit.board.incident("INC-1"))[0] == incident
        assert await unit.board.held(["inc-1", "1"]) == {"inc-1": incident, "1": incident}


@pytest.mark.parametrize("nobody", ["INC-2", "INC-", "INC-1x", "INC-" + "9" * 30, "INC-\u0661", ""])
async def test_what_is_no_incident_is_not_found(store: Store, nobody: str) -> None:
    await opened(store)
    async with store.unit(Turn.PEOPLE) as unit:
        with pytest.raises(NotFound):
            await unit.board.incident(nobody)
        with pytest.raises(NotFound):
            await unit.board.held(["INC-1", nobody])


async def test_a_sighting_only_grows_whoever_writes_last(store: Store) -> None:
    """A count that came between the reading and the writing of an alert is not lost."""
    alert = firing()
    await opened(store, alerts=[alert])
    seen = a_sighting(at=NOON + hours(2), last_firing_at=NOON + hours(2), figures="newest")
    quiet = QuietTelling(fingerprint=alert.fingerprint, version=1, sighting=seen, tellings=5)
    async with store.unit(Turn.INTAKE) as unit:
        await unit.board.count_quiet([quiet])
    old = a_sighting(at=NOON + hours(1), last_firing_at=NOON + hours(1), figures="older")
    decision = Decision(alerts=(replace(alert, version=1),), sightings={alert.fingerprint: old})
    await kept(store, decision, tellings={alert.fingerprint: 2})
    async with store.unit(Turn.INTAKE) as unit:
        [(saved, sighting)] = (await unit.board.alerts([alert.fingerprint])).values()
    assert (saved.version, sighting.count) == (2, 1 + 5 + 2)
    assert replace(sighting, count=0) == replace(seen, count=0, first_seen_at=NOON)


async def test_an_older_quiet_telling_counts_and_changes_no_more(store: Store) -> None:
    alert = firing()
    newest = a_sighting(at=NOON, last_firing_at=NOON, figures="newest")
    await kept(store, Decision(alerts=(alert,), sightings={alert.fingerprint: newest}))
    late = replace(newest, last_order=NOON - hours(1), last_start=NOON - hours(2), last_firing_at=None, figures="late")
    telling = QuietTelling(fingerprint=alert.fingerprint, version=1, sighting=late, tellings=1)
    async with store.unit(Turn.INTAKE) as unit:
        await unit.board.count_quiet([telling])
        assert (await unit.board.alerts([alert.fingerprint]))[alert.fingerprint][1] == replace(newest, count=2)


async def test_a_quiet_telling_of_an_alert_that_has_changed_is_stale_and_none_is_counted(
    store: Store, database: Database
) -> None:
    alerts = [firing("psi"), firing("ks")]
    await opened(store, alerts=alerts)
    tellings = [
        QuietTelling(fingerprint=alert.fingerprint, version=version, sighting=a_sighting(), tellings=1)
        for alert, version in zip(alerts, (1, 2), strict=True)
    ]
    with pytest.raises(Stale):
        async with store.unit(Turn.INTAKE) as unit:
            await unit.board.count_quiet(tellings)
    assert [row.told for row in await told(database, "select told from alerts")] == [1, 1]


async def test_an_alert_that_nobody_told_of_counts_from_its_own_sighting(store: Store, database: Database) -> None:
    """An unknown name is an alert too, and the events that brought it were tellings of another."""
    alert = an_alert("unknown name")
    await kept(store, Decision(alerts=(alert,), sightings={alert.fingerprint: a_sighting(told=1)}))
    assert [row.told for row in await told(database, "select told from alerts")] == [1]


async def test_an_effect_is_made_once_for_each_key_and_its_channel_is_told(store: Store, database: Database) -> None:
    page = an_effect(key="page:1")
    async with store.unit(Turn.PAGES) as unit:
        await unit.board.enqueue([page, page, an_effect(EffectKind.FALLBACK, key="f", channel=Channel.WEBHOOK)])
        assert unit.board.channels == {Channel.SLACK, Channel.WEBHOOK}
    async with store.unit(Turn.PAGES) as unit:
        await unit.board.enqueue([page])
        assert unit.board.channels == set()
    assert len(await told(database, "select 1 from effects")) == 2


async def test_a_click_counts_once(store: Store) -> None:
    async with store.unit(Turn.PEOPLE) as unit:
        assert await unit.board.clicked("click 1", "INC-1")
        assert not await unit.board.clicked("click 1", "INC-1")
    async with store.unit(Turn.PEOPLE) as unit:
        assert not await unit.board.clicked("click 1", "INC-1")
        assert await unit.board.clicked("click 2", "INC-1")


async def test_ids_are_never_given_twice(store: Store) -> None:
    await opened(store)
    async with store.unit(Turn.INTAKE) as unit:
        first = await unit.board.new_ids(3)
        assert len(set(first)) == 3
        await unit.board.save([Decision(incidents=(an_incident(id=first[2], environment="staging"),))], {})
    async with store.unit(Turn.INTAKE) as unit:
        assert set(await unit.board.new_ids(2)).isdisjoint(first)


# --- time ------------------------------------------------------------------------------------------------------------


async def test_what_time_may_change_is_due_when_its_time_has_come_the_longest_waiting_first(store: Store) -> None:
    async with store.unit(Turn.PAGES) as unit:
        now = unit.now
    for number, late in ((1, minutes(1)), (2, minutes(2)), (3, -minutes(1))):
        await opened(store, id=f"INC-{number}", environment=f"e{number}", wake_at=now - late)
    await opened(store, id="INC-4", environment="e4", wake_at=None)
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.board.due_incidents(10) == ["INC-2", "INC-1"]
        assert await unit.board.due_incidents(1) == ["INC-2"]
    store.shift(minutes(2))
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.board.due_incidents(10) == ["INC-2", "INC-1", "INC-3"]


async def test_an_alert_is_due_at_the_place_of_its_incident(store: Store) -> None:
    """A merged alert lapses where its incident is; one without an incident at its own system."""
    async with store.unit(Turn.PAGES) as unit:
        past = unit.now - minutes(1)
    merged, watching = firing("psi", wake_at=past), an_alert("ks", wake_at=past - minutes(1))
    await opened(store, alerts=[merged, watching, firing("js", wake_at=past + hours(1)), firing("none")])
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.board.due_alerts(10) == [(CREDIT, watching.fingerprint), (RAG, merged.fingerprint)]


async def test_rows_of_hostile_words_come_back_as_they_went(store: Store) -> None:
    words = "'; drop table alerts; -- % {} :x \\ \" ünïcödé \U0001f525 ' || 1"
    place = (words, words)
    await see(store, words, known=True)
    alert = an_alert(words, place, incident="INC-1", figures=words)
    await opened(store, system=words, environment=words, title=words, alerts=[alert], facts=[a_fact(words=words)])
    async with store.unit(Turn.INTAKE) as unit:
        scene = (await unit.board.scenes([a_request(place, alert)]))[place]
    assert scene.alerts[alert.fingerprint].metric == words
    assert scene.gathering is not None
    assert scene.gathering.title == words
    assert alert.fingerprint == fingerprint(*place, "drift", words)
