"""Judging drift: how many times its limit a distance, a performance figure or a p-value is."""

from incidents.core.event_data import DriftData
from incidents.core.figures import number
from incidents.core.grade import Grade, Verdict, banded
from incidents.core.policy import DriftPolicy
from incidents.core.severity import Severity

_TINY = 1e-9  # keeps a limit of zero from dividing


def ratio(data: DriftData) -> tuple[float | None, str]:
    """r and how it was computed; None with the reason where r has no meaning.

    Above: value / threshold. Below: (baseline - value) / (baseline - threshold) where the baseline lies above the
    threshold, else 1 + (threshold - value) / max(|threshold|, 1e-9).
    """
    value, limit = data.value, data.threshold
    if data.statistic == "p_value":
        return None, "a p-value shrinks with the sample, so it cannot say how bad"
    if data.direction == "above":
        if limit <= 0:
            return None, f"a limit of {number(limit)} cannot be a divisor"
        return value / limit, f"{number(value)} / {number(limit)}"
    baseline = data.baseline.value if data.baseline else None
    if baseline is not None and baseline > limit:
        r = (baseline - value) / (baseline - limit)
        return r, f"({number(baseline)} - {number(value)}) / ({number(baseline)} - {number(limit)})"
    r = 1 + (limit - value) / max(abs(limit), _TINY)
    return r, f"1 + ({number(limit)} - {number(value)}) / {number(max(abs(limit), _TINY))}"


def is_out(data: DriftData, r: float | None, first_band: float) -> bool:
    """Whether the value lies out of limit, where r exists by r, else by comparing the two."""
    if data.statistic == "p_value":
        return data.value < data.threshold
    return data.value > data.threshold if r is None else r >= first_band


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
        why = f"{figures}: {n} samples of the {policy.n_min} that a verdict needs"
        return Grade(verdict=Verdict.THIN if out else Verdict.SILENT, why=why, figures=figures, r=r, samples=n)
    if not out:
        return Grade(verdict=Verdict.IN, why=f"{figures}: within limit", figures=figures, r=r, samples=n)
    if r is None:
        why = f"{figures}: out of limit; {sum_up}: SEV4"
        return Grade(verdict=Verdict.OUT, severity=Severity.SEV4, why=why, figures=figures, samples=n)
    severity = banded(r, policy.bands) or Severity.SEV4
    why = f"{figures}: r = {sum_up} = {number(r)}: {severity.label}"
    return Grade(verdict=Verdict.OUT, severity=severity, why=why, figures=figures, r=r, samples=n)
