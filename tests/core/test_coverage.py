"""What an audit finds wanting in the inventory, what to do about it, and how much of it is well covered."""
# ruff: noqa: ANN401 - a system is whatever its story needs

from datetime import date, timedelta
from typing import Any

import pytest

from incidents.core.catalog import Catalog, Escalation
from incidents.core.coverage import Response, Seen, Stranger, audit
from incidents.core.estate import Estate
from incidents.core.finding import ADVICE, Audit, Code, counted, only
from incidents.core.monitors import WHOLE, Watch
from incidents.core.people import Away, Team
from incidents.core.schedule import Override, Rotation, Schedule
from incidents.core.spread import spread
from incidents.core.system import Criticality, Lifecycle, Monitor, Role, System
from tests.make import NOON, OWNERS, a_catalog, a_person, a_runbook, a_system, an_estate, hours, minutes

HOURLY = Monitor(kind="drift", name="evidently-credit", every=hours(1))
WELL: dict[str, Any] = {
    "justification": "Decides consumer credit within a minute",
    "reviewed": date(2026, 10, 1),
    "monitors": (HOURLY,),
    "runbooks": ("rollback-model",),
    "rollback": "models:/credit@champion",
}


def covered(name: str = "credit-scoring", **more: Any) -> System:
    """A system that lacks nothing, but for what its story takes away."""
    return a_system(name, **{**WELL, **more})


def estate_with(*systems: System, **more: Any) -> Estate:
    return an_estate(a_catalog(**{"systems": {system.id: system for system in systems}, **more}))


def a_watch(system: str = "credit-scoring", monitor: str = "evidently-credit", **more: Any) -> Watch:
    told: dict[str, Any] = {"since": NOON - hours(900), "last_seen_at": NOON - minutes(20), **more}
    return Watch(system=system, environment="production", monitor=monitor, **told)


def audited(estate: Estate, *watches: Watch, **seen: Any) -> Audit:
    return audit(estate, Seen(now=NOON, watches=watches or (a_watch(),), **seen))


def texts(found: Audit) -> dict[Code, list[str]]:
    told: dict[Code, list[str]] = {}
    for finding in found.findings:
        told.setdefault(finding.code, []).append(finding.text)
    return told


def percentages(found: Audit) -> dict[str, str]:
    return {share.name: share.text for share in found.shares}


def test_a_system_that_has_everything_is_not_found_wanting() -> None:
    found = audited(estate_with(covered()))
    assert found.findings == ()
    assert set(percentages(found).values()) == {"1 of 1, 100 %"}


LACKING: list[tuple[dict[str, Any], Code, str, str]] = [
    ({"justification": None}, Code.NO_JUSTIFICATION, "Nobody has written down why the business has it", "justified"),
    ({"rollback": None}, Code.NO_ROLLBACK, "Nothing is named to go back to when a release turns out bad", "rollback"),
    ({"reviewed": None}, Code.NOT_REVIEWED, "No person has ever reviewed its entry", "reviewed"),
    (
        {"reviewed": date(2026, 5, 21)},
        Code.NOT_REVIEWED,
        "Its entry was last reviewed on 2026-05-21, 181 days ago",
        "reviewed",
    ),
    ({"runbooks": ()}, Code.NO_RUNBOOK, "No runbook is named for it", "runbook"),
    ({"runbooks": ("gone",)}, Code.NO_RUNBOOK, "Its runbook gone is not on the shelf", "runbook"),
    (
        {"owners": {Role.OPERATIONAL: "ops", Role.MODEL: "priya", Role.ACCOUNTABLE: "lee"}},
        Code.OWNER_MISSING,
        "It has no data and governance owner",
        "owned",
    ),
    ({"monitors": ()}, Code.NO_MONITOR, "No monitor is listed, and none was heard of in 7 d", "monitored"),
    (
        {"monitors": (HOURLY, Monitor(kind="cost_anomaly"))},
        Code.MONITOR_UNHEARD,
        "Its monitor cost_anomaly was never heard of",
        "monitored",
    ),
]


@pytest.mark.parametrize(("lacks", "code", "text", "share"), LACKING, ids=[f"{case[1]} {case[2]}" for case in LACKING])
def test_what_is_wanting_is_said_with_what_to_do_and_lowers_its_percentage(
    lacks: dict[str, Any], code: Code, text: str, share: str
) -> None:
    watches = () if code is not Code.NO_MONITOR else (a_watch("another"),)
    found = audited(estate_with(covered("rag-assistant", **lacks), covered()), a_watch(), *_of_rag(code), *watches)
    (finding,) = found.findings
    assert (finding.code, finding.text, finding.system) == (code, text, "rag-assistant")
    assert finding.advice == ADVICE[code]
    assert percentages(found)[share] == "1 of 2, 50 %"
    assert {said for name, said in percentages(found).items() if name != share} == {"2 of 2, 100 %"}


def _of_rag(code: Code) -> tuple[Watch, ...]:
    return () if code is Code.NO_MONITOR else (a_watch("rag-assistant"),)


def test_a_day_within_the_half_year_is_reviewed() -> None:
    assert audited(estate_with(covered(reviewed=date(2026, 5, 22)))).findings == ()


def test_a_runbook_written_for_the_system_is_one_and_a_runbook_that_fits_anything_is_none() -> None:
    own = a_runbook("credit-only", system=("credit-scoring",))
    estate = an_estate(a_catalog(systems={"credit-scoring": covered(runbooks=())}), runbooks=(own, a_runbook()))
    assert audited(estate).findings == ()


# --- monitors ---------------------------------------------------------------------------------------------------------


def test_a_monitor_that_fell_silent_is_named_with_when_it_was_last_heard_of() -> None:
    found = audited(estate_with(covered()), a_watch(last_seen_at=NOON - hours(9), silent=True))
    assert texts(found) == {
        Code.MONITOR_SILENT: ["Its monitor evidently-credit was last heard of 2026-11-18 03:00 UTC, due every 1 h"]
    }
    assert percentages(found)["monitored"] == "0 of 1, 0 %"


def test_a_monitor_that_nobody_listed_counts_while_it_is_heard_of() -> None:
    estate = estate_with(covered(monitors=()))
    assert audited(estate, a_watch(monitor="drift", last_seen_at=NOON - hours(100))).findings == ()
    assert set(texts(audited(estate, a_watch(monitor="drift", last_seen_at=NOON - hours(200))))) == {Code.NO_MONITOR}
    silent = a_watch(monitor="nightly", every=hours(1), last_seen_at=NOON - hours(9), silent=True)
    assert set(texts(audited(estate, silent))) == {Code.MONITOR_SILENT}


def test_what_matters_only_while_it_runs_is_not_asked_of_a_planned_system() -> None:
    planned = covered(lifecycle=Lifecycle.PLANNED, monitors=(), runbooks=(), rollback=None)
    found = audited(estate_with(planned))
    assert found.findings == ()
    assert percentages(found)["monitored"] == "no system yet"
    assert percentages(found)["owned"] == "1 of 1, 100 %"


def test_nothing_is_asked_of_a_retired_system_but_that_it_is_off() -> None:
    estate = estate_with(covered(lifecycle=Lifecycle.RETIRED, owners={}, justification=None))
    assert audited(estate).findings == ()
    assert audited(estate, a_watch(monitor=WHOLE, last_seen_at=NOON - hours(25))).findings == ()
    found = audited(estate, a_watch(monitor=WHOLE))
    assert texts(found) == {
        Code.STILL_PUBLISHING: ["It is retired, and events came at 2026-11-18 11:40 UTC (production)"]
    }
    assert found.systems == 0


# --- people -----------------------------------------------------------------------------------------------------------


def test_an_owner_who_left_is_found_in_every_role() -> None:
    gone = {"priya": "is deactivated in Slack"}
    owners = {**OWNERS, Role.DATA: "priya"}
    found = audited(estate_with(covered(owners=owners)), unreachable=gone)
    assert texts(found) == {Code.OWNER_LEFT: ["The model and data owner priya: Priya is deactivated in Slack"]}
    assert percentages(found)["owned"] == "0 of 1, 0 %"


def test_a_team_has_left_when_all_of_it_has() -> None:
    one, both = {"kim": "is deactivated in Slack"}, {"kim": "is deactivated in Slack", "omar": "is unknown in Slack"}
    assert audited(estate_with(covered()), unreachable=one).findings == ()
    found = texts(audited(estate_with(covered()), unreachable=both))
    assert found[Code.OWNER_LEFT] == [
        "The operational owner ops: Omar is unknown in Slack, Kim is deactivated in Slack"
    ]
    assert Code.NOBODY_ON_CALL in found


def test_an_owner_who_is_nobody_is_said_so() -> None:
    found = texts(audited(estate_with(covered(owners={**OWNERS, Role.DATA: "ghost"}))))
    assert found == {Code.OWNER_LEFT: ["The data owner ghost: ghost is nobody in the catalog"]}


# --- on call ----------------------------------------------------------------------------------------------------------


def a_week_of(schedule: Schedule, **people: Any) -> list[str]:
    """What is wanting of on-call in the coming week where this schedule operates the system."""
    known = {name: a_person(name, **told) for name, told in {"omar": {}, "kim": {}, **people}.items()}
    names = ("priya", "dana", "lee", "gita", "max")
    estate = estate_with(
        covered(owners={**OWNERS, Role.OPERATIONAL: "ml-oncall"}),
        people={name: a_person(name) for name in names} | known,
        schedules={"ml-oncall": schedule},
        teams={"ops": Team(id="ops", members=("omar",))},
    )
    return texts(audited(estate)).get(Code.NOBODY_ON_CALL, [])


ROTATION = Rotation(people=("omar", "kim"), since=date(2026, 1, 5))


def test_a_rotation_of_people_who_can_be_reached_covers_the_week() -> None:
    assert a_week_of(Schedule(id="ml-oncall", rotation=ROTATION)) == []


def test_a_gap_in_the_coming_week_is_named() -> None:
    nobody = Override(start=NOON + hours(24), end=NOON + hours(48), person=None, why="move")
    assert a_week_of(Schedule(id="ml-oncall", rotation=ROTATION, overrides=(nobody,))) == [
        (
            "Nobody can be reached from 2026-11-19 12:00 UTC to 2026-11-20 12:00 UTC, "
            "because nobody has the turn on ml-oncall"
        )
    ]


def test_somebody_who_has_the_turn_while_away_is_nobody() -> None:
    away = (Away(start=NOON - hours(24), end=NOON + hours(300)),)
    (text,) = a_week_of(Schedule(id="ml-oncall", rotation=ROTATION), kim={"away": away})
    assert "because Kim is away until 2026-12-01 00:00 UTC" in text


def test_a_gap_after_the_week_is_of_no_concern_yet() -> None:
    nobody = Override(start=NOON + hours(24 * 7), end=NOON + hours(24 * 8), person=None, why="move")
    assert a_week_of(Schedule(id="ml-oncall", rotation=ROTATION, overrides=(nobody,))) == []


def test_a_team_is_reachable_while_one_of_it_is_there() -> None:
    def away(first: int, last: int) -> tuple[Away, ...]:
        return (Away(start=NOON + hours(first), end=NOON + hours(last)),)

    people = {name: a_person(name) for name in ("priya", "dana", "lee", "gita", "max")}

    def team(omar: tuple[Away, ...], kim: tuple[Away, ...]) -> list[str]:
        both = {"omar": a_person("omar", away=omar), "kim": a_person("kim", away=kim)}
        return texts(audited(estate_with(covered(), people=people | both))).get(Code.NOBODY_ON_CALL, [])

    assert team(away(0, 24), away(24, 48)) == []
    assert team(away(0, 30), away(20, 48)) == [
        (
            "Nobody can be reached from 2026-11-19 08:00 UTC to 2026-11-19 18:00 UTC, "
            "because Omar is away until 2026-11-19 18:00 UTC, Kim is away until 2026-11-20 12:00 UTC"
        )
    ]


def test_whoever_the_first_rung_of_the_escalation_names_is_on_call_too() -> None:
    away = {"omar": a_person("omar", away=(Away(start=NOON, end=NOON + hours(48)),))}
    people = {name: a_person(name) for name in ("priya", "dana", "lee", "gita", "max", "kim")} | away
    night = Escalation(id="night", rungs=(("kind", "ml-oncall"), ("operational",)))

    def wanting(rotation: tuple[str, ...], **more: Any) -> list[str]:
        rota = Schedule(id="ml-oncall", rotation=Rotation(people=rotation, since=date(2026, 1, 5)))
        owners = {**OWNERS, Role.OPERATIONAL: "omar"}
        system = covered(owners=owners, escalation="night", **more)
        estate = estate_with(system, people=people, schedules={"ml-oncall": rota}, escalations={"night": night})
        return texts(audited(estate)).get(Code.NOBODY_ON_CALL, [])

    assert wanting(("kim",)) == []
    assert wanting(("omar",)) == [
        (
            "Nobody can be reached from 2026-11-18 12:00 UTC to 2026-11-20 12:00 UTC, "
            "because Omar is away until 2026-11-20 12:00 UTC"
        )
    ]


def test_a_system_without_an_operational_owner_has_nobody_on_call() -> None:
    found = audited(estate_with(covered(owners={r: o for r, o in OWNERS.items() if r is not Role.OPERATIONAL})))
    assert texts(found)[Code.NOBODY_ON_CALL] == ["Nobody is on call for it: it has no operational owner"]
    assert percentages(found)["on_call"] == "0 of 1, 0 %"


# --- shadow AI --------------------------------------------------------------------------------------------------------


def test_a_name_that_publishes_and_is_not_in_the_catalog_is_told_first() -> None:
    names = (
        Stranger(system="credit-scoring", environment="production", first_seen_at=NOON),
        Stranger(system="credit-scorng", environment="staging", first_seen_at=NOON - hours(2), open_incidents=1),
    )
    found = audited(estate_with(covered(justification=None)), names=names)
    assert [finding.code for finding in found.findings] == [Code.UNKNOWN_SYSTEM, Code.NO_JUSTIFICATION]
    assert found.findings[0].text == (
        "Publishes in staging since 2026-11-18 10:00 UTC, and is not in the catalog; "
        "did you mean credit-scoring? (1 open incident)"
    )
    assert found.unknown == 1


def test_a_flood_of_names_is_told_of_by_its_newest_and_a_count() -> None:
    names = [
        Stranger(system=f"bot {number}", environment="production", first_seen_at=NOON - minutes(number))
        for number in range(5_000)
    ]
    found = audited(estate_with(covered()), names=names)
    assert found.unknown == 5_000
    assert len(found.findings) == 501
    assert "4,500 more unknown names were seen before those that are listed" in texts(found)[Code.UNKNOWN_SYSTEM]


def test_without_an_inventory_that_is_the_one_thing_wanting() -> None:
    names = (Stranger(system="credit-scoring", environment="production", first_seen_at=NOON),)
    found = audited(Estate(catalog=Catalog()), names=names)
    assert [finding.code for finding in found.findings] == [Code.NO_INVENTORY]
    assert set(percentages(found).values()) == {"no system yet"}


# --- response times ---------------------------------------------------------------------------------------------------


def test_response_times_are_a_median_a_ninth_decile_and_a_mean_each_with_its_unit() -> None:
    took = [minutes(many) for many in (1, 2, 3, 4, 5, 6, 7, 8, 9, 55)]
    found = audited(estate_with(covered()), responses=[*(Response(acknowledged=one) for one in took), Response()])
    told = {one.name: one for one in found.spreads}
    assert told["acknowledge"].text == "median 5 min, 90 % within 9 min, mean 10 min, over 10 incidents"
    assert told["acknowledge"].open == 1
    assert told["mitigate"].text == "not yet in any of 11 incidents"
    assert told["detect"].text == "no incident yet"
    assert (told["mitigate"].mean, told["mitigate"].open) == (None, 11)


@pytest.mark.parametrize(
    ("took", "middle", "nine_in_ten"), [([4], 4, 4), ([1, 9], 5, 9), ([1, 2, 60], 2, 60), ([5] * 9 + [60], 5, 5)]
)
def test_the_middle_and_what_nine_in_ten_take_at_most(took: list[int], middle: int, nine_in_ten: int) -> None:
    found = spread("x", "x", [timedelta(minutes=one) for one in took])
    assert (found.median, found.p90) == (minutes(middle), minutes(nine_in_ten))


# --- filters and order ------------------------------------------------------------------------------------------------


def test_the_most_critical_systems_come_first_each_with_its_findings_together() -> None:
    low = covered("a-low", criticality=Criticality.LOW, justification=None, rollback=None)
    critical = covered("z-critical", criticality=Criticality.CRITICAL, justification=None, rollback=None)
    found = audited(estate_with(low, critical), a_watch("a-low"), a_watch("z-critical"))
    assert [finding.system for finding in found.findings] == ["z-critical", "z-critical", "a-low", "a-low"]
    assert counted(found.findings) == {Code.NO_ROLLBACK: 2, Code.NO_JUSTIFICATION: 2}


def test_filters_choose_among_the_findings_and_leave_the_percentages() -> None:
    low = covered("a-low", criticality=Criticality.LOW, justification=None, rollback=None)
    high = covered("b-high", criticality=Criticality.HIGH, justification=None)
    whole = audited(estate_with(low, high), a_watch("a-low"), a_watch("b-high"))
    assert len(only(whole, [Code.NO_ROLLBACK], [], []).findings) == 1
    assert {finding.system for finding in only(whole, [], [], [Criticality.HIGH]).findings} == {"b-high"}
    assert len(only(whole, [Code.NO_JUSTIFICATION], ["a-low"], []).findings) == 1
    assert only(whole, [], ["nowhere"], []).shares == whole.shares
