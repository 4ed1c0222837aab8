"""Silences from door to door over the real road: made by command, met by an event, shown with its reason, ended."""
# ruff: noqa: ANN401 - whatever was answered

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from incidents.app.settings import Settings
from incidents.app.wiring import build
from tests.app.desk import Desk
from tests.make_events import delivered, drift_data, published

CATALOG = """
version: 1
defaults: {owner: lee}
people:
  ada: {name: Ada Okoye}
  lee: {name: Lee Park}
systems:
  credit-scoring: {title: Credit scoring, owners: {data: ada, accountable: lee}}
  support-bot: {title: Support bot, owners: {operational: ada, accountable: lee}}
"""
CREDIT = ("--match", "system=credit-*", "--reason", "Load test", "--as", "ada")


@pytest.fixture
def at_desk(kept: Desk) -> Desk:
    kept.settings["CATALOG"] = kept.write("catalog.yaml", CATALOG)
    return kept


def an_event(id_: str = "e-1", **data: Any) -> str:
    return json.dumps(published(data=drift_data(value=0.4, **data), id=id_))


async def _take(catalog: str, *events: str) -> None:
    parts = await build(Settings(catalog=Path(catalog)))
    working = asyncio.create_task(parts.intake.run())
    for event in events:
        await parts.intake.submit(delivered(event.encode()))
    parts.intake.stop()
    await working
    await parts.close()


def take(desk: Desk, *events: str) -> None:
    """Let events in as a monitor's would come."""
    asyncio.run(_take(desk.settings["CATALOG"], *events))


def test_what_is_silenced_asks_nobody_and_says_why_until_it_is_ended(at_desk: Desk) -> None:
    made = at_desk.type("silence", "add", *CREDIT, "--for", "2h")
    assert made.code == 0, made.err
    assert made.out.startswith("Silence 1 lasts until ")
    assert "system is credit-*" in made.out
    told = at_desk.type("explain", "-", "--json", given=an_event()).json["items"][0]
    take(at_desk, an_event())
    assert at_desk.type("list").out == "No incidents.\n"
    (listed,) = at_desk.type("silence", "list", "--json").json["items"]
    assert (listed["muted"], listed["by"], listed["state"]) == (1, "ada", "active")
    assert "active" in at_desk.type("silence", "list").out
    (explained,) = told["alerts"]
    assert explained["muted"]["why"].startswith("silenced by Ada Okoye until ")
    assert told["incidents"] == []
    ended = at_desk.type("silence", "end", "1", "--as", "lee")
    assert (ended.code, ended.out[:15]) == (0, "Silence 1 ended")
    assert at_desk.type("silence", "list").out == "No silences.\n"
    assert at_desk.type("silence", "list", "--all", "--json").json["items"][0]["ended_by"] == "lee"
    again = at_desk.type("silence", "end", "1")
    assert (again.code, "already" in again.err) == (1, True)


def test_a_preview_names_what_it_would_mute_and_makes_nothing(at_desk: Desk) -> None:
    take(at_desk, an_event())
    told = at_desk.type("silence", "add", *CREDIT, "--for", "30m", "--preview")
    assert told.out.splitlines()[0] == "It would mute 1 alert now."
    assert "credit-scoring  drift psi: psi 0.4, limit 0.1  (INC-1)" in told.out
    assert len(at_desk.type("silence", "add", *CREDIT, "--for", "1d", "--preview", "--json").json["alerts"]) == 1
    assert at_desk.type("silence", "list").out == "No silences.\n"


def test_a_silence_that_names_what_nobody_knows_is_made_and_says_so(at_desk: Desk) -> None:
    words = ("silence", "add", "--match", "system=nosuch", "--reason", "Load test", "--for", "1h")
    hint = "It mutes no alert now; no system of the catalog is called nosuch."
    assert at_desk.type(*words, "--preview").out.splitlines()[0] == hint
    assert at_desk.type(*words).out.splitlines()[1] == hint
    assert at_desk.type("silence", "add", *CREDIT, "--for", "1h", "--json").json["hint"] is None


def test_planned_cost_and_more_than_one_matcher_are_told_as_they_were_meant(at_desk: Desk) -> None:
    words = ("--match", "kind!=drift", "--planned", "500 usd", "--until", "2030-01-01T00:00:00Z")
    refused = at_desk.type("silence", "add", *CREDIT, *words)
    assert (refused.code, "at most 30 days" in refused.err) == (1, True)
    made = at_desk.type("silence", "add", *CREDIT, *words[:-2], "--for", "1d12h", "--json").json
    assert made["planned"] == {"amount": "500", "currency": "USD"}
    assert [m["negated"] for m in made["matchers"]] == [False, True]
    assert "kind is not drift, cost up to 500 USD: Load test (ada)" in at_desk.type("silence", "list").out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--match", "credit", "--reason", "x", "--for", "2h"), "is no matcher"),
        (("--match", "system=a", "--reason", "x", "--for", "soon"), "is no length of time"),
        (("--match", "system=a", "--reason", "x", "--for", "31d"), "at most 30d"),
        (("--match", "system=a", "--reason", "x", "--for", "721h"), "at most 720h"),
        (("--match", "system=a", "--reason", "x"), "say how long"),
        (("--match", "system=a", "--reason", "x", "--for", "1h", "--planned", "much"), "is no amount"),
    ],
)
def test_words_that_cannot_be_meant_are_wrong_usage(at_desk: Desk, words: tuple[str, ...], why: str) -> None:
    told = at_desk.type("silence", "add", *words)
    assert told.code == 2
    assert why in told.err


@pytest.mark.parametrize("words", ["S-99", "0", "INC-7", "1.5", "9" * 20])
def test_what_is_no_silence_s_id_is_told_how_they_read(at_desk: Desk, words: str) -> None:
    told = at_desk.type("silence", "end", words)
    assert (told.code, f"{words} is no silence: ids read 7" in told.err) == (2, True)


def test_a_field_that_alerts_do_not_have_is_refused_by_name(at_desk: Desk) -> None:
    told = at_desk.type("silence", "add", "--match", "colour=red", "--reason", "x", "--for", "1h")
    assert told.code == 1
    assert "matchers.0.field" in told.err
