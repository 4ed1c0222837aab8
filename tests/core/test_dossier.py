"""What is told of one system: who has each role now, what leans on it, and its monitors."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from incidents.core.catalog import Escalation
from incidents.core.coverage import Seen, Stranger, findings_of
from incidents.core.dossier import Dossier, OwnerKind, dossier
from incidents.core.finding import Code
from incidents.core.monitors import WHOLE, Watch
from incidents.core.system import Handover, Lifecycle, Monitor, Role, System
from tests.make import NOON, a_catalog, a_schedule, a_system, an_estate, hours

HOURLY = Monitor(kind="drift", name="evidently-credit", every=timedelta(hours=1))


def told(system: System, *others: System, watches: tuple[Watch, ...] = (), **catalog: object) -> Dossier:
    known = {each.id: each for each in (system, *others)}
    return dossier(system, an_estate(a_catalog(systems=known, **catalog)), watches, NOON)


def test_a_schedule_is_whoever_has_the_turn_and_until_when() -> None:
    owners = {Role.OPERATIONAL: "oncall", Role.MODEL: "priya", Role.DATA: "ops", Role.GOVERNANCE: "gone"}
    held = {each.role: each for each in told(a_system(owners=owners), schedules={"oncall": a_schedule()}).held}
    on_call = held[Role.OPERATIONAL]
    assert (on_call.kind, on_call.people) == (OwnerKind.SCHEDULE, ("omar",))
    assert on_call.turn is not None
    assert on_call.turn.end == datetime(2026, 11, 19, 9, tzinfo=UTC)
    assert (held[Role.MODEL].name, held[Role.MODEL].kind) == ("Priya", OwnerKind.PERSON)
    assert (held[Role.DATA].kind, held[Role.DATA].people) == (OwnerKind.TEAM, ("omar", "kim"))
    assert (held[Role.GOVERNANCE].owner, held[Role.GOVERNANCE].kind) == ("gone", OwnerKind.NOBODY)
    assert (held[Role.ACCOUNTABLE].owner, held[Role.ACCOUNTABLE].name) == (None, "nobody")


def test_only_handovers_that_lie_ahead_are_told() -> None:
    passed = Handover(role=Role.DATA, to="lee", at=NOON - hours(1))
    coming = Handover(role=Role.MODEL, to="ops", at=NOON + hours(1), note="Run by operations")
    (ahead,) = told(a_system(handovers=(passed, coming))).ahead
    assert (ahead.before, ahead.after, ahead.note) == ("priya", "ops", "Run by operations")


def test_what_depends_on_it_by_its_id_or_another_name_needs_it() -> None:
    store = a_system("feature-store", aliases=("feast",))
    others = (a_system("a", depends_on=("feature-store",)), a_system("b", depends_on=("feast",)), a_system("c"))
    assert told(store, *others).needed_by == ("a", "b")


def test_the_rungs_are_those_of_its_escalation_or_the_usual_ones() -> None:
    night = Escalation(id="night", rungs=(("kind", "ops"), ("lee",)))
    assert told(a_system(escalation="night"), escalations={"night": night}).rungs == (("kind", "ops"), ("lee",))
    assert told(a_system()).rungs == (("kind",), ("operational",), ("accountable",))


def test_monitors_are_those_listed_and_those_heard_of() -> None:
    def heard(name: str, system: str = "credit-scoring") -> Watch:
        last = NOON - hours(9)
        return Watch(system=system, environment="production", monitor=name, since=NOON - hours(90), last_seen_at=last)

    system = a_system(monitors=(HOURLY, Monitor(kind="cost_anomaly")))
    watches = (heard("evidently-credit"), heard("a-stray"), heard(WHOLE), heard("theirs", "rag-assistant"))
    found = {each.name: each for each in told(system, watches=watches).heard}
    assert list(found) == ["evidently-credit", "cost_anomaly", "a-stray"]
    late = found["evidently-credit"]
    assert (late.kind, late.every, late.alive) == ("drift", timedelta(hours=1), False)
    assert found["cost_anomaly"].last_seen_at is None
    assert (found["a-stray"].kind, found["a-stray"].alive) == (None, True)


def test_the_findings_of_one_system_are_those_that_the_audit_has_of_it() -> None:
    estate = an_estate(a_catalog(a_system("old", lifecycle=Lifecycle.RETIRED), a_system("b", owners={})))
    still = Watch(system="old", environment="production", monitor=WHOLE, since=NOON, last_seen_at=NOON)
    seen = Seen(now=NOON, watches=(still,), names=(Stranger(system="x", environment="production", first_seen_at=NOON),))
    assert [finding.code for finding in findings_of("old", estate, seen)] == [Code.STILL_PUBLISHING]
    assert Code.OWNER_MISSING in {finding.code for finding in findings_of("b", estate, seen)}
    assert [finding.code for finding in findings_of("x", estate, seen)] == [Code.UNKNOWN_SYSTEM]
    assert findings_of("y", estate, seen) == ()
    assert findings_of("x", replace(estate, catalog=a_catalog(systems={})), seen) == ()
