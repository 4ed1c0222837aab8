"""A catalog that cannot be meant is refused whole: each mistake with its file, its line and what to do about it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from incidents.adapters.files import FilesRefused, catalog_at, catalog_from_texts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE = """\
version: 1
defaults: {timezone: Europe/London}
people:
  ada: {name: Ada}
  lee: {name: Lee}
"""
TURNS = "rotation: {people: [ada, lee], since: 2026-01-05}"


def refusal(text: str) -> list[str]:
    with pytest.raises(FilesRefused) as refused:
        catalog_from_texts([("catalog.yaml", text)], now=NOW)
    return [str(problem) for problem in refused.value.problems]


def schedule(*lines: str) -> str:
    """A catalog with one schedule, that of credit's operational owner; its first line is line 8."""
    own = "".join(f"    {line}\n" for line in lines)
    return f"{PEOPLE}schedules:\n  oncall:\n{own}systems:\n  credit: {{owners: {{operational: oncall}}}}\n"


def system(*lines: str) -> str:
    """A catalog with one system; its first line is line 9."""
    own = "".join(f"    {line}\n" for line in lines)
    return f"{PEOPLE}systems:\n  credit:\n    owners: {{accountable: lee, operational: ada}}\n{own}"


def escalation(rungs: str, more: str = "") -> str:
    return f"{PEOPLE}escalations:\n  night:\n    rungs: {rungs}\n{more}"


NAMES = [
    (
        schedule("rotation: {people: [ada, le], since: 2026-01-05}"),
        'catalog.yaml:8: schedules.oncall.rotation.people[1]: no person "le"; did you mean "lee"?',
    ),
    (
        schedule(TURNS, "overrides:", "  - {from: 2026-12-01T09:00, to: 2026-12-02T09:00, person: adda}"),
        'catalog.yaml:10: schedules.oncall.overrides[0].person: no person "adda"; did you mean "ada"?',
    ),
    (
        escalation("[kind, opertional]"),
        (
            "catalog.yaml:8: escalations.night.rungs[1][0]: no role, person, team or schedule"
            ' "opertional"; did you mean "operational"?'
        ),
    ),
    (
        escalation("[kind]", "    last_resort: lea\n"),
        'catalog.yaml:9: escalations.night.last_resort: no person, team or schedule "lea"; did you mean "lee"?',
    ),
    (
        f"{PEOPLE}escalations: {{night: {{rungs: [kind]}}}}\nsystems: {{credit: {{escalation: nigt}}}}\n",
        'catalog.yaml:7: systems.credit.escalation: no escalation "nigt"; did you mean "night"?',
    ),
    (
        f"{PEOPLE}teams: {{ops: {{members: [ada], escalation: night}}}}\n",
        'catalog.yaml:6: teams.ops.escalation: no escalation "night"; add it under escalations',
    ),
    (
        "version: 1\ndefaults: {escalation: night}\n",
        'catalog.yaml:2: defaults.escalation: no escalation "night"; add it under escalations',
    ),
    (
        "version: 1\npeople:\n  ada: {name: Ada, holidays: [uk]}\nholidays: {ukk: {2026-12-25: Christmas}}\n",
        'catalog.yaml:3: people.ada.holidays[0]: no holiday calendar "uk"; did you mean "ukk"?',
    ),
    (
        system("handovers: [{role: operational, to: acme, at: 2026-12-01T09:00}]"),
        'catalog.yaml:9: systems.credit.handovers[0].to: no person, team or schedule "acme"; add it under people',
    ),
    (
        f"{PEOPLE}schedules:\n  ada: {{{TURNS}}}\n",
        "catalog.yaml:7: schedules.ada: a person has this id too; rename one of them",
    ),
    (
        f"{PEOPLE}teams: {{ops: [ada]}}\nschedules:\n  ops: {{{TURNS}}}\n",
        "catalog.yaml:8: schedules.ops: a team has this id too; rename one of them",
    ),
    (
        f"{PEOPLE}schedules: {{oncall: {{{TURNS}}}}}\nteams:\n  ops: [ada, oncall]\n",
        (
            'catalog.yaml:8: teams.ops[1]: "oncall" is a schedule, and a team holds people only;'
            " make the schedule the owner"
        ),
    ),
    (
        f"{PEOPLE}  model: {{name: Mo Del}}\nescalations: {{night: {{rungs: [model]}}}}\n",
        'catalog.yaml:7: escalations.night.rungs[0][0]: "model" is a role and the id of a person; rename the person',
    ),
]
TIMES = [
    (
        schedule("timezone: Europe/Lodnon", TURNS),
        'catalog.yaml:8: schedules.oncall.timezone: no time zone "Europe/Lodnon"; did you mean "Europe/London"?',
    ),
    (
        schedule("rotation: {people: [ada], since: 2026-02-30}"),
        'schedules.oncall.rotation.since: "2026-02-30" is not a date; write it like 2026-11-21',
    ),
    (
        schedule("rotation: {people: [ada], since: 5 Jan}"),
        'schedules.oncall.rotation.since: "5 Jan" is not a date; write it like 2026-11-21',
    ),
    (
        schedule("rotation: {people: [ada], since: 0026-01-05}"),
        "schedules.oncall.rotation.since: the year 26 is out of range; between 2000 and 2199",
    ),
    (
        schedule('rotation: {people: [ada], since: 2026-01-05, at: "24:00"}'),
        '8: schedules.oncall.rotation.at: "24:00" is not a time of day; write it like "09:00"; the latest is 23:59',
    ),
    (
        schedule(TURNS, "overrides:", "  - {from: 2026-12-01, to: 2026-12-02T09:00, person: ada}"),
        '10: schedules.oncall.overrides[0].from: "2026-12-01" has no time of day; write it like 2026-11-21T09:00',
    ),
    (
        schedule(TURNS, "overrides:", "  - {from: 2027-10-31T01:30, to: 2027-11-01T09:00, person: ada}"),
        (
            "catalog.yaml:10: schedules.oncall.overrides[0].from: the clocks of Europe/London show 2027-10-31 01:30"
            " twice that day; write 2027-10-31T01:30+01:00 or 2027-10-31T01:30+00:00"
        ),
    ),
    (
        f"{PEOPLE}  kim: {{name: Kim, away: [{{from: 2026-12-24, to: 2026-12-23}}]}}\n",
        "catalog.yaml:6: people.kim.away[0].to: ends before it begins; swap the two",
    ),
    (
        f"{PEOPLE}holidays:\n  uk: {{25 December: Christmas}}\n",
        'catalog.yaml:7: holidays.uk.25 December: "25 December" is not a date; write it like 2026-11-21',
    ),
    (
        f"{PEOPLE}holidays:\n  uk: {{calendar: ftp://example.com/uk.ics}}\n",
        "catalog.yaml:7: holidays.uk.calendar: is no address of a calendar; begin it with https://, http:// or webcal://",
    ),
    (
        system("reviewed: 2026-11-23"),
        (
            "catalog.yaml:9: systems.credit.reviewed: 2026-11-23 lies ahead;"
            " write the day on which a person last checked the entry"
        ),
    ),
]
TURNS_AND_GAPS = [
    (
        schedule("overrides: []"),
        "catalog.yaml:7: schedules.oncall: nobody ever has the turn; give it a rotation or a calendar",
    ),
    (
        schedule(TURNS, "calendar: https://example.com/oncall.ics"),
        "catalog.yaml:9: schedules.oncall.calendar: stands beside a rotation; keep one of the two",
    ),
    (
        schedule("rotation: {people: [], since: 2026-01-05}"),
        "catalog.yaml:8: schedules.oncall.rotation.people: holds nothing; name at least one, or remove the line",
    ),
    (
        schedule("rotation: {people: [ada, ~, lee], since: 2026-01-05}"),
        (
            "catalog.yaml:8: schedules.oncall.rotation.people[1]: is empty;"
            " a gap in the rotation: name who has this turn"
        ),
    ),
    (
        schedule('rotation: {people: [ada], since: 2026-12-07, at: "09:00"}'),
        (
            "catalog.yaml:8: schedules.oncall.rotation.since: a gap: nobody has the turn before 2026-12-07 09:00;"
            " begin earlier, or add an override that says who has it until then"
        ),
    ),
    (
        schedule(TURNS, "overrides:", "  - {from: 2026-12-01T09:00, to: 2026-12-02T09:00}"),
        (
            "catalog.yaml:10: schedules.oncall.overrides[0]: a gap: nobody has the turn from 2026-12-01 09:00"
            " to 2026-12-02 09:00; name a person, or say why nobody is needed"
        ),
    ),
    (
        schedule(TURNS, "overrides:", "  - {from: 2026-12-02T09:00, to: 2026-12-01T09:00, person: ada}"),
        "catalog.yaml:10: schedules.oncall.overrides[0].to: ends before it begins; swap the two",
    ),
    (
        schedule(
            TURNS,
            "overrides:",
            "  - {from: 2026-12-01T09:00, to: 2026-12-03T09:00, person: ada}",
            "  - {from: 2026-12-03T09:00, to: 2026-12-04T09:00, person: lee}",
            "  - {from: 2026-12-02T09:00, to: 2026-12-02T10:00, person: lee}",
        ),
        (
            "catalog.yaml:12: schedules.oncall.overrides[2]: overlaps the override in catalog.yaml:10;"
            " let one end where the next begins"
        ),
    ),
]
LADDERS = [
    (escalation("[]"), "catalog.yaml:8: escalations.night.rungs: holds nothing; name at least one"),
    (f"{PEOPLE}escalations:\n  night: {{repeat: 2}}\n", "catalog.yaml:7: escalations.night.rungs: is missing"),
    (
        escalation("[kind, [ada, lee], ada]"),
        (
            'catalog.yaml:8: escalations.night.rungs[2][0]: the rung "ada" is used twice,'
            " first in catalog.yaml:8; keep one of the two"
        ),
    ),
    (
        escalation("[kind]", "    patience: {sev4: 1h}\n"),
        "9: escalations.night.patience.sev4: must be one of sev1, sev2, sev3",
    ),
    (
        escalation("[kind]", "    patience: {sev1: 5}\n"),
        "9: escalations.night.patience.sev1: the duration 5 has no unit; write 5s, 5m, 5h or 5d",
    ),
]
SYSTEMS = [
    (
        system("handovers:", "  - {role: data, to: lee, at: 2026-12-01T09:00}"),
        "catalog.yaml:10: systems.credit.handovers[0].role: nobody is the data owner; name one under owners.data",
    ),
    (
        system("handovers:", "  - {role: operational, to: ada, at: 2026-12-01T09:00}"),
        'catalog.yaml:10: systems.credit.handovers[0].to: "ada" is the operational owner already; remove the handover',
    ),
    (
        system(
            "handovers:",
            "  - {role: operational, to: lee, at: 2026-12-01T09:00}",
            "  - {role: operational, to: ada, at: 2026-12-01T09:00+00:00}",
        ),
        (
            "catalog.yaml:11: systems.credit.handovers[1].at: passes on at the same time as in catalog.yaml:10;"
            " keep one of the two"
        ),
    ),
    (
        system("handovers: [{role: owner, to: lee, at: 2026-12-01T09:00}]"),
        "9: systems.credit.handovers[0].role: must be one of accountable, model, operational, data, governance, not",
    ),
    (
        system("monitors:", "  - {kind: drift, name: e}", "  - {kind: drift}", "  - {kind: drift, name: e, every: 1h}"),
        (
            'catalog.yaml:12: systems.credit.monitors[2]: the monitor "drift e" is used twice,'
            " first in catalog.yaml:10; keep one of the two"
        ),
    ),
    (
        system("monitors: [{kind: cost}]"),
        "9: systems.credit.monitors[0].kind: must be one of drift, hallucination, cost_anomaly, not",
    ),
    (system("environments: [a, a]"), 'systems.credit.environments[1]: the environment "a" is used twice'),
    (system("environments: []"), "systems.credit.environments: holds nothing"),
    (system("links: [{title: Card, url: javascript:x}]"), "systems.credit.links[0].url: is no web address"),
    (
        system("links: [{title: Card, url: 'https://example.com', kind: card}]"),
        "systems.credit.links[0].kind: no such key; the keys are title, url",
    ),
    (system("lifecycle: live"), "systems.credit.lifecycle: must be one of planned, production, retired, not"),
    (
        system("type: internal model"),
        (
            "must be one of internal_model, third_party_model, vendor_tool, agent, not"
            ' "internal model"; did you mean "internal_model"?'
        ),
    ),
]


@pytest.mark.parametrize(("text", "words"), [*NAMES, *TIMES, *TURNS_AND_GAPS, *LADDERS, *SYSTEMS])
def test_what_cannot_be_meant_is_told_with_its_line_and_what_to_do(text: str, words: str) -> None:
    (told,) = refusal(text)

    assert words in told


def test_teams_inside_teams_are_told_as_the_circle_that_they_make() -> None:
    teams = "teams:\n  all: [ml, lee]\n  ml:\n    members: [ada, core]\n  core: [all]\n"

    assert refusal(PEOPLE + teams) == [
        "catalog.yaml:7: teams.all[0]: the teams go in a circle: all -> ml -> core -> all; name its people",
        "catalog.yaml:9: teams.ml.members[1]: the teams go in a circle: ml -> core -> all -> ml; name its people",
        "catalog.yaml:10: teams.core[0]: the teams go in a circle: core -> all -> ml -> core; name its people",
    ]


BAD = {
    "an unknown person": ("systems: {rag: {owners: {model: adda}}}", 'no person, team or schedule "adda"; did you'),
    "teams in a circle": ("teams: {a: [b], b: [a]}", "the teams go in a circle: a -> b -> a; name its people"),
    "a gap in a rotation": (
        f"schedules:\n  x: {{{TURNS}, overrides: [{{from: 2026-12-01T09:00, to: 2026-12-02T09:00}}]}}",
        "a gap: nobody has the turn from 2026-12-01 09:00 to 2026-12-02 09:00; name a person, or",
    ),
    "a bad time zone": ("schedules: {x: {timezone: Mars/Base}}", 'no time zone "Mars/Base"; write it like'),
    "a key given twice": ("systems:\n  rag: {}\n  rag: {}", "given twice, first in line 7; keep one of the two"),
    "an alias bomb": ("a: &a [x, x]\nb: &b [*a, *a]", "the anchor &a is not allowed; write the value out"),
    "a tab": ("systems:\n\trag: {}", "a tab character; use spaces"),
}


@pytest.mark.parametrize("mistake", BAD)
def test_one_mistake_refuses_the_whole_catalog_and_names_its_line(mistake: str, tmp_path: Path) -> None:
    more, words = BAD[mistake]
    (tmp_path / "a.yaml").write_text("version: 1\nsystems: {sound: {}}\n")
    (tmp_path / "b.yaml").write_text(f"{PEOPLE}{more}\n")

    with pytest.raises(FilesRefused) as refused:
        catalog_at(tmp_path, now=NOW)

    told = refused.value.problems[0]
    assert Path(told.file).name == "b.yaml"
    assert told.line is not None
    assert told.line >= 6
    assert words in str(told)


def test_an_override_may_leave_nobody_where_it_says_why() -> None:
    text = schedule(TURNS, "overrides: [{from: 2026-12-25T00:00, to: 2026-12-26T00:00, why: the shop is shut}]")

    assert catalog_from_texts([("catalog.yaml", text)], now=NOW).catalog.schedules["oncall"].overrides[0].person is None


@pytest.mark.parametrize(
    "bridge",
    [
        "- {from: 2026-11-01T09:00, to: 2026-12-07T09:00, person: lee}",
        "- {from: 2026-11-01T09:00, to: 2027-01-01T09:00, why: nobody yet}",
    ],
)
def test_a_rotation_may_begin_later_where_overrides_bridge_the_time(bridge: str) -> None:
    text = schedule("rotation: {people: [ada], since: 2026-12-07}", "overrides:", bridge)

    assert catalog_from_texts([("catalog.yaml", text)], now=NOW).notes == ()


@pytest.mark.parametrize(("at", "sound"), [("2026-12-07T09:00", True), ("2026-12-07T08:59", False)])
def test_a_rotation_may_begin_when_it_takes_over_and_no_later(at: str, sound: bool) -> None:  # noqa: FBT001
    text = f"""{PEOPLE}schedules: {{oncall: {{rotation: {{people: [ada], since: 2026-12-07}}}}}}
systems: {{credit: {{owners: {{model: lee}}, handovers: [{{role: model, to: oncall, at: {at}}}]}}}}
"""
    if sound:
        assert catalog_from_texts([("catalog.yaml", text)], now=NOW).notes == ()
    else:
        assert "a gap: nobody has the turn before 2026-12-07 09:00" in refusal(text)[0]


def test_a_rotation_that_nobody_relies_on_yet_may_begin_whenever_it_likes() -> None:
    text = f"{PEOPLE}schedules: {{oncall: {{rotation: {{people: [ada], since: 2027-12-06}}}}}}\n"

    assert "oncall" in catalog_from_texts([("catalog.yaml", text)], now=NOW).catalog.schedules


def test_a_chain_of_handovers_may_come_back_to_the_first_owner() -> None:
    text = system(
        "handovers:",
        "  - {role: operational, to: lee, at: 2026-12-01T09:00}",
        "  - {role: operational, to: ada, at: 2026-12-08T09:00}",
    )

    assert len(catalog_from_texts([("catalog.yaml", text)], now=NOW).catalog.systems["credit"].handovers) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"[key]": {}', "[key]: no such key; the keys are"),
        ('people: {"[list]": {name: A, email: b}}', "people.[list].email: is no e-mail address"),
        ('people: {"[key]": {name: A, nmae: b}}', 'people.[key].nmae: no such key; did you mean "name"?'),
        ('holidays: {"[list]": {"[list]": x}}', 'holidays.[list].[list]: "[list]" is not a date'),
        ('teams: {ops: {"[keys]": [a], other: b}}', "teams.ops"),
        ('teams: {"[keys]": {member: [a]}}', "teams.[keys].members: is missing"),
    ],
)
def test_a_key_that_reads_like_a_mark_of_the_checker_is_told_like_any_other(text: str, words: str) -> None:
    assert words in refusal(f"version: 1\n{text}\n")[0]
