"""Decides how bad a drift reading is: how many times its limit a distance or a performance figure lies."""

from math import isfinite

from incidents.core.event_data import Direction, DriftData, Statistic
from incidents.core.figures import number
from incidents.core.grade import Grade, Verdict, banded
from incidents.core.policy import DriftPolicy
from incidents.core.severity import Severity

_TINY = 1e-9  # keeps a limit of zero from dividing


def ratio(data: DriftData) -> tuple[float | None, str]:
    """How many times the limit (r) and how that was computed; None with the reason where r has no meaning.

    Above: value / threshold. Below: (baseline - value) / (baseline - threshold) where the baseline lies above the
    threshold, else 1 + (threshold - value) / max(|threshold|, 1e-9).
    """
    value, limit = data.value, data.threshold
    if data.statistic == Statistic.P_VALUE:
        return None, "a p-value shrinks with the sample, so it cannot say how bad"
    if data.direction == Direction.ABOVE:
        if limit <= 0:
            return None, f"a limit of {number(limit)} cannot be a divisor"
        return _computed(value / limit, f"{number(value)} / {number(limit)}")
    baseline = data.baseline.value if data.baseline else None
    if baseline is not None and baseline > limit:
        sum_up = f"({number(baseline)} - {number(value)}) / ({number(baseline)} - {number(limit)})"
        return _computed((baseline - value) / (baseline - limit), sum_up)
    least = max(abs(limit), _TINY)
    return _computed(1 + (limit - value) / least, f"1 + ({number(limit)} - {number(value)}) / {number(least)}")


def _computed(r: float, sum_up: str) -> tuple[float | None, str]:
    """Rounded, so that 0.3 / 0.1 is the 3 that people read, and not a hair less."""
    return (round(r, 9), sum_up) if isfinite(r) else (None, "the numbers are too large to divide")


def is_out(data: DriftData, r: float | None, first_band: float) -> bool:
    """Whether the value lies out of limit, where r exists by r, else by comparing the two."""
    if r is not None:
        return r >= first_band
    less_is_worse = data.statistic == Statistic.P_VALUE or data.direction == Direction.BELOW
    return data.value < data.threshold if less_is_worse else data.value > data.threshold


def _figures(data: DriftData) -> str:
    usual = data.baseline.value if data.baseline else None
    what = data.metric + (f" of {data.feature}" if data.feature else "")
    parts = [f"{what} {number(data.value)}", f"limit {number(data.threshold)}"]
    if usual is not None:
        parts.append(f"usual {number(usual)}")
    if data.sample_size is not None:
        parts.append(f"n {data.sample_size:,}")
    return ", ".join(parts)


def grade_drift(data: DriftData, policy: DriftPolicy) -> Grade:
    """The verdict and the severity of the bands alone; context moves it afterwards."""
    r, sum_up = ratio(data)
    figures, n = _figures(data), data.sample_size
    out = is_out(data, r, policy.bands.sev4)
    if n is not None and n < policy.n_min:
        verdict, why = (
            Verdict.THIN if out else Verdict.SILENT,
            f"{n} samples of the {policy.n_min} that a verdict needs",
        )
    elif not out:
        verdict, why = Verdict.IN, "within limit"
    else:
        verdict, why = Verdict.OUT, f"out of limit; {sum_up}" if r is None else f"r = {sum_up} = {number(round(r, 2))}"
    severity = None
    if verdict is Verdict.OUT:
        severity = (banded(r, policy.bands) if r is not None else None) or Severity.SEV4
        why = f"{why}: {severity.label}"
    return Grade(verdict=verdict, severity=severity, why=f"{figures}: {why}", figures=figures, r=r, samples=n)
