"""What tellings and time do to one alert: a table, and the windows that repeat, overlap, come late or not at all."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.alert import Alert, AlertState, Change, Settled, Sighting, seen, sighted
from incidents.core.estate import Estate
from incidents.core.events import Event
from incidents.core.grade import Verdict
from incidents.core.incident import Resolution
from incidents.core.quiet import graded_now
from incidents.core.severity import Severity
from incidents.core.telling import RULES, lapse, tell
from tests.make import NOON, a_reading, cost, drift, hallucination, hours, minutes, over

CLEAR, FIRING, FLAPPING, WATCHING = AlertState.CLEAR, AlertState.FIRING, AlertState.FLAPPING, AlertState.WATCHING
GOOD, WARM, BAD = 0.05, 0.15, 0.35  # within limit; needs two windows; fires at once
PLAIN = Estate()


@dataclass
class Ear:
    """Hears tellings one after the other, and remembers what each came to."""

    alert: Alert | None = None
    sighting: Sighting | None = None
    changes: list[Change] = field(default_factory=list)

    def hear(self, *events: Event, received_at: datetime | None = None) -> "Ear":
        for event in events:
            reading = a_reading(event, received_at=received_at)
            if self.alert is None or self.sighting is None:
                self.alert, self.sighting = seen(reading)
            graded = graded_now(self.alert, reading, PLAIN)
            self.alert, change = tell(self.alert, self.sighting, reading, graded, PLAIN.policy)
            self.sighting = sighted(self.sighting, reading, graded)
            self.changes.append(change)
        return self

    def wait(self, to: datetime) -> "Ear":
        assert self.alert is not None
        self.alert, change = lapse(self.alert, to, PLAIN.policy.alerts)
        self.changes.append(change)
        return self

    @property
    def state(self) -> AlertState:
        assert self.alert is not None
        return self.alert.state

    @property
    def last(self) -> Change:
        return self.changes[-1]


def hour(n: float) -> datetime:
    return NOON + hours(n)


def hourly(*values: float) -> list[Event]:
    return [drift(value, at=hour(n)) for n, value in enumerate(values, 1)]


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_state_has_a_rule_for_every_verdict() -> None:
    assert set(RULES) == set(product(AlertState, Verdict))


@pytest.mark.parametrize(
    ("told", "then", "state", "change"),
    [
        ([], drift(GOOD, at=hour(9)), CLEAR, Change.MOVED),
        ([], drift(BAD, at=hour(9)), FIRING, Change.FIRED),
        ([], drift(WARM, at=hour(9)), WATCHING, Change.WATCHED),
        ([], drift(BAD, at=hour(9), sample_size=50), WATCHING, Change.WATCHED),
        ([], drift(GOOD, at=hour(9), sample_size=50), CLEAR, Change.NONE),
        ([], over(at=hour(9)), CLEAR, Change.NONE),
        ([GOOD], drift(GOOD, at=hour(9)), CLEAR, Change.NONE),
        ([WARM], drift(GOOD, at=hour(9)), CLEAR, Change.UNWATCHED),
        ([WARM], drift(WARM, at=hour(9)), FIRING, Change.FIRED),
        ([WARM], drift(WARM, at=hour(9), sample_size=50), WATCHING, Change.MOVED),
        ([WARM], over(at=hour(9)), CLEAR, Change.UNWATCHED),
        ([BAD], drift(BAD, at=hour(9)), FIRING, Change.NONE),
        ([BAD], drift(WARM, at=hour(9)), FIRING, Change.NONE),
        ([BAD], drift(GOOD, at=hour(9)), FIRING, Change.CALMED),
        ([BAD], drift(GOOD, at=hour(9), sample_size=50), FIRING, Change.NONE),
        ([BAD], drift(BAD, at=hour(9), sample_size=50), FIRING, Change.MOVED),
        ([BAD], over(at=hour(9)), FIRING, Change.CALMED),
        ([BAD, GOOD], drift(GOOD, at=hour(9)), CLEAR, Change.CLEARED),
        ([BAD, GOOD], drift(BAD, at=hour(9)), FIRING, Change.RELAPSED),
        ([BAD, GOOD, BAD], drift(GOOD, at=hour(4)), FLAPPING, Change.FLAPPED),
        ([BAD, GOOD, BAD, GOOD], drift(BAD, at=hour(5)), FLAPPING, Change.MOVED),
        ([BAD, GOOD, BAD, GOOD], drift(BAD, at=hour(5), sample_size=50), FLAPPING, Change.MOVED),
        ([BAD, GOOD, BAD, GOOD], drift(GOOD, at=hour(5), sample_size=50), FLAPPING, Change.NONE),
        ([BAD, GOOD, BAD, GOOD], over(at=hour(5)), FLAPPING, Change.MOVED),
        ([0.15, 0.15], drift(0.25, at=hour(9)), FIRING, Change.RAISED),
    ],
)
def test_a_telling_does_what_the_table_says(told: list[float], then: Event, state: AlertState, change: Change) -> None:
    ear = Ear().hear(*hourly(*told)).hear(then)

    assert (ear.state, ear.last) == (state, change)


@pytest.mark.parametrize(("value", "length", "state"), [(WARM, 5.9, WATCHING), (WARM, 6, FIRING), (BAD, 1, FIRING)])
def test_one_window_is_enough_where_it_is_long_or_the_drift_is_large(
    value: float, length: float, state: AlertState
) -> None:
    assert Ear().hear(drift(value, window=hours(length))).state is state


def test_claims_cost_and_hallucination_fire_on_one_telling() -> None:
    for event in (drift(WARM, phase="detected"), hallucination(4, 30), cost(350, 250)):
        assert Ear().hear(event).last is Change.FIRED


# --- windows ---------------------------------------------------------------------------------------------------------


def test_a_window_told_again_counts_once() -> None:
    ear = Ear().hear(*[drift(WARM, at=hour(1)) for _ in range(9)])

    assert ear.state is WATCHING
    assert ear.sighting is not None
    assert ear.sighting.count == 9  # counted and shown


def test_a_window_told_again_with_another_number_replaces_what_it_said() -> None:
    ear = Ear().hear(drift(BAD, at=hour(2)), drift(GOOD, at=hour(2)))

    assert (ear.state, ear.last) == (FIRING, Change.CALMED)
    assert ear.alert is not None
    assert ear.alert.flips == ()  # a correction is no change
    assert ear.hear(drift(GOOD, at=hour(3))).state is CLEAR


def test_overlapping_windows_count_as_one_until_a_whole_window_has_gone_by() -> None:
    sliding = [drift(WARM, at=hour(1) + minutes(10 * n)) for n in range(7)]

    assert Ear().hear(*sliding[:6]).state is WATCHING
    assert Ear().hear(*sliding).state is FIRING


def test_samples_of_overlapping_windows_are_not_summed_twice() -> None:
    sliding = [hallucination(2, 10, at=hour(1) + minutes(10 * n)) for n in range(13)]

    assert Ear().hear(*sliding[:12]).state is not FIRING  # 12:00 to 13:50 holds at most 20 answers that are known apart
    assert Ear().hear(*sliding, hallucination(2, 10, at=hour(4))).state is FIRING


def test_without_windows_tellings_within_five_minutes_are_one() -> None:
    told = [drift(WARM, at=NOON + minutes(n), window=None) for n in (0, 1, 4, 5)]

    assert Ear().hear(*told[:3]).state is WATCHING
    assert Ear().hear(*told).state is FIRING


def test_a_late_window_is_counted_and_changes_nothing() -> None:
    ear = Ear().hear(drift(GOOD, at=hour(3)), drift(BAD, at=hour(2)))

    assert (ear.state, ear.last) == (CLEAR, Change.NONE)
    assert ear.sighting is not None
    assert (ear.sighting.count, ear.sighting.last_order) == (2, hour(3))


def test_an_end_that_came_before_its_beginning_keeps_it_from_firing() -> None:
    ear = Ear().hear(over(at=hour(2)), drift(BAD, at=hour(1)))

    assert (ear.state, ear.last) == (CLEAR, Change.NONE)


def test_a_clock_that_runs_ahead_is_cut_back_to_five_minutes() -> None:
    ear = Ear().hear(drift(BAD, at=hour(9)), received_at=NOON)

    assert ear.sighting is not None
    assert ear.sighting.last_order == NOON + minutes(5)


@given(verdicts=st.lists(st.sampled_from([GOOD, WARM, BAD]), min_size=1, max_size=6), seed=st.integers(0, 49))
def test_the_newest_window_decides_in_whatever_order_the_older_ones_come(verdicts: list[float], seed: int) -> None:
    """The rules call two orders equal when the newest window comes first: all others are late then."""
    newest, *late = reversed(hourly(*verdicts))
    Random(seed).shuffle(late)

    ear, alone = Ear().hear(newest, *late), Ear().hear(newest)

    assert ear.alert == alone.alert
    assert ear.sighting is not None
    assert ear.sighting.count == len(verdicts)


@given(verdicts=st.lists(st.sampled_from([GOOD, WARM, BAD]), min_size=1, max_size=8), data=st.data())
def test_duplicates_and_late_copies_change_no_final_state(verdicts: list[float], data: st.DataObject) -> None:
    events = hourly(*verdicts)
    told = []
    for n, event in enumerate(events):
        copies = data.draw(st.lists(st.integers(0, n), max_size=3), label="copies of earlier windows")
        told += [event, *(drift(verdicts[m], at=hour(m + 1)) for m in copies)]

    assert Ear().hear(*told).alert == Ear().hear(*events).alert


@given(seed=st.integers(0, 49))
def test_alerts_of_different_features_do_not_mind_each_other_s_order(seed: int) -> None:
    told = {name: [drift(v, at=hour(n), feature=name) for n, v in enumerate((WARM, BAD, GOOD), 1)] for name in "abc"}
    turns = [name for name in "abc" for _ in range(3)]
    Random(seed).shuffle(turns)
    ears, queues = {name: Ear() for name in "abc"}, {name: iter(events) for name, events in told.items()}

    for name in turns:
        ears[name].hear(next(queues[name]))

    assert all(ears[name].alert == Ear().hear(*told[name]).alert for name in "abc")


# --- watching --------------------------------------------------------------------------------------------------------


def test_watching_ends_after_a_day() -> None:
    ear = Ear().hear(drift(WARM))

    assert ear.wait(NOON + hours(24) - minutes(1)).last is Change.NONE
    assert ear.wait(NOON + hours(24)).last is Change.UNWATCHED
    assert ear.alert is not None
    assert (ear.state, ear.alert.why) == (CLEAR, "watched for 1 d, never credible")


def test_watching_ends_after_four_windows() -> None:
    ear = Ear().hear(*[drift(BAD, at=hour(n), sample_size=50) for n in range(1, 5)])

    assert ear.changes == [Change.WATCHED, Change.MOVED, Change.MOVED, Change.UNWATCHED]
    assert ear.alert is not None
    assert ear.alert.why == "watched for 4 windows, never credible"


def test_a_window_told_again_does_not_end_the_watch() -> None:
    assert Ear().hear(*[drift(BAD, sample_size=50) for _ in range(9)]).state is WATCHING


def test_good_news_between_two_bad_windows_breaks_the_row_even_after_the_watch_expired() -> None:
    ear = Ear().hear(drift(WARM, at=hour(1))).wait(hour(26)).hear(drift(GOOD, at=hour(27)), drift(WARM, at=hour(28)))

    assert ear.state is WATCHING


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_monitor_s_word_that_it_is_over_is_believed_after_fifteen_quiet_minutes() -> None:
    ear = Ear().hear(drift(BAD, at=hour(1)), over(at=hour(2)))

    assert ear.wait(hour(2) + minutes(14)).state is FIRING
    assert ear.wait(hour(2) + minutes(15)).last is Change.CLEARED


def test_and_is_not_when_it_is_bad_again_within_them() -> None:
    ear = Ear().hear(drift(BAD, at=hour(1)), over(at=hour(2)), drift(BAD, at=hour(2) + minutes(10)))

    assert ear.last is Change.RELAPSED
    assert ear.wait(hour(9)).state is FIRING


def test_after_the_end_a_new_trouble_needs_its_own_proof_and_has_its_own_beginning() -> None:
    ear = Ear().hear(*hourly(WARM, WARM), over(at=hour(3))).wait(hour(4))

    assert ear.hear(drift(WARM, at=hour(30))).state is WATCHING
    assert ear.hear(drift(WARM, at=hour(31))).last is Change.FIRED
    assert ear.alert is not None
    assert ear.alert.since == hour(29)


def test_it_is_known_since_the_start_of_its_first_bad_window() -> None:
    alert = Ear().hear(*hourly(GOOD, WARM, WARM)).alert

    assert alert is not None
    assert alert.since == hour(1)


# --- flapping --------------------------------------------------------------------------------------------------------


def every_ten_minutes(*values: float, start: datetime = NOON) -> list[Event]:
    return [drift(value, at=start + minutes(10 * n), window=minutes(10)) for n, value in enumerate(values)]


def test_three_changes_within_an_hour_are_flapping() -> None:
    assert Ear().hear(*every_ten_minutes(BAD, GOOD, BAD)).state is FIRING
    assert Ear().hear(*every_ten_minutes(BAD, GOOD, BAD, GOOD)).last is Change.FLAPPED


def test_three_changes_within_six_windows_are_flapping_however_long_the_windows() -> None:
    days = [drift(value, at=NOON + hours(24 * n), window=hours(24)) for n, value in enumerate((BAD, GOOD, BAD, GOOD))]

    assert Ear().hear(*days).state is FLAPPING


def test_changes_of_long_ago_do_not_count() -> None:
    slow = [
        drift(value, at=NOON + minutes(40 * n), window=minutes(5)) for n, value in enumerate((BAD, GOOD, BAD, GOOD))
    ]

    assert Ear().hear(*slow).state is FIRING


def test_a_flapping_hour_without_change_ends_firing_or_clear() -> None:
    flapping = every_ten_minutes(BAD, GOOD, BAD, GOOD)
    later = NOON + minutes(40)
    good = Ear().hear(*flapping, *every_ten_minutes(*[GOOD] * 5, start=later))
    bad = Ear().hear(*flapping, *every_ten_minutes(*[BAD] * 5, start=later))

    assert (good.state, bad.state) == (FLAPPING, FLAPPING)
    assert good.wait(NOON + minutes(90)).last is Change.CLEARED
    assert bad.wait(NOON + minutes(100)).last is Change.STEADIED
    assert bad.state is FIRING


def test_worse_news_gets_through_the_flapping() -> None:
    ear = Ear().hear(*every_ten_minutes(0.15, 0.15, GOOD, 0.15, GOOD))
    assert ear.state is FLAPPING

    ear.hear(drift(0.25, at=NOON + minutes(50), window=minutes(10)))

    assert ear.alert is not None
    assert (ear.state, ear.last, ear.alert.severity) == (FLAPPING, Change.RAISED, Severity.SEV3)


# --- settled by a person ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [reason for reason in Resolution if reason is not Resolution.FIXED])
def test_what_a_person_settled_otherwise_than_fixed_stays_quiet_until_it_is_clear(reason: Resolution) -> None:
    ear = Ear().hear(drift(BAD, at=hour(1)))
    assert ear.alert is not None
    ear.alert = replace(ear.alert, settled=Settled(incident="INC-1", reason=reason, at=hour(1)))

    assert ear.hear(drift(BAD, at=hour(2))).last is Change.NONE
    assert ear.hear(drift(GOOD, at=hour(3)), drift(GOOD, at=hour(4))).state is CLEAR
    assert ear.alert.settled is None


def test_time_alone_wakes_no_alert_that_is_clear_or_plainly_firing() -> None:
    for events in (hourly(GOOD), hourly(BAD)):
        ear = Ear().hear(*events)
        assert ear.alert is not None
        assert ear.alert.wake_at is None
        assert ear.wait(NOON + timedelta(days=99)).last is Change.NONE
