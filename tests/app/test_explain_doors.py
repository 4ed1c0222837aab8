"""The route tester's doors over the real road: what they answer, what they refuse, and that nothing remains."""
# ruff: noqa: ANN401 - an event's data is whatever its story needs

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from incidents.app.front import application
from incidents.app.settings import Settings
from incidents.app.wiring import Parts, build
from tests.app.desk import Desk
from tests.make_events import BATCH, STRUCTURED, drift_data, published

CATALOG = """
version: 1
defaults: {owner: lee, channel: "#ai-incidents"}
people:
  dana: {name: Dana Reyes}
  lee: {name: Lee Park}
systems:
  credit-scoring: {title: Credit scoring, owners: {data: dana, accountable: lee}, aliases: [mlflow/credit]}
"""
OWN = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin", "accept": "text/html"}


def an_event(number: int = 1, **more: Any) -> dict[str, Any]:
    data = drift_data(value=0.4, **more.pop("data", {}))
    return published(data=data, id=f"e-{number}", **more)


@pytest.fixture
async def parts(desk: Desk) -> AsyncIterator[Parts]:
    settings = Settings(catalog=Path(desk.write("catalog.yaml", CATALOG)), port=8080)
    parts = await build(settings)
    yield parts
    await parts.close()


@pytest.fixture
async def browser(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(parts), raise_app_exceptions=False, client=("127.0.0.1", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as browser:
        yield browser


async def explain(browser: httpx.AsyncClient, said: Any, at: str = "", **headers: str) -> httpx.Response:
    told = {"content-type": BATCH if isinstance(said, list) else STRUCTURED}
    path = f"/api/explain?at={at}" if at else "/api/explain"
    return await browser.post(path, content=json.dumps(said).encode(), headers=headers or told)


async def page(browser: httpx.AsyncClient, **form: str) -> tuple[int, str]:
    answer = await browser.post("/explain", data=form, headers=OWN)
    return answer.status_code, " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


async def test_an_explanation_names_verdict_alert_incident_and_whoever_is_asked(browser: httpx.AsyncClient) -> None:
    answer = await explain(browser, an_event(data={"system": "mlflow/credit"}), at="2026-11-20T10:00:00Z")
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    assert (item["novelty"], item["verdict"], item["system"]) == ("new", "out", "credit-scoring")
    assert item["alerts"][0]["state"] == "firing"
    (incident,) = item["incidents"]
    assert (incident["deed"], incident["id"], incident["severity"]) == ("opens", "NEW-1", "sev3")
    assert incident["asked"][0] | {"at": ""} == {
        "level": 0,
        "person": "dana",
        "name": "Dana Reyes",
        "at": "",
        "channel": "console",
        "why": "you are the data owner of Credit scoring",
        "done": True,
        "fallback": False,
    }
    assert {line["label"] for line in item["lines"]} >= {"Verdict", "Alert", "Incident", "Asked", "Then", "Timeline"}


async def test_nothing_of_it_is_found_afterwards(browser: httpx.AsyncClient) -> None:
    await explain(browser, [an_event(n) for n in range(5)])
    for path in ("/api/incidents", "/api/alerts", "/api/dead-letters"):
        assert (await browser.get(path)).json()["items"] == []
    (system,) = (await browser.get("/api/systems")).json()["items"]
    assert system["first_seen_at"] is None


async def test_a_binary_event_is_explained_too(browser: httpx.AsyncClient) -> None:
    event = an_event()
    headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    answer = await explain(browser, event["data"], **headers, **{"content-type": "application/json"})
    assert answer.json()["items"][0]["event"]["id"] == "e-1"


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (an_event(type="ai.drift.guessed.v1"), 400, "unknown_type"),
        ([], 400, "empty_batch"),
        ([an_event(n) for n in range(51)], 413, "too_many"),
        ("no event", 400, "invalid"),
    ],
)
async def test_what_the_front_door_refuses_is_refused_here_alike(
    browser: httpx.AsyncClient, said: Any, status: int, code: str
) -> None:
    answer = await explain(browser, said)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_in_a_batch_the_sound_events_are_explained_beside_the_refused(browser: httpx.AsyncClient) -> None:
    answer = await explain(browser, [an_event(1, specversion="9"), an_event(2)])
    assert answer.status_code == 207
    assert [(error["index"], error["field"]) for error in answer.json()["errors"]] == [(0, "specversion")]
    assert [item["index"] for item in answer.json()["items"]] == [1]


@pytest.mark.parametrize("at", ["tomorrow", "2026-11-20T10:00:00", "9999-12-31T23:59:59Z"])
async def test_a_moment_that_cannot_be_meant_is_named(browser: httpx.AsyncClient, at: str) -> None:
    answer = await explain(browser, an_event(), at=at)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "at"
    status, read = await page(browser, events=json.dumps(an_event()), at=at)
    assert status == 400
    assert "Refused" in read
    assert "at:" in read


async def test_it_is_described_for_programs(browser: httpx.AsyncClient) -> None:
    described = (await browser.get("/openapi.json")).json()["paths"]["/api/explain"]["post"]
    assert set(described["requestBody"]["content"]) >= {STRUCTURED, BATCH}
    assert {"200", "207", "400", "413", "415"} <= set(described["responses"])


# --- the page ---------------------------------------------------------------------------------------------------------


async def test_the_page_shows_the_answer_below_what_was_pasted(browser: httpx.AsyncClient) -> None:
    status, read = await page(browser, events=json.dumps([an_event(1), an_event(2)]), at="2026-11-20T03:00:00Z")
    assert status == 200
    assert "SEV3 Opens a new incident Credit scoring: data drift" in read
    assert "Dana Reyes, 2026-11-20 09:00 UTC (Fri 09:00 UTC), by console: you are the data owner" in read
    assert "leaves NEW-1 as it is" in read
    assert "what time alone would do until then is not played" in read


async def test_the_page_refuses_with_what_was_typed_kept(browser: httpx.AsyncClient) -> None:
    status, read = await page(browser, events='{"specversion": ')
    assert status == 400
    assert "body: " in read
    assert "{&#34;specversion&#34;: " in read
    status, read = await page(browser)
    assert (status, "paste an event" in read) == (400, True)


async def test_hostile_words_stay_words_on_the_page(browser: httpx.AsyncClient) -> None:
    event = an_event(data={"system": "<script>alert(1)</script>", "metric": "<img src=x onerror=alert(1)>"})
    answer = await browser.post("/explain", data={"events": json.dumps(event)}, headers=OWN)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "<img src=x" not in answer.text


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_desk(kept: Desk) -> Desk:
    kept.settings["CATALOG"] = kept.write("catalog.yaml", CATALOG)
    return kept


def test_the_command_tells_it_in_plain_lines(at_desk: Desk) -> None:
    event = an_event(data={"metric": "psi\x1b[31m"})
    file = at_desk.write("event.json", json.dumps(an_event()))
    told = at_desk.type("explain", file, "--at", "2026-11-20T10:00:00Z")
    assert told.code == 0
    assert "Asked      Dana Reyes, now, by console: you are the data owner of Credit scoring" in told.out
    assert "Timeline   opened: SEV3 opened: Credit scoring: data drift" in told.out
    assert "Nothing was saved, nobody was paged." in told.out
    assert at_desk.type("list").out == "No incidents.\n"
    refused = at_desk.type("explain", "-", given=json.dumps(event))
    assert refused.code == 1
    assert "\x1b" not in refused.out + refused.err


def test_the_command_names_the_line_of_what_is_refused(at_desk: Desk) -> None:
    file = at_desk.write("events.jsonl", f"{json.dumps(an_event(1))}\n{json.dumps(an_event(2, specversion='9'))}\n")
    told = at_desk.type("explain", file)
    assert told.code == 1
    assert "events.jsonl:2: specversion: " in told.err
    assert "1. ai.drift.measured.v1" in told.out
    found = at_desk.type("explain", file, "--json").json
    assert [len(found["items"]), len(found["errors"])] == [1, 1]
    assert "is not JSON" in at_desk.type("explain", "-", given="{nonsense").err


def test_the_command_says_what_is_wrong_with_a_time(at_desk: Desk) -> None:
    file = at_desk.write("event.json", json.dumps(an_event()))
    told = at_desk.type("explain", file, "--at", "noon")
    assert told.code == 1
    assert told.err.startswith("at: ")


async def test_fifty_events_from_many_askers_at_once_are_explained_beside_each_other(
    browser: httpx.AsyncClient,
) -> None:
    events = [an_event(n, data={"metric": f"psi-{n}"}) for n in range(50)]
    answers = await asyncio.gather(*(explain(browser, events) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert (await browser.get("/api/alerts")).json()["items"] == []
