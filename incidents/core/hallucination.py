"""Decides how bad a hallucination reading is: the least share flagged that the sample proves, against the limit."""

from collections.abc import Iterable
from math import sqrt

from incidents.core.event_data import HallucinationData
from incidents.core.figures import number, share
from incidents.core.grade import Grade, Verdict, banded
from incidents.core.policy import HallucinationPolicy
from incidents.core.severity import Severity


def wilson_lower(flagged: int, sampled: int, z: float = 1.96) -> float:
    """Lower bound of the Wilson score interval of a proportion (E. B. Wilson, 1927); z 1.96 is 95 %."""
    p, square = flagged / sampled, z * z
    centre = p + square / (2 * sampled)
    half = z * sqrt(p * (1 - p) / sampled + square / (4 * sampled * sampled))
    return min(p, max(0.0, (centre - half) / (1 + square / sampled)))


def summed(data: HallucinationData, before: Iterable[tuple[int, int]], n_min: int) -> tuple[int, int]:
    """(flagged, sampled) of this window and as many disjoint ones before it, newest first, as `n_min` takes."""
    flagged, sampled = data.flagged, data.sampled
    for k, n in before:
        if sampled >= n_min:
            break
        flagged, sampled = flagged + k, sampled + n
    return flagged, sampled


def _usual(data: HallucinationData) -> float | None:
    base = data.baseline
    if base is None:
        return None
    if base.sampled and base.flagged is not None:
        return base.flagged / base.sampled
    return base.value


def grade_hallucination(
    data: HallucinationData, before: Iterable[tuple[int, int]], policy: HallucinationPolicy
) -> Grade:
    """Judge by the lower bound; only with n_min answers and k_min flagged ones, summed over earlier windows."""
    k, n = summed(data, before, policy.n_min)
    limit, usual = data.rate_threshold, _usual(data)
    lower = wilson_lower(k, n, policy.z)
    r = round(lower / limit, 9) if limit else None
    figures = f"at least {share(lower)} of answers flagged ({k} of {n}), limit {share(limit)}"
    figures += f", usual {share(usual)}" if usual is not None else ""
    verdict, why = _verdict(k, n, limit, r, policy)
    severity = None
    if verdict is Verdict.OUT:
        severity = Severity.SEV3 if r is None else banded(r, policy.bands)
        how = "" if r is None else f"r = {share(lower)} / {share(limit)} = {number(round(r, 2))}"
        why = f"{why}{how}: {severity.label if severity else ''}"
    return Grade(
        verdict=verdict,
        severity=severity,
        why=f"{figures}: {why}",
        figures=figures,
        r=r,
        samples=data.sampled,
        flagged=data.flagged,
    )


def _verdict(k: int, n: int, limit: float, r: float | None, policy: HallucinationPolicy) -> tuple[Verdict, str]:
    """What `k` flagged of `n` answers say; `r` None where the limit is 0, and then any flagged answer is over it."""
    if n < policy.n_min:
        return Verdict.THIN if k > limit * n else Verdict.SILENT, f"{n} answers of the {policy.n_min} needed"
    if k == 0 or (r is not None and r < policy.bands.sev4):
        return Verdict.IN, "within limit"
    if k < policy.k_min:
        return Verdict.THIN, f"{k} flagged of the {policy.k_min} needed"
    return Verdict.OUT, "the limit is 0, so r cannot be computed" if r is None else ""
