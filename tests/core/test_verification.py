"""Whether a run helped, by the windows since: a table that anybody can read, in whatever order they arrive."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.alert import Alert, Sighting, seen, sighted
from incidents.core.estate import Estate
from incidents.core.events import Event, Kind
from incidents.core.policy import Policy
from incidents.core.proof import Proof
from incidents.core.quiet import graded_now, quiet
from incidents.core.telling import tell
from incidents.core.verdict import Verdict, Verification
from incidents.core.verification import begun, looked, standing, together
from tests.make import NOON, a_plan, a_reading, a_run, cost, drift, hallucination, hours, minutes, over, report

CASES = yaml.safe_load(Path(__file__).with_name("verification_cases.yaml").read_text())
PLAIN = Estate()
GOOD, BAD = 0.05, 0.35
DAYS = {"Tue": -1, "Wed": 0, "Thu": 1, "Fri": 2}


# --- the table -------------------------------------------------------------------------------------------------------


def at(told: str) -> datetime:
    """A time of the case's Wednesday, or of the day before it."""
    *day, clock = told.split()
    hour, minute = map(int, clock.split(":"))
    return NOON.replace(hour=hour, minute=minute) + timedelta(days=DAYS[day[0]] if day else 0)


def event(told: str) -> Event:
    """One line of a case as the event that a monitor sends."""
    when, _, what = told.rpartition(" ")
    if what == "over":
        return over(at=at(when))
    start, dash, end = when.partition(" - ")
    value, size = (GOOD if what == "good" else BAD), 50 if what == "thin" else 1000
    if not dash:
        return drift(value, at=at(when), window=None, sample_size=size)
    return drift(value, at=at(end), window=at(end) - at(start), sample_size=size)


@dataclass
class Ear:
    """An alert that hears its tellings, each when it was made."""

    alert: Alert
    sighting: Sighting

    @classmethod
    def of(cls, first: Event) -> "Ear":
        return cls(*seen(a_reading(first)))

    def hear(self, events: Sequence[Event], *, received_at: datetime | None = None) -> "Ear":
        for each in events:
            reading = a_reading(each, received_at=received_at)
            graded = graded_now(self.alert, reading, PLAIN)
            self.alert, _ = tell(self.alert, self.sighting, reading, graded, PLAIN.policy)
            self.sighting = sighted(self.sighting, reading, graded)
        return self

    def changed(self, since: datetime = NOON) -> "Ear":
        """A run has changed something, and is watched from then on."""
        self.alert = replace(self.alert, proof=begun(self.alert, "RUN-1", since))
        return self

    @property
    def proof(self) -> Proof:
        assert self.alert.proof is not None
        return self.alert.proof


def burning(*windows: str) -> Ear:
    """It burns by these windows, and then something is changed."""
    events = [event(line) for line in windows or ("11:00 - 12:00 bad",)]
    return Ear.of(events[0]).hear(events).changed()


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_windows_come_to_what_the_table_says(case: dict[str, Any]) -> None:
    ear = burning(*case["before"]).hear([event(line) for line in case["told"]])
    patience = {"2h": hours(2)}[case["patience"]] if "patience" in case else None

    found = standing(ear.proof, Policy(), at(case["now"]), patience)

    assert (found.verdict, found.said) == (case["then"], case["says"])


# --- every window is kept, whatever the order ------------------------------------------------------------------------


def listed(found: Verification, name: str) -> list[dict[str, Any]]:
    """A part of the evidence."""
    part = found.data[name]
    assert isinstance(part, list)
    return part


HOURS = st.lists(st.sampled_from(["good", "bad", "thin"]), min_size=1, max_size=8)


@given(verdicts=HOURS, data=st.data())
def test_the_order_in_which_windows_arrive_does_not_matter(verdicts: list[str], data: st.DataObject) -> None:
    lines = [f"{12 + n}:00 - {13 + n}:00 {verdict}" for n, verdict in enumerate(verdicts)]
    events = [event(line) for line in lines]
    shuffled = data.draw(st.permutations(events))
    now = NOON + hours(8)

    straight, mixed = burning().hear(events, received_at=now), burning().hear(shuffled, received_at=now)

    assert mixed.proof == straight.proof
    assert standing(mixed.proof, Policy(), now) == standing(straight.proof, Policy(), now)


SLIDING = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([1, 2, 6]), st.sampled_from([GOOD, BAD])),
    min_size=1,
    max_size=12,
    unique_by=lambda each: each[:2],
)


@given(told=SLIDING, words=st.lists(st.integers(0, 240), max_size=3), data=st.data())
def test_neither_does_it_where_windows_overlap_and_the_monitor_speaks_between(
    told: list[tuple[int, int, float]], words: list[int], data: st.DataObject
) -> None:
    windows = [drift(value, at=NOON + minutes(10 * n) + hours(long), window=hours(long)) for n, long, value in told]
    events = [*windows, *(over(at=NOON + minutes(n)) for n in words)]
    shuffled, now = data.draw(st.permutations(events)), NOON + hours(13)

    straight, mixed = burning().hear(events, received_at=now), burning().hear(shuffled, received_at=now)

    assert standing(mixed.proof, Policy(), now) == standing(straight.proof, Policy(), now)


@given(told=SLIDING)
def test_overlapping_windows_never_count_twice(told: list[tuple[int, int, float]]) -> None:
    windows = [drift(value, at=NOON + minutes(10 * n) + hours(long), window=hours(long)) for n, long, value in told]

    found = standing(burning().hear(windows, received_at=NOON + hours(13)).proof, Policy(), NOON + hours(1))

    counted = sum(window["counts"] for window in listed(found, "windows"))
    assert counted <= 1 + (minutes(400) // hours(1))


def test_good_news_after_good_news_is_kept_while_a_run_proves_itself_and_only_counted_otherwise() -> None:
    hourly = [event(f"{12 + n}:00 - {13 + n}:00 good") for n in range(4)]
    proving, not_asked = burning().hear(hourly[:3]), Ear.of(hourly[0]).hear(hourly[:3])
    last = a_reading(hourly[3])

    assert quiet(not_asked.alert, not_asked.sighting, last, PLAIN) is not None
    assert quiet(proving.alert, proving.sighting, last, PLAIN) is None
    assert len(proving.hear(hourly[3:]).proof.windows) == 4


def test_the_same_telling_again_is_counted_without_a_lock_even_then() -> None:
    window = event("12:00 - 13:00 good")
    ear = burning().hear([window, event("13:00 - 14:00 good"), event("14:00 - 15:00 good")])

    assert quiet(ear.alert, ear.sighting, a_reading(event("14:00 - 15:00 good")), PLAIN) is not None


def test_a_window_that_is_told_again_with_other_numbers_says_the_newest() -> None:
    ear = burning().hear([event("12:00 - 13:00 bad"), event("12:00 - 13:00 good")])

    assert standing(ear.proof, Policy(), at("13:05")).said == "verification 1 of 4, next window 14:00 UTC"


def test_a_flood_of_windows_does_not_grow_without_end() -> None:
    slides = [drift(GOOD, at=NOON + minutes(60 + n), window=hours(1)) for n in range(200)]

    ear = burning().hear(slides)

    assert len(ear.proof.windows) <= 64
    assert standing(ear.proof, Policy(), NOON + hours(4.5)).verdict is Verdict.VERIFIED


def test_answers_from_before_the_change_prove_nothing_of_it() -> None:
    before = hallucination(30, 100, at=NOON)
    ear = Ear.of(before).hear([before]).changed()

    ear.hear([hallucination(0, 10, at=NOON + hours(n)) for n in range(1, 9)])

    found = standing(ear.proof, Policy(), NOON + hours(9))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "8 windows had too small a sample" in found.said


# --- several alerts --------------------------------------------------------------------------------------------------


def named(ear: Ear, metric: str, **more: object) -> Alert:
    return replace(ear.alert, fingerprint=metric, metric=metric, **more)  # type: ignore[arg-type]


def hourly(*verdicts: str) -> Ear:
    return burning().hear([event(f"{12 + n}:00 - {13 + n}:00 {verdict}") for n, verdict in enumerate(verdicts)])


@pytest.mark.parametrize(
    ("one", "other", "then", "says"),
    [
        (["good"] * 4, ["good"] * 4, "verified", "verified: 4 windows in a row within limit (all 2 alerts)"),
        (
            ["good"] * 4,
            ["good"] * 2,
            "waiting",
            "verification 2 of 4, next window 15:00 UTC (ks; 1 of 2 alerts verified)",
        ),
        (["good"], ["good"] * 2, "waiting", "verification 1 of 4, next window 14:00 UTC (psi; 0 of 2 alerts verified)"),
        (
            ["bad"] * 4,
            ["good"] * 4,
            "failed",
            "verification failed: 4 windows out of limit, 3 allowed (psi; 1 of 2 alerts verified)",
        ),
    ],
)
def test_the_worst_of_the_alerts_says_how_the_run_stands(
    one: list[str], other: list[str], then: str, says: str
) -> None:
    alerts = [named(hourly(*one), "psi"), named(hourly(*other), "ks")]

    found = together(alerts, Policy(), at("16:05"))

    assert (found.verdict, found.said) == (then, says)


def look(*alerts: Alert, now: datetime = NOON) -> tuple[Verification, tuple[Alert, ...]]:
    run = a_run(began=NOON)
    return looked(alerts, run, run.plan.steps[-1], Policy(), now)


def test_what_burned_when_the_run_was_asked_for_must_prove_it_and_nothing_else() -> None:
    burns = Ear.of(event("11:00 - 12:00 bad")).hear([event("11:00 - 12:00 bad")]).alert
    long_clear = replace(hourly(*["good"] * 2).alert, proof=None, cleared_at=NOON - hours(5), fingerprint="old")
    just_clear = replace(long_clear, cleared_at=NOON, fingerprint="new")
    waived = replace(burns, waived="a known quirk", fingerprint="waived")
    told = replace(burns, kind=Kind.REPORT, fingerprint="told")

    _, watched = look(burns, long_clear, just_clear, waived, told)

    assert [alert.fingerprint for alert in watched] == [burns.fingerprint, "new"]
    assert {alert.proving_since for alert in watched} == {NOON}


def test_nothing_that_is_measured_can_prove_nothing() -> None:
    told = Ear.of(report()).hear([report()]).alert

    found, watched = look(told)

    assert (found.verdict, watched) == (Verdict.UNMEASURED, ())
    assert "no alert of this incident has a metric" in found.said


def test_an_alert_that_fires_after_the_change_must_prove_it_too() -> None:
    first, _ = look(hourly(*["good"] * 4).alert, now=at("16:05"))
    late = Ear.of(cost(at=at("15:30"), window=hours(1))).hear([cost(at=at("15:30"), window=hours(1))]).alert

    found, watched = look(hourly(*["good"] * 4).alert, late, now=at("16:05"))

    assert first.verdict is Verdict.VERIFIED
    assert found.verdict is Verdict.WAITING
    assert found.said.startswith("verification 0 of 4, 1 bad window, next window 16:30 UTC (spend; 1 of 2")
    assert len(watched) == 2


def test_the_evidence_holds_every_window_with_its_numbers_and_whether_it_counts() -> None:
    found, _ = look(hourly("good", "thin", "good", "good", "good").alert, now=at("17:05"))

    (alert,) = listed(found, "alerts")
    assert [window["counts"] for window in alert["windows"]] == [True, False, True, True, True]
    assert alert["windows"][0] == {
        "start": "2026-11-18T12:00:00+00:00",
        "end": "2026-11-18T13:00:00+00:00",
        "verdict": "in",
        "figures": "psi of income 0.05, limit 0.1, n 1,000",
        "samples": 1000,
        "counts": True,
    }


def test_the_plan_of_a_test_ends_with_a_verify_step() -> None:
    assert a_plan().steps[-1].type == "verify"
