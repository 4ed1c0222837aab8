"""What a silence means, how long it may be, and which are refused."""

from dataclasses import replace
from decimal import Decimal

import pytest

from incidents.core.errors import NotAllowed
from incidents.core.events import Kind
from incidents.core.silence import Amount, Matcher, Silence, SilenceState, Trait, checked, is_like
from tests.make import NOON, hours

KINDS = frozenset(Kind)
TRAITS = {
    Trait.SYSTEM: "credit-scoring",
    Trait.ENVIRONMENT: "production",
    Trait.KIND: "drift",
    Trait.METRIC: "psi",
    Trait.SEGMENT: "",
    Trait.FEATURE: "income",
    Trait.SOURCE: "/monitors/1",
    Trait.SEVERITY: "sev3",
}


def about(field: str, value: str, *, negated: bool = False) -> Matcher:
    return Matcher(field=Trait(field), value=value, negated=negated)


def a_silence(*matchers: Matcher, **more: object) -> Silence:
    """Of credit-scoring, by Priya, for two hours from noon on."""
    made = Silence(
        id="1",
        matchers=matchers or (about("system", "credit-scoring"),),
        starts_at=NOON,
        ends_at=NOON + hours(2),
        reason="Backfill of last week",
        by="priya",
        made_at=NOON,
    )
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "pattern", "alike"),
    [
        ("credit-scoring", "credit-scoring", True),
        ("credit-scoring", "credit", False),
        ("credit-scoring", "credit-*", True),
        ("credit-scoring", "*-scoring", True),
        ("credit-scoring", "*edit*or*", True),
        ("credit-scoring", "*or*edit*", False),
        ("credit", "credit*credit", False),  # its two ends may not share letters
        ("credit-scoring", "Credit-*", False),
        ("", "*", True),
        ("a.c", "a.c", True),
        ("abc", "a.c", False),  # no regular expression
        ("abc", "a?c", False),
        ("abc", "[a]bc", False),
    ],
)
def test_a_star_stands_for_anything_and_everything_else_for_itself(text: str, pattern: str, *, alike: bool) -> None:
    assert is_like(text, pattern) is alike


def test_no_pattern_takes_long() -> None:
    assert not is_like("a" * 200, "*a" * 100 + "b*")  # a regular expression would take longer than anybody lives


def test_every_matcher_must_mean_it_and_a_negated_one_means_the_rest() -> None:
    assert a_silence(about("system", "credit-*"), about("kind", "drift")).matches(TRAITS)
    assert not a_silence(about("system", "credit-*"), about("kind", "report")).matches(TRAITS)
    assert a_silence(about("environment", "staging", negated=True)).matches(TRAITS)
    assert a_silence(about("segment", "*")).matches(TRAITS)
    assert not a_silence(about("segment", "*", negated=True)).matches(TRAITS)
    assert not a_silence(about("severity", "sev3", negated=True)).matches(TRAITS)


def test_the_clock_alone_says_where_a_silence_stands() -> None:
    silence = a_silence(starts_at=NOON + hours(1))
    states = [silence.state(NOON + hours(n)) for n in range(4)]
    assert states == [SilenceState.PENDING, SilenceState.ACTIVE, SilenceState.EXPIRED, SilenceState.EXPIRED]


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        ({"matchers": ()}, "matcher_missing", "at least one of system"),
        ({"matchers": tuple(about("metric", f"m{n}") for n in range(11))}, "matchers_too_many", "at most 10"),
        ({"matchers": (about("system", " "),)}, "value_missing", "system needs a value"),
        ({"matchers": (about("system", "x" * 201),)}, "value_missing", "at most 200 characters"),
        ({"matchers": (about("kind", "drifft"),)}, "value_unknown", "cost_anomaly, drift"),
        ({"matchers": (about("severity", "SEV2"),)}, "value_unknown", "sev1, sev2"),
        ({"reason": " "}, "reason_missing", "stands on every alert"),
        ({"reason": "x" * 501}, "reason_too_long", "500 characters"),
        ({"ends_at": NOON}, "over_already", "before it begins"),
        ({"starts_at": NOON + hours(3)}, "over_already", "before it begins"),
        ({"ends_at": NOON + hours(24 * 30 + 1)}, "too_long", "at most 30 days"),
        ({"starts_at": NOON + hours(24 * 31), "ends_at": NOON + hours(24 * 32)}, "too_long", "beginning within 30"),
        ({"planned": Amount(amount=Decimal(0), currency="USD")}, "amount_missing", "more than nothing"),
    ],
)
def test_what_is_no_silence_is_refused_with_its_reason(wanted: dict[str, object], code: str, words: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        checked(a_silence(**wanted), KINDS, NOON)
    assert refused.value.code == code
    assert words in refused.value.why


def test_a_silence_may_last_thirty_days_and_match_by_pattern() -> None:
    month = a_silence(about("kind", "cost_*"), about("severity", "sev*"), ends_at=NOON + hours(24 * 30))
    assert checked(month, KINDS, NOON) is month
