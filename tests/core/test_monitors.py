"""Whether a monitor lives, when its silence counts, and what is said of it."""
# ruff: noqa: ANN401 - a watch is whatever its story needs

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incidents.core.briefing import brief
from incidents.core.correlate import Room
from incidents.core.decision import Decision, Scene
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.fact import FactKind
from incidents.core.monitors import WHOLE, Watch, alert_of, ended, expected, is_alive, judged, key_of, shown_by, sign
from incidents.core.severity import Severity
from incidents.core.system import Lifecycle, Monitor, Role
from tests.make import NOON, a_catalog, a_system, an_estate, hours, minutes

HOURLY = Monitor(kind="drift", name="evidently-credit", every=hours(1))


def estate_with(*monitors: Monitor, **more: Any) -> Estate:
    return an_estate(a_catalog(a_system(monitors=monitors, **more)))


def a_watch(monitor: str = "evidently-credit", **more: Any) -> Watch:
    told: dict[str, Any] = {"since": NOON, "last_seen_at": NOON}
    return Watch(system="credit-scoring", environment="production", monitor=monitor, **{**told, **more})


# --- when silence counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "silent_for", "counts"),
    [
        (hours(1), hours(3), False),  # a sign may be a minute younger than what is written down
        (hours(1), hours(3) + minutes(1), True),
        (minutes(1), minutes(6), False),  # one beat and five minutes
        (minutes(1), minutes(7), True),
        (hours(24), hours(71), False),
        (hours(24), hours(73), True),
    ],
)
def test_three_missed_beats_are_a_silence_and_never_less_than_a_beat_and_five_minutes(
    every: timedelta, silent_for: timedelta, *, counts: bool
) -> None:
    estate = estate_with(replace(HOURLY, every=every))
    assert judged(a_watch(), estate, NOON + silent_for)[0] is counts


def test_a_monitor_that_lives_is_looked_at_again_when_it_could_be_late() -> None:
    assert judged(a_watch(), estate_with(HOURLY), NOON) == (False, NOON + hours(3) + minutes(1))


def test_the_time_in_which_nobody_listened_is_no_monitors_silence() -> None:
    estate, deaf = estate_with(HOURLY), a_watch(deaf=hours(5))
    assert judged(deaf, estate, NOON + hours(8)) == (False, NOON + hours(8) + minutes(1))
    assert judged(deaf, estate, NOON + hours(9))[0] is True


def test_the_cadence_of_the_catalog_counts_more_than_what_a_monitor_promises_itself() -> None:
    promised = a_watch(every=hours(24))
    assert judged(promised, estate_with(HOURLY), NOON + hours(4)) == (True, None)
    assert judged(promised, estate_with(), NOON + hours(4))[0] is False


def test_a_monitor_that_promised_nothing_is_not_waited_for() -> None:
    assert judged(a_watch("drift"), estate_with(Monitor(kind="drift")), NOON + hours(1000)) == (False, None)


def test_a_monitor_that_the_catalog_expects_and_nobody_ever_heard_of_is_silent_too() -> None:
    never = a_watch(last_seen_at=None)
    assert judged(never, estate_with(HOURLY), NOON + hours(2))[0] is False
    assert judged(never, estate_with(HOURLY), NOON + hours(4))[0] is True
    alert, _ = alert_of(never, estate_with(HOURLY), NOON + hours(4))
    assert alert.figures == "evidently-credit was never heard of since 2026-11-18 12:00 UTC, due every 1 h"


@pytest.mark.parametrize("lifecycle", [Lifecycle.PLANNED, Lifecycle.RETIRED])
def test_nobody_waits_for_the_monitors_of_a_system_that_is_not_in_production(lifecycle: Lifecycle) -> None:
    estate = estate_with(HOURLY, lifecycle=lifecycle)
    assert judged(a_watch(every=minutes(1)), estate, NOON + hours(9)) == (False, None)
    assert list(expected(estate.system("credit-scoring"))) == []


def test_nobody_waits_for_the_monitor_of_a_name_that_is_not_in_the_catalog() -> None:
    stranger = replace(a_watch(every=minutes(1)), system="credit-scorng")
    assert judged(stranger, estate_with(), NOON + hours(9)) == (False, None)


def test_what_the_catalog_expects_is_expected_in_production_alone() -> None:
    estate = estate_with(HOURLY, environments=("staging", "production"))
    assert list(expected(estate.system("credit-scoring"))) == [("credit-scoring", "production", "evidently-credit")]
    assert judged(replace(a_watch(), environment="staging"), estate, NOON + hours(9)) == (False, None)


# --- what shows that it lives -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "monitors", "shown"),
    [
        ("/jobs/evidently-credit", (HOURLY, Monitor(kind="drift", name="other")), "evidently-credit"),
        ("evidently-credit", (HOURLY, Monitor(kind="drift", name="other")), "evidently-credit"),
        ("/jobs/7", (HOURLY,), "evidently-credit"),  # the only one of its kind
        ("/jobs/7", (HOURLY, Monitor(kind="drift", name="other")), "drift"),
        ("/jobs/7", (Monitor(kind="cost_anomaly"),), "drift"),
        ("/jobs/7", (), "drift"),
    ],
)
def test_a_reading_shows_the_monitor_named_like_its_source_or_the_only_one_of_its_kind_to_live(
    source: str, monitors: tuple[Monitor, ...], shown: str
) -> None:
    assert shown_by(Kind.DRIFT, source, a_system(monitors=monitors)) == shown


def test_a_sign_of_life_says_when_the_next_one_is_missed() -> None:
    heard = sign(("credit-scoring", "production", "nightly"), minutes(10), estate_with(), NOON)
    assert (heard.at, heard.late_at) == (NOON, NOON + minutes(31))
    assert sign(("credit-scoring", "production", "nightly"), None, estate_with(), NOON).late_at is None


def test_a_monitor_without_a_promise_lives_while_it_was_heard_of_within_the_week() -> None:
    assert is_alive(a_watch("drift"), estate_with(), NOON + hours(24 * 7))
    assert not is_alive(a_watch("drift"), estate_with(), NOON + hours(24 * 7 + 1))
    assert not is_alive(a_watch(silent=True), estate_with(HOURLY), NOON)
    assert not is_alive(a_watch(), estate_with(HOURLY), NOON + hours(4))


# --- what is said of it -----------------------------------------------------------------------------------------------


def found(estate: Estate, watch: Watch, scene: Scene | None = None) -> Decision:
    room = Room(
        scene or Scene(system="credit-scoring", environment="production"), estate, now=NOON, ids=iter(["INC-1"])
    )
    room.find(*alert_of(watch, estate, NOON))
    return room.decision()


def test_a_silent_monitor_opens_an_incident_of_the_lowest_severity_to_whoever_governs() -> None:
    estate = estate_with(HOURLY)
    (incident,) = found(estate, a_watch(last_seen_at=NOON - hours(4))).incidents
    assert (incident.severity, incident.roles) == (Severity.SEV4, (Role.GOVERNANCE,))
    assert incident.title == (
        "Credit scoring: a monitor is silent, evidently-credit was last heard of 2026-11-18 08:00 UTC, due every 1 h"
    )
    assert (
        "It had been silent for 4 h. Look whether it still runs, or take it out of the catalog" in incident.severity_why
    )


def test_the_same_silence_found_again_says_nothing_new() -> None:
    estate, silent = estate_with(HOURLY), a_watch(last_seen_at=NOON - hours(4))
    first = found(estate, silent)
    after = Scene(
        system="credit-scoring",
        environment="production",
        alerts={alert.fingerprint: alert for alert in first.alerts},
        sightings=first.sightings,
        gathering=first.incidents[0],
    )
    assert found(estate, silent, after).facts == ()


def test_a_sign_of_life_ends_it_and_says_so() -> None:
    estate, silent = estate_with(HOURLY), a_watch(last_seen_at=NOON - hours(4))
    first = found(estate, silent)
    (opened,) = first.incidents
    scene = Scene(
        system="credit-scoring",
        environment="production",
        alerts={alert.fingerprint: alert for alert in first.alerts},
        sightings=first.sightings,
        gathering=opened,
        previous={opened.id: opened},
    )
    room = Room(scene, estate, now=NOON + minutes(1), ids=iter(()))
    room.end(key_of(silent), ended(a_watch(), estate))
    told = {fact.kind: fact.text for fact in room.decision().facts}
    assert told[FactKind.ALERT_CLEARED] == "evidently-credit is heard of again"
    assert FactKind.VERIFIED in told


def test_who_governs_is_not_woken_where_worse_trouble_has_owners_of_its_own() -> None:
    """Governance is never paged at night: beside another first owner it only reads along."""
    estate = estate_with(HOURLY)
    first = found(estate, a_watch(last_seen_at=NOON - hours(4)))
    (opened,) = first.incidents
    drifting = replace(opened, roles=(Role.MODEL,), kinds=("drift",))
    scene = Scene(system="credit-scoring", environment="production", gathering=drifting)
    (joined,) = found(estate, a_watch(last_seen_at=NOON - hours(4)), scene).incidents
    assert joined.roles == (Role.MODEL,)
    assert joined.kinds == ("drift", "monitor_silent")


# --- retired, and still publishing ------------------------------------------------------------------------------------


def test_a_retired_system_that_publishes_is_an_incident_until_it_was_quiet_for_a_day() -> None:
    estate = estate_with(lifecycle=Lifecycle.RETIRED)
    heard = sign(("credit-scoring", "production", WHOLE), None, estate, NOON)
    assert heard.late_at == NOON  # looked at at once
    watch = a_watch(WHOLE)
    assert judged(watch, estate, NOON + hours(1)) == (True, NOON + hours(24))
    assert judged(watch, estate, NOON + hours(24)) == (False, None)
    (incident,) = found(estate, watch).incidents
    assert incident.title.startswith("Credit scoring: retired, and still publishing")
    assert (incident.severity, incident.roles) == (Severity.SEV4, (Role.GOVERNANCE,))
    assert ended(watch, estate) == "No event for 1 d"


def test_a_system_put_back_into_production_is_no_longer_retired() -> None:
    assert judged(a_watch(WHOLE), estate_with(), NOON) == (False, None)
    assert ended(a_watch(WHOLE), estate_with()) == "The system is no longer retired"


def test_the_briefing_names_whoever_governs_as_the_first_owner_of_a_silence() -> None:
    estate = estate_with(HOURLY)
    decided = found(estate, a_watch(last_seen_at=NOON - hours(4)))
    lines = {line.label: line.text for line in brief(decided.incidents[0], decided.alerts, estate, NOON, {}).lines}
    assert lines["First owner"] == "Gita (governance)"
    assert lines["Who"] == "posted only; SEV4 pages nobody"
    assert lines["What"].startswith("monitor silent: evidently-credit was last heard of")
