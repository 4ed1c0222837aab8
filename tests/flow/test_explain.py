"""The route tester says what the road would do, in the road's own words, does none of it and leaves nothing behind."""
# ruff: noqa: ANN401 - an event's data is whatever its story needs

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from incidents.core.alert import AlertState
from incidents.core.cloudevents import RefusalKind
from incidents.core.delivery import Origin
from incidents.core.effect import Channel, EffectKind
from incidents.core.errors import NotAllowed
from incidents.core.events import EventType
from incidents.core.explanation import Deed, Explanation, Told, lines
from incidents.core.grade import Verdict
from incidents.core.incident import Action, Resolution
from incidents.core.maintenance import Once, Window
from incidents.core.severity import Severity
from incidents.core.silence import Amount, Matcher, Silence, Trait
from incidents.core.system import Handover, Role
from incidents.flow.explain import MOST, Explainer
from incidents.flow.ports import SceneRequest, Turn
from tests.flow.house import House, Postman, harm, message, open_house
from tests.make import NIGHT, NOON, OWNERS, a_budget, a_catalog, a_person, a_system, an_estate, hours, minutes
from tests.make_events import (
    BATCH,
    cost_data,
    delivered,
    drift_data,
    hallucination_data,
    heartbeat_data,
    published,
    release_data,
)

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
WRITTEN = ("inbox", "conflicts", "dead_letters", "alerts", "systems", "incidents", "facts", "effects", "releases")


@dataclass
class Town:
    """A house whose clock stands still until it is moved, and its route tester."""

    house: House
    at: datetime = NOON
    number: int = 0
    told: list[Explanation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.explainer = Explainer(self.house.store, lambda: self.house.estate)

    def event(self, type_: EventType, data: dict[str, Any]) -> dict[str, Any]:
        self.number += 1
        return published(type_, data, id=f"e-{self.number}", time=self.at.isoformat())

    def window(self, length: timedelta = timedelta(hours=1), ago: timedelta = timedelta(0)) -> dict[str, str]:
        end = self.at - ago
        return {"start": (end - length).isoformat(), "end": end.isoformat()}

    def drift(self, value: float = 0.31, *, ago: timedelta = timedelta(0), **more: Any) -> dict[str, Any]:
        return self.event(EventType.DRIFT_MEASURED, drift_data(value=value, **self.window(ago=ago), **more))

    def hallucination(self, flagged: int = 22, sampled: int = 120, **more: Any) -> dict[str, Any]:
        data = hallucination_data(flagged=flagged, sampled=sampled, **self.window(), **more)
        return self.event(EventType.HALLUCINATION_MEASURED, data)

    def cost(self, actual: float = 679, **more: Any) -> dict[str, Any]:
        data = cost_data(**{"actual": actual, "system": "rag-assistant", **self.window(hours(8)), **more})
        return self.event(EventType.COST_ANOMALY_MEASURED, data)

    async def explain(self, *payloads: dict[str, Any], at: datetime | None = None) -> Explanation:
        if len(payloads) == 1:
            return await self.explainer.explain(message(payloads[0], origin=Origin.HTTP), at=at)
        body = json.dumps(payloads).encode()
        return await self.explainer.explain(delivered(body, content_type=BATCH), at=at)

    async def one(self, payload: dict[str, Any], **more: Any) -> Told:
        (told,) = (await self.explain(payload, **more)).told
        return told

    async def counts(self) -> dict[str, list[Any]]:
        return {name: await self.house.found(f"select * from {name} order by 1, 2") for name in WRITTEN}  # noqa: S608

    async def pages(self) -> list[tuple[str, datetime, str]]:
        rows = await self.house.found("select target, data from effects where kind = 'page' order by id")
        return [(row.target, self.at, _data(row)["why"]) for row in rows]


@pytest.fixture(params=BOTH)
async def town(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"
    if request.param == "postgres":
        url = str(request.getfixturevalue("pg_url"))
    town = Town(await open_house(url, an_estate()))

    async def now(_: object) -> datetime:
        return town.at

    monkeypatch.setattr(town.house.database, "now", now)
    yield town
    await town.house.database.close()


def _data(row: Any) -> dict[str, Any]:
    return dict(json.loads(row.data) if isinstance(row.data, str) else row.data)


# --- the same words ---------------------------------------------------------------------------------------------------


async def nothing(_: Town) -> None:
    pass


async def one_window(town: Town) -> None:
    await town.house.publish(town.drift(0.15, ago=hours(1)))


async def acknowledged(town: Town) -> None:
    await town.house.publish(town.hallucination())
    await town.house.act(Action.ACKNOWLEDGE)


async def mitigated(town: Town) -> None:
    await town.house.publish(town.drift(0.4))
    await town.house.act(Action.MITIGATE, who="dana", note="Rolled back")
    town.at += hours(1)


async def fixed(town: Town) -> None:
    await town.house.publish(town.hallucination())
    await town.house.act(Action.RESOLVE, reason=Resolution.FIXED)
    town.at += minutes(10)


async def firing(town: Town) -> None:
    await town.house.publish(town.drift(0.4))
    town.at += minutes(20)


async def released(town: Town) -> None:
    town.at -= minutes(90)
    release = release_data(previous="16", deployed_at=town.at.isoformat())
    await town.house.publish(town.event(EventType.RELEASE_DEPLOYED, release))
    town.at += minutes(90)


async def two_kinds_after_a_release(town: Town) -> None:
    await released(town)
    await town.house.publish(town.hallucination(system="credit-scoring"))


async def feature_store_burns(town: Town) -> None:
    catalog = a_catalog(a_system("feature-store"), a_system(depends_on=("feature-store",), runbooks=("gone",)))
    town.house.estate = an_estate(catalog)
    await town.house.publish(town.event(EventType.REPORT_FILED, _report("feature-store")))


def _report(system: str, level: str = "confirmed") -> dict[str, Any]:
    return dict(harm(system=system, harm={"level": level, "kind": "health", "reported_by": "a nurse"})["data"])


async def maintained(town: Town) -> None:
    times, credit = Once(start=NOON - hours(1), end=NOON + hours(1)), Matcher(field=Trait.SYSTEM, value="credit-*")
    window = Window(id="retrain", matchers=(credit,), times=times, why="Weekly retrain", owner="priya")
    town.house.estate = an_estate(a_catalog(maintenance={"retrain": window}))


async def silenced(town: Town, *, ahead: timedelta = timedelta(0), planned: Amount | None = None) -> None:
    silence = Silence(
        id="",
        matchers=(Matcher(field=Trait.SYSTEM, value="*-assistant"),),
        starts_at=town.at + ahead,
        ends_at=town.at + ahead + hours(2),
        reason="Load test",
        by="lee",
        made_at=town.at,
        planned=planned,
    )
    async with town.house.store.unit(Turn.PEOPLE) as unit:
        await unit.silences.add(silence, begun=not ahead)


async def planned(town: Town) -> None:
    await silenced(town, planned=Amount(amount=Decimal(700), currency="USD"))


async def by_night(town: Town) -> None:
    town.at = NIGHT


async def dana_is_gone(town: Town) -> None:
    people = dict(a_catalog().people) | {"dana": a_person("dana", slack=None)}
    town.house.estate = an_estate(a_catalog(people=people))


async def a_budget_half_spent(town: Town) -> None:
    town.house.estate = an_estate(a_catalog(a_system("rag-assistant", budget=a_budget())))


Before = Callable[[Town], Any]
Event = Callable[[Town], dict[str, Any]]
STORIES: dict[str, tuple[Before, Event]] = {
    "drift far beyond its limit opens an incident": (nothing, lambda t: t.drift(0.4)),
    "drift by night waits for the data owner's morning": (by_night, lambda t: t.drift(0.4)),
    "the first window a little out of limit is watched": (nothing, lambda t: t.drift(0.15)),
    "the second window in a row fires": (one_window, lambda t: t.drift(0.16)),
    "within limit nothing is wrong": (nothing, lambda t: t.drift(0.05)),
    "the data owner has no Slack account": (dana_is_gone, lambda t: t.drift(0.4)),
    "hallucination pages the model owner": (nothing, lambda t: t.hallucination()),
    "three answers of four are too few": (nothing, lambda t: t.hallucination(3, 4)),
    "cost joins what is acknowledged": (acknowledged, lambda t: t.cost()),
    "cost against a budget": (a_budget_half_spent, lambda t: t.cost()),
    "a monitor's claim fires at once": (
        nothing,
        lambda t: t.event(EventType.DRIFT_DETECTED, drift_data(value=0.12, **t.window())),
    ),
    "harm is reported": (by_night, lambda t: t.event(EventType.REPORT_FILED, _report("triage-bot"))),
    "harm is possible on a critical system": (
        nothing,
        lambda t: t.event(EventType.REPORT_FILED, _report("triage-bot", "possible")),
    ),
    "what was mitigated fires again on another metric": (mitigated, lambda t: t.drift(0.5, metric="ks")),
    "what was fixed returns": (fixed, lambda t: t.hallucination(30)),
    "bad news again is only counted": (firing, lambda t: t.drift(0.4)),
    "the first good window": (firing, lambda t: t.drift(0.02)),
    "the monitor says that it is over": (
        firing,
        lambda t: t.event(EventType.DRIFT_RESOLVED, {"system": "credit-scoring", "metric": "psi"}),
    ),
    "an unknown name is asked after": (nothing, lambda t: t.drift(0.4, system="credit-scorng")),
    "a release goes on the timeline": (
        firing,
        lambda t: t.event(EventType.RELEASE_DEPLOYED, release_data(deployed_at=t.at.isoformat())),
    ),
    "a release with nothing open": (
        nothing,
        lambda t: t.event(EventType.RELEASE_DEPLOYED, release_data(deployed_at=t.at.isoformat())),
    ),
    "two kinds after one release are worse": (two_kinds_after_a_release, lambda t: t.drift(0.4)),
    "a system that this one depends on burns": (feature_store_burns, lambda t: t.drift(0.4)),
    "maintenance mutes": (maintained, lambda t: t.drift(0.4)),
    "a silence mutes": (silenced, lambda t: t.hallucination()),
    "planned cost is muted": (planned, lambda t: t.cost()),
    "cost beyond what was planned asks": (planned, lambda t: t.cost(900)),
    "harm is never muted": (maintained, lambda t: t.event(EventType.REPORT_FILED, _report("credit-scoring"))),
    "a monitor lives": (nothing, lambda t: t.event(EventType.HEARTBEAT, heartbeat_data(system="credit-scoring"))),
}


@pytest.mark.parametrize("story", STORIES)
async def test_what_is_explained_is_what_the_road_then_stores_word_for_word(town: Town, story: str) -> None:
    before, event = STORIES[story]
    await before(town)
    await town.house.carry(Postman(), Postman(Channel.WEBHOOK), Postman(Channel.CONSOLE))
    payload, was = event(town), await town.counts()
    told = await town.one(payload)
    assert await town.counts() == was
    await town.house.publish(payload)
    await agrees(town, told, was)
    await town.house.is_well()


async def agrees(town: Town, told: Told, was: dict[str, list[Any]]) -> None:
    """Alerts, incidents, facts, runbooks and effects as they were explained."""
    house, names = town.house, dict[str, str]()
    known = {row.number for row in was["incidents"]}
    new = [f"INC-{row.number}" for row in await house.found("select number from incidents") if row.number not in known]
    names |= {f"NEW-{n}": id_ for n, id_ in enumerate(new, 1)}
    assert {each.incident.id for each in told.incidents if each.deed is Deed.OPENS} == names.keys()
    for each in told.alerts:
        await _alert_agrees(house, each.alert, names)
    for one in told.incidents:
        id_ = names.get(one.incident.id, one.incident.id)
        stored = await house.incident(id_)
        for name in ("title", "status", "severity", "severity_why", "paging", "wake_at", "held", "runbooks", "skipped"):
            assert getattr(stored, name) == getattr(one.incident, name), name
        heads = {row.number: row.head_seq for row in was["incidents"]}
        facts = (await house.timeline(id_))[heads.get(int(id_[4:]), 0) :]
        assert [(fact.kind, fact.text) for fact in facts] == [(fact.kind, fact.text) for fact in one.facts]
        last = max((row.id for row in was["effects"]), default=0)
        await _effects_agree(house, one.effects, int(id_[4:]), last)
    written = sum(len(one.facts) for one in told.incidents)
    assert len(await house.found("select 1 from facts")) - len(was["facts"]) == written


async def _alert_agrees(house: House, alert: Any, names: dict[str, str]) -> None:
    (row,) = [view for view in (await house.shelf.alerts(()))[0] if view.alert.fingerprint == alert.fingerprint]
    for name in ("state", "severity", "why", "figures", "causes", "trail", "wake_at", "muted", "spent", "harmful"):
        assert getattr(row.alert, name) == getattr(alert, name), name
    assert row.alert.incident == names.get(alert.incident or "", alert.incident)


async def _effects_agree(house: House, effects: Any, number: int, last: int) -> None:
    query = "select kind, channel, target, data from effects where id > :last and incident = :number order by id"
    rows = await house.found(query, last=last, number=number)
    stored = [[row.kind, row.channel, row.target or "", json.dumps(_data(row), sort_keys=True)] for row in rows]
    foreseen = [[e.kind, e.channel, e.target or "", json.dumps(dict(e.data), sort_keys=True)] for e in effects]
    assert sorted(stored) == sorted(foreseen)


async def test_whoever_is_said_to_be_asked_is_asked_then_and_for_that_reason(town: Town) -> None:
    payload = town.event(EventType.REPORT_FILED, _report("triage-bot"))
    (foreseen,) = (await town.one(payload)).incidents
    assert [asking.person.id for asking in foreseen.outlook.askings] == ["priya", "omar", "lee", "max"]
    assert foreseen.outlook.askings[-1].fallback
    await town.house.publish(payload)
    pages, end = await town.pages(), foreseen.outlook.again_at
    assert end is not None
    while town.at < end - minutes(1):
        town.at += minutes(1)
        await town.house.clock.tick()
        pages += (await town.pages())[len(pages) :]
    assert pages == [(asking.person.id, asking.at, asking.why) for asking in foreseen.outlook.askings]
    town.at = end
    await town.house.clock.tick()
    assert (await town.house.incident()).paging.run == 1


# --- nothing remains --------------------------------------------------------------------------------------------------


async def test_explained_beside_real_events_it_leaves_nothing_and_stops_nobody(town: Town) -> None:
    real = [town.drift(0.4, metric=f"psi-{n}") for n in range(12)]
    tried = [town.drift(0.5, metric=f"other-{n}") for n in range(6)]
    futures = [town.house.intake.submit(message(payload)) for payload in real]
    told, answers = await asyncio.gather(
        asyncio.gather(*(town.explain(*tried) for _ in range(5))), town.house.answered(*futures)
    )
    assert [taken.accepted for taken in answers] == [1] * 12
    assert all(len(each.told) == 6 for each in told)
    assert len(await town.house.found("select 1 from inbox")) == 12
    assert len(await town.house.found("select 1 from alerts")) == 12
    assert [row.number for row in await town.house.found("select number from incidents")] == [1]
    await town.house.is_well()


@pytest.mark.parametrize("town", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_an_explanation_gives_way_to_whoever_means_it(town: Town) -> None:
    await town.house.publish(town.drift(0.4))
    place = ("credit-scoring", "production")
    async with town.house.store.unit(Turn.INTAKE) as unit:
        await unit.board.scenes([SceneRequest(place=place, fingerprints=frozenset())])
        with pytest.raises(NotAllowed, match="try again"):
            await town.explain(town.drift(0.5, metric="ks"))
    assert (await town.one(town.drift(0.5, metric="ks"))).incidents[0].deed is Deed.JOINS


async def test_an_incident_that_was_only_explained_uses_no_number_up(town: Town) -> None:
    for _ in range(3):
        await town.explain(town.drift(0.4))
    await town.house.publish(town.drift(0.4))
    assert (await town.house.incident("INC-1")).severity is Severity.SEV3
    assert EffectKind.PAGE in {row.kind for row in await town.house.found("select kind from effects")}


async def test_nobody_is_woken_to_carry_what_was_only_explained(town: Town) -> None:
    await town.explain(town.event(EventType.REPORT_FILED, _report("triage-bot")))
    assert town.house.made == []


# --- several events, and the clock set --------------------------------------------------------------------------------


async def test_each_event_meets_what_those_before_it_would_have_left(town: Town) -> None:
    explained = await town.explain(town.drift(0.4), town.cost(system="credit-scoring"), town.drift(0.4))
    first, second, third = explained.told
    assert (first.incidents[0].deed, second.incidents[0].deed) == (Deed.OPENS, Deed.JOINS)
    assert first.incidents[0].incident.id == second.incidents[0].incident.id == "NEW-1"
    assert third.incidents[0].deed is Deed.LEAVES
    assert (third.index, third.late) == (2, False)


async def test_what_only_this_explanation_opens_has_no_number_in_any_sentence(town: Town) -> None:
    town.house.estate = an_estate(a_catalog(a_system("feature-store"), a_system(depends_on=("feature-store",))))
    burns = town.event(EventType.REPORT_FILED, _report("feature-store"))
    first, second = (await town.explain(burns, town.drift(0.4))).told
    mute = second.alerts[0].alert.muted
    assert mute is not None
    assert (mute.by, mute.why.split()[0]) == ("incident:NEW-1", "NEW-1")
    read = " ".join(line.text for told in (first, second) for line in lines(told, town.house.estate))
    assert "INC-" not in read


async def test_an_event_that_came_before_is_said_to_do_nothing(town: Town) -> None:
    payload = town.drift(0.4)
    await town.house.publish(payload)
    told = await town.one(payload)
    assert (told.novelty, told.incidents, told.alerts) == ("copy", (), ())
    other = payload | {"data": payload["data"] | {"value": 0.5}}
    assert (await town.one(other)).novelty == "conflict"


async def test_what_cannot_be_read_is_refused_as_at_the_front_door(town: Town) -> None:
    bad = town.drift(0.4) | {"type": "ai.drift.guessed.v1"}
    explained = await town.explain(bad, town.drift(0.4))
    assert [(refusal.index, refusal.field) for refusal in explained.refusals] == [(0, "type")]
    assert [told.index for told in explained.told] == [1]
    many = await town.explain(*[town.drift(0.4) for _ in range(MOST + 1)])
    assert [refusal.kind for refusal in many.refusals] == [RefusalKind.TOO_MANY]
    assert many.told == ()


async def test_at_another_time_others_are_asked_and_the_limits_of_that_are_said(town: Town) -> None:
    payload = town.drift(0.4)
    now, later = await town.explain(payload), await town.explain(payload, at=NOON + hours(24) * 3)  # a Saturday
    (asked_now,), (asked_then,) = now.told[0].incidents, later.told[0].incidents
    assert asked_now.outlook.askings[0].at == NOON
    assert asked_then.outlook.askings[0].at == NOON + hours(24) * 5 - hours(3), "Monday at nine"
    assert now.limits == ""
    assert "not played" in later.limits


async def test_a_handover_that_is_due_by_then_is_carried_out(town: Town) -> None:
    moves = Handover(role=Role.DATA, to="kim", at=NOON + hours(1))
    system = a_system(owners=OWNERS, handovers=(moves,))
    town.house.estate = an_estate(a_catalog(system))
    payload = town.drift(0.4)
    (before,), (after,) = (await town.one(payload)).incidents, (await town.one(payload, at=NOON + hours(2))).incidents
    assert before.outlook.askings[0].person.id == "dana"
    assert after.outlook.askings[0].person.id == "kim"


# --- as people read it ------------------------------------------------------------------------------------------------


async def test_a_person_reads_verdict_state_incident_and_who_is_asked_in_plain_lines(town: Town) -> None:
    told = await town.one(town.drift(0.4))
    assert told.grade is not None
    assert told.grade.verdict is Verdict.OUT
    read = [(line.label, line.text) for line in lines(told, town.house.estate)]
    said = dict(reversed(read))
    assert said["Taken"] == "new: it would be remembered"
    assert said["System"] == "Credit scoring in production"
    assert said["Verdict"].startswith("out of limit: psi 0.4, limit 0.1: r = 0.4 / 0.1 = 4: SEV2")
    assert said["Incident"].startswith("opens a new one: Credit scoring: data drift")
    assert said["Asked"] == "Dana, now, by slack: you are the data owner of Credit scoring"
    assert said["Then"].startswith("Omar, ")
    assert ("Runbook", "Rollback model (named by the catalog)") in read
    assert any(label == "Card" and text.startswith("#ai-incidents by slack: SEV3") for label, text in read)
    assert any(label == "Timeline" and text.startswith("opened: SEV3 opened") for label, text in read)


async def test_a_person_reads_why_nobody_is_told(town: Town) -> None:
    told = await town.one(town.drift(0.15))
    (alert,) = told.alerts
    assert (alert.before, alert.alert.state) == (None, AlertState.WATCHING)
    read = {line.label: line.text for line in lines(told, town.house.estate)}
    assert "never heard of -> watching; not credible yet, and pages nobody" in read["Alert"]
    assert "Incident" not in read
    posted = await town.one(town.event(EventType.DRIFT_DETECTED, drift_data(value=0.12, statistic="p_value")))
    assert replace(posted.incidents[0].outlook, skips=()).askings == ()


async def test_a_person_reads_what_keeps_everybody_from_being_asked(town: Town) -> None:
    await silenced(town, ahead=hours(2))
    payload = town.hallucination()
    now, then = await town.one(payload), await town.one(payload, at=NOON + hours(3))
    assert now.alerts[0].alert.muted is None
    assert now.incidents[0].deed is Deed.OPENS
    assert then.incidents == ()
    read = {line.label: line.text for line in lines(then, town.house.estate)}
    assert read["Muted"].startswith("silenced by Lee until 2026-11-18 16:00 UTC: Load test")


async def test_trouble_upstream_is_named_as_what_mutes(town: Town) -> None:
    await feature_store_burns(town)
    told = await town.one(town.drift(0.4))
    assert told.incidents == ()
    mute = told.alerts[0].alert.muted
    assert mute is not None
    assert mute.why.startswith("INC-1 (SEV2) is open at Feature store, which it depends on")
