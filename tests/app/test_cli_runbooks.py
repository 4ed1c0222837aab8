"""Runbooks are listed, checked, planned and asked to be run from a terminal."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.app.desk import Desk
from tests.make_events import drift_data, published

CATALOG = """
version: 1
people:
  ada: {name: Ada Okoye, email: ada@example.com}
  lee: {name: Lee Park, email: lee@example.com}
systems:
  credit-scoring:
    owners: {model: ada, accountable: lee}
    labels: {flags: ours}
    parameters: {flag-off: {flag: "answers/{{ 7*7 }}"}}
"""
RUNBOOK = """\
---
id: flag-off
title: Switch the feature off
applies_to: {labels: {flags: ours}}
owner: model
last_reviewed: 2020-01-01
parameters:
  flag: {description: Name of the flag}
  why: {default: "{{ incident.title }}"}
---
1. Ask for the run.

```yaml step
id: off
title: "Switch {{ parameters.flag }} off"
type: http
look: {request: {connection: flags, path: "/flags/{{ parameters.flag }}"}, keep: {was: /enabled}}
request: {connection: flags, method: POST, path: "/flags/{{ parameters.flag }}", body: {why: "{{ parameters.why }}"}}
undo:
  request: {connection: flags, method: POST, path: "/flags/{{ parameters.flag }}", body: {on: "{{ prior.was }}"}}
idempotent: true
```
"""


@contextmanager
def flags(known: str) -> Iterator[tuple[int, list[str]]]:
    """A small server of flags that knows one; gives its port and what it was asked."""
    asked: list[str] = []

    class Flags(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"GET {self.path}")
            there = self.path == f"/flags/{known}"
            body = json.dumps({"enabled": True} if there else {"error": "no such flag"}).encode()
            self.send_response(200 if there else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            asked.append(f"POST {self.path}")
            self.send_error(500)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Flags)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def remedied(kept: Desk) -> Desk:
    (kept.folder / "books").mkdir()
    kept.write("books/flag-off.md", RUNBOOK)
    kept.settings |= {"CATALOG": kept.write("catalog.yaml", CATALOG), "RUNBOOKS": "books"}
    title = "{{ 7*7 }} odd {% for x in y %}"
    opened = kept.type("open", "--system", "credit-scoring", "--title", title, "--severity", "sev2", "--as", "ada")
    assert opened.code == 0
    return kept


def connected(desk: Desk, port: int) -> None:
    connections = f'version: 1\nconnections: {{flags: {{url: "http://127.0.0.1:{port}", inside: true}}}}\n'
    desk.settings["CONNECTIONS"] = desk.write("connections.yaml", connections)


def test_a_bad_runbook_is_told_with_its_line_while_the_others_can_be_used(remedied: Desk) -> None:
    remedied.write(
        "books/bad.md", RUNBOOK.replace("id: flag-off", "id: bad").replace("parameters.why }", "parameters.wy }")
    )

    said = remedied.type("runbook", "validate")

    assert said.code == 1
    assert 'books/bad.md:18: request.body.why: no parameters.wy; did you mean "why"?' in said.out
    assert said.out.endswith("1 problem; 1 runbook can be used.\n")
    assert remedied.type("validate").code == 1
    told = remedied.type("runbook", "validate", "books", "--json").json
    assert (told["ok"], told["problems"][0]["line"], told["runbooks"]) == (False, 18, ["flag-off"])
    assert [each["id"] for each in remedied.type("runbook", "list", "--json").json["items"]] == ["flag-off"]


def test_good_runbooks_are_well(remedied: Desk) -> None:
    assert remedied.type("runbook", "validate").out == "All is well: 1 runbook.\n"


def test_a_runbook_is_listed_and_shown_with_how_fresh_it_is(remedied: Desk) -> None:
    listed = remedied.type("runbook", "list").out
    assert "flag-off" in listed
    assert "days ago" in listed
    assert "! review it" in listed
    shown = remedied.type("runbook", "show", "flag-off").out
    assert "--param flag=... (string, must be given): Name of the flag" in shown
    assert "1. off (http): Switch {{ parameters.flag }} off" in shown
    assert "2. verify (verify)" in shown
    assert "1. Ask for the run." in shown
    assert "\nundo:\n  request: {connection: flags," in shown, "YAML keeps its meaning"
    assert remedied.type("runbook", "show", "no/such").code == 1


def test_a_runbook_is_offered_by_the_labels_of_the_system(remedied: Desk) -> None:
    remedied.write("drift.json", json.dumps(published(data=drift_data(value=0.9))))

    told = remedied.type("explain", "drift.json", "--at", "2026-11-20T09:05:00Z", "--json").json

    (offered,) = told["items"][0]["incidents"][0]["runbooks"]
    assert (offered["id"], offered["why"]) == ("flag-off", "label flags ours")


def test_a_plan_asks_the_target_and_changes_nothing_and_what_people_wrote_stays_text(remedied: Desk) -> None:
    with flags("answers%2F%7B%7B%207%2A7%20%7D%7D") as (port, asked):
        connected(remedied, port)
        planned = remedied.type("runbook", "plan", "flag-off", "--incident", "INC-1", "--json", "--as", "ada").json
        dry = remedied.type("runbook", "run", "flag-off", "--incident", "1", "--dry-run", "--as", "ada")

    assert {line.partition(" ")[0] for line in asked} == {"GET"}
    step = planned["steps"][0]
    assert planned["parameters"]["flag"] == "answers/{{ 7*7 }}"
    assert step["request"]["body"] == {"why": "credit-scoring: {{ 7*7 }} odd {% for x in y %}"}
    assert step["request"]["path"] == "/flags/answers%2F%7B%7B%207%2A7%20%7D%7D"
    assert step["undo"]["body"] == {"on": True}
    assert dry.code == 0
    assert f"plan {planned['hash']}" in dry.out


def test_a_run_is_asked_for_after_its_plan_was_shown(remedied: Desk) -> None:
    with flags("beta") as (port, asked):
        connected(remedied, port)
        words = ("runbook", "run", "flag-off", "--incident", "INC-1", "--param", "flag=beta", "--as", "ada")
        no = remedied.type(*words, given="n\n")
        done = remedied.type(*words, "--note", "now", given="y\n")

    assert no.code == 1
    assert done.code == 0
    assert "Switch beta off" in done.out
    assert "RUN-1" in done.out
    assert {line.partition(" ")[0] for line in asked} == {"GET"}
    (run,) = remedied.type("run", "list", "--json").json["items"]
    assert (run["status"], run["requested_by"]["id"]) == ("proposed", "ada")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--param", "flag"], "is no parameter: write NAME=VALUE"),
        (["--param", "flg=a"], "no parameter flg in runbook flag-off: flag, why"),
        (["--param", "flag=gone"], "flags was asked what is there now"),
        (["--param", "flag=.."], "books/flag-off.md:17: step off: look.request.path"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(remedied: Desk, words: list[str], why: str) -> None:
    with flags("beta") as (port, _):
        connected(remedied, port)
        said = remedied.type("runbook", "plan", "flag-off", "--incident", "INC-1", "--as", "ada", *words)

    assert said.code != 0
    assert why in " ".join(said.err.replace("│", " ").split())
