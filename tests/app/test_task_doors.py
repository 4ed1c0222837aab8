"""Tasks from door to door over the real road: given, listed, done and closed by command, read and changed on pages."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from html import escape

import httpx
import pytest

from incidents.app.front import application
from incidents.app.settings import Settings
from incidents.app.wiring import build
from tests.app.desk import Desk

CATALOG = """
version: 1
defaults: {owner: lee}
people:
  ada: {name: Ada Okoye}
  lee: {name: Lee Park}
  max: {name: Max Ito}
systems:
  credit-scoring: {title: Credit scoring, owners: {model: ada, operational: lee, accountable: lee}}
"""
HOSTILE = '<script>alert(1)</script> {{ 7 * 7 }} "><img src=x onerror=alert(1)>'
SOON = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()


@pytest.fixture
def at_desk(kept: Desk) -> Desk:
    """An incident is open."""
    kept.settings["CATALOG"] = kept.write("catalog.yaml", CATALOG)
    opened = kept.type("open", "--system", "credit-scoring", "--title", "Scores are off", "--as", "ada")
    assert opened.code == 0, opened.err
    return kept


def add(desk: Desk, *words: str) -> str:
    added = desk.type("task", "add", "INC-1", *words, "--as", "ada")
    assert added.code == 0, added.err
    return added.out


def test_a_task_is_given_listed_changed_and_done(at_desk: Desk) -> None:
    assert add(at_desk, "Retrain on last month", "--owner", "lee", "--due", SOON).startswith("TASK-1  open")
    changed = at_desk.type("task", "change", "1", "--owner", "ada", "--as", "lee", "--json").json
    (listed,) = at_desk.type("task", "list", "--owner", "ada", "--json").json["items"]
    assert listed == changed
    assert (listed["kind"], listed["overdue"], listed["due_at"][:10]) == ("remediation", False, SOON)

    done = at_desk.type("task", "done", "TASK-1", "--note", "on the new set", "--as", "ada", "--json").json

    assert (done["state"], done["ended_by"], done["why"]) == ("done", "ada", "on the new set")
    assert at_desk.type("task", "list").out == "No tasks.\n"
    assert "task done" in at_desk.type("timeline", "INC-1").out.replace("_", " ")
    assert at_desk.type("check-invariants").code == 0


def test_closing_says_everything_that_is_missing_at_once(at_desk: Desk) -> None:
    add(at_desk, "Retrain")
    add(at_desk, "Watch it", "--kind", "follow_up", "--owner", "lee")
    at_desk.type("resolve", "INC-1", "--reason", "fixed", "--as", "ada")

    refused = at_desk.type("close", "INC-1", "--as", "ada", "--json")
    assert (refused.code, refused.json["code"]) == (1, "tasks_open")
    assert refused.json["detail"] == (
        "neither done nor dropped: TASK-1 (Retrain); not ready to outlive it: TASK-2 lacks a due date"
    )

    assert at_desk.type("task", "drop", "1", "--reason", "the vendor did", "--as", "lee").code == 0
    assert at_desk.type("task", "change", "2", "--due", SOON, "--as", "lee").code == 0
    assert at_desk.type("close", "INC-1", "--as", "ada").code == 0
    assert at_desk.type("task", "done", "2", "--as", "lee").code == 0
    assert at_desk.type("check-invariants").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("done", "9"), 1, "no task TASK-9"),
        (("done", "soon"), 2, "is no task"),
        (("done", "1", "--as", "max"), 1, "it is for its owner"),
        (("drop", "1"), 2, "reason"),
        (("change", "1", "--due", "2020-01-01"), 1, "2020-01-01 is over"),
        (("change", "1", "--due", "tomorrow"), 1, "due"),
        (("change", "1", "--owner", "nobody"), 1, "nobody"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_that_help(
    at_desk: Desk, words: tuple[str, ...], code: int, said: str
) -> None:
    at_desk.write("catalog.yaml", CATALOG.replace("defaults: {owner: lee}", ""))
    add(at_desk, "Retrain")
    refused = at_desk.type("task", *words)
    assert (refused.code, said in refused.err) == (code, True), refused.err


# --- pages ------------------------------------------------------------------------------------------------------------

Visit = Callable[[httpx.AsyncClient], Awaitable[None]]
OWN = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin", "accept": "text/html"}


def visit(desk: Desk, see: Visit) -> None:
    """A browser at the real service over the desk's database."""

    async def run() -> None:
        parts = await build(Settings(catalog=desk.folder / "catalog.yaml"), applies=False)
        try:
            transport = httpx.ASGITransport(application(parts), client=("127.0.0.1", 40_000))
            async with httpx.AsyncClient(transport=transport, base_url=OWN["Origin"], headers=OWN) as browser:
                await see(browser)
        finally:
            await parts.close()

    asyncio.run(run())


def test_a_form_sent_twice_gives_one_task(at_desk: Desk) -> None:
    async def see(browser: httpx.AsyncClient) -> None:
        form = {"as": "ada", "once": "1", "kind": "remediation", "title": "Retrain", "owner": "lee", "due": SOON}
        answers = [await browser.post("/incidents/INC-1/tasks", data=form) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        assert answers[0].headers["location"] == "/incidents/INC-1?done=task#tasks"
        page = (await browser.get("/incidents/INC-1?done=task")).text
        assert page.count('id="TASK-1"') == 1
        assert 'id="TASK-2"' not in page
        assert "tasks_open" not in page.split("<h2>Actions")[0]

    visit(at_desk, see)


def test_tasks_are_done_and_changed_on_the_list(at_desk: Desk) -> None:
    add(at_desk, "Retrain", "--owner", "lee")
    add(at_desk, "Watch it", "--kind", "follow_up")

    async def see(browser: httpx.AsyncClient) -> None:
        done = await browser.post("/tasks/TASK-1/done", data={"as": "lee", "once": "1", "note": "it is"})
        moved = await browser.post(
            "/tasks/TASK-2/change", data={"as": "ada", "once": "2", "due": SOON, "back": "/incidents/INC-1#tasks"}
        )
        assert (done.headers["location"], moved.headers["location"]) == ("/tasks?done=done", "/incidents/INC-1#tasks")
        open_ones, over = (await browser.get("/tasks")).text, (await browser.get("/tasks?state=done")).text
        assert ("TASK-2" in open_ones, "TASK-1" in open_ones, "TASK-1" in over) == (True, False, True)
        assert (
            "TASK-2" in (await browser.get("/tasks?owner=lee")).text
            or "None." in (await browser.get("/tasks?owner=lee")).text
        )

    visit(at_desk, see)


def test_a_refusal_shows_with_what_was_typed(at_desk: Desk) -> None:
    async def see(browser: httpx.AsyncClient) -> None:
        form = {"as": "ada", "once": "1", "kind": "remediation", "title": "Retrain soon", "due": "2020-01-01"}
        refused = await browser.post("/incidents/INC-1/tasks", data=form)
        assert (refused.status_code, "2020-01-01 is over" in refused.text) == (409, True)
        assert 'value="Retrain soon"' in refused.text
        lost = await browser.post("/tasks/TASK-9/done", data={"as": "ada", "once": "2"})
        assert (lost.status_code, "no task TASK-9" in lost.text) == (404, True)
        assert (await browser.get("/tasks/TASK-9/done")).headers["location"] == "/tasks"
        assert (await browser.get("/incidents/INC-1/tasks")).headers["location"] == "/incidents/INC-1#tasks"
        assert (await browser.post("/tasks/TASK-9/burn", data={"as": "ada"})).status_code == 404

    visit(at_desk, see)


def test_what_people_write_runs_nothing_wherever_it_is_shown(at_desk: Desk) -> None:
    add(at_desk, HOSTILE, "--owner", "lee", "--due", SOON, "--note", HOSTILE)
    add(at_desk, "x", "--kind", "follow_up")
    at_desk.type("task", "drop", "2", "--reason", HOSTILE, "--as", "ada")

    async def see(browser: httpx.AsyncClient) -> None:
        for path in ("/tasks", "/tasks?state=dropped", "/incidents/INC-1"):
            page = (await browser.get(path)).text
            assert not re.search(r"<script|<img src=x|\b49\b.*onerror", page), path
            assert str(escape(HOSTILE)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page, path

    visit(at_desk, see)


def test_pages_of_a_list_lead_on_to_each_other(at_desk: Desk) -> None:
    for number in range(5):
        add(at_desk, f"Step {number}", *(("--due", SOON) if number % 2 else ()))

    first = at_desk.type("task", "list", "--limit", "2", "--json").json
    second = at_desk.type("task", "list", "--limit", "2", "--cursor", first["next"], "--json").json
    third = at_desk.type("task", "list", "--limit", "2", "--cursor", second["next"], "--json").json

    found = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert found == ["TASK-2", "TASK-4", "TASK-1", "TASK-3", "TASK-5"]
    assert third["next"] is None
    assert at_desk.type("task", "list", "--cursor", "bm9uZQ").code == 1
