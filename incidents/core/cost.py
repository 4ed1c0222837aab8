"""Decides how bad a cost reading is: the excess over the expected, what it does to the budget, and what drove it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import log

from incidents.core.event_data import CostData
from incidents.core.figures import money, share, span
from incidents.core.grade import Grade, Verdict
from incidents.core.policy import CostPolicy
from incidents.core.runbook import Cause
from incidents.core.severity import Severity
from incidents.core.system import BudgetPeriod, SystemBudget

HOUR = timedelta(hours=1)
_PERIODS = {
    BudgetPeriod.DAY: timedelta(days=1),
    BudgetPeriod.WEEK: timedelta(days=7),
    BudgetPeriod.MONTH: timedelta(days=365.25 / 12),
    BudgetPeriod.QUARTER: timedelta(days=365.25 / 4),
    BudgetPeriod.YEAR: timedelta(days=365.25),
}
_CAUSES = {
    "request volume": Cause.REQUESTS,
    "tokens per request": Cause.TOKENS_PER_REQUEST,
    "unit price": Cause.UNIT_PRICE,
    "cache misses": Cause.CACHE_HIT_RATE,
}
_WORTH_A_LINE = 0.005  # share of the excess under which a cause is not named


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
    """The event's own budget counts, else the registered one in the same currency; it also says what is expected."""
    hours = max((data.window.end - data.window.start) / HOUR, 1 / 60)
    told = data.budget
    budget, expected, period = (told.amount if told else None), data.expected, None
    if told and told.period:
        period = told.period.end - told.period.start
    if not told and registered is not None and registered.currency == data.currency:
        budget, period = registered.amount, _PERIODS[registered.period]
    if expected is None and budget and period:
        expected = budget * Decimal(str(hours / (period / HOUR)))
    return _Money(
        currency=data.currency,
        actual=data.actual,
        expected=expected,
        hours=hours,
        budget=budget or None,
        spent=told.spent if told else None,
        ends_at=told.period.end if told and told.period else None,
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
    hours = max(0.0, float(sums.budget - sums.spent) / sums.rate)
    return timedelta(hours=min(hours, 24.0 * 3660))


def _overspend(sums: _Money) -> float | None:
    """Projected overspend at the end of the period, as a share of the budget."""
    if not sums.budget or sums.spent is None or sums.ends_at is None:
        return None
    left = max(0.0, (sums.ends_at - sums.at) / HOUR)
    return (float(sums.spent) + sums.rate * left - float(sums.budget)) / float(sums.budget)


def _severity(sums: _Money, policy: CostPolicy) -> tuple[Severity, str]:
    """The severity with its reason, the gravest rule first."""
    gone = _gone_in(sums)
    if gone is not None and gone <= policy.sev2_exhausted_within:
        return Severity.SEV2, f"the budget is gone in {span(gone)}" if gone else "the budget is gone already"
    if sums.budget:
        ahead = policy.sev2_excess_over
        part = float(sums.excess) / sums.hours * (ahead / HOUR) / float(sums.budget)
        if part >= policy.sev2_excess:
            return Severity.SEV2, f"{span(ahead)} of this excess is {share(part)} of the budget"
    return _slow_severity(sums, policy)


def _slow_severity(sums: _Money, policy: CostPolicy) -> tuple[Severity, str]:
    """What can wait for the day: a projected overspend, else, where none can be projected, many times the expected."""
    over = _overspend(sums)
    if over is not None and over >= policy.sev3_overspend:
        return Severity.SEV3, f"projected to overspend the budget by {share(over)}"
    expected = sums.expected or Decimal(0)
    if over is None and sums.actual >= expected * Decimal(str(policy.sev3_times_expected)):
        times = f"{float(sums.actual / expected):.1f} times the expected" if expected else "nothing was expected"
        return Severity.SEV3, f"{times}, and no overspend can be projected"
    return Severity.SEV4, "the budget holds for now" if sums.budget else "no budget is known"


def split(data: CostData) -> tuple[tuple[str, float], ...]:
    """The excess over volume, tokens per request, price and cache, largest first; the parts add up to the excess.

    Cost = requests x tokens x price x (1 - hit rate x (1 - cached price ratio)). The split is the logarithmic mean
    Divisia index (B. W. Ang, 2005): a factor's part is the excess times ln(its ratio) / ln(actual / expected). What
    the factors leave over is a part of its own. Empty where nothing can be split.
    """
    if data.drivers is None or not data.expected or data.actual <= data.expected:
        return ()
    excess = float(data.actual - data.expected)
    scale = excess / log(float(data.actual / data.expected))
    parts = [(name, scale * log(ratio)) for name, ratio in _ratios(data)]
    if not parts:
        return ()
    rest = ("not explained by these", excess - sum(part for _, part in parts))
    return (*sorted(parts, key=lambda pair: -pair[1]), rest)


def _ratios(data: CostData) -> list[tuple[str, float]]:
    """How many times its usual value each factor of the cost is."""
    drivers = data.drivers
    if drivers is None:
        return []
    told = (("request volume", drivers.requests), ("tokens per request", drivers.tokens_per_request))
    factors = [
        (name, float(driver.value), float(driver.baseline))
        for name, driver in (*told, ("unit price", drivers.unit_price))
        if driver is not None and driver.baseline is not None
    ]
    cache = drivers.cache_hit_rate
    if cache is not None and cache.baseline is not None:
        saved = 1 - float(data.cached_price_ratio if data.cached_price_ratio is not None else 0)
        factors.append(("cache misses", 1 - float(cache.value) * saved, 1 - float(cache.baseline) * saved))
    return [(name, now / was) for name, now, was in factors if now > 0 and was > 0]


def causes(data: CostData) -> tuple[str, ...]:
    """The split in words, one line for each part that is worth one."""
    parts = split(data)
    excess = sum(part for _, part in parts)
    return tuple(
        f"{name}: {money(part, data.currency)} ({share(part / excess)})"
        for name, part in parts
        if abs(part) >= _WORTH_A_LINE * excess
    )


def suspected(lines: tuple[str, ...]) -> tuple[Cause, ...]:
    """The causes behind the lines of `causes`, the likeliest first; what lowered the cost is none."""
    named = (line.partition(": ") for line in lines)
    return tuple(_CAUSES[name] for name, _, part in named if name in _CAUSES and not part.startswith("-"))


def grade_cost(data: CostData, registered: SystemBudget | None, policy: CostPolicy) -> Grade:
    """Out of limit when the excess reaches the floor and 40 % over the expected (as AWS Cost Anomaly Detection)."""
    sums = _figures_of(data, registered)
    figures = f"{sums.text(sums.actual)} in {span(timedelta(hours=sums.hours))}"
    if sums.expected is None:
        why = f"{figures}: neither an expected amount nor a budget is known, so the excess cannot be computed"
        return Grade(verdict=Verdict.SILENT, why=why, figures=figures)
    figures += f" against {sums.text(sums.expected)} expected"
    least, over = floor(sums, policy), Decimal(str(policy.over))
    if sums.excess < least or sums.excess < sums.expected * over or sums.excess <= 0:
        beyond = f"{sums.text(sums.excess)} over" if sums.excess > 0 else "not more than expected"
        why = f"{figures}: {beyond}; opens at {sums.text(least)} and {share(policy.over)} over the expected"
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
