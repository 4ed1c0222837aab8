"""People list, read and move incidents from a terminal."""

from datetime import UTC, datetime

import pytest

from tests.app.desk import Desk, Said
from tests.make import NIGHT

CATALOG = """
version: 1
people:
  ada: {name: Ada Okoye, email: ada@example.com}
  lee: {name: Lee Park, email: lee@example.com}
  nora: {name: Nora Hill, email: nora@example.com, away: [{from: 2026-01-01, to: 2099-11-30T09:00, why: leave}]}
systems:
  credit-scoring: {title: Credit scoring, owners: {model: ada, accountable: lee}}
"""


@pytest.fixture
def at_work(kept: Desk) -> Desk:
    kept.settings["CATALOG"] = kept.write("catalog.yaml", CATALOG)
    by_night = NIGHT - datetime.now(UTC)  # whoever is at work when the tests run is not asked by the clock
    kept.settings["CLOCK_OFFSET"] = str(by_night.total_seconds())
    opened = kept.type(
        "open", "--system", "credit-scoring", "--title", "odd scores", "--severity", "sev2", "--as", "ada"
    )
    assert opened.code == 0
    assert opened.out == "INC-1 SEV2 triggered: Credit scoring: odd scores\n"
    return kept


def test_without_a_database_a_command_says_how_to_get_one(desk: Desk) -> None:
    said = desk.type("list")
    assert said.code == 1
    assert "there is no database incidents.db" in said.err
    assert "incidents serve" in said.err


def test_an_empty_list_says_that_it_is_empty(kept: Desk) -> None:
    assert kept.type("list").out == "No incidents.\n"
    assert kept.type("list", "--severity", "sev1").out == "No incidents like that.\n"
    assert kept.type("list", "--json").json == {"items": [], "next": None}


def test_an_incident_is_opened_taken_and_followed_to_its_closure(at_work: Desk) -> None:
    took = at_work.type("ack", "INC-1", "--note", "mine", "--as", "lee")
    assert took.out == "INC-1 SEV2 acknowledged, lee has it: Credit scoring: odd scores\n"
    assert at_work.type("note", "inc-1", "looked at the scores", "--as", "lee").code == 0
    assert at_work.type("assign", "1", "--to", "ada").code == 0
    assert at_work.type("severity", "1", "--to", "sev3", "--reason", "few are hit").code == 0
    assert at_work.type("mitigate", "1").code == 0
    assert at_work.type("resolve", "1", "--reason", "fixed", "--note", "rolled back").code == 0
    assert at_work.type("reopen", "1", "--note", "no").code == 0
    assert at_work.type("escalate", "1").code == 0
    assert at_work.type("resolve", "1", "--reason", "false_positive").code == 0
    assert at_work.type("close", "1").out == "INC-1 SEV3 closed: Credit scoring: odd scores\n"
    kinds = [fact["kind"] for fact in at_work.type("timeline", "1", "--json").json["facts"]]
    assert [kind for kind in kinds if kind not in {"target_skipped", "owner_gap"}] == [
        "opened",
        "acknowledged",
        "note",
        "assigned",
        "severity_set",
        "mitigated",
        "resolved",
        "reopened",
        "escalated",
        "resolved",
        "closed",
    ]


def test_an_incident_is_snoozed_and_handed_over(at_work: Desk) -> None:
    snoozed = at_work.type("snooze", "1", "--for", "1h30m", "--note", "after the batch", "--as", "lee")
    assert snoozed.out.startswith("INC-1 SEV2 acknowledged, lee has it, snoozed until ")
    told = at_work.type("timeline", "1", "--json").json["facts"][-1]
    assert told["text"].startswith("Snoozed by Lee Park for 1 h 30 min, until ")
    assert told["text"].endswith(": after the batch")

    given = at_work.type("hand-over", "1", "--to", "ada", "--note", "yours", "--as", "lee")
    assert given.out == "INC-1 SEV2 triggered, handed over to ada: Credit scoring: odd scores\n"
    assert at_work.type("hand-over", "1", "--to", "zoe").code == 1
    away = at_work.type("hand-over", "1", "--to", "nora")
    refused = "Nora Hill is away until Mon 30 Nov 09:00: hand it to somebody who can be asked\n"
    assert (away.code, away.err) == (1, refused)


@pytest.mark.parametrize("length", ["soon", "2", "", "-1h", "1h 30m"])
def test_a_length_of_time_that_is_none_is_wrong_usage(at_work: Desk, length: str) -> None:
    said = at_work.type("snooze", "1", f"--for={length}")
    assert (said.code, "1d12h" in said.err) == (2, True)


def test_a_snooze_of_more_than_a_day_is_refused(at_work: Desk) -> None:
    for length, most in (("2d", "at most 1d"), ("25h", "at most 24h"), ("1441m", "at most 1440m")):
        said = at_work.type("snooze", "1", "--for", length)
        assert (said.code, most in said.err) == (2, True)


def test_the_help_of_a_snooze_says_how_long_one_is_of_which_nothing_is_said(desk: Desk) -> None:
    assert "1d12h; default 1h." in desk.type("snooze", "--help").out


def test_an_action_without_a_running_service_says_that_pages_wait_for_one(at_work: Desk) -> None:
    assert "No service is running" in at_work.type("ack", "1").err


def test_what_is_refused_says_why_and_ends_with_one(at_work: Desk) -> None:
    assert at_work.type("ack", "1").code == 0
    again = at_work.type("ack", "1")
    assert (again.code, again.out, again.err) == (1, "", "the incident is already acknowledged\n")
    problem = at_work.type("ack", "1", "--json")
    assert problem.code == 1
    assert problem.json["status"] == 409
    assert problem.json["detail"] == "the incident is already acknowledged"


@pytest.mark.parametrize(
    "words",
    [
        ("show", "INC-0"),
        ("show", "first"),
        ("ack",),
        ("resolve", "1"),
        ("resolve", "1", "--reason", "bored"),
        ("severity", "1", "--to", "sev9", "--reason", "x"),
        ("list", "--limit", "0"),
        ("list", "--status", "odd"),
        ("nonsense",),
        ("dead-letters", "show", "../x"),
    ],
)
def test_wrong_usage_ends_with_two(at_work: Desk, words: tuple[str, ...]) -> None:
    assert at_work.type(*words).code == 2


def test_an_unknown_incident_or_person_ends_with_one(at_work: Desk) -> None:
    assert at_work.type("show", "INC-99").code == 1
    stranger = at_work.type("ack", "1", "--as", "nobody")
    assert stranger.code == 1
    assert "nobody in the catalog" in stranger.err


def test_a_duplicate_names_the_other_and_a_merge_moves_into_it(at_work: Desk) -> None:
    for system in ("billing", "search"):
        assert at_work.type("open", "--system", system, "--title", "odd").code == 0
    assert at_work.type("resolve", "2", "--reason", "duplicate", "--of", "inc-1").code == 0
    assert at_work.type("merge", "3", "--into", "INC-1").code == 0
    related = at_work.type("show", "3", "--json").json["related"]
    assert {"incident": "INC-1", "relation": "merged_into"} in related


def test_an_alert_is_waived_by_its_fingerprint(at_work: Desk) -> None:
    refused = at_work.type("waive", "1", "--alert", "abc", "--reason", "no metric")
    assert refused.code == 1
    assert "INC-1 has no alert abc" in refused.err


def test_the_list_is_filtered_and_paged_like_the_api(at_work: Desk) -> None:
    for number in range(4):
        assert at_work.type("open", "--system", f"s{number}", "--title", "odd", "--severity", "sev4").code == 0
    assert _ids(at_work.type("list", "--severity", "sev4", "--system", "s1", "--system", "s3", "--json")) == [
        "INC-5",
        "INC-3",
    ]
    first = at_work.type("list", "--limit", "2", "--json")
    assert _ids(first) == ["INC-5", "INC-4"]
    assert _ids(at_work.type("list", "--limit", "2", "--cursor", first.json["next"], "--json")) == ["INC-3", "INC-2"]
    assert len(_ids(at_work.type("list", "--limit", "2", "--all", "--json"))) == 5
    assert "There are more" in at_work.type("list", "--limit", "2").out
    assert _ids(at_work.type("list", "-q", "scores", "--json")) == ["INC-1"]


def _ids(said: Said) -> list[str]:
    return [item["id"] for item in said.json["items"]]


def test_show_is_the_briefing_with_what_may_be_done_now(at_work: Desk) -> None:
    shown = at_work.type("show", "1").out
    assert shown.startswith("SEV2 Credit scoring: odd scores")
    assert "You can" in shown
    assert "ack, escalate, snooze, hand-over, mitigate" in shown


def test_words_from_outside_cannot_steer_the_terminal(at_work: Desk) -> None:
    hostile = "[bold red]x[/] \u202eevil :skull: [link=http://evil]y[/link]"
    assert at_work.type("note", "1", hostile).code == 0
    told = at_work.type("timeline", "1").out
    assert "[bold red]x[/]" in told
    assert "[link=http://evil]y[/link]" in told
    assert ":skull:" in told
    assert "\u202e" not in told
    assert all(letter.isprintable() or letter == "\n" for letter in told)
    listed = at_work.type("timeline", "1", "--json").out
    assert listed.isascii()
