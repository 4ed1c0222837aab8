"""Who is on the ladder, when each rung is asked, and what an outage, a night or a clock change does to that."""
# ruff: noqa: ANN401 - an incident has whatever its case needs

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.core.catalog import Catalog, Escalation
from incidents.core.desk import Desk
from incidents.core.effect import EffectKind
from incidents.core.escalation import begin_round, plan, stopped, upcoming
from incidents.core.estate import ADMIN, Estate
from incidents.core.fact import FactKind
from incidents.core.hours import add_working, next_working
from incidents.core.incident import Asked, Incident, Paging, Status
from incidents.core.ladder import first_role, ladder
from incidents.core.people import WorkingHours
from incidents.core.policy import Policy
from incidents.core.severity import Severity
from incidents.core.system import Role
from tests.make import NIGHT, NOON, a_catalog, a_person, a_system, an_estate, an_incident, hours, minutes

GONE = "is deactivated in Slack"


def rungs(incident: Incident, estate: Estate | None = None, **unreachable: str) -> list[list[str]]:
    found = ladder(incident, estate or an_estate(), unreachable, NOON)
    return [[target.person.id for target in rung] for rung in found.rungs]


def skips(incident: Incident, estate: Estate, **unreachable: str) -> list[str]:
    return [f"{skip.whom or skip.role} {skip.why}" for skip in ladder(incident, estate, unreachable, NOON).skips]


def owned_by(**owners: str) -> Estate:
    system = a_system("rag-assistant", owners={Role(role): owner for role, owner in owners.items()})
    return an_estate(a_catalog(system))


# --- the ladder ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "drift_kind", "role"),
    [
        ("drift", "data", Role.DATA),
        ("drift", "prediction", Role.MODEL),
        ("drift", "concept", Role.MODEL),
        ("drift", "performance", Role.MODEL),
        ("hallucination", None, Role.MODEL),
        ("cost_anomaly", None, Role.OPERATIONAL),
        ("report", None, Role.MODEL),
    ],
)
def test_every_kind_has_its_first_owner(kind: str, drift_kind: str | None, role: Role) -> None:
    assert first_role(kind, drift_kind) is role


def test_the_owner_of_the_kind_comes_first_then_operations_accountable_and_default() -> None:
    assert rungs(an_incident()) == [["priya"], ["omar"], ["lee"], ["max"]]


def test_several_kinds_ask_their_first_owners_together() -> None:
    assert rungs(an_incident(roles=(Role.DATA, Role.MODEL)))[0] == ["dana", "priya"]


def test_the_second_of_a_team_takes_the_rung_of_one_who_is_asked_already() -> None:
    assert rungs(an_incident(roles=(Role.OPERATIONAL,))) == [["omar"], ["kim"], ["lee"], ["max"]]


def test_nobody_is_asked_twice_and_that_is_said() -> None:
    estate = owned_by(model="priya", operational="priya", accountable="lee", data="dana")

    assert rungs(an_incident(), estate) == [["priya"], ["lee"], ["max"]]
    assert skips(an_incident(), estate) == ["priya is asked already as model owner of Rag assistant"]


def test_each_role_of_somebody_who_is_asked_already_is_told_apart() -> None:
    desk = closed(an_incident(), owned_by(model="priya", operational="priya", accountable="priya"))

    assert [fact.text for fact in desk.facts if fact.kind is FactKind.TARGET_SKIPPED] == [
        "Skipped: Priya (operational owner of Rag assistant) is asked already as model owner of Rag assistant",
        "Skipped: Priya (accountable owner of Rag assistant) is asked already as model owner of Rag assistant",
    ]


def test_who_is_out_of_reach_is_skipped_and_the_next_one_told_why() -> None:
    found = ladder(an_incident(), an_estate(), {"priya": GONE}, NOON)

    assert [rung[0].person.id for rung in found.rungs] == ["omar", "lee", "max"]
    assert found.rungs[0][0].why == (
        "you are the operational owner of Rag assistant (ops), because Priya is deactivated in Slack"
    )
    assert [skip.gap for skip in found.skips] == [True]


def test_a_team_is_asked_for_its_first_member_within_reach() -> None:
    assert rungs(an_incident(), None, omar=GONE) == [["priya"], ["kim"], ["lee"], ["max"]]


@pytest.mark.parametrize(
    ("owners", "said"),
    [
        ({"operational": "ops", "accountable": "lee"}, "model owner of Rag assistant is not named in the catalog"),
        ({"model": "zoe", "operational": "ops", "accountable": "lee"}, "zoe is nobody in the catalog"),
    ],
)
def test_an_owner_who_is_missing_is_named_as_a_gap(owners: dict[str, str], said: str) -> None:
    assert rungs(an_incident(), owned_by(**owners)) == [["omar"], ["lee"], ["max"]]
    assert skips(an_incident(), owned_by(**owners)) == [said]


def test_a_person_without_a_slack_account_cannot_be_asked_in_slack() -> None:
    people = {**a_catalog().people, "priya": a_person("priya", slack=None)}

    assert rungs(an_incident(), an_estate(a_catalog(people=people)))[0] == ["omar"]
    assert rungs(an_incident(), an_estate(a_catalog(people=people), slack=False))[0] == ["priya"]


def test_where_nobody_can_be_asked_the_admin_is_and_the_banner_is_red() -> None:
    orphan = an_estate(a_catalog(a_system("rag-assistant", owners={}), default_owner=None))
    found = ladder(an_incident(), orphan, {}, NOON)

    assert found.rungs == ((found.rungs[0][0],),)
    assert (found.rungs[0][0].person, found.ownerless) == (ADMIN, True)


def test_where_the_last_resort_is_out_of_reach_too_the_default_owner_is_asked() -> None:
    night = Escalation(id="night", rungs=(("kind",),), last_resort="lee")
    estate = an_estate(a_catalog(a_system("rag-assistant", escalation="night"), escalations={"night": night}))

    assert rungs(an_incident(), estate) == [["priya"], ["lee"]]
    assert rungs(an_incident(), estate, priya=GONE, lee=GONE) == [["max"]]


def test_without_a_catalog_the_local_admin_owns_everything_and_nothing_is_amiss() -> None:
    found = ladder(an_incident(), an_estate(Catalog()), {}, NOON)

    assert ([rung[0].person.id for rung in found.rungs], found.ownerless) == (["admin"], False)


def test_an_unknown_system_is_the_default_owner_s() -> None:
    assert rungs(an_incident(registered=False)) == [["max"]]


# --- the clock -------------------------------------------------------------------------------------------------------


def walk(
    incident: Incident, estate: Estate | None = None, *, until: datetime, looks: timedelta | None = None
) -> list[tuple[str, str]]:
    """Nobody answers: who is paged when, looking whenever the plan says so (or only every so often)."""
    estate = estate or an_estate()
    people, now, paged = ladder(incident, estate, {}, NOON), incident.opened_at, list[tuple[str, str]]()
    while now <= until:
        planned = plan(incident, people, estate.policy, now)
        paged += [(f"{now:%a %H:%M}", target.person.id) for _, target in planned.pages]
        incident = replace(incident, paging=planned.paging)
        if planned.gave_up:
            paged.append((f"{now:%a %H:%M}", "gave up"))
        if planned.wake_at is None:
            break
        assert planned.wake_at > now
        now = planned.wake_at if looks is None else now + looks
    return paged


@pytest.mark.parametrize(("severity", "patience"), [(Severity.SEV1, 5), (Severity.SEV2, 15)])
def test_the_grave_ones_climb_at_night_four_times_and_then_give_up(severity: Severity, patience: int) -> None:
    incident = an_incident(severity=severity, opened_at=NIGHT, paging=Paging(round=1, clock_at=NIGHT))

    paged = walk(incident, until=NIGHT + hours(9))

    times = [f"{NIGHT + minutes(patience * n):%a %H:%M}" for n in range(17)]
    assert paged == list(zip(times, [*["priya", "omar", "lee", "max"] * 4, "gave up"], strict=True))


def test_sev4_pages_nobody() -> None:
    assert walk(an_incident(severity=Severity.SEV4), until=NOON + hours(99)) == []


def test_every_run_of_the_ladder_is_a_round_of_its_own() -> None:
    incident = an_incident(paging=Paging(round=3, clock_at=NOON))
    people, policy = ladder(incident, an_estate(), {}, NOON), Policy()
    keys = set()
    for n in range(16):
        planned = plan(incident, people, policy, NOON + minutes(15 * n))
        incident = replace(incident, paging=planned.paging)
        keys |= {(call.round, call.level, target.person.id) for call, target in planned.pages}

    assert sorted(round_ for round_, *_ in keys) == [n for n in (3, 4, 5, 6) for _ in range(4)]


def test_sev3_waits_for_the_working_hours_of_each_and_counts_only_those() -> None:
    friday = datetime(2026, 11, 20, 17, 45, tzinfo=UTC)
    incident = an_incident(severity=Severity.SEV3, opened_at=friday, paging=Paging(round=1, clock_at=friday))

    assert walk(incident, until=friday + hours(64.75)) == [
        ("Fri 17:45", "priya"),
        ("Mon 09:15", "omar"),
        ("Mon 09:45", "lee"),
        ("Mon 10:15", "max"),
    ]


def test_old_news_waits_for_the_day_whatever_its_severity() -> None:
    incident = an_incident(opened_at=NIGHT, paging=Paging(round=1, clock_at=NIGHT, by_day=True))

    assert walk(incident, until=NIGHT + hours(7) + minutes(15)) == [("Wed 09:00", "priya"), ("Wed 09:15", "omar")]


@pytest.mark.parametrize(
    ("zone", "at", "start"),
    [
        # clocks go back on 25 October 2026 and forward on 29 March 2026 in London
        ("Europe/London", datetime(2026, 10, 23, 17, tzinfo=UTC), datetime(2026, 10, 26, 9, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 3, 27, 18, tzinfo=UTC), datetime(2026, 3, 30, 8, tzinfo=UTC)),
        ("America/New_York", NOON, NOON + hours(2)),
        ("Asia/Kolkata", NOON, NOON),
        ("Pacific/Auckland", NOON, datetime(2026, 11, 18, 20, tzinfo=UTC)),
    ],
)
def test_working_hours_are_local_and_follow_the_clock_changes(zone: str, at: datetime, start: datetime) -> None:
    assert next_working(a_person(timezone=zone), at) == start


def test_a_span_of_working_time_runs_over_the_weekend_of_a_clock_change() -> None:
    friday = datetime(2026, 10, 23, 16, 30, tzinfo=UTC)  # 17:30 in London

    assert add_working(a_person(), friday, hours(1)) == datetime(2026, 10, 26, 9, 30, tzinfo=UTC)


def test_nobody_waits_for_a_person_who_never_works() -> None:
    idle = a_person(working=WorkingHours(days=frozenset()))

    assert next_working(idle, NIGHT) == NIGHT
    assert add_working(idle, NIGHT, hours(1)) == NIGHT + hours(1)


def test_owners_of_one_rung_are_each_asked_in_their_own_hours() -> None:
    people = {**a_catalog().people, "dana": a_person("dana", timezone="America/New_York")}
    incident = an_incident(
        severity=Severity.SEV3, roles=(Role.DATA, Role.MODEL), opened_at=NIGHT, paging=Paging(round=1, clock_at=NIGHT)
    )

    assert walk(incident, an_estate(a_catalog(people=people)), until=NOON + hours(3)) == [
        ("Wed 09:00", "priya"),
        ("Wed 14:00", "dana"),
        ("Wed 14:30", "omar"),
        ("Wed 15:00", "lee"),
    ]


# --- late work -------------------------------------------------------------------------------------------------------


def after_outage(length: timedelta, **more: Any) -> tuple[list[tuple[int, int, str]], Incident, datetime | None]:
    incident = an_incident(**more)
    planned = plan(incident, ladder(incident, an_estate(), {}, NOON), Policy(), NOON + length)
    pages = [(call.round, call.level, target.person.id) for call, target in planned.pages]
    return pages, replace(incident, paging=planned.paging), planned.wake_at


def test_after_a_short_outage_level_0_is_asked_together_with_the_present_one() -> None:
    pages, incident, wake_at = after_outage(minutes(40))

    assert pages == [(1, 0, "priya"), (1, 2, "lee")]
    assert (incident.paging.level, wake_at) == (2, NOON + minutes(45))


def test_after_a_long_one_each_person_is_asked_once_and_nobody_is_said_to_have_failed() -> None:
    pages, incident, wake_at = after_outage(hours(3))

    assert pages == [(4, 0, "priya")]
    assert not incident.paging.gave_up
    assert wake_at == NOON + hours(3) + minutes(15)

    pages, incident, wake_at = after_outage(hours(30))
    assert pages == [(4, 0, "priya"), (4, 3, "max")]
    assert not incident.paging.gave_up
    assert wake_at == NOON + hours(30) + minutes(15)


def test_whoever_was_asked_before_the_outage_is_not_asked_for_it_again() -> None:
    asked = (Asked(level=0, person="priya", at=NOON),)

    pages, _, _ = after_outage(minutes(40), paging=Paging(round=1, clock_at=NOON, asked=asked))

    assert pages == [(1, 2, "lee")]


def test_looking_twice_asks_nobody_twice() -> None:
    _, incident, _ = after_outage(minutes(40))
    again = plan(incident, ladder(incident, an_estate(), {}, NOON), Policy(), NOON + minutes(40))

    assert (again.pages, again.passed) == ((), ())


# --- people who come and go ------------------------------------------------------------------------------------------


def climbed(**unreachable: str) -> tuple[list[str], datetime | None]:
    """Priya was asked at noon and Omar at 12:15; at 12:20 some cannot be reached."""
    asked = (Asked(level=0, person="priya", at=NOON), Asked(level=1, person="omar", at=NOON + minutes(15)))
    incident = an_incident(paging=Paging(round=1, clock_at=NOON + minutes(15), level=1, asked=asked))
    planned = plan(incident, ladder(incident, an_estate(), unreachable, NOON), Policy(), NOON + minutes(20))
    return [target.person.id for _, target in planned.pages], planned.wake_at


def test_who_was_asked_last_keeps_the_time_to_answer_when_others_drop_out() -> None:
    assert climbed() == ([], NOON + minutes(30))
    assert climbed(priya=GONE) == ([], NOON + minutes(30))
    assert climbed(lee=GONE) == ([], NOON + minutes(30))


def test_when_the_one_asked_last_drops_out_the_next_is_asked_at_once() -> None:
    assert climbed(omar=GONE, kim=GONE)[0] == ["lee"]
    assert climbed(omar=GONE)[0] == ["kim"]
    assert climbed(priya=GONE, omar=GONE, kim=GONE)[0] == ["lee"]


# --- what a page brings with it --------------------------------------------------------------------------------------


def closed(incident: Incident, estate: Estate | None = None, *, at: datetime = NOON, **unreachable: str) -> Desk:
    desk = Desk(incident, estate or an_estate(), at, unreachable)
    desk.close()
    return desk


def test_the_first_page_of_a_round_needs_no_fallback_and_the_next_one_does() -> None:
    asked = (Asked(level=0, person="priya", at=NOON),)
    later = an_incident(paging=Paging(round=1, clock_at=NOON, asked=asked))

    assert [e.kind for e in closed(an_incident()).effects] == [EffectKind.PAGE, EffectKind.REFRESH]
    desk = closed(later, at=NOON + minutes(15))
    assert [e.kind for e in desk.effects] == [EffectKind.PAGE, EffectKind.FALLBACK, EffectKind.REFRESH]
    assert desk.facts[0].text == "Escalated to Omar (level 1, round 1) after 15 min without an answer"


def test_sev3_needs_no_fallback() -> None:
    asked = (Asked(level=0, person="priya", at=NOON),)
    later = an_incident(severity=Severity.SEV3, paging=Paging(round=1, clock_at=NOON, asked=asked))

    assert EffectKind.FALLBACK not in [e.kind for e in closed(later, at=NOON + minutes(30)).effects]


def test_the_end_of_the_ladder_is_said_once_and_loudly() -> None:
    asked = (Asked(level=3, person="max", at=NOON),)
    last = an_incident(paging=Paging(round=4, run=3, level=3, clock_at=NOON, asked=asked))

    desk = closed(last, at=NOON + minutes(15))

    assert [fact.text for fact in desk.facts] == ["Nobody answered: the ladder was run 4 times"]
    assert [e.kind for e in desk.effects] == [EffectKind.POST, EffectKind.FALLBACK, EffectKind.REFRESH]
    again = closed(replace(desk.incident, version=2), at=NOON + hours(1))
    assert (again.facts, again.incident.wake_at) == ([], None)


def test_a_person_who_is_skipped_is_named_once_with_a_task_for_the_accountable_owner() -> None:
    desk = closed(an_incident(), priya=GONE)
    again = closed(replace(desk.incident, paging=begin_round(desk.incident.paging, now=NOON, why="x")), priya=GONE)

    assert [fact.kind for fact in desk.facts] == [FactKind.TARGET_SKIPPED, FactKind.OWNER_GAP]
    assert desk.facts[1].text == (
        "Task for Lee: name a model owner of Rag assistant who can be reached (Priya is deactivated in Slack)"
    )
    assert again.facts == []


def test_levels_that_went_by_in_an_outage_are_said() -> None:
    desk = closed(an_incident(), at=NOON + minutes(50))

    assert [fact.text for fact in desk.facts if fact.kind is FactKind.LEVELS_PASSED] == [
        "2 calls of the ladder went by while nobody could be asked"
    ]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.TRIGGERED])
def test_nobody_is_paged_for_what_somebody_has(status: Status) -> None:
    desk = closed(an_incident(status, touched_at=NOON), at=NOON + minutes(20))

    assert not [e for e in desk.effects if e.kind is EffectKind.PAGE]


def test_a_round_in_which_nobody_was_asked_yet_is_not_counted_twice() -> None:
    waiting = begin_round(Paging(), now=NIGHT, why="opened")

    assert begin_round(waiting, now=NOON, why="raised").round == 1
    asked = replace(waiting, asked=(Asked(level=0, person="priya", at=NOON),))
    assert begin_round(asked, now=NOON, why="raised").round == 2
    assert stopped(asked).clock_at is None


def test_who_is_next_and_when_is_known_beforehand() -> None:
    incident, people = an_incident(), ladder(an_incident(), an_estate(), {}, NOON)

    following = upcoming(incident, people, Policy(), NOON)

    assert following is not None
    assert (following[0].person.id, following[1]) == ("omar", NOON + minutes(15))
    assert upcoming(replace(incident, status=Status.ACKNOWLEDGED), people, Policy(), NOON) is None


def test_whoever_comes_back_into_reach_moves_nobody_s_turn() -> None:
    asked = (Asked(level=0, person="omar", at=NOON),)
    incident = an_incident(paging=Paging(round=1, clock_at=NOON, asked=asked))  # priya was out of reach at noon
    back = plan(incident, ladder(incident, an_estate(), {}, NOON), Policy(), NOON + minutes(5))
    assert (back.pages, back.wake_at) == ((), NOON + minutes(15))

    gone = replace(incident, paging=back.paging)
    again = plan(gone, ladder(gone, an_estate(), {"priya": GONE}, NOON), Policy(), NOON + minutes(6))
    assert (again.pages, again.wake_at) == ((), NOON + minutes(15))
    assert (again.paging.level, again.paging.asked) == (0, asked)
