"""Decides which severity so many times the limit is, and says what a reading was judged to be, and why."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from incidents.core.policy import Bands
from incidents.core.severity import Severity


class Verdict(StrEnum):
    OUT = "out"  # out of limit
    IN = "in"  # within limit
    THIN = "thin"  # out of limit on too few samples to say so
    SILENT = "silent"  # says nothing either way


SAYING = frozenset({Verdict.IN, Verdict.OUT})  # the verdicts that say something


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    verdict: Verdict
    why: str  # the arithmetic as a sentence
    figures: str  # the numbers with their uncertainty, for the first line of a page
    severity: Severity | None = None  # only where out of limit
    r: float | None = None  # how many times the limit; None where that cannot be computed
    samples: int | None = None
    flagged: int | None = None
    per_hour: Decimal | None = None  # what it costs beyond the expected
    currency: str | None = None
    causes: tuple[str, ...] = ()  # what the excess is made of, one line each


def banded(r: float, bands: Bands) -> Severity | None:
    """The severity of `r` times the limit; None within it."""
    if r < bands.sev4:
        return None
    if r < bands.sev3:
        return Severity.SEV4
    return Severity.SEV3 if r < bands.sev2 else Severity.SEV2
