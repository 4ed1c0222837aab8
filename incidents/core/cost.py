"""Judging cost: what was spent beyond the expected, what it does to the budget, and which of four causes drove it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import log

from incidents.core.catalog import BudgetPeriod, SystemBudget
from incidents.core.event_data import CostData
from incidents.core.figures import money, share, span
from incidents.core.grade import Grade, Verdict
from incidents.core.policy import CostPolicy
from incidents.core.severity import Severity

HOUR = timedelta(hours=1)
_PERIODS = {
    BudgetPeriod.DAY: timedelta(days=1),
    BudgetPeriod.WEEK: timedelta(days=7),
    BudgetPeriod.MONTH: timedelta(days=365.25 / 12),
    BudgetPeriod.QUARTER: timedelta(days=365.25 / 4),
    BudgetPeriod.YEAR: timedelta(days=365.25),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Money:
    """The figures of one cost event: amounts in its currency, rates per hour."""

    currency: str
    actual: Decimal
    expected: Decimal | None
    hours: float
    budget: Decimal | None
    spent: Decimal | None
    ends_at: datetime | None  # of the budget's period
    at: datetime  # end of the window

    @property
    def excess(self) -> Decimal:
        return self.actual - self.expected if self.expected is not None else Decimal(0)

    @property
    def rate(self) -> float:
        return float(self.actual) / self.hours

    def text(self, amount: Decimal | float) -> str:
        return money(amount, self.currency)


def _figures_of(data: CostData, registered: SystemBudget | None) -> _Money:
    assert data.window is not None  # the door requires it of measured and detected cost events
    hours = max((data.window.end - data.window.start) / HOUR, 1 / 60)
    budget = data.budget.amount if data.budget else None
    expected = data.expected
    fits = registered is not None and registered.currency == data.currency
    if registered is not None and fits and budget is None:
        budget = registered.amount
        if expected is None:
            expected = registered.amount * Decimal(hours / (_PERIODS[registered.period] / HOUR))
    return _Money(
        currency=data.currency,
        actual=data.actual,
        expected=expected,
        hours=hours,
        budget=budget,
        spent=data.budget.spent if data.budget else None,
        ends_at=data.budget.period.end if data.budget and data.budget.period else None,
        at=data.window.end,
    )


def floor(sums: _Money, policy: CostPolicy) -> Decimal:
    """The least excess worth an incident: the currency's floor, or 1 % of the budget where that is more."""
    least = policy.floor.get(sums.currency, Decimal(0))
    return max(least, sums.budget * Decimal(str(policy.floor_of_budget))) if sums.budget else least


def _gone_in(sums: _Money) -> timedelta | None:
    """How long the budget lasts at the present rate."""
    if sums.budget is None or sums.spent is None or sums.rate <= 0:
        return None
    return timedelta(hours=max(0.0, float(sums.budget - sums.spent) / sums.rate))


def _overspend(sums: _Money) -> float | None:
    """Projected overspend at the end of the period, as a share of the budget."""
    if not sums.budget or sums.spent is None or sums.ends_at is None:
        return None
    left = max(0.0, (sums.ends_at - sums.at) / HOUR)
    return (float(sums.spent) + sums.rate * left - float(sums.budget)) / float(sums.budget)


def _severity(sums: _Money, policy: CostPolicy) -> tuple[Severity, str]:
    """The severity with its reason, the gravest rule first."""
    gone, over = _gone_in(sums), _overspend(sums)
    if gone is not None and gone <= policy.sev2_exhausted_within:
        return Severity.SEV2, f"the budget is gone in {span(gone)}"
    if sums.budget:
        ahead = policy.sev2_excess_over
        part = float(sums.excess) / sums.hours * (ahead / HOUR) / float(sums.budget)
        if part >= policy.sev2_excess:
            return Severity.SEV2, f"{span(ahead)} of this excess is {share(part)} of the budget"
    if over is not None and over >= policy.sev3_overspend:
        return Severity.SEV3, f"projected to overspend the budget by {share(over)}"
    if not sums.budget and sums.expected and float(sums.actual / sums.expected) >= policy.sev3_times_expected:
        return Severity.SEV3, f"{float(sums.actual / sums.expected):.1f} times the expected, and no budget is known"
    return Severity.SEV4, "the budget holds for now"


def causes(data: CostData) -> tuple[str, ...]:
    """The excess split over volume, tokens per request, price and cache, largest first.

    Cost = requests x tokens x price x (1 - hit rate x (1 - cached price ratio)); the split is the logarithmic mean
    Divisia index (B. W. Ang, 2005): a factor's part is ln(its ratio) / ln(ratio of all).
    """
    if data.drivers is None or data.expected is None or data.actual <= data.expected:
        return ()
    drivers, cached = data.drivers, data.cached_price_ratio if data.cached_price_ratio is not None else 0.0
    factors: list[tuple[str, float, float]] = [
        (name, driver.value, driver.baseline)
        for name, driver in (
            ("request volume", drivers.requests),
            ("tokens per request", drivers.tokens_per_request),
            ("unit price", drivers.unit_price),
        )
        if driver is not None
    ]
    if drivers.cache_hit_rate is not None:
        now, was = (1 - rate * (1 - cached) for rate in (drivers.cache_hit_rate.value, drivers.cache_hit_rate.baseline))
        factors.append(("cache misses", now, was))
    ratios = [(name, log(now / was)) for name, now, was in factors if now > 0 and was > 0]
    excess, total = data.actual - data.expected, sum(part for _, part in ratios)
    if abs(total) < 1e-6:
        return ()
    lines = sorted(((part / total, name) for name, part in ratios if abs(part) > 1e-9), reverse=True)
    return tuple(f"{name}: {money(float(excess) * part, data.currency)} ({share(part)})" for part, name in lines)


def grade_cost(data: CostData, registered: SystemBudget | None, policy: CostPolicy) -> Grade:
    """Out of limit when the excess reaches the floor and 40 % over the expected (AWS Cost Anomaly Detection's shape)."""
    sums = _figures_of(data, registered)
    hours = timedelta(hours=sums.hours)
    figures = f"{sums.text(sums.actual)} in {span(hours)}"
    if sums.expected is None:
        why = f"{figures}: neither an expected amount nor a budget is known, so the excess cannot be computed"
        return Grade(verdict=Verdict.SILENT, why=why, figures=figures)
    figures += f" against {sums.text(sums.expected)} expected"
    least, over = floor(sums, policy), Decimal(str(policy.over))
    if sums.excess < least or sums.excess < sums.expected * over or sums.excess <= 0:
        why = (
            f"{figures}: {sums.text(sums.excess)} over; opens at {sums.text(least)}"
            f" and {share(policy.over)} over the expected"
        )
        return Grade(verdict=Verdict.IN, why=why, figures=figures)
    severity, reason = _severity(sums, policy)
    return Grade(
        verdict=Verdict.OUT,
        severity=severity,
        why=f"{figures}: {sums.text(sums.excess)} over; {reason}: {severity.label}",
        figures=figures,
        per_hour=sums.excess / Decimal(str(sums.hours)),
        currency=sums.currency,
        causes=causes(data),
    )
