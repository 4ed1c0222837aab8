"""How bad a reading is, and why: tables of drift, hallucination and harm, with what shifts, caps and overrides them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.drift import ratio
from incidents.core.event_data import DriftData
from incidents.core.events import Event
from incidents.core.grade import Grade, Verdict
from incidents.core.grading import grade
from incidents.core.hallucination import wilson_lower
from incidents.core.policy import Override, Policy
from incidents.core.severity import Severity
from incidents.core.system import Criticality, RiskClass, System
from tests.make import a_reading, a_system, cost, drift, hallucination, report

SEV1, SEV2, SEV3, SEV4 = Severity
OUT, IN, THIN, SILENT = Verdict
PLAIN = System(id="credit-scoring", title="Credit scoring")


def judged(
    event: Event, system: System = PLAIN, *overrides: Override, before: tuple[tuple[int, int], ...] = ()
) -> Grade:
    return grade(a_reading(event), system, Policy(overrides=overrides), before)


# --- drift -----------------------------------------------------------------------------------------------------------

CONCEPT: dict[str, Any] = {"drift_kind": "concept"}  # neither shifted nor capped


@pytest.mark.parametrize(
    ("value", "limit", "r", "severity"),
    [
        (0.099, 0.1, 0.99, None),
        (0.1, 0.1, 1.0, SEV4),
        (0.199, 0.1, 1.99, SEV4),
        (0.2, 0.1, 2.0, SEV3),
        (0.25, 0.1, 2.5, SEV3),  # the rule of thumb for PSI: significant, act
        (0.3, 0.1, 3.0, SEV2),  # although 0.3 / 0.1 is a hair less than 3 to a computer
        (0.6, 0.2, 3.0, SEV2),
        (31.0, 0.1, 310.0, SEV2),
    ],
)
def test_the_bands_say_how_bad_so_many_times_the_limit_is(
    value: float, limit: float, r: float, severity: Severity | None
) -> None:
    graded = judged(drift(value, threshold=limit, **CONCEPT))

    assert graded.r == pytest.approx(r)
    assert (graded.verdict, graded.severity) == ((OUT, severity) if severity else (IN, None))


@pytest.mark.parametrize(
    ("value", "limit", "baseline", "r"),
    [
        (0.80, 0.85, 0.90, 2.0),  # fell twice as far as allowed
        (0.86, 0.85, 0.90, 0.8),
        (0.95, 0.85, 0.90, -1.0),  # better than usual
        (0.80, 0.85, None, 1 + 0.05 / 0.85),
        (0.80, 0.85, 0.85, 1 + 0.05 / 0.85),  # a baseline no better than the limit measures nothing
        (0.80, 0.85, {"name": "last month", "value": 0.90}, 2.0),
        (-1.0, 0.0, None, 1 + 1 / 1e-9),
    ],
)
def test_where_less_is_worse_the_fall_is_measured_against_the_one_allowed(
    value: float, limit: float, baseline: object, r: float
) -> None:
    data = drift(value, threshold=limit, direction="below", statistic="performance", baseline=baseline).data
    assert isinstance(data, DriftData)

    assert ratio(data)[0] == pytest.approx(r)


@pytest.mark.parametrize(
    ("value", "data", "why"),
    [
        (0.2, {"threshold": 0.0}, "a limit of 0 cannot be a divisor"),
        (-0.2, {"threshold": -1.0}, "a limit of -1 cannot be a divisor"),
        (1e308, {"threshold": 1e-300}, "too large to divide"),
        (0.01, {"threshold": 0.05, "statistic": "p_value"}, "a p-value shrinks with the sample"),
    ],
)
def test_what_cannot_be_computed_is_sev4_and_says_why(value: float, data: dict[str, Any], why: str) -> None:
    graded = judged(drift(value, **{**CONCEPT, **data}))

    assert (graded.verdict, graded.severity, graded.r) == (OUT, SEV4, None)
    assert why in graded.why


def test_a_p_value_over_its_limit_is_good_news() -> None:
    assert judged(drift(0.2, threshold=0.05, statistic="p_value")).verdict is IN


def test_a_p_value_never_sets_more_than_sev4() -> None:
    critical = a_system(criticality=Criticality.CRITICAL, risk_class=RiskClass.HIGH)
    event = drift(1e-12, threshold=0.05, statistic="p_value", performance="degraded", **CONCEPT)

    assert judged(event, critical).severity is SEV4


@pytest.mark.parametrize(
    ("n", "value", "verdict"), [(99, 0.31, THIN), (99, 0.05, SILENT), (100, 0.31, OUT), (100, 0.05, IN)]
)
def test_under_a_hundred_samples_there_is_no_verdict(n: int, value: float, verdict: Verdict) -> None:
    graded = judged(drift(value, sample_size=n))

    assert graded.verdict is verdict
    assert f"n {n}" in graded.figures
    assert (graded.severity is not None) is (verdict is OUT)


# --- hallucination ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "n", "lower"),
    [
        (1, 1, 0.207),
        (5, 30, 0.073),
        (1, 2, 0.095),
        (3, 50, 0.021),
        (1, 5, 0.036),
        (6, 50, 0.056),
        (1, 10, 0.018),
        (8, 100, 0.041),
        (2, 10, 0.057),
        (10, 100, 0.055),
        (4, 30, 0.053),
        (50, 500, 0.077),
        (0, 30, 0.0),
    ],
)
def test_the_lower_bound_is_wilson_s(k: int, n: int, lower: float) -> None:
    assert wilson_lower(k, n) == pytest.approx(lower, abs=0.0005)


@given(n=st.integers(1, 10**6), share=st.floats(0, 1))
def test_the_lower_bound_lies_between_nothing_and_what_was_seen(n: int, share: float) -> None:
    k = round(n * share)

    assert 0 <= wilson_lower(k, n) <= k / n


@pytest.mark.parametrize(
    ("k", "n", "limit", "verdict", "severity"),
    [
        (1, 1, 0.05, THIN, None),  # the bound alone would page on one answer
        (1, 2, 0.05, THIN, None),
        (15, 29, 0.05, THIN, None),
        (0, 29, 0.05, SILENT, None),
        (4, 30, 0.05, OUT, SEV4),
        (22, 120, 0.05, OUT, SEV3),
        (40, 120, 0.05, OUT, SEV2),
        (3, 50, 0.05, IN, None),
        (2, 30, 0.01, THIN, None),  # over the limit, and only two answers
        (3, 100, 0.0, OUT, SEV3),
        (2, 100, 0.0, THIN, None),
        (0, 100, 0.0, IN, None),
        (50, 100, 1.0, IN, None),
    ],
)
def test_only_what_the_sample_proves_counts(
    k: int, n: int, limit: float, verdict: Verdict, severity: Severity | None
) -> None:
    graded = judged(hallucination(k, n, rate_threshold=limit))

    assert (graded.verdict, graded.severity) == (verdict, severity)


def test_a_limit_of_nothing_says_that_r_cannot_be_computed() -> None:
    assert "the limit is 0, so r cannot be computed: SEV3" in judged(hallucination(3, 100, rate_threshold=0.0)).why


def test_small_windows_are_summed_newest_first_until_there_are_thirty_answers() -> None:
    graded = judged(hallucination(4, 10), before=((4, 10), (4, 10), (0, 1000)))

    assert graded.verdict is OUT
    assert "12 of 30" in graded.figures


def test_the_figures_say_the_numbers_with_their_uncertainty() -> None:
    usual = {"sampled": 400, "flagged": 10}

    assert judged(hallucination(22, 120, baseline=usual)).figures == (
        "at least 12.4 % of answers flagged (22 of 120), limit 5 %, usual 2.5 %"
    )


# --- context ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "data", "severity"),
    [
        ({}, {}, SEV4),
        ({"criticality": Criticality.CRITICAL}, {}, SEV3),
        ({"criticality": Criticality.HIGH}, {}, SEV4),
        ({"risk_class": RiskClass.HIGH}, {}, SEV3),
        ({"criticality": Criticality.CRITICAL, "risk_class": RiskClass.HIGH}, {}, SEV3),  # one reason, one level
        ({}, {"performance": "degraded"}, SEV3),
        ({}, {"drift_kind": "performance"}, SEV3),
        ({"risk_class": RiskClass.HIGH}, {"performance": "degraded"}, SEV2),
        ({}, {"drift_kind": "performance", "performance": "degraded"}, SEV3),
    ],
)
def test_a_critical_system_and_degraded_performance_add_one_each(
    system: dict[str, Any], data: dict[str, Any], severity: Severity
) -> None:
    assert judged(drift(0.15, **{**CONCEPT, **data}), a_system(**system)).severity is severity


@pytest.mark.parametrize(
    ("kind", "performance", "severity"),
    [
        ("data", "unknown", SEV3),
        ("data", "ok", SEV4),
        ("data", "degraded", SEV2),
        ("prediction", "unknown", SEV3),
        ("prediction", "ok", SEV4),
        ("concept", "ok", SEV2),
        ("concept", "unknown", SEV2),
        ("performance", "unknown", SEV2),
    ],
)
def test_input_drift_alone_is_no_emergency(kind: str, performance: str, severity: Severity) -> None:
    assert judged(drift(0.31, drift_kind=kind, performance=performance)).severity is severity


def test_the_machine_never_says_sev1() -> None:
    worst = a_system(criticality=Criticality.CRITICAL)

    graded = judged(drift(9.9, drift_kind="performance", performance="degraded"), worst)

    assert graded.severity is SEV2
    assert "by machine at most SEV2" in graded.why
    assert "SEV1" not in graded.why


def test_unless_a_policy_line_does() -> None:
    line = Override(severity=SEV1, system="credit-scoring", kind="drift", environment="production", metric="psi")

    assert judged(drift(0.15), PLAIN, line).severity is SEV1
    assert "a policy line sets SEV1" in judged(drift(0.15), PLAIN, line).why
    assert judged(drift(0.05), PLAIN, line).severity is None  # what is within its limit stays so
    assert judged(drift(0.15, environment="staging"), PLAIN, line).severity is SEV4
    assert judged(hallucination(), PLAIN, line).severity is SEV3


def test_the_first_policy_line_that_matches_counts() -> None:
    lines = (Override(severity=SEV2, segment="prime"), Override(severity=SEV4), Override(severity=SEV1))

    assert judged(drift(0.25, segment="prime"), PLAIN, *lines).severity is SEV2
    assert judged(drift(0.25), PLAIN, *lines).severity is SEV4


# --- claims and harm -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "verdict", "severity"),
    [
        (drift(0.25, phase="detected"), OUT, SEV3),
        (drift(0.05, phase="detected"), OUT, SEV4),  # the monitor may know more than its numbers
        (drift(0.25, phase="detected", sample_size=99), THIN, None),
        (hallucination(1, 2, phase="detected"), THIN, None),
        (hallucination(0, 29, phase="detected"), THIN, None),
        (cost(170, 167, phase="detected"), THIN, None),  # under the floor
        (cost(500, None, phase="detected"), OUT, SEV4),  # nothing to compare with
        (cost(500, None), SILENT, None),
    ],
)
def test_a_monitor_s_claim_counts_unless_its_sample_is_too_small(
    event: Event, verdict: Verdict, severity: Severity | None
) -> None:
    graded = judged(event)

    assert (graded.verdict, graded.severity) == (verdict, severity)


@pytest.mark.parametrize(
    ("level", "criticality", "severity"),
    [
        ("confirmed", Criticality.LOW, SEV2),
        ("confirmed", Criticality.CRITICAL, SEV2),
        ("possible", Criticality.HIGH, SEV3),
        ("possible", Criticality.CRITICAL, SEV2),
        ("none", Criticality.CRITICAL, SEV4),
    ],
)
@pytest.mark.parametrize("risk", [RiskClass.MINIMAL, RiskClass.HIGH])
def test_reported_harm_has_its_own_severity(
    level: str, criticality: Criticality, severity: Severity, risk: RiskClass
) -> None:
    assert judged(report(level), a_system(criticality=criticality, risk_class=risk)).severity is severity


def test_harm_counts_whatever_the_sample_and_whatever_the_cap() -> None:
    harm = {"level": "confirmed", "reported_by": "a nurse"}

    assert judged(hallucination(1, 3, harm=harm)).severity is SEV2
    assert judged(drift(0.01, performance="ok", harm=harm)).severity is SEV2
    assert judged(drift(0.01, harm={"level": "possible"}), a_system(risk_class=RiskClass.HIGH)).severity is SEV3


def test_what_is_worse_than_the_harm_stays_so() -> None:
    graded = judged(hallucination(60, 120, harm={"level": "possible"}))

    assert graded.severity is SEV2
    assert "possible harm" in graded.why
