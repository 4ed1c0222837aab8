"""What people read: lists by filters and pages, one incident whole, and the numbers at the top."""
# ruff: noqa: ANN401 - a query has any filter

import base64
from dataclasses import replace
from typing import Any

import pytest

from incidents.adapters.store.shelf import Shelf
from incidents.adapters.store.store import Store
from incidents.core.alert import AlertState, Mute
from incidents.core.decision import Decision
from incidents.core.errors import NotFound
from incidents.core.incident import Asked, Paging, Status
from incidents.core.schedule import Rotation, Schedule
from incidents.core.severity import Severity
from incidents.core.system import Role
from incidents.flow.ports import IncidentQuery, Turn
from tests.adapters.store.kept import (
    RAG,
    a_fact,
    a_letter,
    a_sighting,
    an_alert,
    an_effect,
    firing,
    forced,
    kept,
    opened,
)
from tests.make import NOON, a_catalog, a_system, an_estate, hours, minutes

HERE: list[dict[str, Any]] = [
    {"system": "credit-scoring", "severity": Severity.SEV1, "kinds": ("drift",)},
    {
        "system": "rag-assistant",
        "severity": Severity.SEV3,
        "kinds": ("hallucination", "cost_anomaly"),
        "gathering": False,
    },
    {"system": "rag-assistant", "environment": "staging", "status": Status.CLOSED, "gathering": False},
    {"system": "unheard-of", "title": "100 % of under_scores", "assignee": "kim", "ownerless": True},
]


@pytest.fixture
async def full(store: Store) -> Store:
    for number, more in enumerate(HERE, 1):
        known: dict[str, Any] = {"id": f"INC-{number}", "title": f"Incident {number}", **more}
        await opened(store, **known)
    return store


async def found(shelf: Shelf, **filters: Any) -> list[str]:
    incidents, _ = await shelf.incidents(IncidentQuery(**filters))
    return [incident.id.removeprefix("INC-") for incident in incidents]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, "4321"),
        ({"status": (Status.CLOSED,)}, "3"),
        ({"status": (Status.CLOSED, Status.TRIGGERED)}, "4321"),
        ({"severity": (Severity.SEV1, Severity.SEV3)}, "21"),
        ({"system": ("rag-assistant",)}, "32"),
        ({"system": ("rag-assistant", "unheard-of")}, "432"),
        ({"environment": ("staging",)}, "3"),
        ({"kind": ("drift",)}, "1"),
        ({"kind": ("drift", "cost_anomaly")}, "21"),
        ({"kind": ("cost",)}, ""),
        ({"system": ("rag-assistant",), "kind": ("hallucination",), "environment": ("production",)}, "2"),
        ({"q": "INCIDENT 2"}, "2"),
        ({"q": "100 %"}, "4"),
        ({"q": "under_scores"}, "4"),
        ({"q": "r_g"}, ""),
        ({"q": "rag-"}, "32"),
        ({"q": "inc-3"}, "3"),
        ({"q": "3"}, "3"),
        ({"q": "'; --"}, ""),
    ],
)
async def test_filters_of_one_kind_mean_any_and_of_several_kinds_all(
    full: Store, shelf: Shelf, filters: dict[str, Any], numbers: str
) -> None:
    assert "".join(await found(shelf, **filters)) == numbers
    assert await full.now()


async def test_an_owners_incidents_are_those_they_own_alone_or_in_a_team_and_those_they_took_part_in(
    full: Store, shelf: Shelf
) -> None:
    assert await found(shelf, owner=("omar",)) == ["3", "2", "1"], "by the team that operates"
    assert await found(shelf, owner=("kim",)) == ["4", "3", "2", "1"], "and one that was assigned"
    assert await found(shelf, owner=("ki",)) == []
    asked = Paging(round=1, asked=(Asked(level=0, person="nadia", at=NOON),))
    await opened(full, id="INC-5", environment="e5", paging=asked)
    assert await found(shelf, owner=("nadia", "nobody")) == ["5"]


async def test_whoever_has_turns_of_the_schedule_that_owns_a_system_finds_its_incidents(full: Store) -> None:
    turns = Schedule(id="ml-oncall", rotation=Rotation(people=("omar", "max"), since=NOON.date()))
    catalog = a_catalog(a_system("rag-assistant", owners={Role.OPERATIONAL: "ml-oncall"}))
    estate = an_estate(catalog=replace(catalog, schedules={"ml-oncall": turns}))

    assert await found(Shelf(full.database, lambda: estate), owner=("max",)) == ["3", "2"]


async def test_pages_of_incidents_follow_each_other_without_gap_or_repeat(full: Store, shelf: Shelf) -> None:
    seen, cursor = [], None
    for _ in range(3):
        part, cursor = await shelf.incidents(IncidentQuery(limit=2, cursor=cursor))
        seen.append([incident.id for incident in part])
        if seen[-1] == ["INC-4", "INC-3"]:
            await opened(full, id="INC-9", environment="came meanwhile")
        if cursor is None:
            break
    assert seen == [["INC-4", "INC-3"], ["INC-2", "INC-1"]]


async def test_pages_of_alerts_follow_each_other_where_many_came_at_the_same_moment(store: Store, shelf: Shelf) -> None:
    alerts = [firing(f"m{n}", incident="INC-1") for n in range(7)]
    sightings = {alert.fingerprint: a_sighting(at=NOON + hours(n // 3)) for n, alert in enumerate(alerts)}
    await kept(store, Decision(alerts=tuple(alerts), sightings=sightings))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        views, cursor = await shelf.alerts((AlertState.FIRING,), limit=2, cursor=cursor)
        seen += [view.alert.metric for view in views]
        if cursor is None:
            break
    assert sorted(seen) == [f"m{n}" for n in range(7)]
    assert seen[0] == "m6"
    assert await shelf.alerts((AlertState.WATCHING,)) == ([], None)
    assert len((await shelf.alerts(()))[0]) == 7


async def test_pages_of_dead_letters_follow_each_other(store: Store, shelf: Shelf) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.put_aside([a_letter(b"%d" % n) for n in range(5)])
    first, cursor = await shelf.dead_letters(("open",), limit=3)
    rest, end = await shelf.dead_letters(("open",), limit=3, cursor=cursor)
    assert [int(letter.id) for letter in (*first, *rest)] == [5, 4, 3, 2, 1]
    assert end is None
    assert await shelf.dead_letters(("replayed",)) == ([], None)
    assert (await shelf.dead_letter("2")).reason == "malformed"


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "%%%", "é", cursor_of("x"), cursor_of("9" * 40), cursor_of("-1"), cursor_of("2026-01-01|x"), "_w"],
)
async def test_a_cursor_that_is_none_of_ours_is_refused(shelf: Shelf, cursor: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each door says in its own words what it means)
        await shelf.incidents(IncidentQuery(cursor=cursor))
    with pytest.raises(ValueError):  # noqa: PT011
        await shelf.alerts((), cursor=cursor)
    with pytest.raises(ValueError):  # noqa: PT011
        await shelf.dead_letters((), cursor=cursor)


async def test_an_incident_is_shown_whole_by_any_spelling_of_its_id(store: Store, shelf: Shelf) -> None:
    await opened(store, an_effect(key="page"), facts=[a_fact(), a_fact(words="More")], alerts=[firing(), firing("ks")])
    view = await shelf.incident("inc-1")
    assert (view.incident.id, len(view.alerts), len(view.facts)) == ("INC-1", 2, 2)
    assert [effect.key for effect in view.effects] == ["page"]
    assert (await shelf.briefing("1")).incident == "INC-1"
    for nobody in ("INC-2", "x", "INC-" + "9" * 30):
        with pytest.raises(NotFound):
            await shelf.incident(nobody)
        with pytest.raises(NotFound):
            await shelf.briefing(nobody)


async def test_a_briefing_begins_with_what_is_worst(store: Store, shelf: Shelf) -> None:
    over = an_alert("js", incident="INC-1", figures="over", severity=Severity.SEV1)
    worst, minor = (
        firing(name, figures=name, severity=severity)
        for name, severity in (("psi", Severity.SEV2), ("ks", Severity.SEV4))
    )
    await opened(store, alerts=[minor, over, worst])
    await opened(store, id="INC-2", environment="staging")
    assert set(await shelf.briefings(["INC-1", "INC-2", "INC-3"])) == {"INC-1", "INC-2"}
    assert "psi" in (await shelf.briefing("INC-1")).headline


async def test_systems_are_those_registered_and_those_heard_of(full: Store, shelf: Shelf) -> None:
    async with full.unit(Turn.INTAKE) as unit:
        await unit.board.see({("credit-scoring", "staging"): True, ("unheard-of", "production"): False}, limit=9)
    systems = {(view.system, view.environment): view for view in await shelf.systems()}
    assert set(systems) >= {("credit-scoring", "staging"), ("unheard-of", "production"), ("triage-bot", "production")}
    stranger = systems["unheard-of", "production"]
    assert (stranger.registered, stranger.open_incidents, stranger.first_seen_at is not None) == (False, 1, True)
    assert (stranger.lifecycle, systems["credit-scoring", "staging"].lifecycle) == (None, "production")
    for name in ("credit-scoring", "unheard-of", "triage-bot"):
        assert list(await shelf.systems({name})) == [view for view in systems.values() if view.system == name]
    assert await shelf.systems({"unheard"}) == []


async def test_the_numbers_are_those_of_the_lists(full: Store, shelf: Shelf) -> None:
    watching = an_alert("psi", state=AlertState.WATCHING)
    await kept(full, Decision(alerts=(watching,), sightings={watching.fingerprint: a_sighting()}))
    async with full.unit(Turn.INTAKE) as unit:
        await unit.inbox.put_aside([a_letter()])
        await unit.board.enqueue([an_effect(due_at=unit.now - minutes(2)), an_effect(due_at=unit.now + hours(2))])
    numbers = await shelf.numbers()
    assert numbers.by_status == {"triggered": 3, "closed": 1}
    assert (numbers.watching, numbers.dead_letters, numbers.ownerless) == (1, 1, 1)
    assert numbers.oldest_due is not None
    assert minutes(2) <= numbers.oldest_due < minutes(3)
    await forced(full.database, "update effects set state = 'sent'")
    assert (await shelf.numbers()).oldest_due is None


async def test_an_incident_shows_what_it_mutes_and_what_else_burns_on_its_model(store: Store) -> None:
    mute = Mute(by="incident:INC-1", what="INC-1", why="INC-1 is open upstream", until=NOON + minutes(5))
    below = an_alert("hallucination_rate", RAG, state=AlertState.FIRING, muted=mute)
    other = an_alert("psi", RAG, state=AlertState.FIRING, muted=replace(mute, by="incident:INC-11"))
    await opened(store, id="INC-1", system="credit-scoring")
    await kept(store, Decision(alerts=(below, other), sightings={a.fingerprint: a_sighting() for a in (below, other)}))
    await opened(store, id="INC-2", system="rag-assistant")
    await opened(store, id="INC-3", system="triage-bot")
    await opened(store, id="INC-4", system="summaries", status=Status.CLOSED, gathering=False)
    on = {"vendor": "OpenAI", "model": "gpt-5"}
    alike = a_system("rag-assistant", vendor="openai", model="GPT-5")
    unlike = a_system("triage-bot", vendor="OpenAI")
    estate = an_estate(a_catalog(a_system(**on), alike, unlike, a_system("summaries", **on)))
    view = await Shelf(store.database, lambda: estate).incident("INC-1")
    assert [one.alert.fingerprint for one in view.quiets] == [below.fingerprint]
    assert [incident.id for incident in view.beside] == ["INC-2"]
