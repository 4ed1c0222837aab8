"""Who is asked where schedules, leave and escalations of their own decide it, and what a change of shift does."""
# ruff: noqa: ANN401 - a catalog has whatever its case needs

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incidents.core.catalog import Catalog, Escalation
from incidents.core.effect import EffectKind
from incidents.core.fact import FactKind
from incidents.core.hours import add_working, next_working
from incidents.core.incident import Action, Incident, Status
from incidents.core.ladder import Ladder, ladder
from incidents.core.people import Away, Team
from incidents.core.schedule import Override, Schedule, turn
from incidents.core.severity import Severity
from incidents.core.system import Role, System
from tests.core.town import Town
from tests.make import (
    NIGHT,
    NOON,
    OWNERS,
    WEDNESDAY,
    a_catalog,
    a_person,
    a_schedule,
    a_system,
    an_estate,
    an_incident,
    hallucination,
    hours,
    minutes,
)

OPERATED: dict[Role, str] = {**OWNERS, Role.OPERATIONAL: "oncall"}


def on_call(schedule: Schedule | None = None, *systems: System, **more: Any) -> Catalog:
    """The RAG assistant is operated by whoever is on call: Omar until Thursday 09:00, then Kim."""
    known = (a_system("rag-assistant", owners=OPERATED), *systems)
    return a_catalog(*known, **{"schedules": {"oncall": schedule or a_schedule()}, **more})


def away(person: str, *leave: Away, **more: Any) -> dict[str, Any]:
    """The people of the catalog, of whom one is on leave."""
    return {**a_catalog().people, person: a_person(person, away=leave, **more)}


def leave(start: datetime, end: datetime) -> Away:
    return Away(start=start, end=end, why="leave")


def asked(catalog: Catalog, incident: Incident | None = None, at: datetime = NOON, **unreachable: str) -> Ladder:
    return ladder(incident or an_incident(), an_estate(catalog), unreachable, at)


def rungs(found: Ladder) -> list[list[str]]:
    return [[target.person.id for target in rung] for rung in found.rungs]


def skips(found: Ladder) -> list[tuple[str, str, bool]]:
    return [(skip.whom, skip.why, skip.gap) for skip in found.skips]


# --- schedules -------------------------------------------------------------------------------------------------------


def test_a_schedule_is_whoever_has_the_turn() -> None:
    assert rungs(asked(on_call())) == [["priya"], ["omar"], ["lee"], ["max"]]
    assert rungs(asked(on_call(), at=NOON + hours(21))) == [["priya"], ["kim"], ["lee"], ["max"]]


def test_a_page_says_for_which_schedule_and_until_when() -> None:
    target = asked(on_call()).rungs[1][0]

    assert target.why == "you are on call for oncall until Thu 09:00, operational owner of Rag assistant"
    assert (target.schedule, target.until) == ("oncall", NOON + hours(21))


def test_it_says_it_by_the_clock_of_whoever_is_paged() -> None:
    people = {**a_catalog().people, "omar": a_person("omar", timezone="America/New_York")}

    assert "until Thu 04:00" in asked(on_call(people=people)).rungs[1][0].why


def test_where_nobody_is_on_shift_the_next_is_asked_and_the_gap_is_named() -> None:
    nobody = Override(start=WEDNESDAY, end=WEDNESDAY + timedelta(days=1), person=None, why="holiday")
    found = asked(on_call(a_schedule(overrides=(nobody,))))

    assert rungs(found) == [["priya"], ["lee"], ["max"]]
    assert skips(found) == [("oncall", "has nobody on shift", True)]
    assert found.rungs[1][0].why == "you are the accountable owner of Rag assistant, because oncall has nobody on shift"


def test_a_team_of_another_company_is_named_with_it() -> None:
    acme = {"acme": Team(id="acme", members=("kim",), company="Acme Ltd")}
    system = a_system("rag-assistant", owners={**OWNERS, Role.OPERATIONAL: "acme"})

    found = asked(a_catalog(system, teams=acme))

    assert found.rungs[1][0].why == "you are the operational owner of Rag assistant (acme of Acme Ltd)"


# --- leave -----------------------------------------------------------------------------------------------------------


def test_who_is_away_is_not_asked_and_that_is_a_gap_where_nobody_else_takes_the_rung() -> None:
    found = asked(on_call(people=away("omar", leave(NIGHT, NOON + hours(40)))))

    assert rungs(found) == [["priya"], ["lee"], ["max"]]
    assert skips(found) == [("omar", "is away until Fri 20 Nov 04:00", True)]


def test_leave_is_no_gap_where_the_team_has_somebody_else() -> None:
    found = asked(a_catalog(people=away("omar", leave(NIGHT, NOON + timedelta(days=10)))))

    assert rungs(found) == [["priya"], ["kim"], ["lee"], ["max"]]
    assert skips(found) == [("omar", "is away until Sat 28 Nov 12:00", False)]


def test_leave_is_told_once_on_whatever_day_it_is_looked_at() -> None:
    people = away("priya", leave(NIGHT, NOON + hours(20)))
    town = burning(a_catalog(people=people))
    town.pass_time(to=NOON + hours(18))
    town.act(Action.ESCALATE, who="lee")

    assert town.said(FactKind.TARGET_SKIPPED) == [
        "Skipped: Priya (model owner of Rag assistant) is away until Thu 19 Nov 08:00"
    ]


def test_leave_ends_at_its_minute() -> None:
    catalog = on_call(people=away("omar", leave(NIGHT, NOON)))

    assert rungs(asked(catalog, at=NOON - minutes(1)))[1] == ["lee"]
    assert rungs(asked(catalog, at=NOON))[1] == ["omar"]


def test_a_holiday_is_no_working_day_and_neither_is_leave() -> None:
    thursday = date(2026, 11, 19)
    evening = WEDNESDAY + hours(19)
    friday_off = leave(WEDNESDAY + timedelta(days=2), WEDNESDAY + timedelta(days=2, hours=11))

    assert next_working(a_person(days_off=frozenset({thursday})), evening) == WEDNESDAY + timedelta(days=2, hours=9)
    assert next_working(a_person(days_off=frozenset({thursday}), away=(friday_off,)), evening) == (
        WEDNESDAY + timedelta(days=2, hours=11)
    )


def test_leave_in_the_middle_of_a_day_stops_the_clock_of_what_can_wait() -> None:
    dentist = leave(NOON + minutes(15), NOON + hours(2))

    assert add_working(a_person(away=(dentist,)), NOON, minutes(30)) == NOON + hours(2) + minutes(15)


# --- escalations as data ---------------------------------------------------------------------------------------------

NIGHT_WATCH = Escalation(
    id="night", rungs=(("kind", "oncall"), ("lee",)), patience={Severity.SEV2: minutes(3)}, repeat=1, last_resort="gita"
)


def test_a_system_climbs_its_own_escalation() -> None:
    catalog = on_call(None, a_system("rag-assistant", escalation="night"), escalations={"night": NIGHT_WATCH})
    found = asked(catalog)

    assert rungs(found) == [["priya", "omar"], ["lee"], ["gita"]]
    assert [target.why for rung in found.rungs for target in rung] == [
        "you are the model owner of Rag assistant",
        "you are on call for oncall until Thu 09:00, responder named by the escalation night",
        "you are the responder named by the escalation night",
        "you are the last resort of the escalation night",
    ]


def test_else_that_of_the_team_that_operates_it_else_the_default() -> None:
    escalations = {name: replace(NIGHT_WATCH, id=name, rungs=((name,),)) for name in ("omar", "kim")}
    teams = {"ops": Team(id="ops", members=("omar", "kim"), escalation="kim")}

    assert rungs(asked(a_catalog(teams=teams, escalations=escalations, default_escalation="omar")))[0] == ["kim"]
    assert rungs(asked(a_catalog(escalations=escalations, default_escalation="omar")))[0] == ["omar"]


def test_its_patience_and_repeats_are_its_own_and_the_rest_is_as_the_policy_says() -> None:
    catalog = on_call(None, a_system("rag-assistant", escalation="night"), escalations={"night": NIGHT_WATCH})
    numbers = an_estate(catalog).policy_of("rag-assistant").escalation

    assert (numbers.sev1, numbers.sev2, numbers.sev3, numbers.repeat) == (minutes(5), minutes(3), minutes(30), 1)
    assert an_estate(catalog).policy_of("credit-scoring") == an_estate().policy


def test_nobody_answers_an_escalation_of_two_runs() -> None:
    town = burning(on_call(None, a_system("rag-assistant", escalation="night"), escalations={"night": NIGHT_WATCH}))

    town.pass_time(to=NOON + hours(3))

    assert town.paged() == [
        ("12:00", "priya"),
        ("12:00", "omar"),
        ("12:03", "lee"),
        ("12:06", "gita"),
        ("12:09", "priya"),
        ("12:09", "omar"),
        ("12:12", "lee"),
        ("12:15", "gita"),
    ]
    assert town.said(FactKind.NOBODY_ANSWERED) == ["Nobody answered: the ladder was run 2 times"]


# --- a change of shift -----------------------------------------------------------------------------------------------


def burning(catalog: Catalog, *, at: datetime = NOON, flagged: int = 60) -> Town:
    """Something is badly wrong with the RAG assistant at noon: SEV2 unless told otherwise."""
    town = Town(an_estate(catalog), now=at)
    town.publish(hallucination(flagged, 120, at=at))
    return town


def test_who_takes_over_an_unanswered_page_is_asked_at_once_and_the_ladder_goes_on_in_its_time() -> None:
    town = burning(on_call(a_schedule("kim", "omar", at="12:20")))

    town.pass_time(to=NOON + minutes(30))

    assert town.paged() == [("12:00", "priya"), ("12:15", "omar"), ("12:20", "kim"), ("12:30", "lee")]
    assert town.said(FactKind.SHIFT_CHANGED) == ["Kim took over from Omar and is asked"]
    assert [fact.text for fact in town.timeline() if fact.kind is FactKind.PAGED][2] == (
        "Paged kim: you took over from Omar at 12:20: "
        "you are on call for oncall until Thu 12:20, operational owner of Rag assistant"
    )


def test_also_when_the_ladder_has_gone_on_since() -> None:
    town = burning(on_call(a_schedule("kim", "omar", at="12:35")))

    town.pass_time(to=NOON + minutes(45))

    assert town.paged() == [("12:00", "priya"), ("12:15", "omar"), ("12:30", "lee"), ("12:35", "kim"), ("12:45", "max")]


def test_and_when_nobody_had_answered_in_all_its_runs() -> None:
    town = burning(on_call(a_schedule("kim", "omar", at="17:00")))

    town.pass_time(to=NOON + hours(6))

    assert town.said(FactKind.NOBODY_ANSWERED)
    assert town.paged()[-1] == ("17:00", "kim")
    assert len(town.paged()) == 17


def test_whoever_was_asked_before_their_shift_is_not_asked_for_it_again() -> None:
    system = a_system("rag-assistant", owners={**OPERATED, Role.MODEL: "kim"})
    town = burning(on_call(a_schedule("kim", "omar", at="12:20"), system))

    town.pass_time(to=NOON + minutes(30))

    assert town.paged() == [("12:00", "kim"), ("12:15", "omar"), ("12:30", "lee")]


def test_a_rotation_of_one_asks_nobody_twice_at_its_handover() -> None:
    town = burning(on_call(a_schedule("omar", at="12:20")))

    town.pass_time(to=NOON + minutes(30))

    assert town.paged() == [("12:00", "priya"), ("12:15", "omar"), ("12:30", "lee")]
    assert town.said(FactKind.SHIFT_CHANGED) == []


def test_where_the_shift_ends_with_nobody_after_it_the_next_is_asked_at_once() -> None:
    nobody = Override(start=NOON + minutes(20), end=NOON + hours(5), person=None, why="gap")
    town = burning(on_call(a_schedule("omar", overrides=(nobody,))))

    town.pass_time(to=NOON + minutes(35))

    assert town.paged() == [("12:00", "priya"), ("12:15", "omar"), ("12:20", "lee"), ("12:30", "max")]


def test_once_somebody_has_it_a_change_of_shift_asks_nobody() -> None:
    town = burning(on_call(a_schedule("kim", "omar", at="12:20")))
    town.pass_time(to=NOON + minutes(16))
    town.act(Action.ACKNOWLEDGE, who="omar")

    town.pass_time(to=NOON + minutes(40))

    assert town.paged() == [("12:00", "priya"), ("12:15", "omar")]
    assert town.incident().status is Status.ACKNOWLEDGED


def test_what_waits_for_the_day_asks_whoever_is_on_shift_then() -> None:
    owners = {**OPERATED, Role.MODEL: "oncall"}
    evening = WEDNESDAY + hours(20)
    town = burning(on_call(None, a_system("rag-assistant", owners=owners)), at=evening, flagged=22)

    town.pass_time(to=evening + hours(14))

    assert town.incident().severity is Severity.SEV3
    assert town.paged() == [("09:00", "kim"), ("09:30", "lee"), ("10:00", "max")]


def test_what_waits_for_the_day_waits_for_nobody_who_goes_on_leave_before() -> None:
    evening = WEDNESDAY + hours(20)
    people = away("priya", leave(evening + hours(2), evening + timedelta(days=20)))
    town = burning(a_catalog(people=people), at=evening, flagged=22)

    town.pass_time(to=evening + hours(14))

    assert town.paged() == [("09:00", "omar"), ("09:30", "lee"), ("10:00", "max")]


def test_an_unanswered_page_does_not_wait_for_the_end_of_a_leave() -> None:
    people = away("priya", leave(NOON + hours(5) + minutes(55), NOON + timedelta(days=20)))
    start = NOON + hours(5) + minutes(45)  # 17:45: a quarter of an hour of work is left
    town = burning(a_catalog(people=people), at=start, flagged=22)

    town.pass_time(to=start + hours(16))

    assert town.paged()[:2] == [("17:45", "priya"), ("17:55", "omar")]


@pytest.mark.parametrize(
    ("zone", "handover"),
    [
        ("Europe/London", datetime(2026, 3, 29, 1, tzinfo=UTC)),  # 01:30 is skipped: handed over at 02:00
        ("Europe/London", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 01:30 comes twice: at the first
        ("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_shift_that_ends_while_the_clocks_change_ends_once(zone: str, handover: datetime) -> None:
    schedule = replace(a_schedule("omar", "kim", at="01:30", since=date(2026, 1, 5)), timezone=zone)
    town = burning(on_call(schedule), at=handover - minutes(20))

    town.pass_time(to=handover + minutes(75))

    first, second = town.paged()[1][1], town.paged()[2][1]
    assert {first, second} == {"omar", "kim"}
    assert [at - handover for at, _, _ in town.pages[1:4]] == [-minutes(5), minutes(0), minutes(10)]
    assert len(town.said(FactKind.SHIFT_CHANGED)) == 1


# --- what holds whatever the turns are -------------------------------------------------------------------------------

PLANS = st.lists(st.tuples(st.integers(1, 90), st.sampled_from(("omar", "kim", "gita", "priya", None))), max_size=6)


def turns(plan: list[tuple[int, str | None]]) -> Schedule:
    """Turns one after the other, from an hour before noon on, each so many minutes long; then nobody's."""
    start, found = NOON - hours(1), list[Override]()
    for length, person in plan:
        end = start + minutes(length)
        found.append(Override(start=start, end=end, person=person))
        start = end
    return Schedule(id="oncall", overrides=tuple(found))


@settings(max_examples=60, deadline=None)
@given(PLANS)
def test_only_whoever_has_the_turn_is_asked_for_it_and_nobody_twice_in_a_round(
    plan: list[tuple[int, str | None]],
) -> None:
    schedule = turns(plan)
    town = burning(on_call(schedule))
    town.pass_time(to=NOON + hours(5))

    asked = [(fact.at, fact.data["to"]) for fact in town.timeline() if fact.kind is FactKind.PAGED]
    reasons = [fact.text for fact in town.timeline() if fact.kind is FactKind.PAGED]
    for (at, person), why in zip(asked, reasons, strict=True):
        if "on call for oncall" in why:
            shift = turn(schedule, at)
            assert shift is not None
            assert shift.person == person
    rounds = [key.split(":")[2:5:2] for key, made in town.effects.items() if made.kind is EffectKind.PAGE]
    assert len({tuple(each) for each in rounds}) == len(rounds)
    assert town.said(FactKind.NOBODY_ANSWERED), "the ladder comes to its end"


def test_whoever_follows_somebody_who_took_over_and_was_asked_already_is_asked_too() -> None:
    town = burning(on_call(turns([(76, "kim"), (15, "priya"), (60, "omar")])))
    town.pass_time(to=NOON + minutes(40))

    assert town.paged() == [("12:00", "priya"), ("12:15", "kim"), ("12:30", "lee"), ("12:31", "omar")]


@settings(max_examples=60, deadline=None)
@given(PLANS, st.lists(st.integers(1, 290), max_size=12))
@example([(1, "omar"), (45, "omar"), (90, "priya"), (90, "kim"), (45, "priya"), (1, "omar")], [211])
def test_looking_more_often_asks_nobody_else_and_nobody_sooner(
    plan: list[tuple[int, str | None]], looks: list[int]
) -> None:
    seldom, often = (burning(on_call(turns(plan))) for _ in range(2))
    for minute in sorted(looks):
        often.pass_time(to=NOON + minutes(minute))
        often.look()
    for town in (seldom, often):
        town.pass_time(to=NOON + hours(5))

    assert often.pages == seldom.pages
