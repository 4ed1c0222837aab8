"""People ask a terminal who is on call, and the doctor says what is wrong with it."""

import pytest

from tests.app.desk import Desk
from tests.app.test_doctor import findings

CATALOG = """
version: 1
people:
  ada: {name: Ada Okoye, email: ada@example.com}
  lee: {name: Lee Park, email: lee@example.com}
schedules:
  ml-oncall:
    timezone: Europe/London
    rotation: {people: [ada, lee], turnover: weekly, since: 2026-01-05, at: "09:00"}
systems:
  credit-scoring: {title: Credit scoring, owners: {model: ada, operational: ml-oncall}}
"""
FED = CATALOG.replace("systems:", '  vendor: {calendar: "http://127.0.0.1:1/private-7f3a/oncall.ics"}\nsystems:')


@pytest.fixture
def at_work(kept: Desk) -> Desk:
    kept.settings["CATALOG"] = kept.write("catalog.yaml", CATALOG)
    return kept


def test_a_terminal_says_who_is_on_call_at_a_moment(at_work: Desk) -> None:
    said = at_work.type("on-call", "--at", "2026-11-18T12:00+00:00")
    assert said.code == 0
    assert said.out == (
        "ml-oncall (Europe/London): Lee Park until Mon 23 Nov 09:00, then Ada Okoye from Mon 23 Nov 09:00\n"
    )


def test_one_schedule_is_told_with_its_turns(at_work: Desk) -> None:
    said = at_work.type("on-call", "ml-oncall", "--at", "2026-11-18T12:00", "--as", "ada")
    assert "  Mon 23 Nov 09:00  Ada Okoye\n" in said.out
    assert "/calendar/ada.ics?key=" in said.out


def test_programs_are_told_the_same(at_work: Desk) -> None:
    told = at_work.type("on-call", "--json", "--at", "2026-11-18T12:00").json
    assert [(item["schedule"], item["now"]["person"]) for item in told["items"]] == [("ml-oncall", "lee")]


def test_where_nobody_is_on_call_the_command_ends_as_found_wanting(at_work: Desk) -> None:
    at_work.write("catalog.yaml", FED)
    said = at_work.type("on-call")
    assert said.code == 1
    assert "vendor (UTC): NOBODY" in said.out
    assert "  ! The calendar at 127.0.0.1 has never been read yet." in said.out


def test_a_time_that_is_none_is_wrong_usage(at_work: Desk) -> None:
    assert at_work.type("on-call", "--at", "soon").code == 2


def test_a_schedule_that_is_not_there_is_refused(at_work: Desk) -> None:
    said = at_work.type("on-call", "nowhere")
    assert said.code == 1
    assert "the catalog has ml-oncall" in said.err


def test_the_doctor_says_who_is_on_call_and_which_calendar_is_not_read(at_work: Desk) -> None:
    assert "1 schedule with somebody on call for two weeks" in findings(at_work, 0)["ok", "on call"]
    at_work.write("catalog.yaml", FED)
    found = findings(at_work, 0)
    assert "schedule vendor: The calendar at 127.0.0.1 has never been read" in found["warn", "calendar"]
    assert "vendor: nobody has the turn now" in found["warn", "on call"]
    assert "private-7f3a" not in str(found)


def test_the_doctor_says_whether_calendars_can_be_signed(at_work: Desk) -> None:
    assert "incidents.db.key" in findings(at_work, 0)["ok", "secret"]
    (at_work.folder / "incidents.db.key").touch(mode=0o644)
    assert "can be read by others" in findings(at_work, 0)["warn", "secret"]
    assert "can be guessed" in findings(at_work, 0, SECRET_KEY="short")["warn", "secret"]
    assert "signs" in findings(at_work, 0, SECRET_KEY="a long random text of ours")["ok", "secret"]
