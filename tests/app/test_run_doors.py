"""Runs from door to door over the real road: a shipped runbook planned against a strict target, asked for, approved."""

import asyncio
import re
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from incidents.app.front import application
from incidents.app.settings import Settings
from incidents.app.wiring import build
from tests.app.desk import Desk
from tests.fakes.registry import Registry

CATALOG = """
version: 1
defaults: {owner: lee}
people:
  ada: {name: Ada Okoye, email: ada@example.com}
  lee: {name: Lee Park, email: lee@example.com}
  max: {name: Max Hill, email: max@example.com}
systems:
  credit-scoring: {title: Credit scoring, owners: {model: ada, accountable: lee}}
"""
WANTED = {"runbook": "rollback-mlflow-alias", "parameters": {"model": "credit", "version": "1"}}


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A strict registry on a thread of its own, since commands bring their own event loop."""
    found, up, over = Registry(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with found.running():
            up.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert up.wait(30)
    yield found
    loop.call_soon_threadsafe(over.set)
    thread.join(30)
    loop.close()


@pytest.fixture
def at_desk(kept: Desk, registry: Registry) -> Desk:
    kept.settings["CATALOG"] = kept.write("catalog.yaml", CATALOG)
    connections = f"version: 1\nconnections:\n  mlflow: {{url: '{registry.url}', inside: true}}\n"
    kept.settings["CONNECTIONS"] = kept.write("connections.yaml", connections)
    assert kept.type("open", "--system", "credit-scoring", "--title", "odd", "--as", "ada").code == 0
    return kept


async def _send(settings: Settings, path: str, by: str, body: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
    parts = await build(settings)
    try:
        transport = httpx.ASGITransport(application(parts), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as calls:
            if body is None:
                return await calls.get(path, headers={"accept": "text/html"})
            return await calls.post(path, json=body, headers={"X-Incidents-As": by})
    finally:
        await parts.close()


def send(desk: Desk, path: str, by: str = "ada", body: Any = None) -> httpx.Response:  # noqa: ANN401
    """One call of the API of a service beside which the desk is; a page where nothing is said."""
    files = {name: Path(desk.settings[name.upper()]) for name in ("catalog", "connections")}
    return asyncio.run(_send(Settings(**files), path, by, body))  # type: ignore[arg-type]


def asked(desk: Desk) -> dict[str, Any]:
    answer = send(desk, "/api/incidents/INC-1/runs", "ada", WANTED)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_plan_asks_the_target_what_is_there_and_changes_nothing(at_desk: Desk, registry: Registry) -> None:
    plan = send(at_desk, "/api/incidents/INC-1/plan", "ada", WANTED).json()
    move = plan["steps"][0]
    assert (move["prior"], move["undo"]["body"]["version"]) == ({"version": "2"}, "2")
    assert move["request"]["body"] == {"name": "credit", "alias": "champion", "version": "1"}
    assert registry.ledger == [("GET", "2")]
    bare = send(at_desk, "/api/incidents/INC-1/plan", "ada", {"runbook": "rollback-mlflow-alias"})
    assert (bare.status_code, bare.json()["code"]) == (409, "no_rollback")


def test_whoever_asked_cannot_approve_and_a_second_owner_does(at_desk: Desk, registry: Registry) -> None:
    run = asked(at_desk)
    assert run["status"] == "proposed"
    assert "waits for the approval of one" in at_desk.type("run", "list").out
    for by, why in (("ada", "somebody else must approve it"), ("max", "is no "), (None, "no person of the catalog")):
        words = ("run", "approve", "1", "--plan", run["plan"], *(("--as", by) if by else ()))
        refused = at_desk.type(*words)
        assert (refused.code, why in refused.err) == (1, True), refused.err
    nobody = at_desk.type("run", "approve", "1", "--plan", run["plan"])
    assert nobody.err.endswith("(with --as PERSON)\n"), "and how to be somebody"
    stale = at_desk.type("run", "approve", "1", "--plan", "b" * 64, "--as", "lee", "--json")
    assert (stale.code, stale.json["code"]) == (1, "changed")
    approved = at_desk.type("run", "approve", "1", "--as", "lee", given="y\n")
    assert approved.code == 0, approved.err
    assert "to take it back: POST /api/2.0/mlflow/registered-models/alias at mlflow" in approved.out
    assert "RUN-1    running" in approved.out
    assert at_desk.type("run", "show", "RUN-1", "--json").json["approvals"][0]["by"] == "lee"
    page = send(at_desk, "/runs/RUN-1").text
    assert "Lee Park" in page
    told = re.search(r"Evidence</a> was kept .*([0-9a-f]{64})", page)
    assert told
    assert sha256(send(at_desk, "/api/runs/RUN-1/evidence").content).hexdigest() == told[1]
    assert registry.ledger == [("GET", "2")], "the engine alone changes anything, and none runs here"


def test_no_is_no(at_desk: Desk) -> None:
    asked(at_desk)
    assert at_desk.type("run", "approve", "1", "--as", "lee", given="n\n").code == 1
    rejected = at_desk.type("run", "reject", "run-1", "--note", "Not now", "--as", "lee")
    assert (rejected.code, "rejected by Lee Park: Not now" in rejected.out) == (0, True)
    assert at_desk.type("run", "cancel", "1", "--as", "lee").code == 1
    late = at_desk.type("run", "approve", "1", "--as", "lee")
    assert (late.code, late.out) == (1, ""), "nobody is asked about what is over"
    assert "RUN-1 is over (rejected): nothing is left to approve" in late.err
    assert at_desk.type("run", "list").out == "No runs.\n"
    assert [run["id"] for run in at_desk.type("run", "list", "--incident", "1", "--json").json["items"]] == ["RUN-1"]
    assert "rejected" in send(at_desk, "/incidents/INC-1").text


def test_an_answer_that_nobody_asked_for_is_refused(at_desk: Desk) -> None:
    asked(at_desk)
    said = at_desk.type("run", "answer", "1", "move", "done", "--as", "lee")
    assert said.code == 1
    assert at_desk.type("run", "answer", "1", "nosuch", "done", "--as", "lee").code == 1


@pytest.mark.parametrize("words", [("show", "x"), ("show", "INC-1"), ("approve", "1", "--json"), ("answer", "1")])
def test_words_that_cannot_be_meant_are_wrong_usage(kept: Desk, words: tuple[str, ...]) -> None:
    assert kept.type("run", *words).code == 2
