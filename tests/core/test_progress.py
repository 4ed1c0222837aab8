"""How a run goes on: requests, crashes, people's words, the metric, and the way back."""

import pytest

from incidents.core.errors import NotAllowed
from incidents.core.fact import FactKind
from incidents.core.incident import Status
from incidents.core.run import NEXT, STEP_NEXT, RunStatus, StepState
from incidents.core.step import Approval, StepType
from incidents.core.system import Role
from tests.core.street import AWAY, GONE, OK, Street, said, version
from tests.make import NOON, an_incident, minutes
from tests.make_runs import LOOK, RUNS_ONE, a_decision, a_flag, a_manual, a_notify, a_plan, a_run, a_step, a_wait

S = StepState


def started(*steps: object, replies: tuple[object, ...] = ()) -> Street:
    return Street(a_run(*steps), *replies).start()  # type: ignore[arg-type]


# --- the tables -----------------------------------------------------------------------------------------------------


def test_every_state_has_its_row_and_what_is_over_stays_over() -> None:
    assert set(NEXT) == set(RunStatus)
    assert set(STEP_NEXT) == set(StepState)
    over = {status for status in RunStatus if not NEXT[status]}
    assert over == {
        RunStatus.SUCCEEDED,
        RunStatus.UNDONE,
        RunStatus.FAILED,
        RunStatus.UNDO_FAILED,
        RunStatus.REJECTED,
        RunStatus.EXPIRED,
        RunStatus.CANCELLED,
    }
    assert {state for state in S if not STEP_NEXT[state]} == {S.SKIPPED, S.UNDONE, S.UNDO_FAILED}


@pytest.mark.parametrize("state", [S.UNKNOWN, S.DONE, S.FAILED])
def test_what_may_have_been_done_is_never_begun_again_by_itself(state: StepState) -> None:
    assert S.DOING not in STEP_NEXT[state]


# --- requests -------------------------------------------------------------------------------------------------------


def test_steps_are_done_in_their_order_and_told() -> None:
    street = started(a_step(), a_flag(), a_notify())

    assert street.sent == ["do move", "do flag"]
    assert street.keys == ["RUN-1:move:1", "RUN-1:flag:1"]
    assert street.run.status is RunStatus.SUCCEEDED
    assert street.run.ready_at is None
    assert street.told(FactKind.RUN_SUCCEEDED) == ["RUN-1 succeeded: every step is done"]
    assert "RUN-1: The old model serves again" in street.posts


def test_the_world_is_looked_at_before_it_is_changed() -> None:
    street = started(a_step(look=LOOK, prior={"version": "2"}), replies=(version("2"), OK))

    assert street.sent == ["look move", "do move"]
    assert street.run.status is RunStatus.SUCCEEDED


def test_what_is_not_as_it_was_planned_is_not_touched() -> None:
    street = started(a_step(look=LOOK, prior={"version": "2"}), replies=(version("3"),))

    assert street.sent == ["look move"]
    assert street.run.status is RunStatus.FAILED
    assert street.told(FactKind.STEP_FAILED) == [
        "Step move: it is not as it was planned, and nothing was touched: version changed since"
    ]
    assert "Nothing was changed" in street.run.why


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_what_is_over_before_anything_was_changed_for_it_is_left_alone(status: Status) -> None:
    street = started(a_wait(minutes=10), a_step(look=LOOK, prior={"version": "2"}), a_notify())
    street.incident = an_incident(status, gathering=False)
    street.wait(minutes=10)

    assert street.sent == []
    assert street.run.status is RunStatus.FAILED
    assert street.run.why == f"INC-1 is {status}: nothing is changed for it any more. Nothing was changed"
    assert street.incident.status is status


def test_what_is_resolved_halfway_is_carried_through_as_it_was_approved() -> None:
    street = started(a_step(), a_wait(minutes=10), a_flag())
    street.incident = an_incident(Status.RESOLVED, gathering=False)
    street.wait(minutes=10)

    assert street.sent == ["do move", "do flag"]
    assert street.run.status is RunStatus.SUCCEEDED


def test_a_target_that_cannot_be_looked_at_is_not_touched() -> None:
    street = started(a_step(look=LOOK, prior={"version": "2"}), replies=(AWAY, GONE, said(503))).wait(minutes=1)

    assert street.sent == ["look move"] * 3
    assert (street.run.status, street.states()) == (RunStatus.FAILED, {"move": S.FAILED})


def test_what_was_surely_not_done_is_tried_again_as_often_as_the_plan_says() -> None:
    street = started(a_step(retries=2), replies=(AWAY, said(429), OK))
    assert street.run.ready_at == NOON + minutes(5 / 60)

    street.wait(minutes=1)

    assert street.sent == ["do move"] * 3
    assert set(street.keys) == {"RUN-1:move:1"}
    assert street.run.status is RunStatus.SUCCEEDED


def test_another_try_is_not_made_where_somebody_was_at_the_target_meanwhile() -> None:
    step = a_step(look=LOOK, prior={"version": "2"}, retries=3, delay=minutes(60))
    street = started(step, replies=(version("2"), AWAY, version("3"))).wait(hours=1)

    assert street.sent == ["look move", "do move", "look move"]
    assert street.run.status is RunStatus.FAILED
    assert "version changed since. Nothing was changed" in street.run.why


def test_a_refusal_is_not_repeated_and_nothing_was_changed() -> None:
    street = started(a_step(retries=5), replies=(said(403),)).wait(minutes=9)

    assert street.sent == ["do move"]
    assert street.run.status is RunStatus.FAILED
    assert street.run.why == "Step move: not done: answered 403. Nothing was changed"


def test_an_answer_that_is_not_as_expected_is_taken_back() -> None:
    step = a_step(expect=RUNS_ONE.expect)
    street = started(step, replies=(version("7"), OK))

    assert street.sent == ["do move", "undo move"]
    assert street.run.status is RunStatus.UNDONE


# --- nobody knows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [GONE, said(502), said(302), said(101)])
def test_what_may_have_been_done_is_asked_of_a_person_and_never_repeated(lost: object) -> None:
    street = started(a_step(retries=5), replies=(lost,)).wait(days=1)

    assert street.sent == ["do move"]
    assert street.states() == {"move": S.UNKNOWN}
    assert "nobody knows whether it was done" in street.told(FactKind.STEP_UNKNOWN)[0]
    assert ("priya", "RUN-1 waits for you") in street.notices
    assert "RUN-1 waits" in street.incident.paging.why


def test_a_question_that_nobody_answers_is_put_again_ever_more_seldom() -> None:
    street = started(a_step(), replies=(GONE,))

    street.wait(minutes=15)
    assert street.notices[1:] == [("priya", "RUN-1 still waits for you")]
    street.wait(minutes=29)
    assert len(street.notices) == 2
    street.wait(minutes=1)
    assert len(street.notices) == 3
    street.wait(days=1)

    assert street.notices[-1] == ("priya", "RUN-1 still waits for you")
    assert street.run.ready_at is not None
    assert len(street.notices) < 12
    assert len(street.told(FactKind.STEP_UNKNOWN)) == 1


def test_who_sent_it_again_in_vain_is_told_again_that_nobody_knows() -> None:
    street = started(a_step(), replies=(GONE, GONE))
    street.answer("move", "retry")

    assert street.states() == {"move": S.UNKNOWN}
    assert street.notices == [("priya", "RUN-1 waits for you")] * 2
    assert len(set(street.notice_keys)) == 2


@pytest.mark.parametrize("answer", [version("2"), version("3"), AWAY])
def test_a_run_that_is_cancelled_while_its_target_is_looked_at_sends_nothing(answer: object) -> None:
    street = Street(a_run(a_step(look=LOOK, prior={"version": "2"}), status=RunStatus.RUNNING), answer)  # type: ignore[arg-type]
    street.advance()
    street.cancel()
    street.deliver()

    assert street.sent == ["look move"]
    assert street.run.status is RunStatus.CANCELLED


def test_nobody_is_asked_about_a_step_of_a_run_that_is_cancelled_meanwhile() -> None:
    street = started(a_step(status=RUNS_ONE, irreversible=True, undo=None), replies=(GONE, AWAY, AWAY, AWAY))
    street.wait(seconds=10)
    assert street.sent == ["do move", *["status move"] * 2]
    street.now += minutes(1)
    street.advance()
    street.cancel()
    street.deliver()

    assert street.run.status is RunStatus.CANCELLED
    assert street.notices == []


def test_who_has_the_incident_is_paged_although_they_have_it_and_it_is_calm() -> None:
    incident = an_incident(Status.ACKNOWLEDGED, acknowledged_by="dana", assignee="dana")
    street = Street(a_run(a_step()), GONE, incident=incident).start()

    assert street.incident.status is Status.TRIGGERED
    assert street.incident.paging.asked
    assert ("dana", "RUN-1 waits for you") in street.notices


def test_the_person_says_that_it_was_done() -> None:
    street = started(a_step(), a_flag(), replies=(GONE,))
    street.answer("move", "done")

    assert street.sent == ["do move", "do flag"]
    assert street.run.status is RunStatus.SUCCEEDED
    assert street.run.steps[0].by == "priya"


def test_the_person_says_that_it_was_not() -> None:
    street = started(a_step(), replies=(GONE,))
    street.answer("move", "failed")

    assert street.sent == ["do move"]
    assert street.run.status is RunStatus.FAILED


def test_the_person_has_it_sent_again_with_the_same_key_and_without_another_look() -> None:
    street = started(a_step(look=LOOK, prior={"version": "2"}), replies=(version("2"), GONE, OK))
    street.answer("move", "retry")

    assert street.sent == ["look move", "do move", "do move"]
    assert street.keys[1] == street.keys[2]
    assert street.run.status is RunStatus.SUCCEEDED


def test_what_is_declared_idempotent_is_sent_again_with_its_key() -> None:
    street = started(a_step(idempotent=True), replies=(GONE, OK)).wait(minutes=1)

    assert street.sent == ["do move", "do move"]
    assert street.keys == ["RUN-1:move:1"] * 2
    assert street.run.status is RunStatus.SUCCEEDED


def test_but_not_for_ever() -> None:
    street = started(a_step(idempotent=True), replies=(GONE,) * 9).wait(days=1)

    assert street.sent == ["do move"] * 4
    assert street.states() == {"move": S.UNKNOWN}


def test_a_later_refusal_does_not_mean_that_the_first_try_was_not_done() -> None:
    street = started(a_step(idempotent=True), replies=(GONE, said(409))).wait(minutes=1)

    assert street.sent == ["do move", "do move", "undo move"]
    assert street.run.status is RunStatus.UNDONE


def test_a_target_that_can_say_whether_it_was_done_is_asked() -> None:
    street = started(a_step(status=RUNS_ONE), replies=(GONE, version("2"), version("1"))).wait(minutes=1)

    assert street.sent == ["do move", "status move", "status move"]
    assert street.run.status is RunStatus.SUCCEEDED


def test_where_the_target_does_not_say_so_a_person_is_asked() -> None:
    street = started(a_step(status=RUNS_ONE), replies=(GONE, version("2"), AWAY, said(500))).wait(days=1)

    assert street.sent == ["do move", *["status move"] * 3]
    assert street.states() == {"move": S.UNKNOWN}
    assert len(street.told(FactKind.STEP_UNKNOWN)) == 2


def test_a_question_that_gets_no_answer_is_no_change() -> None:
    ask = a_step("ask", request=LOOK.request, undo=None)
    street = started(ask, replies=(GONE,) * 9).wait(days=1)

    assert street.sent == ["do ask"] * 4
    assert street.run.status is RunStatus.FAILED
    assert "Nothing was changed" in street.run.why


# --- a crash --------------------------------------------------------------------------------------------------------


def test_a_crash_while_it_was_sent_is_a_question_to_a_person() -> None:
    street = Street(a_run(a_step(), status=RunStatus.RUNNING))
    street.advance()
    assert street.states() == {"move": S.DOING}  # written down, and then the process is gone

    street.crash()

    assert street.sent == []
    assert street.states() == {"move": S.UNKNOWN}


def test_a_crash_while_something_idempotent_was_sent_sends_it_again() -> None:
    street = Street(a_run(a_step(idempotent=True), status=RunStatus.RUNNING))
    street.advance()
    street.crash()
    street.wait(minutes=1)

    assert (street.sent, street.keys) == (["do move"], ["RUN-1:move:1"])
    assert street.run.status is RunStatus.SUCCEEDED


def test_a_crash_between_two_steps_repeats_nothing() -> None:
    street = Street(a_run(a_step(), a_flag(), status=RunStatus.RUNNING))
    street.paused = True
    street.advance()
    street.deliver()
    assert street.states() == {"move": S.DONE, "flag": S.PENDING}

    street.paused = False
    street.crash()

    assert street.sent == ["do move", "do flag"]
    assert street.run.status is RunStatus.SUCCEEDED


# --- steps that wait ------------------------------------------------------------------------------------------------


def test_a_wait_is_over_when_its_time_is() -> None:
    street = started(a_wait(minutes=10), a_step())
    assert street.run.ready_at == NOON + minutes(10)

    street.wait(minutes=9)
    assert street.sent == []
    street.wait(minutes=1)
    assert street.sent == ["do move"]


def test_a_manual_step_waits_for_whose_it_is_and_reminds_them() -> None:
    street = started(a_manual(role=Role.DATA, timeout=minutes(20)))
    assert street.notices == [("dana", "RUN-1 waits for you")]

    street.wait(minutes=20)
    assert street.notices[1:] == [("dana", "RUN-1 still waits for you")]
    street.answer("retrain", "done", who="dana")

    assert street.run.status is RunStatus.SUCCEEDED
    assert street.told(FactKind.STEP_DONE) == ["Retrain it: done, says Dana"]


def test_a_decision_says_how_to_go_on_and_leaves_out_what_is_between() -> None:
    street = started(a_decision(), a_step(), a_wait(minutes=0))
    street.answer("how", "wait")

    assert street.sent == []
    assert street.states() == {"how": S.DONE, "move": S.SKIPPED, "settle": S.DONE}


def test_an_answer_that_is_not_asked_for_is_refused() -> None:
    street = started(a_decision(), a_wait(minutes=0))

    with pytest.raises(NotAllowed, match="one of pin, wait"):
        street.answer("how", "retry")
    with pytest.raises(NotAllowed, match="nobody is asked"):
        street.answer("settle", "done")
    with pytest.raises(NotAllowed, match="no step"):
        street.answer("nothing", "done")


def test_a_step_that_needs_two_people_waits_for_both() -> None:
    agree = a_step("agree", type=StepType.APPROVE, request=None, undo=None, approval=Approval(people=2))
    street = Street(a_run(plan=a_plan(agree, a_step(), approval=None))).start()
    street.approve("priya", step="agree")
    assert street.sent == []
    street.approve("lee", step="agree")

    assert street.sent == ["do move"]


def test_an_approval_of_the_whole_plan_is_the_first_that_its_runbook_asks_for() -> None:
    agree = a_step("agree", type=StepType.APPROVE, request=None, undo=None, approval=Approval())
    street = Street(a_run(agree, a_step()))
    street.approve()

    assert street.run.status is RunStatus.SUCCEEDED
    assert street.told(FactKind.RUN_APPROVED) == ["Priya approved RUN-1: Move the serving alias back (1 of 1)"]


def test_that_the_warning_was_answered_is_kept_under_the_name_of_whoever_approved() -> None:
    street = Street(a_run(plan=a_plan(warning="Tell the authority first")))
    street.approve("lee")

    text = "Lee approved RUN-1: Move the serving alias back (1 of 1) and answered its warning with yes"
    assert street.told(FactKind.RUN_APPROVED) == [text]
    assert [fact.data["warned"] for fact in street.facts if fact.kind is FactKind.RUN_APPROVED] == [True]


def test_a_proposal_that_nobody_approves_expires() -> None:
    proposed = a_run(ready_at=NOON + minutes(30))

    assert Street(proposed).wait(minutes=29).run.status is RunStatus.PROPOSED
    street = Street(proposed).wait(minutes=30)
    assert street.run.status is RunStatus.EXPIRED
    assert street.sent == []
