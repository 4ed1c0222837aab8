"""How a run ends: failures, the way back, a cancellation, and what the metric says."""

import pytest

from incidents.core.errors import NotAllowed
from incidents.core.fact import FactKind
from incidents.core.incident import Status
from incidents.core.run import RunStatus, StepState
from incidents.core.severity import Severity
from incidents.core.step import Undo
from incidents.core.verdict import Verdict
from tests.core.street import AWAY, GONE, OK, Street, said
from tests.make import NOON, an_incident, minutes
from tests.make_runs import a_flag, a_manual, a_run, a_step, a_verify, a_wait, alias

S = StepState


def started(*steps: object, replies: tuple[object, ...] = ()) -> Street:
    return Street(a_run(*steps), *replies).start()  # type: ignore[arg-type]


# --- failures -------------------------------------------------------------------------------------------------------


def test_a_failure_may_be_left_behind() -> None:
    street = started(a_step(on_failure="continue"), a_flag(), replies=(said(400),))

    assert street.run.status is RunStatus.SUCCEEDED
    assert street.states() == {"move": S.FAILED, "flag": S.DONE}


def test_or_another_way_is_taken() -> None:
    street = started(a_step(on_failure="retrain"), a_flag(), a_manual(), replies=(said(400),))

    assert street.states() == {"move": S.FAILED, "flag": S.SKIPPED, "retrain": S.WAITING}


def test_a_failure_takes_back_what_was_done_in_reverse_order() -> None:
    steps = (a_step("one"), a_step("two"), a_step("three"))
    street = started(*steps, replies=(OK, OK, said(400)))

    assert street.sent == ["do one", "do two", "do three", "undo two", "undo one"]
    assert street.keys[3:] == ["RUN-1:two:undo", "RUN-1:one:undo"]
    assert street.run.status is RunStatus.UNDONE
    assert street.states() == {"one": S.UNDONE, "two": S.UNDONE, "three": S.FAILED}
    assert "RUN-1 undone" in street.incident.paging.why


def test_what_cannot_be_taken_back_is_named() -> None:
    gone = a_step("gone", undo=None, irreversible=True, title="Drop the cache")
    street = started(gone, a_flag(), replies=(OK, said(400)))

    assert street.run.status is RunStatus.FAILED
    assert street.run.why.endswith("Changed, and not taken back: Drop the cache")


# --- the way back ---------------------------------------------------------------------------------------------------


def test_an_undo_that_may_have_been_done_is_sent_again_since_it_sets_what_was() -> None:
    street = started(a_step(), a_flag(), replies=(OK, said(400), GONE, AWAY, OK)).wait(minutes=5)

    assert street.sent[2:] == ["undo move"] * 3
    assert street.run.status is RunStatus.UNDONE


def test_a_failed_undo_is_one_level_worse_and_pages_people_anew() -> None:
    incident = an_incident(Status.ACKNOWLEDGED, Severity.SEV2, acknowledged_by="priya")
    street = Street(a_run(a_step(), a_step("two"), a_flag()), OK, OK, said(400), said(403), incident=incident).start()

    assert street.run.status is RunStatus.UNDO_FAILED
    assert street.states() == {"move": S.DONE, "two": S.UNDO_FAILED, "flag": S.FAILED}
    assert street.incident.severity is Severity.SEV1
    assert street.incident.status is Status.TRIGGERED
    assert street.incident.paging.asked
    assert "Changed, and not taken back: Step two, Step move" in street.told(FactKind.UNDO_FAILED)[0]


@pytest.mark.parametrize("status", [Status.TRIGGERED, Status.MITIGATED, Status.RESOLVED])
def test_also_where_it_cannot_be_worse_or_seemed_over(status: Status) -> None:
    street = Street(a_run(a_step(), a_wait(), a_flag()), OK, said(400), said(403)).start()
    street.incident = an_incident(status, Severity.SEV1, gathering=status is not Status.RESOLVED)
    street.wait(minutes=10)

    assert street.incident.severity is Severity.SEV1
    assert street.incident.status is Status.TRIGGERED
    assert "could not be taken back" in street.incident.paging.why
    assert street.incident.gathering is (status is not Status.RESOLVED), "another may gather at the system by now"


def test_what_was_resolved_by_a_change_is_not_resolved_once_the_change_is_taken_back() -> None:
    street = Street(a_run(a_step(), a_wait(), a_flag()), OK, said(400), OK).start()
    street.incident = an_incident(Status.RESOLVED, gathering=False)
    street.wait(minutes=10)

    assert street.run.status is RunStatus.UNDONE
    assert street.incident.status is Status.TRIGGERED
    assert not street.incident.gathering
    assert street.told(FactKind.REOPENED)


def test_an_undo_that_must_not_be_sent_twice_is_not() -> None:
    once = Undo(request=alias("2"), idempotent=False)
    street = started(a_step(undo=once), a_flag(), replies=(OK, said(400), GONE)).wait(days=1)

    assert street.sent == ["do move", "do flag", "undo move"]
    assert street.run.status is RunStatus.UNDO_FAILED


def test_a_crash_in_an_undo_sends_it_again_and_not_the_others() -> None:
    street = Street(a_run(a_step(), a_step("two"), a_flag(), status=RunStatus.RUNNING), OK, OK, said(400))
    street.advance()
    for _ in range(3):
        street.deliver()
    street.deliver()
    assert street.states() == {"move": S.UNDOING, "two": S.UNDONE, "flag": S.FAILED}

    street.crash()
    street.wait(minutes=1)

    assert street.sent[3:] == ["undo two", "undo move"]
    assert street.run.status is RunStatus.UNDONE


# --- cancelled ------------------------------------------------------------------------------------------------------


def test_a_run_that_is_cancelled_takes_back_what_it_did_and_pages_nobody() -> None:
    incident = an_incident(Status.ACKNOWLEDGED, acknowledged_by="priya")
    street = Street(a_run(a_step(), a_wait(), a_flag()), incident=incident).start()
    street.cancel()
    street.go()

    assert street.sent == ["do move", "undo move"]
    assert street.run.status is RunStatus.UNDONE
    assert street.states() == {"move": S.UNDONE, "settle": S.SKIPPED, "flag": S.SKIPPED}
    assert street.incident.status is Status.ACKNOWLEDGED


def test_one_that_has_done_nothing_yet_is_simply_over() -> None:
    street = started(a_manual(), a_step())
    street.cancel()
    street.go()

    assert street.sent == []
    assert street.run.status is RunStatus.CANCELLED
    assert street.run.why == "cancelled by Priya: wrong model. Nothing was changed"


def test_what_is_on_its_way_when_it_is_cancelled_is_waited_for_and_taken_back() -> None:
    street = Street(a_run(a_step(), a_flag(), status=RunStatus.RUNNING))
    street.advance()
    street.cancel()
    street.deliver()
    while street.out is not None:
        street.deliver()

    assert street.sent == ["do move", "undo move"]
    assert street.run.status is RunStatus.UNDONE


def test_what_nobody_knows_of_is_taken_back_too_where_that_does_no_harm() -> None:
    street = started(a_step(), replies=(GONE,))
    street.cancel()
    street.go()
    assert street.sent == ["do move", "undo move"]
    assert street.run.status is RunStatus.UNDONE

    once = Undo(request=alias("2"), idempotent=False)
    other = started(a_step(undo=once), replies=(GONE,))
    other.cancel()
    other.go()
    assert other.sent == ["do move"]
    assert other.run.status is RunStatus.UNDO_FAILED


def test_a_run_that_is_over_cannot_be_cancelled() -> None:
    street = started(a_step())

    with pytest.raises(NotAllowed, match="succeeded"):
        street.cancel()


# --- the metric -----------------------------------------------------------------------------------------------------


def test_the_metric_is_looked_at_until_it_says_that_it_helped() -> None:
    street = started(a_step(), a_verify())
    street.see(Verdict.WAITING, "verification 1 of 4, next window 13:00", later=minutes(60))
    assert street.run.ready_at == NOON + minutes(60)
    street.wait(minutes=60)
    street.see(Verdict.VERIFIED, "psi within its limit in 4 windows")

    assert street.run.status is RunStatus.SUCCEEDED
    assert street.run.why == "psi within its limit in 4 windows"
    assert street.told(FactKind.VERIFICATION) == [
        "verification 1 of 4, next window 13:00",
        "psi within its limit in 4 windows",
    ]


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.INCONCLUSIVE])
def test_where_it_did_not_or_nobody_can_say_it_is_taken_back_and_people_are_asked(verdict: Verdict) -> None:
    incident = an_incident(Status.ACKNOWLEDGED, acknowledged_by="priya")
    street = Street(a_run(a_step(), a_verify()), incident=incident).start()
    street.see(verdict, f"verification {verdict}: 4 windows out of limit")

    assert street.sent == ["do move", "undo move"]
    assert street.run.status is RunStatus.UNDONE
    assert f"verification {verdict}: 4 windows out of limit" in street.run.why
    assert street.incident.status is Status.TRIGGERED
    assert street.incident.paging.asked
