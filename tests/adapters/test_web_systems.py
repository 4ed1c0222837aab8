"""The AI inventory, as people and programs read it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from incidents.adapters.web.system_page import SYSTEMS
from incidents.adapters.web.template import system_page
from incidents.core.catalog import Escalation
from incidents.core.coverage import Seen, Stranger
from incidents.core.monitors import Watch
from incidents.core.revision import CatalogChange, ChangeKind
from incidents.core.system import (
    Criticality,
    Handover,
    Lifecycle,
    Monitor,
    Reference,
    RiskClass,
    Role,
    System,
    SystemBudget,
    SystemType,
)
from incidents.flow.ports import ChangeQuery, ChangeView, SystemView
from tests.adapters.test_web_hostile import ALLOWED, PAYLOADS, Look
from tests.adapters.test_web_pages import words
from tests.adapters.web_calls import get, problem
from tests.fakes.front import Front
from tests.fakes.reading import World
from tests.fakes.told import ADA, NOW, an_incident, minutes
from tests.make import a_catalog, a_runbook, a_schedule, a_system, an_estate


def a_place(system: System, environment: str = "production", **more: Any) -> SystemView:  # noqa: ANN401 - any field
    made = SystemView(
        system=system.id,
        environment=environment,
        title=system.title,
        registered=True,
        criticality=system.criticality.value,
        type=system.type.value if system.type else None,
        lifecycle=system.lifecycle.value,
        vendor=system.vendor,
        model=system.model,
        owners={role.value: owner for role, owner in system.owners.items()},
    )
    return replace(made, **more)


def a_stranger(name: str) -> SystemView:
    return SystemView(system=name, environment="production", title=name, registered=False, criticality="medium")


def a_front(*systems: System, **catalog: Any) -> Front:  # noqa: ANN401 - any field of a catalog
    front = Front()
    known = {system.id: system for system in systems}
    told = a_catalog(systems=known, schedules={"oncall": a_schedule()}, **catalog)
    front.world.estate = an_estate(told, runbooks=(a_runbook(),))
    front.world.systems_ = [a_place(system) for system in systems]
    return front


CREDIT = a_system(
    type=SystemType.THIRD_PARTY_MODEL,
    criticality=Criticality.CRITICAL,
    vendor="OpenAI",
    model="gpt-5",
    owners={Role.OPERATIONAL: "oncall", Role.MODEL: "priya"},
    justification="Decides consumer credit within a minute",
)
OLD = a_system("old-bot", lifecycle=Lifecycle.RETIRED, owners={Role.MODEL: "lee"})
NEW = a_system("new-bot", lifecycle=Lifecycle.PLANNED, owners={Role.DATA: "ops"}, aliases=("gateway/new",))


async def page(front: Front, path: str) -> str:
    async with front.browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get(path)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.text


async def named(front: Front, query: str) -> list[str]:
    answer = await get(front, f"/api/systems?{query}")
    assert answer.status_code == httpx.codes.OK, answer.text
    return [item["system"] for item in answer.json()["items"]]


# --- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["credit-scoring", "new-bot", "old-bot", "shadow"]),
        ("lifecycle=retired", ["old-bot"]),
        ("lifecycle=retired&lifecycle=planned", ["new-bot", "old-bot"]),
        ("criticality=critical", ["credit-scoring"]),
        ("owner=oncall", ["credit-scoring"]),
        ("owner=omar", ["credit-scoring", "new-bot"]),  # by turns, and in a team
        ("owner=nobody", []),
        ("q=OPENAI+gpt", ["credit-scoring"]),
        ("q=consumer", ["credit-scoring"]),
        ("q=gateway", ["new-bot"]),
        ("q=shadow", ["shadow"]),
        ("q=&lifecycle=&owner=&criticality=low", []),
    ],
)
async def test_systems_are_found_by_lifecycle_criticality_owner_and_words(query: str, found: list[str]) -> None:
    front = a_front(CREDIT, OLD, NEW)
    front.world.systems_ += [a_stranger("shadow")]
    assert await named(front, query) == found
    seen = await page(front, f"/systems?{query}")
    assert [name for name in ("credit-scoring", "new-bot", "old-bot", "shadow") if f"/systems/{name}" in seen] == found
    assert ("No system is of that kind" in seen) == (not found)


async def test_a_program_turns_pages_and_gets_everything_when_it_asks_for_no_number() -> None:
    front = a_front(*(a_system(f"bot-{n:03}") for n in range(250)))
    whole = (await get(front, "/api/systems")).json()
    assert (len(whole["items"]), whole["next"]) == (250, None)
    first = (await get(front, "/api/systems?limit=200")).json()
    rest = (await get(front, f"/api/systems?limit=200&cursor={first['next']}")).json()
    assert first["items"] + rest["items"] == whole["items"]
    assert rest["next"] is None
    assert "start again" in problem(await get(front, "/api/systems?cursor=mine"), 400)["detail"]
    assert "retired" in problem(await get(front, "/api/systems?lifecycle=dead"), 400)["detail"]


async def test_a_person_turns_pages_and_keeps_the_filters() -> None:
    front = a_front(*(a_system(f"bot-{n:03}") for n in range(120)))
    first = await page(front, "/systems?criticality=medium&q=bot")
    assert f"1 to {SYSTEMS} of 120" in words(first)
    assert 'href="/systems?criticality=medium&amp;q=bot&amp;page=2" rel="next"' in first
    last = await page(front, "/systems?page=3")
    assert "101 to 120 of 120" in words(last)
    assert 'rel="next"' not in last
    assert "There is nothing further" in await page(front, "/systems?page=9")


async def test_the_list_tells_the_model_in_use_and_a_retired_system_looks_different() -> None:
    seen = await page(a_front(CREDIT, OLD, NEW), "/systems")
    assert "gpt-5 OpenAI" in words(seen)
    assert "third party model" in words(seen)
    assert '<tr class="retired">' in seen
    assert '<tr class="planned">' in seen
    assert seen.index("New bot") < seen.index("Old bot")  # what is retired comes last


# --- one system -------------------------------------------------------------------------------------------------------


FULL = replace(
    CREDIT,
    risk_class=RiskClass.HIGH,
    handovers=(Handover(role=Role.MODEL, to="ops", at=NOW + timedelta(days=3), note="Run by operations"),),
    escalation="night",
    aliases=("mlflow/credit",),
    runbooks=("rollback-model", "lost-one"),
    budget=SystemBudget(amount=Decimal(12000), currency="EUR"),
    depends_on=("feature-store", "warehouse"),
    monitors=(Monitor(kind="drift", name="evidently-credit", every=timedelta(hours=1)),),
    prompt="credit/explain@12",
    rollback="models:/credit@champion",
    data_sources=("applications", "bureau"),
    links=(Reference(title="Model card", url="https://example.com/card"), Reference(title="Trap", url="javascript:x")),
    reviewed=date(2026, 11, 10),
    labels={"registry": "mlflow"},
    parameters={"rollback-model": {"share": "5"}},
)
NIGHT = Escalation(id="night", rungs=(("kind", "oncall"), ("operational",), ("lee",)), last_resort="max")


def a_full_front() -> Front:
    store, app = a_system("feature-store"), a_system("app", depends_on=("credit-scoring",))
    front = a_front(FULL, store, app, escalations={"night": NIGHT})
    front.world.hold(an_incident(7, title="Credit drifts"))
    watch = Watch(
        system="credit-scoring",
        environment="production",
        monitor="evidently-credit",
        since=NOW - timedelta(days=9),
        last_seen_at=NOW - minutes(20),
    )
    front.seen_ = Seen(now=NOW, watches=(watch,))
    return front


async def test_the_page_of_a_system_tells_every_field_in_plain_words() -> None:
    html = await page(a_full_front(), "/systems/credit-scoring")
    seen = words(html)
    for told in (
        "What the business has it for Decides consumer credit within a minute",
        "Risk class (EU AI Act) high",
        "Model in use gpt-5",
        "Prompt in use credit/explain@12",
        "What to go back to models:/credit@champion",
        "Data sources applications, bureau",
        "Budget €12,000 a month",
        "Also known as mlflow/credit",
        "Labels registry: mlflow",
        "Entry last reviewed 2026-11-10, 10 days ago",
        "evidently-credit drift 1 h 20 min ago",
        "Omar has the turn until",
        "Run by operations",
        "the first owner of the kind of trouble, oncall",
        "Max last resort",
        "Credit drifts",
        "It has no accountable, data and governance owner. Name a person",
        "lost-one not on the shelf",
    ):
        assert told in seen, told
    assert 'href="/systems/feature-store">Feature store</a>, warehouse' in html
    assert 'href="/systems/app">App</a>' in html
    assert 'href="/runbooks/rollback-model"' in html
    assert 'href="https://example.com/card"' in html
    assert "javascript:" not in html
    assert 'href="/silences?system=credit-scoring#new"' in html
    assert 'href="/catalog?section=systems&amp;entry=credit-scoring"' in html


async def test_a_role_that_nobody_has_and_a_turn_that_nobody_has_are_said() -> None:
    idle = a_system(owners={Role.OPERATIONAL: "later"})
    front = a_front(idle)
    later = replace(a_schedule(since=date(2027, 1, 1)), id="later")
    front.world.estate = an_estate(a_catalog(systems={idle.id: idle}, schedules={"later": later}))
    seen = words(await page(front, "/systems/credit-scoring"))
    assert "Nobody has the turn" in seen
    assert "Accountable Nobody" in seen


async def test_a_system_that_is_only_seen_has_a_page_that_says_so() -> None:
    front = a_front(CREDIT)
    front.world.systems_ += [a_stranger("shadow-gpt")]
    front.seen_ = Seen(now=NOW, names=(Stranger(system="shadow-gpt", environment="production", first_seen_at=NOW),))
    seen = words(await page(front, "/systems/shadow-gpt"))
    assert "Nobody has registered this system" in seen
    assert "Register it, make it an alias of a known system" in seen
    told = (await get(front, "/api/systems/shadow-gpt")).json()
    assert (told["registered"], told["entry"], told["findings"][0]["code"]) == (False, None, "unknown_system")


async def test_the_system_of_an_incident_opened_by_hand_has_a_page_though_no_event_came() -> None:
    front = a_front(CREDIT)
    front.world.hold(an_incident(9, title="Answers in verse", system="poet", registered=False))
    assert 'href="/systems/poet"' in await page(front, "/incidents/INC-9")
    seen = words(await page(front, "/systems/poet"))
    assert "Nobody has registered this system" in seen
    assert "INC-9 Answers in verse" in seen


async def test_the_name_under_which_a_flood_is_gathered_is_called_no_system() -> None:
    front = a_front(CREDIT)
    front.world.systems_ += [a_stranger("unknown systems")]
    seen = words(await page(front, "/systems/unknown%20systems"))
    assert "No system of its own" in seen
    assert "Register it" not in seen


async def test_a_name_that_is_neither_registered_nor_seen_is_not_found() -> None:
    front = a_front(CREDIT)
    assert "nowhere" in problem(await get(front, "/api/systems/nowhere"), 404)["detail"]
    async with front.browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get("/systems/nowhere")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "no system nowhere" in answer.text


async def test_an_alias_leads_to_its_system() -> None:
    assert (await get(a_full_front(), "/api/systems/mlflow%2Fcredit")).json()["system"] == "credit-scoring"


async def test_programs_get_the_entry_with_who_has_each_role_now() -> None:
    told = (await get(a_full_front(), "/api/systems/credit-scoring")).json()
    entry, owners = told["entry"], {held["role"]: held for held in told["owners"]}
    assert (entry["vendor"], entry["budget"]) == ("OpenAI", {"amount": "12000", "currency": "EUR", "period": "month"})
    assert (entry["labels"], entry["parameters"]) == ({"registry": "mlflow"}, {"rollback-model": {"share": "5"}})
    assert (entry["reviewed"], entry["handovers"][0]["to"]) == ("2026-11-10", "ops")
    assert (owners["operational"]["kind"], owners["operational"]["people"]) == ("schedule", ["omar"])
    assert owners["operational"]["until"] is not None
    assert owners["data"]["kind"] == "nobody"
    assert told["rungs"] == [["kind", "oncall"], ["operational"], ["lee"]]
    assert told["needed_by"] == ["app"]
    assert (told["monitors"][0]["every"], told["monitors"][0]["alive"]) == (3600.0, True)
    assert told["places"][0]["environment"] == "production"


class Historied(World):
    """A world whose catalog was changed."""

    async def changes(self, query: ChangeQuery) -> tuple[Sequence[ChangeView], str | None]:
        change = CatalogChange(
            kind=ChangeKind.CHANGED,
            section=query.section or "",
            entry=query.entry or "",
            field="model",
            text=f"{query.entry}: model is gpt-5",
        )
        return [ChangeView(revision=3, at=NOW - minutes(5), by=ADA, note="New model", seq=1, change=change)], None


async def test_the_page_tells_the_last_changes_of_the_entry() -> None:
    front = a_full_front()
    front.world = Historied(estate=front.world.estate, systems_=front.world.systems_)
    assert "credit-scoring: model is gpt-5" in words(await page(front, "/systems/credit-scoring"))


# --- names of others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PAYLOADS, "a/b", "/lead", "50%", "a?b#c", "système №1", "a b", "%2e%2e"])
async def test_a_name_of_any_characters_leads_to_its_page_and_stays_text(name: str) -> None:
    odd = System(
        id=name,
        title=name,
        vendor=name,
        model=name,
        prompt=name,
        rollback=name,
        justification=name,
        owners={Role.MODEL: name},
        aliases=(f"x{name}",),
        runbooks=(name,),
        depends_on=(name,),
        data_sources=(name,),
        links=(Reference(title=name, url=name),),
        monitors=(Monitor(kind=name, name=name),),
    )
    front = a_front(odd)
    for path in ("/systems", system_page(name)):
        look, html = Look(), await page(front, path)
        look.feed(html)
        assert look.tags <= ALLOWED, look.tags - ALLOWED
        assert look.events == []
        assert all(link.startswith(("/", "#")) for link in look.links), look.links
        assert "49{" not in html
        assert system_page(name) in look.links
