"""Maintenance windows in a catalog file: what they are read to, and which are refused with file, line and advice."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from incidents.adapters.files import FilesRefused, read_catalog
from incidents.adapters.files.catalog import catalog_at
from incidents.core.maintenance import Once, Recurring
from incidents.core.silence import Matcher, Trait

TOP = """version: 1
defaults: {timezone: Europe/Berlin}
people: {ada: {name: Ada, email: ada@example.com}}
systems: {credit-scoring: {}, credit-limits: {}, rag: {aliases: [gateway/rag]}}
maintenance:
"""


def written(tmp_path: Path, entry: str) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(TOP + entry, encoding="utf-8")
    return path


def test_windows_are_read_with_their_times_in_their_zone(tmp_path: Path) -> None:
    catalog = read_catalog(
        written(
            tmp_path,
            """  weekly: {match: {system: credit-scoring, kind: drift}, days: [sun], hours: "02:00-04:00",
    why: Retrain, owner: ada}
  nightly: {match: {environment: staging}, hours: "22:00-02:00", timezone: UTC, why: Load test, owner: ada}
  move: {match: {system: "credit-*"}, from: 2026-12-01T22:00, to: 2026-12-02T02:00, why: Move, owner: ada}
""",
        )
    )
    weekly, nightly, move = catalog.maintenance.values()
    assert weekly.matchers == (
        Matcher(field=Trait.SYSTEM, value="credit-scoring"),
        Matcher(field=Trait.KIND, value="drift"),
    )
    assert weekly.times == Recurring(days=frozenset({7}), start=time(2), end=time(4), timezone="Europe/Berlin")
    assert nightly.times == Recurring(days=frozenset(range(1, 8)), start=time(22), end=time(2), timezone="UTC")
    assert move.times == Once(start=datetime(2026, 12, 1, 21, tzinfo=UTC), end=datetime(2026, 12, 2, 1, tzinfo=UTC))
    assert (weekly.id, weekly.why, weekly.owner) == ("weekly", "Retrain", "ada")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            '{match: {system: credit-scorng}, hours: "02:00-04:00"}',
            '6: maintenance.w.match.system: no system "credit-scorng"; did you mean "credit-scoring"?',
        ),
        (
            '{match: {system: "debit-*"}, hours: "02:00-04:00"}',
            '6: maintenance.w.match.system: no system is like "debit-*"; ',
        ),
        (
            '{match: {kind: drifft}, hours: "02:00-04:00"}',
            '6: maintenance.w.match.kind: no kind "drifft"; did you mean "drift"?',
        ),
        (
            '{match: {severity: SEV2}, hours: "02:00-04:00"}',
            '6: maintenance.w.match.severity: no severity "SEV2"; did you mean "sev2"?',
        ),
        (
            '{match: {sistem: rag}, hours: "02:00-04:00"}',
            '6: maintenance.w.match.sistem: no such key; did you mean "system"?',
        ),
        (
            '{match: {}, hours: "02:00-04:00"}',
            "6: maintenance.w.match: matches everything; name a system, or any of system",
        ),
        ('{hours: "02:00-04:00"}', "6: maintenance.w.match: is missing"),
        ("{match: {system: rag}}", "6: maintenance.w: has no time; give it days and hours"),
        ("{match: {system: rag}, days: [sun]}", "6: maintenance.w: has no time; give it days and hours"),
        (
            '{match: {system: rag}, hours: "2-4"}',
            '6: maintenance.w.hours: "2-4" are not hours; write them like "02:00-04:00"',
        ),
        ("{match: {system: rag}, from: 2026-12-01T22:00}", "6: maintenance.w: has no to; write to: 2026-11-21T09:00"),
        (
            "{match: {system: rag}, from: 2026-12-02T22:00, to: 2026-12-01T22:00}",
            "6: maintenance.w.to: ends before it begins; swap the two",
        ),
        (
            "{match: {system: rag}, from: 2026-12-02T22:00, to: 2026-12-02T22:00}",
            "6: maintenance.w.to: ends as it begins",
        ),
        (
            "{match: {system: rag}, from: 2026-12-02T22:00, to: 2027-12-01T22:00}",
            "6: maintenance.w.to: is open for more than 30 days",
        ),
        (
            '{match: {system: rag}, hours: "02:00-04:00", from: 2026-12-02T22:00, to: 2026-12-03T22:00}',
            "6: maintenance.w.from: stands beside hours or days",
        ),
        (
            "{match: {system: rag}, from: 2026-10-25T02:30, to: 2026-10-25T06:00}",
            "6: maintenance.w.from: the clocks of Europe/Berlin show 2026-10-25 02:30 twice",
        ),
        (
            '{match: {system: rag}, hours: "02:00-04:00", timezone: Europe/Berln}',
            '6: maintenance.w.timezone: no time zone "Europe/Berln"; did you mean "Europe/Berlin"?',
        ),
        (
            '{match: {system: rag}, hours: "02:00-04:00", owner: adda}',
            '6: maintenance.w.owner: no person, team or schedule "adda"; did you mean "ada"?',
        ),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused_with_its_line_and_advice(
    tmp_path: Path, entry: str, told: str
) -> None:
    entry = entry.removesuffix("}") + ", why: Work" + ("}" if "owner:" in entry else ", owner: ada}")
    with pytest.raises(FilesRefused) as refused:
        read_catalog(written(tmp_path, f"  w: {entry}\n"))
    (problem,) = refused.value.problems
    assert f"catalog.yaml:{told}" in str(problem)


def test_a_window_needs_a_reason_and_somebody_who_answers_for_it(tmp_path: Path) -> None:
    with pytest.raises(FilesRefused) as refused:
        read_catalog(written(tmp_path, '  w: {match: {system: rag}, hours: "02:00-04:00"}\n'))
    assert sorted(str(problem).partition(": ")[2] for problem in refused.value.problems) == [
        "maintenance.w.owner: is missing",
        "maintenance.w.why: is missing",
    ]


def test_a_time_that_the_clocks_skip_is_moved_on_and_said_so(tmp_path: Path) -> None:
    path = written(
        tmp_path, "  w: {match: {system: rag}, from: 2026-03-29T02:30, to: 2026-03-29T06:00, why: Work, owner: ada}\n"
    )
    (note,) = catalog_at(path).notes
    assert "the clocks of Europe/Berlin skip 2026-03-29 02:30; it is taken for 2026-03-29 03:00" in str(note)
