"""The nine stories that the whole is for: how severe, who is paged and when, and what the timeline tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from incidents.core.events import Event
from incidents.core.severity import Severity
from tests.core.town import Town
from tests.make import (
    NIGHT,
    NOON,
    WEDNESDAY,
    an_estate,
    cost,
    drift,
    hallucination,
    hours,
    minutes,
    over,
    release,
    report,
)

SUNDAY = WEDNESDAY - timedelta(days=3) + hours(12)  # the 15th: mid-month
MONTH = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
ALL_NIGHT = [NIGHT + minutes(10 * n) for n in range(-24, 30)]  # every ten minutes from 22:00 to 06:50
GPT = {"kind": "model", "name": "gpt"}


@dataclass(frozen=True, kw_only=True)
class Story:
    name: str
    events: Sequence[Event]
    until: datetime | None = None  # how long nobody answers
    deactivated: tuple[str, ...] = ()
    severity: Severity
    paged: Sequence[tuple[str, str]]  # (UTC time, person)
    timeline: Sequence[tuple[str, str]]  # (kind, words in it), in this order, others may stand between
    posted: Sequence[str] = ()


STORIES = [
    Story(
        name="1: a credit model drifts at night, an hour after release 17",
        events=[release("17", previous="16", at=NIGHT - hours(2)), drift(0.31, at=NIGHT, drift_kind="data")],
        until=WEDNESDAY + hours(9),
        severity=Severity.SEV3,
        paged=[("09:00", "dana")],
        timeline=[
            ("opened", "SEV3 opened: Credit scoring: data drift, psi of income 0.31, limit 0.1"),
            ("release", "release 17 preceded the window"),
            ("release", "roll back to 16"),
            ("alert_joined", "r = 0.31 / 0.1 = 3.1: SEV2"),
            ("alert_joined", "data drift while performance is unknown is at most SEV3"),
            ("paged", "Paged dana: you are the data owner of Credit scoring"),
        ],
    ),
    Story(
        name="2: a RAG assistant makes things up: a post, then worse news",
        events=[hallucination(4, 30, at=NOON), hallucination(22, 120, at=NOON + hours(1))],
        severity=Severity.SEV3,
        paged=[("13:00", "priya")],
        timeline=[
            ("opened", "SEV4 opened"),
            ("alert_joined", "at least 5.3 % of answers flagged (4 of 30), limit 5 %"),
            ("severity_raised", "SEV4 -> SEV3: at least 12.4 % of answers flagged (22 of 120), limit 5 %"),
            ("severity_raised", "= 2.49: SEV3"),
            ("paged", "you are the model owner of Rag assistant"),
        ],
        posted=["Raised from SEV4 to SEV3"],
    ),
    Story(
        name="2, on a critical system: SEV2 at any hour",
        events=[hallucination(22, 120, at=NIGHT, system="triage-bot")],
        severity=Severity.SEV2,
        paged=[("02:00", "priya")],
        timeline=[("alert_joined", "critical system: +1, SEV2"), ("paged", "")],
    ),
    Story(
        name="3: $679 against $167 in eight hours, mid-month: longer prompts and a cold cache",
        events=[
            cost(
                679,
                167,
                at=SUNDAY,
                budget={"amount": 15_000, "spent": 10_000, "period": MONTH},
                drivers={
                    "requests": {"value": 1000, "baseline": 1000},
                    "tokens_per_request": {"value": 3024, "baseline": 1500},
                    "cache_hit_rate": {"value": 0.12, "baseline": 0.62},
                },
                cached_price_ratio=0.1,
            )
        ],
        until=SUNDAY + hours(21),
        severity=Severity.SEV3,
        paged=[("09:00", "omar")],
        timeline=[
            ("opened", "$679 in 8 h against $167 expected"),
            ("alert_joined", "projected to overspend the budget by 177.2 %: SEV3"),
            ("alert_joined", "cache misses: $256 (50.1 %); tokens per request: $256 (50 %)"),
            ("paged", "you are the operational owner of Rag assistant (ops)"),
        ],
    ),
    Story(
        name="4: all three after one prompt release: one incident, owners added, +1",
        events=[
            release("p9", kind="prompt", name="answering", previous="p8", system="rag-assistant"),
            drift(0.31, at=NOON + hours(1), system="rag-assistant"),
            hallucination(22, 120, at=NOON + hours(1) + minutes(5)),
            cost(at=NOON + hours(1) + minutes(10), window=minutes(30)),
        ],
        severity=Severity.SEV2,
        paged=[("13:00", "dana"), ("13:05", "dana"), ("13:05", "priya"), ("13:10", "omar")],
        timeline=[
            ("opened", "SEV3"),
            ("release", "prompt release p9 preceded the window"),
            ("alert_joined", "drift"),
            ("alert_joined", "hallucination"),
            ("owner_added", "Priya added: the model owner is first for hallucination"),
            (
                "severity_raised",
                "drift and hallucination began within 1 d after prompt release p9 (answering): +1, SEV2",
            ),
            ("alert_joined", "cost anomaly"),
            ("owner_added", "ops added: the operational owner is first for cost anomaly"),
        ],
        posted=["Joined by hallucination", "Raised from SEV3 to SEV2", "Joined by cost anomaly"],
    ),
    Story(
        name="5: spending that flips every ten minutes all night",
        events=[
            cost(679 if bad else 167, at=at, window=minutes(10), budget={"amount": 15_000, "spent": 14_000})
            for bad, at in zip([True, False] * 27, ALL_NIGHT, strict=True)
        ],
        severity=Severity.SEV2,
        paged=[("22:00", "omar")],
        timeline=[("paged", "omar"), ("flapping", "spend is flapping: 3 changes in 1 h; held as firing")],
        posted=["Monitor /monitors/1, for ops: its limit or its window needs a look."],
    ),
    Story(
        name="5, from a monitor that says detected and resolved",
        events=[
            hallucination(22, 120, at=at, phase="detected", window=None, system="triage-bot")
            if bad
            else over("hallucination", at=at, system="triage-bot")
            for bad, at in zip([True, False] * 27, ALL_NIGHT, strict=True)
        ],
        severity=Severity.SEV2,
        paged=[("22:00", "priya")],
        timeline=[("paged", "priya"), ("flapping", "hallucination_rate is flapping: 3 changes in 1 h")],
        posted=["Monitor /monitors/1, for Priya"],
    ),
    Story(
        name="6: a mistyped name, answered with the nearest",
        events=[drift(0.15, system="credit-scorng")],
        severity=Severity.SEV4,
        paged=[],
        timeline=[
            ("opened", "SEV4 opened: credit-scorng is not in the catalog; did you mean credit-scoring?"),
            ("alert_joined", "Register it, or make it an alias"),
        ],
    ),
    Story(
        name="7: the vendor's model answers with a new version that no release event announced",
        events=[
            hallucination(1, 120, at=NOON - hours(1), release={**GPT, "version": "2026-01"}),
            hallucination(22, 120, at=NOON, release={**GPT, "version": "2026-11"}),
        ],
        severity=Severity.SEV3,
        paged=[("12:00", "priya")],
        timeline=[
            ("opened", "SEV3"),
            ("unannounced_change", "model gpt answers as 2026-11 after 2026-01, and no release event said so"),
            ("alert_joined", "22 of 120"),
        ],
    ),
    Story(
        name="8: the model owner is deactivated in Slack: the next one at once, with the reason",
        events=[hallucination(22, 120, at=NIGHT, system="triage-bot")],
        deactivated=("priya",),
        severity=Severity.SEV2,
        paged=[("02:00", "omar")],
        timeline=[
            ("page_failed", "priya"),
            ("target_skipped", "Priya (model owner of Triage bot) is deactivated in Slack"),
            ("owner_gap", "Task for Lee: name a model owner of Triage bot who can be reached"),
            ("paged", "you are the operational owner of Triage bot (ops), because Priya is deactivated in Slack"),
        ],
        posted=["Task for Lee"],
    ),
    Story(
        name="9: three answers, one dangerous dose, confirmed by a nurse",
        events=[report("confirmed", at=NIGHT)],
        severity=Severity.SEV2,
        paged=[("02:00", "priya")],
        timeline=[
            ("opened", "SEV2 opened: Triage bot: reported harm"),
            ("alert_joined", "confirmed harm (health) reported by a nurse: SEV2"),
            ("harm_reported", "Confirmed harm reported by a nurse"),
        ],
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_story_goes_as_it_is_told(story: Story) -> None:
    town = Town(an_estate(), now=SUNDAY - hours(24), deactivated=story.deactivated)

    town.publish(*story.events)
    town.pass_time(to=story.until or town.now)

    assert len(town.incidents) == 1
    assert town.incident().severity is story.severity
    assert town.paged() == list(story.paged)
    _tells([(fact.kind, fact.text) for fact in town.timeline()], story.timeline)
    posts = iter(town.posts())
    assert all(any(words in post for post in posts) for words in story.posted), town.posts()


def _tells(timeline: Sequence[tuple[str, str]], wanted: Sequence[tuple[str, str]]) -> None:
    """Every wanted line is there, in order; one line may hold several of the wanted words."""
    at = 0
    for kind, words in wanted:
        found = next((n for n in range(at, len(timeline)) if timeline[n][0] == kind and words in timeline[n][1]), None)
        assert found is not None, f"no {kind} with {words!r} in {timeline[at:]}"
        at = found


def test_a_flapping_night_is_one_line_and_one_page() -> None:
    town = Town(an_estate(), now=SUNDAY)

    town.publish(*next(story for story in STORIES if story.name.startswith("5:")).events)

    assert town.kinds().count("flapping") == 1
    assert len(town.timeline()) == 4  # opened, joined, paged, flapping
    assert len(town.posts()) == 1


def test_five_thousand_random_names_open_ten_incidents_and_one_for_all_the_rest() -> None:
    town = Town(an_estate(), now=NOON)

    town.publish(*(drift(0.15, system=f"random-{n}") for n in range(5_000)))

    assert len(town.incidents) == 11
    assert town.paged() == []
    flood = town.incident(11)
    alert = next(alert for alert in town.alerts.values() if alert.incident == flood.id and alert.names)
    assert flood.title == "unknown systems: not in the catalog"
    assert alert.figures == "4,990 unknown names past those that may each have an incident"
