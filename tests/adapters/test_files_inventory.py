"""Everything that a catalog may say of people, turns, ladders and systems, and what it is taken for."""

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from incidents.adapters.files import catalog_at, catalog_from_texts, catalog_from_tree, read_catalog
from incidents.core.catalog import Catalog, Escalation
from incidents.core.people import Away
from incidents.core.schedule import Override, Rotation, Turnover
from incidents.core.severity import Severity
from incidents.core.system import Handover, Lifecycle, Monitor, Reference, Role, SystemType
from tests.make_inventory import an_inventory

EVERYTHING = """\
version: 1
defaults: {owner: lee, escalation: usual, channel: "#ai-incidents", timezone: Europe/London}
people:
  ada:
    name: Ada Okoye
    timezone: America/New_York
    holidays: [uk, bank]
    away: [{from: 2026-12-24, to: 2027-01-01, why: leave}, {from: 2026-11-02T13:00, to: 2026-11-02T20:00+00:00}]
  lee: {name: Lee Park, holidays: [uk]}
  kim: {name: Kim Sato}
teams:
  ml-platform: [ada, lee]
  acme-ops: {members: [kim], company: Acme Ltd, escalation: night}
holidays:
  uk: {2026-12-25: Christmas Day, 2026-12-26: Boxing Day}
  bank: {calendar: https://example.com/bank.ics}
schedules:
  ml-oncall:
    rotation: {people: [ada, lee], turnover: daily, every: 2, since: 2026-01-05, at: "08:30"}
    overrides:
      - {from: 2026-12-24T09:00, to: 2026-12-27T09:00, person: lee, why: swap}
      - {from: 2026-07-01T09:00, to: 2026-07-01T10:00, why: the office is closed}
  vendor-oncall: {calendar: https://example.com/oncall.ics, timezone: Asia/Tokyo, overrides: []}
escalations:
  usual: {rungs: [kind, operational, accountable]}
  night: {rungs: [[kind, ml-oncall], accountable], patience: {sev1: 3m, sev3: 30m}, repeat: 2, last_resort: kim}
systems:
  credit-scoring:
    type: internal_model
    lifecycle: retired
    owners: {accountable: lee, model: ada, operational: ml-oncall}
    handovers:
      - {role: operational, to: kim, at: 2027-07-01T09:00}
      - {role: operational, to: acme-ops, at: 2026-12-01T09:00+01:00, note: Run by Acme from December}
    escalation: night
    monitors: [{kind: drift, name: evidently-credit, every: 1h}, {kind: cost_anomaly}]
    vendor: OpenAI
    model: gpt-5
    prompt: credit/explain@12
    rollback: models:/credit@champion, previous version
    data_sources: [applications, bureau]
    environments: [production, staging]
    links: [{title: Model card, url: "https://example.com/card"}]
    justification: >
      Decides consumer credit
      within a minute
    reviewed: 2026-10-01
    labels: {registry: mlflow, region: eu}
    parameters: {rollback-mlflow-alias: {model: credit, share: 5}}
"""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def everything(text: str = EVERYTHING) -> Catalog:
    return catalog_from_texts([("catalog.yaml", text)], now=utc("2026-11-21T12:00")).catalog


def test_a_day_of_leave_is_that_day_where_the_person_is_and_the_last_one_counts_as_a_whole() -> None:
    hours, leave = everything().people["ada"].away

    assert hours == Away(start=utc("2026-11-02T18:00"), end=utc("2026-11-02T20:00"))
    assert leave == Away(start=utc("2026-12-24T05:00"), end=utc("2027-01-02T05:00"), why="leave")


def test_people_do_not_work_on_the_holidays_that_they_follow() -> None:
    catalog = everything()

    assert catalog.people["ada"].holidays == ("uk", "bank")
    assert catalog.people["ada"].days_off == {date(2026, 12, 25), date(2026, 12, 26)}
    assert catalog.people["kim"].days_off == frozenset()
    assert catalog.holiday_calendars == {"bank": "https://example.com/bank.ics"}


def test_a_team_is_a_list_or_says_more_beside_it() -> None:
    ours, theirs = everything().teams.values()

    assert (ours.members, ours.company, ours.escalation) == (("ada", "lee"), None, None)
    assert (theirs.members, theirs.company, theirs.escalation) == (("kim",), "Acme Ltd", "night")


def test_a_schedule_has_its_turns_and_the_exceptions_in_order_by_its_own_clocks() -> None:
    ours, theirs = everything().schedules.values()

    assert ours.rotation == Rotation(
        people=("ada", "lee"), turnover=Turnover.DAILY, every=2, since=date(2026, 1, 5), at=time(8, 30)
    )
    assert ours.timezone == "Europe/London"
    assert ours.overrides == (
        Override(start=utc("2026-07-01T08:00"), end=utc("2026-07-01T09:00"), person=None, why="the office is closed"),
        Override(start=utc("2026-12-24T09:00"), end=utc("2026-12-27T09:00"), person="lee", why="swap"),
    )
    assert (theirs.timezone, theirs.calendar) == ("Asia/Tokyo", "https://example.com/oncall.ics")


def test_a_ladder_names_what_it_asks_together_in_brackets() -> None:
    catalog = everything()

    assert catalog.default_escalation == "usual"
    assert catalog.escalations["usual"] == Escalation(id="usual", rungs=(("kind",), ("operational",), ("accountable",)))
    assert catalog.escalations["night"] == Escalation(
        id="night",
        rungs=(("kind", "ml-oncall"), ("accountable",)),
        patience={Severity.SEV1: timedelta(minutes=3), Severity.SEV3: timedelta(minutes=30)},
        repeat=2,
        last_resort="kim",
    )


def test_a_system_says_all_that_an_auditor_asks_for() -> None:
    credit = everything().systems["credit-scoring"]

    assert (credit.type, credit.lifecycle, credit.escalation) == (SystemType.INTERNAL_MODEL, Lifecycle.RETIRED, "night")
    assert credit.owners[Role.OPERATIONAL] == "ml-oncall"
    assert credit.monitors == (
        Monitor(kind="drift", name="evidently-credit", every=timedelta(hours=1)),
        Monitor(kind="cost_anomaly"),
    )
    assert (credit.vendor, credit.model, credit.prompt) == ("OpenAI", "gpt-5", "credit/explain@12")
    assert credit.rollback == "models:/credit@champion, previous version"
    assert (credit.data_sources, credit.environments) == (("applications", "bureau"), ("production", "staging"))
    assert credit.links == (Reference(title="Model card", url="https://example.com/card"),)
    assert credit.justification == "Decides consumer credit within a minute"
    assert credit.reviewed == date(2026, 10, 1)
    assert credit.labels == {"registry": "mlflow", "region": "eu"}
    assert credit.parameters == {"rollback-mlflow-alias": {"model": "credit", "share": "5"}}


def test_handovers_come_in_the_order_of_their_times_by_the_clocks_of_the_catalog() -> None:
    assert everything().systems["credit-scoring"].handovers == (
        Handover(role=Role.OPERATIONAL, to="acme-ops", at=utc("2026-12-01T08:00"), note="Run by Acme from December"),
        Handover(role=Role.OPERATIONAL, to="kim", at=utc("2027-07-01T08:00")),
    )


def test_what_a_system_leaves_out_has_a_plain_default() -> None:
    plain = everything("version: 1\nsystems: {rag: {}}\n").systems["rag"]

    assert (plain.type, plain.lifecycle, plain.environments) == (None, Lifecycle.PRODUCTION, ("production",))
    assert (plain.handovers, plain.monitors, plain.links, plain.reviewed) == ((), (), (), None)
    assert (plain.labels, plain.parameters) == ({}, {})


def test_texts_are_one_catalog_as_the_files_of_a_folder_are(tmp_path: Path) -> None:
    head, systems = EVERYTHING.split("systems:\n")
    texts = {"20.yaml": f"version: 1\nsystems:\n{systems}", "10.yaml": head}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    read = catalog_from_texts(texts.items(), now=utc("2026-11-21T12:00"))

    assert read.catalog == read_catalog(tmp_path, now=utc("2026-11-21T12:00")) == everything()
    assert read.catalog.places["systems", "credit-scoring"] == ("20.yaml", 3)


def test_a_kept_catalog_is_read_again_to_the_same_inventory() -> None:
    read = catalog_from_texts([("catalog.yaml", EVERYTHING)], now=utc("2026-11-21T12:00"))

    assert catalog_from_tree(json.loads(json.dumps(read.tree))) == read.catalog


def test_a_time_that_clocks_skip_is_taken_for_the_next_minute_and_noted(tmp_path: Path) -> None:
    text = """\
version: 1
people:
  ada: {name: Ada, timezone: Europe/London, away: [{from: 2027-03-28T01:30, to: 2027-03-30}]}
"""
    (tmp_path / "catalog.yaml").write_text(text)

    read = catalog_at(tmp_path / "catalog.yaml")

    assert read.catalog.people["ada"].away[0].start == utc("2027-03-28T01:00")
    assert [str(note).replace(f"{tmp_path}/", "") for note in read.notes] == [
        (
            "catalog.yaml:3: people.ada.away[0].from: the clocks of Europe/London skip 2027-03-28 01:30;"
            " it is taken for 2027-03-28 02:00"
        )
    ]


def test_an_inventory_in_many_files_is_sound_and_one() -> None:
    read = catalog_from_texts(an_inventory(systems=1_100, people=20, schedules=7).items(), now=utc("2026-11-21T12:00"))

    counted = [len(part) for part in (read.catalog.systems, read.catalog.people, read.catalog.schedules)]
    assert counted == [1_100, 20, 7]
    assert read.notes == ()


def test_every_catalog_of_the_readme_is_one() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    examples = [text for text in re.findall("```yaml\n(version.*?)```", readme, re.DOTALL) if "systems:" in text]

    assert len(examples) == 2
    for text in examples:
        assert catalog_from_texts([("README.md", text)], now=utc("2026-11-21T12:00")).catalog.systems
