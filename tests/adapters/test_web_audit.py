"""The coverage audit, as programs and as people read it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx

from incidents.adapters.web.audit_page import SYSTEMS
from incidents.core.coverage import Response, Seen, Stranger
from incidents.core.system import Criticality
from tests.adapters.test_web_pages import words
from tests.adapters.web_calls import get, problem
from tests.fakes.front import Front
from tests.fakes.told import NOW, minutes
from tests.make import a_catalog, a_system, an_estate


def a_front(many: int = 3, **seen: Any) -> Front:  # noqa: ANN401 - whatever was seen
    """So many systems, the first of them critical; they have an owner in every role and nothing else."""
    front = Front()
    systems = [
        a_system(f"bot-{n:03d}", criticality=Criticality.CRITICAL if n == 0 else Criticality.LOW) for n in range(many)
    ]
    front.world.estate = an_estate(a_catalog(systems={system.id: system for system in systems}))
    front.seen_ = Seen(now=NOW, **seen)
    return front


async def page(front: Front, path: str = "/audit") -> str:
    async with front.browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get(path)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.text


# --- for programs -----------------------------------------------------------------------------------------------------


async def test_the_audit_says_how_many_of_how_many_and_what_is_wanting() -> None:
    stranger = Stranger(system="shadow-gpt", environment="production", first_seen_at=NOW)
    took = (Response(acknowledged=minutes(4)), Response())
    told = (await get(a_front(names=(stranger,), responses=took), "/api/audit")).json()
    shares = {share["name"]: share for share in told["shares"]}
    assert (shares["owned"]["met"], shares["owned"]["of"], shares["owned"]["percent"]) == (3, 3, 100.0)
    assert shares["justified"]["text"] == "0 of 3, 0 %"
    spreads = {spread["name"]: spread for spread in told["spreads"]}
    assert (spreads["acknowledge"]["median"], spreads["acknowledge"]["open"]) == (240.0, 1)
    assert (spreads["mitigate"]["median"], spreads["mitigate"]["text"]) == (None, "not yet in any of 2 incidents")
    assert told["counts"]["no_justification"] == 3
    assert told["findings"][0] == {
        "code": "unknown_system",
        "system": "shadow-gpt",
        "title": "shadow-gpt",
        "criticality": "",
        "text": told["findings"][0]["text"],
        "advice": "Register it, make it an alias of a known system, or switch it off",
    }
    assert (told["systems"], told["unknown"], told["days"]) == (3, 1, 90)


async def test_filters_choose_among_the_findings() -> None:
    front = a_front()
    told = (await get(front, "/api/audit?code=no_rollback&code=no_runbook&criticality=critical")).json()
    assert {finding["code"] for finding in told["findings"]} == {"no_rollback", "no_runbook"}
    assert {finding["system"] for finding in told["findings"]} == {"bot-000"}
    assert (await get(front, "/api/audit?system=nowhere")).status_code == 404
    assert "no_runbook" in problem(await get(front, "/api/audit?code=no_luck"), 400)["detail"]


async def test_a_system_with_everything_is_not_among_the_findings() -> None:
    front = a_front(1)
    (system,) = front.world.estate.catalog.systems.values()
    well = replace(
        system, justification="why", rollback="back", reviewed=date(2026, 11, 1), runbooks=("rollback-model",)
    )
    front.world.estate = an_estate(a_catalog(systems={well.id: well}))
    told = (await get(front, "/api/audit")).json()
    assert [finding["code"] for finding in told["findings"]] == ["no_monitor"]


# --- for people -------------------------------------------------------------------------------------------------------


async def test_the_page_begins_with_the_percentages_and_says_what_to_do_about_each_finding() -> None:
    seen = words(await page(a_front()))
    assert seen.index("0 % Systems with a business justification 0 of 3") < seen.index("What is wanting")
    assert "100 % Systems with every owner role 3 of 3" in seen
    assert "From an incident to its acknowledgement no incident yet" in seen
    assert "Nothing is named to go back to when a release turns out bad. Write under rollback" in seen
    assert seen.index("Bot 000 bot-000 critical") < seen.index("Bot 001")


async def test_hundreds_of_systems_are_turned_page_by_page_and_can_be_printed_whole() -> None:
    front = a_front(120)
    first = await page(front)
    assert f"1 to {SYSTEMS} of 120" in words(first)
    assert "Bot 119" not in first
    assert 'href="/audit?page=2" rel="next"' in first
    last = await page(front, "/audit?page=3")
    assert "101 to 120 of 120" in words(last)
    assert 'rel="next"' not in last
    assert 'href="/audit?show=all"' in first
    assert "1 to 120 of 120" in words(await page(front, "/audit?show=all"))


async def test_a_filter_is_kept_while_pages_are_turned_and_can_be_taken_off() -> None:
    told = await page(a_front(120), "/audit?code=no_rollback&criticality=low")
    assert 'href="/audit?code=no_rollback&amp;criticality=low&amp;page=2" rel="next"' in told
    assert 'href="/audit?criticality=low" title="Remove this filter"' in told
    assert "Nobody has written down" not in told
    assert "1 to 1 of 1" in words(await page(a_front(), "/audit?system=bot-001"))


async def test_where_nothing_is_wanting_it_says_so() -> None:
    assert "Nothing is wanting that these filters let through" in words(await page(a_front(), "/audit?system=nowhere"))


async def test_a_page_past_the_last_one_is_empty_and_leads_back() -> None:
    told = await page(a_front(), "/audit?page=9")
    assert 'href="/audit?page=8" rel="prev"' in told


async def test_a_name_from_an_event_is_only_ever_text() -> None:
    hostile = Stranger(system="<b>bot</b>", environment="<i>", first_seen_at=NOW - timedelta(hours=1))
    told = await page(a_front(names=(hostile,)))
    assert "&lt;b&gt;bot&lt;/b&gt;" in told
    assert "<b>bot" not in told
    assert "<i>" not in told


async def test_without_an_inventory_the_page_says_what_to_write() -> None:
    front = Front()
    front.world.estate = an_estate(a_catalog(systems={}))
    front.seen_ = Seen(now=NOW)
    assert "Write the AI systems into a catalog, with their owners" in words(await page(front))
