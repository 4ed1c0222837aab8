"""When money is worth an incident, how bad it is for the budget, and what drove it."""
# ruff: noqa: ANN401 - an event's data is whatever its case needs

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.cost import causes, grade_cost, split, suspected
from incidents.core.event_data import CostData
from incidents.core.grade import Grade, Verdict
from incidents.core.policy import CostPolicy
from incidents.core.runbook import Cause
from incidents.core.severity import Severity
from incidents.core.system import BudgetPeriod, SystemBudget
from tests.make import a_budget, cost

SEV1, SEV2, SEV3, SEV4 = Severity
OUT, IN, THIN, SILENT = Verdict
MONTH = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}


def data_of(actual: float, expected: float | None, **more: Any) -> CostData:
    data = cost(actual, expected, **more).data
    assert isinstance(data, CostData)
    return data


def judged(actual: float, expected: float | None, registered: SystemBudget | None = None, **more: Any) -> Grade:
    return grade_cost(data_of(actual, expected, **more), registered, CostPolicy())


@pytest.mark.parametrize(
    ("actual", "expected", "currency", "verdict"),
    [
        (350, 250, "USD", OUT),  # 100 over and 40 %
        (349.99, 250, "USD", IN),  # a cent under the floor
        (349, 249.99, "USD", IN),
        (1139, 1000, "USD", IN),  # 139 over, but only 13.9 %
        (1400, 1000, "USD", OUT),
        (1399, 1000, "USD", IN),
        (100, 0, "USD", OUT),
        (99, 0, "USD", IN),
        (90, 0, "GBP", OUT),
        (15_000, 0, "JPY", OUT),
        (14_999, 0, "JPY", IN),
        (3, 1, "XYZ", OUT),  # a currency without a floor
        (50, 100, "USD", IN),
        (0, 0, "XYZ", IN),
    ],
)
def test_it_opens_at_the_floor_and_at_forty_percent_over(
    actual: float, expected: float, currency: str, verdict: Verdict
) -> None:
    assert judged(actual, expected, currency=currency).verdict is verdict


def test_one_percent_of_a_large_budget_is_a_higher_floor() -> None:
    budget = {"amount": 100_000}

    assert judged(1_499, 500, budget=budget).verdict is IN
    assert judged(1_500, 500, budget=budget).verdict is OUT


@pytest.mark.parametrize(
    ("actual", "expected", "budget", "severity", "why"),
    [
        (350, 250, None, SEV4, "no budget is known"),
        (749, 250, None, SEV4, "no budget is known"),
        (750, 250, None, SEV3, "3.0 times the expected"),
        (100, 0, None, SEV3, "nothing was expected"),
        # 8 hours; the month ends 12.5 days after noon of the 18th
        (800, 500, {"amount": 100_000, "spent": 40_000, "period": MONTH}, IN, "opens at $1,000"),
        (1600, 600, {"amount": 100_000, "spent": 40_000, "period": MONTH}, SEV4, "the budget holds for now"),
        (1600, 600, {"amount": 100_000, "spent": 51_000, "period": MONTH}, SEV3, "overspend the budget by 11 %"),
        (1600, 600, {"amount": 100_000, "spent": 95_200, "period": MONTH}, SEV2, "the budget is gone in 1 d"),
        (1600, 600, {"amount": 100_000, "spent": 100_500, "period": MONTH}, SEV2, "the budget is gone already"),
        (700, 30, {"amount": 10_000, "spent": 0, "period": MONTH}, SEV2, "12 h of this excess is 10.1 % of the budget"),
        (700, 100, {"amount": 10_000}, SEV3, "7.0 times the expected"),  # what was spent is not told
    ],
)
def test_the_gravest_rule_sets_the_severity(
    actual: float, expected: float, budget: dict[str, Any] | None, severity: Severity | Verdict, why: str
) -> None:
    graded = judged(actual, expected, budget=budget)

    assert (graded.verdict if severity is IN else graded.severity) is severity
    assert why in graded.why


def test_a_registered_budget_says_what_is_expected_where_the_event_does_not() -> None:
    graded = judged(300, None, a_budget(7_305))  # 10 an hour

    assert "$300 in 8 h against $80 expected" in graded.figures
    assert graded.verdict is OUT


def test_so_does_the_budget_of_the_event_itself() -> None:
    told = {"amount": 7_200, "spent": 10, "period": MONTH}

    assert "against $80 expected" in judged(300, None, budget=told).figures


@pytest.mark.parametrize("registered", [None, a_budget(7_305, "EUR")])
def test_without_anything_to_compare_with_nothing_is_said(registered: SystemBudget | None) -> None:
    graded = judged(300, None, registered)

    assert graded.verdict is SILENT
    assert "neither an expected amount nor a budget is known" in graded.why


def test_the_period_of_a_registered_budget_counts() -> None:
    daily = SystemBudget(amount=Decimal(240), currency="USD", period=BudgetPeriod.DAY)

    assert "against $80 expected" in judged(300, None, daily).figures


def test_it_says_what_an_hour_costs_beyond_the_expected() -> None:
    assert judged(679, 167).per_hour == 64


# --- what drove it ---------------------------------------------------------------------------------------------------


def test_longer_prompts_and_a_cold_cache_share_the_excess() -> None:
    drivers = {
        "requests": {"value": 1000, "baseline": 1000},
        "tokens_per_request": {"value": 3024, "baseline": 1500},
        "cache_hit_rate": {"value": 0.12, "baseline": 0.62},
    }
    lines = causes(data_of(679, 167, drivers=drivers, cached_price_ratio=0.1))

    assert lines == ("cache misses: $256 (50.1 %)", "tokens per request: $256 (50 %)")
    assert suspected(lines) == (Cause.CACHE_HIT_RATE, Cause.TOKENS_PER_REQUEST)


def test_what_the_drivers_leave_over_is_said_and_not_put_on_them() -> None:
    lines = causes(data_of(400, 100, drivers={"requests": {"value": 200, "baseline": 100}}))

    assert lines == ("request volume: $150 (50 %)", "not explained by these: $150 (50 %)")
    assert suspected(lines) == (Cause.REQUESTS,)


def test_a_driver_that_lowered_the_cost_is_no_suspect() -> None:
    drivers = {"requests": {"value": 50, "baseline": 100}, "unit_price": {"value": 8, "baseline": 1}}
    lines = causes(data_of(400, 100, drivers=drivers))

    assert lines == ("unit price: $450 (150 %)", "request volume: -$150 (-50 %)")
    assert suspected(lines) == (Cause.UNIT_PRICE,)


@pytest.mark.parametrize(
    "drivers",
    [
        None,
        {"requests": {"value": 5}},
        {"requests": {"value": 5, "baseline": 0}},
        {"cache_hit_rate": {"value": 1, "baseline": 0.5}},  # nothing left to pay for
    ],
)
def test_drivers_without_a_usual_value_explain_nothing(drivers: dict[str, Any] | None) -> None:
    assert causes(data_of(400, 100, drivers=drivers)) == ()


def test_nothing_is_split_without_an_excess_or_an_expected_amount() -> None:
    drivers = {"requests": {"value": 200, "baseline": 100}}

    assert causes(data_of(100, 100, drivers=drivers)) == ()
    assert causes(data_of(100, 0, drivers=drivers)) == ()


amounts = st.decimals(min_value=1, max_value=10**9, places=2)
driver = st.fixed_dictionaries({"value": st.floats(1e-6, 1e9), "baseline": st.floats(1e-6, 1e9)})
rate = st.fixed_dictionaries({"value": st.floats(0, 1), "baseline": st.floats(0, 1)})


@given(
    expected=amounts,
    more=amounts,
    drivers=st.fixed_dictionaries(
        {}, optional={"requests": driver, "tokens_per_request": driver, "unit_price": driver, "cache_hit_rate": rate}
    ),
    cached=st.floats(0, 1),
)
def test_the_causes_add_up_to_the_excess(
    expected: Decimal, more: Decimal, drivers: dict[str, Any], cached: float
) -> None:
    data = data_of(str(expected + more), str(expected), drivers=drivers, cached_price_ratio=cached)  # type: ignore[arg-type]

    parts = split(data)

    if parts:
        assert sum(part for _, part in parts) == pytest.approx(float(more))
