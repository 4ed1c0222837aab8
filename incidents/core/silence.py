"""Decides what a silence means: which alerts it matches, from when until when, and what may be asked of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from incidents.core.errors import NotAllowed
from incidents.core.severity import Severity

LONGEST = timedelta(days=30)  # whatever must be quiet for longer is no silence: mend its monitor, or retire it
MOST = 10  # matchers of one silence
_VALUE = 200  # characters of a value, as many as the name of a system may have
_REASON = 500


class Trait(StrEnum):
    """What of an alert can be matched."""

    SYSTEM = "system"
    ENVIRONMENT = "environment"
    KIND = "kind"
    METRIC = "metric"
    SEGMENT = "segment"
    FEATURE = "feature"
    SOURCE = "source"
    SEVERITY = "severity"


Traits = Mapping[Trait, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition: a text to the letter, or with `*` for any characters; `negated` means everything but that."""

    field: Trait
    value: str
    negated: bool = False

    def matches(self, traits: Traits) -> bool:
        """Whether an alert with these traits is meant."""
        return is_like(traits[self.field], self.value) is not self.negated

    def __str__(self) -> str:
        return f"{self.field} {'is not' if self.negated else 'is'} {self.value}"


def is_like(text: str, pattern: str) -> bool:
    """Whether `text` is `pattern`, in which `*` stands for any characters; no pattern makes it slow."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not (text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So much money: what was spent in one window, or what somebody planned to spend."""

    amount: Decimal
    currency: str  # ISO 4217


class SilenceState(StrEnum):
    """Where a silence stands, by the clock alone."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"  # also when a person ended it early


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What a person has asked to be quiet about: alerts that every matcher means, from `starts_at` to before `ends_at`.

    With `planned` it means cost anomalies only, while what was spent in their window is at most that.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime  # moved up when somebody ends it early
    reason: str
    by: str  # a person's id
    made_at: datetime
    planned: Amount | None = None
    ended_by: str | None = None  # who ended it early

    def state(self, now: datetime) -> SilenceState:
        if now >= self.ends_at:
            return SilenceState.EXPIRED
        return SilenceState.PENDING if now < self.starts_at else SilenceState.ACTIVE

    def matches(self, traits: Traits) -> bool:
        """Whether an alert with these traits is meant; what it has cost is another question."""
        return all(matcher.matches(traits) for matcher in self.matchers)


def checked(silence: Silence, kinds: frozenset[str], now: datetime) -> Silence:
    """The silence that somebody wants at `now`, or NotAllowed with what is wrong with it; `kinds` are those known."""
    if not silence.matchers:
        raise NotAllowed("matcher_missing", "say what to be quiet about: at least one of " + ", ".join(Trait))
    if len(silence.matchers) > MOST:
        raise NotAllowed("matchers_too_many", f"at most {MOST} matchers: make two silences of it")
    for matcher in silence.matchers:
        _check(matcher, kinds)
    if not silence.reason.strip():
        raise NotAllowed("reason_missing", "say why: it stands on every alert that is muted")
    if len(silence.reason) > _REASON:
        raise NotAllowed("reason_too_long", f"give the reason in {_REASON} characters")
    if silence.ends_at <= max(now, silence.starts_at):
        raise NotAllowed("over_already", "it would be over before it begins")
    if silence.ends_at - max(now, silence.starts_at) > LONGEST or silence.starts_at - now > LONGEST:
        raise NotAllowed("too_long", f"at most {LONGEST.days} days, beginning within {LONGEST.days} days")
    if silence.planned is not None and not silence.planned.amount > 0:
        raise NotAllowed("amount_missing", "say how much is planned: more than nothing")
    return silence


def _check(matcher: Matcher, kinds: frozenset[str]) -> None:
    if not matcher.value.strip() or len(matcher.value) > _VALUE:
        raise NotAllowed("value_missing", f"{matcher.field} needs a value of at most {_VALUE} characters")
    words: dict[Trait, list[str]] = {Trait.KIND: sorted(kinds), Trait.SEVERITY: sorted(Severity)}
    known = words.get(matcher.field)
    if known is not None and not any(is_like(word, matcher.value) for word in known):
        raise NotAllowed("value_unknown", f"no {matcher.field} is {matcher.value}: they are {', '.join(known)}")
