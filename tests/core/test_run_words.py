"""Plans and runs in words: what a step does, what a run waits for, how fresh a runbook is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.core.run import RunStatus, StepRun, StepState
from incidents.core.run_words import asks_to_agree, choices, does, freshness, waits_for
from incidents.core.runbook import Runbook
from incidents.core.step import Approval, Step, StepType
from incidents.core.system import Role
from tests.make import NOON
from tests.make_runs import LOOK, RUNS_ONE, a_decision, a_manual, a_plan, a_run, a_step, a_verify, a_wait

HALF = timedelta(days=180)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (a_step(idempotent=True), "it is sent again: twice is done once"),
        (a_step(status=RUNS_ONE), "the target is asked: GET /api/2.0/mlflow/registered-models/alias?name=credit"),
        (a_step(), "Sent once. Where nobody knows whether it arrived, a person is asked."),
        (a_step(look=LOOK), "nothing is sent unless it is as it was planned"),
        (a_step(undo=None, irreversible=True), "It cannot be taken back."),
        (a_step(retries=2), "it is tried 2 more times"),
        (a_step(on_failure="continue"), "If it fails, it goes on with the next step."),
        (a_step(request=LOOK.request, undo=None), "Changes nothing; if it fails, what was changed is taken back."),
        (a_wait(), "Waits 10 min."),
        (a_manual(role=Role.MODEL), "The model owner does it by hand and says so."),
        (a_decision(), "Whoever has the incident chooses: Pin the version or Wait for it."),
        (a_verify(), "window by window, that it helped; otherwise what was changed is taken back."),
    ],
)
def test_a_step_says_what_it_does_and_what_becomes_of_it(step: Step, said: str) -> None:
    assert said in " ".join(does(step))


def test_a_proposal_waits_for_another_owner_until_it_lapses() -> None:
    told = "the approval of one owner of the system, other than who asked, until 2026-"
    assert waits_for(a_run()).startswith(told)
    two = a_run(plan=a_plan(approval=Approval(roles=(Role.MODEL, Role.DATA), people=2)), expires_at=None)
    assert waits_for(two) == "the approval of 2 model or data owners, other than who asked (0 of 2 given)"
    assert waits_for(replace(two, status=RunStatus.EXPIRED)) == ""


@pytest.mark.parametrize(
    ("step", "state", "said", "answers"),
    [
        (a_step(), StepState.UNKNOWN, "somebody to look whether “Step move” was done", ["done", "failed", "retry"]),
        (a_manual(), StepState.WAITING, "somebody to do by hand: Retrain it", ["done", "failed"]),
        (a_decision(), StepState.WAITING, "a choice: How to go on?", ["pin", "wait"]),
        (a_wait(), StepState.WAITING, "time to pass", []),
        (a_verify(), StepState.WAITING, "the metric that fired", []),
        (a_step(), StepState.DOING, "", []),
    ],
)
def test_a_running_run_says_what_it_waits_for_and_what_may_be_answered(
    step: Step, state: StepState, said: str, answers: list[str]
) -> None:
    run = a_run(step, status=RunStatus.RUNNING, steps=(StepRun(id=step.id, state=state),))
    assert waits_for(run) == said
    assert list(choices(run, step.id)) == answers
    assert list(choices(replace(run, status=RunStatus.UNDOING), step.id)) == []


def test_an_approval_in_the_middle_of_a_run_is_asked_for_its_step() -> None:
    step = Step(id="go", title="Go on?", type=StepType.APPROVE, approval=Approval(roles=(Role.MODEL,)))
    run = a_run(step, status=RunStatus.RUNNING, steps=(StepRun(id="go", state=StepState.WAITING),))
    assert asks_to_agree(run) == "go"
    assert waits_for(run) == "one model owner, other than who asked, to agree"
    assert asks_to_agree(replace(run, status=RunStatus.UNDOING)) is None


@pytest.mark.parametrize(
    ("days", "said"), [(0, "reviewed today"), (180, "reviewed 180 days ago"), (181, "reviewed 181 days ago")]
)
def test_a_runbook_that_was_reviewed_long_ago_is_stale(days: int, said: str) -> None:
    found = freshness(Runbook(id="x", title="x", last_reviewed=(NOON - timedelta(days=days)).date()), HALF, NOON)
    assert (found.text, found.stale) == (said, days > 180)
    assert freshness(Runbook(id="x", title="x"), HALF, NOON).stale
