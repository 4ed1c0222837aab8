"""The timeline: milestones that reopening takes back, lines that fold repeats, an export that means only itself."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from incidents.core.desk import Desk
from incidents.core.fact import GENESIS, ChainedFact, Fact, FactKind, chain
from incidents.core.incident import Action, Incident
from incidents.core.response import Ask, Case, act
from incidents.core.timeline import Milestones, durations, entries, markdown, milestones, proof
from tests.fakes.told import ADA, NOW, a_fact, an_estate, an_incident, minutes


def told(*facts: tuple[FactKind, float]) -> tuple[ChainedFact, ...]:
    """A chain of facts, each so many minutes after noon."""
    return chained([a_fact(kind, kind.replace("_", " "), at=NOW + minutes(at)) for kind, at in facts])


def chained(facts: list[Fact]) -> tuple[ChainedFact, ...]:
    return chain(facts, head_seq=0, head_hash=GENESIS)


def at(count: float) -> datetime:
    return NOW + minutes(count)


WHOLE = (
    (FactKind.OPENED, 0),
    (FactKind.PAGED, 1),
    (FactKind.ACKNOWLEDGED, 4),
    (FactKind.MITIGATED, 30),
    (FactKind.VERIFIED, 60),
    (FactKind.RESOLVED, 70),
    (FactKind.CLOSED, 90),
)


def test_a_whole_story_has_every_milestone_and_its_three_spans() -> None:
    reached = milestones(told(*WHOLE))
    assert reached == Milestones(
        opened_at=at(0),
        paged_at=at(1),
        acknowledged_at=at(4),
        mitigated_at=at(30),
        verified_at=at(60),
        resolved_at=at(70),
        closed_at=at(90),
    )
    assert durations(reached) == [
        ("Time to acknowledge", minutes(3)),
        ("Time to mitigate", minutes(30)),
        ("Time to resolve", minutes(70)),
    ]


def test_nothing_has_happened_yet() -> None:
    assert milestones(()) == Milestones()
    assert durations(Milestones()) == []


def test_reopening_takes_back_what_was_reached_but_not_the_first_acknowledgement() -> None:
    reached = milestones(told(*WHOLE[:-1], (FactKind.REOPENED, 80), (FactKind.ACKNOWLEDGED, 85)))
    assert (reached.mitigated_at, reached.verified_at, reached.resolved_at) == (None, None, None)
    assert reached.acknowledged_at == at(4)


def test_after_a_reopening_the_last_resolution_counts() -> None:
    reached = milestones(told(*WHOLE[:-1], (FactKind.REOPENED, 80), (FactKind.RESOLVED, 120)))
    assert reached.time_to_resolve == minutes(120)
    assert reached.time_to_mitigate == minutes(120), "a resolution says at the latest that users are not hurt"


def test_verified_by_its_own_metric_is_mitigated() -> None:
    assert milestones(told((FactKind.OPENED, 0), (FactKind.VERIFIED, 20))).mitigated_at == at(20)


def test_nobody_paged_counts_from_the_opening() -> None:
    assert milestones(told((FactKind.OPENED, 0), (FactKind.ACKNOWLEDGED, 7))).time_to_acknowledge == minutes(7)


def test_an_acknowledgement_before_the_page_took_no_time() -> None:
    reached = milestones(told((FactKind.OPENED, 0), (FactKind.ACKNOWLEDGED, 1), (FactKind.PAGED, 2)))
    assert reached.time_to_acknowledge == timedelta(0)


def test_merging_resolves_the_one_that_goes_and_not_the_one_that_stays() -> None:
    gone, stays = (Desk(an_incident(n), an_estate(), at(5), {}) for n in (1, 2))
    ask = Ask(incident="INC-1", action=Action.MERGE, by=ADA, to="INC-2")
    act(Case(desk=gone, alerts=(), other=stays), ask)
    assert milestones(chained(gone.facts)).resolved_at == at(5)
    assert milestones(chained(stays.facts)).resolved_at is None


def test_the_same_thing_told_again_and_again_is_one_line() -> None:
    flips = [a_fact(FactKind.FLAPPING, "psi flips", at=at(n)) for n in range(5)]
    note = a_fact(FactKind.NOTE, "Hm.", at=at(5), by=ADA)
    lines = entries(chained([*flips, note, flips[0]]))
    assert [(line.seq, line.count, line.until) for line in lines] == [(1, 5, at(4)), (6, 1, at(5)), (7, 1, at(0))]


def test_two_people_who_say_the_same_are_two_lines() -> None:
    lee = replace(ADA, id="lee")
    said = [a_fact(FactKind.NOTE, "Looking", by=by) for by in (ADA, lee)]
    assert len(entries(chained(said))) == 2


def test_the_export_says_what_happened_and_when() -> None:
    flips = [a_fact(FactKind.FLAPPING, "psi flips", at=at(n)) for n in range(2)]
    page = markdown(an_incident(), (*told(*WHOLE), *chained(flips)))
    assert page.startswith("# INC-1: Credit scoring: data drift, psi 0.31 of income, limit 0.1\n")
    assert "- Severity: SEV3 (r 3.1 is SEV2; data drift while performance is unknown is at most SEV3)\n" in page
    assert "- Time to resolve: 1 h 10 min\n" in page
    assert "- 2026-11-20 09:31:00 UTC **paged** paged (incidents)\n" in page
    assert "**flapping** psi flips (2 times until 2026-11-20 09:31:00 UTC)" in page


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("[click](javascript:alert(1))", r"\[click\](javascript:alert(1))"),
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("one\n# two\n- three", "one # two - three"),
        ("**bold** `code` ~~gone~~", r"\*\*bold\*\* \`code\` \~\~gone\~\~"),
        ("https://evil.example www.evil.example", r"https:\//evil.example www\.evil.example"),
        ("@everyone a|b &amp; \\", r"\@everyone a\|b \&amp; \\"),
    ],
)
def test_words_from_events_mean_nothing_to_markdown(hostile: str, shown: str) -> None:
    incident: Incident = an_incident(title=hostile)
    page = markdown(incident, chained([a_fact(FactKind.NOTE, hostile)]))
    assert page.splitlines()[0] == f"# INC-1: {shown}"
    assert f"**note** {shown} (incidents)" in page


def a_window(verdict: str, figures: str, *, counts: bool = True) -> dict[str, object]:
    start, end = NOW.isoformat(), (NOW + minutes(60)).isoformat()
    return {"start": start, "end": end, "verdict": verdict, "figures": figures, "samples": 120, "counts": counts}


def a_judgement(**more: object) -> Fact:
    windows = [a_window("in", "psi 0.06, limit 0.1"), a_window("out", "psi 0.3"), a_window("in", "psi 0", counts=False)]
    alert = {"kind": "data_drift", "metric": "psi_*", "windows": windows, "resolved": [(NOW + minutes(75)).isoformat()]}
    silent = {"kind": "cost_anomaly", "metric": "spend", "windows": [], "resolved": []}
    data = {"run": "RUN-1", "evidence": {"alerts": [alert, silent]}, **more}
    return replace(a_fact(FactKind.VERIFICATION, "failed"), data=data)


def test_a_judgement_shows_each_window_that_it_rests_on_with_its_figures() -> None:
    start, end, later = (f"{NOW + minutes(count):%m-%d %H:%M}" for count in (0, 60, 75))
    assert proof(a_judgement(verdict="failed")) == (
        (
            f"data drift psi_*: {start} to {end} psi 0.06, limit 0.1 (within limit); "
            f"{start} to {end} psi 0.3 (out of limit); {start} to {end} psi 0 (does not count); "
            f"{later} resolved, says its monitor"
        ),
        "cost anomaly spend: nothing was told of it",
    )
    page = markdown(an_incident(), chained([a_judgement(verdict="failed")]))
    assert f"  - data drift psi\\_\\*: {start} to {end} psi 0.06, limit 0.1 (within limit);" in page


def test_a_look_in_between_and_other_facts_show_no_windows() -> None:
    assert proof(a_judgement()) == ()
    assert proof(a_fact(FactKind.RESOLVED, "over")) == ()
