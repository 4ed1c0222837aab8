"""Whatever breaks the promise on the data is found: each rule is shown what it is there for."""

from dataclasses import replace

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.invariants import check
from incidents.adapters.store.store import Store
from incidents.core.alert import Mute
from incidents.core.decision import Decision
from incidents.core.effect import Effect, EffectState
from incidents.core.fact import FactKind
from incidents.core.incident import Held, Paging, Status
from incidents.core.monitors import Sign
from incidents.core.severity import Severity
from incidents.core.silence import Matcher, Silence, Trait
from incidents.flow.ports import Result, Turn
from tests.adapters.store.kept import a_fact, a_row, a_sighting, an_effect, firing, forced, kept, moved, opened
from tests.make import NOON, hours, minutes


async def broken(database: Database) -> list[tuple[str, str]]:
    return [(found.code, found.where) for found in await check(database)]


async def well(store: Store, *effects: Effect, told: tuple[str, ...] = ()) -> None:
    """An incident with an alert, a few facts, a page that was sent, and nothing forgotten."""
    alert, now = firing(), await store.now()
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.take([a_row(disposition="alert", fingerprint=alert.fingerprint), a_row("release")])
    paged = [a_fact(FactKind.PAGED, data={"key": key}) for key in ("page", *told)]
    page = an_effect(key="page", due_at=now)
    wake = now + hours(1)
    facts = [a_fact(FactKind.OPENED), *paged]
    await opened(store, page, *effects, facts=facts, alerts=[alert], wake_at=wake, severity=Severity.SEV2)
    async with store.unit(Turn.PAGES) as unit:
        claimed = await unit.outbox.claim(page.channel, limit=20, lease=minutes(1))
        await unit.outbox.settle([Result(claimed=one, state=EffectState.SENT) for one in claimed])
        await unit.ledger.seal()


async def test_a_store_that_was_never_touched_by_hand_is_well(store: Store, database: Database) -> None:
    assert await check(database) == []
    await well(store)
    assert await check(database) == []


BY_HAND = {
    "update inbox set fingerprint = 'x' where event = 'e-1'": ("event_lost", "/monitors/1 e-1"),
    "update inbox set disposition = 'hm' where event = 'release'": ("event_lost", "/monitors/1 release"),
    "update incidents set status = 'resolved', wake_at = null": ("gathers_resolved", "INC-1"),
    "update alerts set incident = 99": ("alert_without_incident", firing().fingerprint),
    "update effects set made_at = :later where key = 'page'": ("page_early", "page"),
    "update facts set data = '{}' where kind = 'paged'": ("page_untold", "page"),
    "update effects set key = 'another'": ("page_untold", "another"),
    "update facts set text = 'Nothing happened' where seq = 1": ("chain", "INC-1 fact 1"),
    "update facts set at = :later where seq = 2": ("chain", "INC-1 fact 2"),
    "update facts set by_id = 'somebody else' where seq = 2": ("chain", "INC-1 fact 2"),
    "delete from facts where seq = 1": ("chain", "INC-1 fact 2"),
    "delete from facts where seq = 2": ("chain", "INC-1"),
    "update incidents set head_hash = 'x'": ("chain", "INC-1"),
    "update seals set hash = 'x'": ("seal", "seal 1"),
    "update seals set heads = '[]'": ("seal", "seal 1"),
    "update seals set previous = 'x'": ("seal", "seal 1"),
    "update effects set state = 'due', due_at = :long_ago where key = 'page'": ("effect_late", "page"),
    "update effects set state = 'unknown', due_at = :long_ago where key = 'page'": ("effect_late", "page"),
    "update incidents set wake_at = :long_ago": ("incident_late", "INC-1"),
    "update alerts set wake_at = :long_ago": ("alert_late", firing().fingerprint),
    "update incidents set wake_at = null": ("silence", "INC-1"),
}


@pytest.mark.parametrize("change", list(BY_HAND))
async def test_what_somebody_changes_by_hand_is_found(store: Store, database: Database, change: str) -> None:
    await well(store)
    now = await store.now()
    moments = {"later": now + hours(1), "long_ago": now - hours(1)}
    shown = {name: at if not database.sqlite else f"{at:%Y-%m-%dT%H:%M:%S.%fZ}" for name, at in moments.items()}
    await forced(database, change, **{name: value for name, value in shown.items() if f":{name}" in change})
    assert BY_HAND[change] in await broken(database)


async def test_a_monitor_that_nobody_looked_at_in_time_is_found(store: Store, database: Database) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        late = unit.now - hours(1)
        await unit.monitors.hear([Sign(key=("credit-scoring", "production", "nightly"), at=late, late_at=late)])
    assert ("monitor_late", "credit-scoring nightly") in await broken(database)


async def test_two_incidents_that_gather_at_once_are_found(store: Store, database: Database) -> None:
    await forced(database, "drop index ux_incidents_gathering")
    for number in (1, 2):
        await opened(store, id=f"INC-{number}", severity=Severity.SEV4)
    assert ("two_gather", "rag-assistant production") in await broken(database)


async def test_a_page_that_was_begun_after_an_answer_is_found(store: Store, database: Database) -> None:
    now = await store.now()
    answered = a_fact(FactKind.ACKNOWLEDGED, at=now - minutes(1))
    await opened(store, an_effect(key="page"), facts=[answered, a_fact(FactKind.PAGED, data={"key": "page"})])
    async with store.unit(Turn.PAGES) as unit:
        for one in await unit.outbox.claim(an_effect().channel, limit=1, lease=minutes(1)):
            await unit.outbox.settle([Result(claimed=one, state=EffectState.SENT)])
    assert ("page_after_answer", "page") in await broken(database)


@pytest.mark.parametrize("back", [FactKind.ASKED_AGAIN, FactKind.ESCALATED, FactKind.HANDED_OVER, FactKind.REOPENED])
async def test_a_page_that_was_begun_after_somebody_gave_it_back_is_well(
    store: Store, database: Database, back: FactKind
) -> None:
    now = await store.now()
    answered = a_fact(FactKind.ACKNOWLEDGED, at=now - minutes(2))
    again = a_fact(back, at=now - minutes(1))
    told = a_fact(FactKind.PAGED, data={"key": "page"})
    await opened(store, an_effect(key="page"), facts=[answered, again, told], wake_at=now + hours(1))
    async with store.unit(Turn.PAGES) as unit:
        for one in await unit.outbox.claim(an_effect().channel, limit=1, lease=minutes(1)):
            await unit.outbox.settle([Result(claimed=one, state=EffectState.SENT)])
    assert await check(database) == []


@pytest.mark.parametrize("status", [Status.TRIGGERED, Status.ACKNOWLEDGED])
async def test_an_incident_that_is_silenced_although_one_of_its_alerts_is_heard_is_found(
    store: Store, database: Database, status: Status
) -> None:
    mute = Mute(by="maintenance:weekly", what="a window", why="weekly retrain", until=await store.now() + hours(1))
    quiet = firing(muted=mute, wake_at=mute.until)
    incident = await opened(store, status=status, held=Held.SILENCED, alerts=[quiet])
    assert await check(database) == []
    await kept(store, Decision(alerts=(loud := firing("rate"),), sightings={loud.fingerprint: a_sighting()}))
    assert await broken(database) == [("silence", incident.id)]


async def test_what_a_silence_mutes_that_is_over_is_found(store: Store, database: Database) -> None:
    now = await store.now()
    async with store.unit(Turn.PEOPLE) as unit:
        over = Silence(
            id="",
            matchers=(Matcher(field=Trait.KIND, value="drift"),),
            starts_at=now - hours(2),
            ends_at=now - hours(1),
            reason="load test",
            by="priya",
            made_at=now - hours(2),
        )
        made = await unit.silences.add(over, begun=True)
    mute = Mute(by=f"silence:{made.id}", what="the silence of Priya", why="load test", until=now + hours(1))
    quiet = firing(muted=mute, wake_at=mute.until)
    await opened(store, held=Held.SILENCED, alerts=[quiet])
    assert await broken(database) == [("muted_for_ever", quiet.fingerprint)]


@pytest.mark.parametrize("snoozed", [True, False])
async def test_whoever_has_an_incident_and_is_never_asked_again_is_found(
    store: Store, database: Database, *, snoozed: bool
) -> None:
    until = await store.now() + hours(1)
    severity, until_ = (Severity.SEV3, until) if snoozed else (Severity.SEV2, None)
    incident = await opened(store, status=Status.ACKNOWLEDGED, severity=severity, snoozed_until=until_)
    assert await broken(database) == [("silence", incident.id)]
    await moved(store, incident, wake_at=until)
    assert await check(database) == []


async def test_an_incident_that_gave_up_after_every_run_is_silent_and_says_so(store: Store, database: Database) -> None:
    """Nobody answered: the timeline and the fallback have told it; it is not forgotten."""
    await opened(store, paging=Paging(round=1, clock_at=NOON, gave_up=True))
    assert await check(database) == []


async def test_the_whole_is_looked_at_in_one_moment(store: Store, database: Database) -> None:
    """What is written while the rules look must not make them cry wolf."""
    incident = await opened(store, severity=Severity.SEV4, facts=[a_fact()])
    async with database.read(whole=True) as connection:
        before = (await connection.exec_driver_sql("select head_seq from incidents")).scalar_one()
        await kept(store, Decision(incidents=(replace(incident, version=2),), facts=(a_fact(),)))
        facts = (await connection.exec_driver_sql("select count(*) from facts")).scalar_one()
    assert (before, facts) == (1, 1)
    assert await check(database) == []
