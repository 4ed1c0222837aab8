"""A person acts: once, in order, and told why when somebody was first."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from incidents.core.errors import NotAllowed, NotFound, Stale, StoreAway
from incidents.core.events import EventType, Kind
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Resolution, Status
from incidents.core.severity import Severity
from incidents.flow.ports import Opening
from tests.flow.house import House, drift, harm
from tests.make import by
from tests.make_events import hallucination_data, published


async def opened(house: House, *systems: str) -> None:
    await house.publish(*(harm(f"harm {system}", system) for system in systems or ("triage-bot",)))


def by_hand(system: str = "rag-assistant", **more: object) -> Opening:
    told = {"title": "Answers in Latin", "summary": "Since noon", "severity": Severity.SEV2, "kind": Kind.HALLUCINATION}
    return Opening(system=system, environment="production", by=by("priya"), **{**told, **more})  # type: ignore[arg-type]


ONE_OF_EACH = [
    (Action.ACKNOWLEDGE, {}, Status.ACKNOWLEDGED, FactKind.ACKNOWLEDGED),
    (Action.ESCALATE, {}, Status.TRIGGERED, FactKind.ESCALATED),
    (Action.SNOOZE, {"minutes": 30}, Status.ACKNOWLEDGED, FactKind.SNOOZED),
    (Action.HAND_OVER, {"to": "dana"}, Status.TRIGGERED, FactKind.HANDED_OVER),
    (Action.MITIGATE, {}, Status.MITIGATED, FactKind.MITIGATED),
    (Action.RESOLVE, {"reason": Resolution.FIXED}, Status.RESOLVED, FactKind.RESOLVED),
    (Action.NOTE, {"note": "Looked"}, Status.TRIGGERED, FactKind.NOTE),
    (Action.ASSIGN, {"to": "dana"}, Status.TRIGGERED, FactKind.ASSIGNED),
    (Action.SEVERITY, {"to": "sev3", "note": "one answer"}, Status.TRIGGERED, FactKind.SEVERITY_SET),
]


@pytest.mark.parametrize(("action", "asked", "status", "fact"), ONE_OF_EACH)
async def test_what_a_person_does_is_saved_with_its_fact_and_its_effects(
    house: House, action: Action, asked: dict[str, Any], status: Status, fact: FactKind
) -> None:
    await opened(house)
    before = await house.incident()
    done = await house.act(action, **asked)
    assert (done.status, done.version) == (status, before.version + 1)
    [told] = [each for each in await house.timeline() if each.kind is fact and each.by == by("priya")]
    assert "Priya" in told.text or told.text == "Looked"
    assert f"refresh:INC-1:{done.version}" in await house.effects()
    assert "slack" in house.made
    await house.is_well()


async def test_waive_reopen_and_close_are_saved_too(house: House) -> None:
    await opened(house)
    [view] = (await house.shelf.incident("INC-1")).alerts
    await house.act(Action.RESOLVE, reason=Resolution.FIXED)
    with pytest.raises(NotAllowed) as refused:
        await house.act(Action.CLOSE)
    assert refused.value.code == "not_verified"
    await house.act(Action.REOPEN)
    await house.act(Action.WAIVE, alert=view.alert.fingerprint, note="a known answer")
    await house.act(Action.RESOLVE, reason=Resolution.ACCEPTED)
    assert (await house.act(Action.CLOSE)).status is Status.CLOSED
    [row] = await house.found("select burning from alerts")
    assert not row.burning
    await house.is_well()


async def test_what_is_refused_changes_nothing(house: House) -> None:
    await opened(house)
    before, told = await house.incident(), len(await house.timeline())
    with pytest.raises(NotAllowed):
        await house.act(Action.NOTE, once="click")
    assert (await house.incident(), len(await house.timeline())) == (before, told)
    assert (await house.act(Action.NOTE, note="Looked", once="click")).version == before.version + 1


async def test_nobody_acts_on_an_incident_that_there_is_not(house: House) -> None:
    for nobody in ("INC-1", "INC-x", ""):
        with pytest.raises(NotFound):
            await house.act(Action.ACKNOWLEDGE, nobody)


async def test_the_same_click_fifty_times_is_one_act(house: House) -> None:
    await opened(house)
    acts = (house.act(Action.NOTE, note="Looked", once="click 1") for _ in range(50))
    versions = {done.version for done in await asyncio.gather(*acts)}
    assert len(versions) == 1
    assert await house.said(FactKind.NOTE) == ["Looked"]


async def test_of_two_people_who_acknowledge_one_is_told_that_the_other_has_it(house: House) -> None:
    await opened(house)
    both = (house.act(Action.ACKNOWLEDGE, who=who) for who in ("priya", "dana"))
    answers = await asyncio.gather(*both, return_exceptions=True)
    [refused] = [answer for answer in answers if isinstance(answer, NotAllowed)]
    assert refused.code == "already_done"
    assert len(await house.said(FactKind.ACKNOWLEDGED)) == 1


async def test_a_lost_race_is_tried_again_and_who_loses_them_all_is_told_so(house: House) -> None:
    await opened(house)
    house.store.fails = [Stale("first"), Stale("second")]
    assert (await house.act(Action.ACKNOWLEDGE)).status is Status.ACKNOWLEDGED
    house.store.fails = [Stale("again")] * 50
    with pytest.raises(NotAllowed) as busy:
        await house.act(Action.NOTE, note="Looked")
    assert busy.value.code == "busy"


async def test_who_acts_while_the_database_is_away_is_told_that_nothing_was_saved(house: House) -> None:
    await opened(house)
    house.store.away = True
    with pytest.raises(StoreAway):
        await house.act(Action.ACKNOWLEDGE)
    house.store.away = False
    assert (await house.incident()).status is Status.TRIGGERED


async def test_a_merge_moves_the_alerts_and_resolves_the_one_that_is_merged(house: House) -> None:
    await opened(house, "triage-bot", "rag-assistant")
    ids = {(await house.incident(f"INC-{n}")).system: f"INC-{n}" for n in (1, 2)}
    done = await house.act(Action.MERGE, ids["rag-assistant"], to=ids["triage-bot"])
    assert (done.id, done.status, done.gathering) == (ids["rag-assistant"], Status.RESOLVED, False)
    assert len((await house.shelf.incident(ids["triage-bot"])).alerts) == 2
    assert (await house.shelf.incident(ids["rag-assistant"])).alerts == ()
    for incident in ids.values():
        assert await house.said(FactKind.MERGED, incident)
    await house.is_well()


async def test_merges_crosswise_at_once_end_with_one_incident_open(house: House) -> None:
    await opened(house, "triage-bot", "rag-assistant")
    crosswise = [house.act(Action.MERGE, "INC-1", to="INC-2"), house.act(Action.MERGE, "INC-2", to="INC-1")]
    answers = await asyncio.gather(*crosswise, return_exceptions=True)
    assert sum(isinstance(answer, NotAllowed) for answer in answers) == 1
    assert sorted([(await house.incident(f"INC-{n}")).status for n in (1, 2)]) == [Status.RESOLVED, Status.TRIGGERED]
    await house.is_well()


async def test_an_incident_is_not_merged_into_itself_by_any_spelling(house: House) -> None:
    await opened(house)
    for itself in ("INC-1", "inc-1", "1"):
        with pytest.raises(NotAllowed):
            await house.act(Action.MERGE, "INC-1", to=itself)


async def test_a_duplicate_names_an_incident_that_there_is(house: House) -> None:
    await opened(house)
    with pytest.raises(NotFound):
        await house.act(Action.RESOLVE, reason=Resolution.DUPLICATE, of="INC-99")
    assert (await house.incident()).status is Status.TRIGGERED


async def test_a_reopened_incident_leaves_the_gathering_to_the_one_that_came_after(house: House) -> None:
    await opened(house)
    await house.act(Action.RESOLVE, reason=Resolution.ACCEPTED)
    await house.responder.open(by_hand("triage-bot"))
    reopened = await house.act(Action.REOPEN)
    assert (reopened.status, reopened.gathering) == (Status.TRIGGERED, False)
    assert (await house.incident("INC-2")).gathering
    assert any("INC-2" in text for text in await house.said(FactKind.LINKED))
    await house.is_well()


async def test_an_incident_is_opened_by_hand_with_its_card_and_its_page(house: House) -> None:
    made = await house.responder.open(by_hand())
    assert (made.id, made.status, made.title) == ("INC-1", Status.TRIGGERED, "Rag assistant: Answers in Latin")
    assert await house.said(FactKind.OPENED) == ["SEV2 opened by Priya: Answers in Latin"]
    assert await house.said(FactKind.NOTE) == ["Since noon"]
    assert list(await house.effects()) == ["card:INC-1", "page:INC-1:1:0:priya"]
    await house.is_well()


async def test_a_second_incident_is_not_opened_where_one_gathers(house: House) -> None:
    await house.responder.open(by_hand())
    both = [house.responder.open(by_hand("triage-bot", once=f"click {n}")) for n in range(2)]
    answers = await asyncio.gather(*both, return_exceptions=True)
    [refused] = [answer for answer in answers if isinstance(answer, NotAllowed)]
    assert refused.code == "gathers_already"
    assert "INC-" in refused.why


async def test_a_form_that_is_sent_twice_opens_one_incident(house: House) -> None:
    await house.responder.open(by_hand(once="form 1"))
    with pytest.raises(NotAllowed, match="already"):
        await house.responder.open(by_hand("triage-bot", once="form 1"))
    assert (await house.shelf.numbers()).by_status == {"triggered": 1}


async def test_what_comes_while_people_act_is_neither_lost_nor_counted_twice(house: House) -> None:
    """Readings and clicks on the same incident, all at once."""
    now, chance = await house.now(), random.Random(7)
    await opened(house, "triage-bot")
    tellings = [drift(f"d-{n}", now, system="triage-bot", feature=f"f{n % 5}") for n in range(40)]
    notes = [house.act(Action.NOTE, note=f"Note {n}", once=f"n{n}") for n in range(20)]
    chance.shuffle(tellings)
    answers, _ = await asyncio.gather(house.publish(*tellings), asyncio.gather(*notes))
    assert sum(answer.accepted for answer in answers) == 40
    assert len(await house.said(FactKind.NOTE)) == 20
    assert sum(row.told for row in await house.found("select told from alerts where kind = 'drift'")) == 40
    await house.is_well()


async def test_who_escalates_by_hand_is_heard_although_the_latest_numbers_are_good(house: House) -> None:
    now = await house.now()
    for told, flagged in ((now - timedelta(hours=1), 40), (now, 0)):
        window = {"start": (told - timedelta(hours=1)).isoformat(), "end": told.isoformat()}
        data = hallucination_data(system="triage-bot", sampled=120, flagged=flagged, window=window)
        await house.publish(published(EventType.HALLUCINATION_MEASURED, data, id=f"{flagged}", time=told.isoformat()))
    before = {key for key in await house.effects() if key.startswith("page:")}
    await house.act(Action.ESCALATE)
    assert {key for key in await house.effects() if key.startswith("page:")} - before
