"""Who may approve a run: another person than the one who asked, who holds the role now and has seen this very plan."""
# ruff: noqa: ANN401 - what is claimed has whatever type its story needs

from dataclasses import replace
from typing import Any

import pytest

from incidents.core.approval import Consent, approvers, holders, is_same, may_approve, may_ask
from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.fact import SYSTEM, Actor, ActorType
from incidents.core.incident import Status
from incidents.core.people import Team
from incidents.core.run import Approved, Run, RunStatus, StepRun, StepState
from incidents.core.step import Approval, Step, StepType
from incidents.core.system import RiskClass, Role
from tests import make_runs
from tests.make import (
    NOON,
    OWNERS,
    a_catalog,
    a_person,
    a_schedule,
    a_system,
    an_estate,
    an_incident,
    by,
    hours,
    minutes,
)
from tests.make_runs import a_plan, a_step

MODEL_OWNER = Approval(roles=(Role.MODEL,))


def a_run(status: RunStatus = RunStatus.PROPOSED, **more: Any) -> Run:
    """Priya asked for it at noon."""
    return make_runs.a_run(status=status, **{"requested_by": by("priya"), **more})


def consent(who: str = "lee", run: Run | None = None, **more: Any) -> Consent:
    return Consent(**{"by": by(who), "plan": (run or a_run()).hash, **more})


def code_of(said: Consent, run: Run | None = None, estate: Estate | None = None, **more: Any) -> str | None:
    """The code of the refusal; None where it may be approved."""
    at, incident = more.pop("at", NOON), an_incident(**more)
    try:
        may_approve(run or a_run(), said, incident, estate or an_estate(), at)
    except NotAllowed as refused:
        return refused.code
    return None


def test_another_owner_of_the_system_may_approve_the_plan_that_they_have_seen() -> None:
    assert code_of(consent("lee")) is None


def test_whoever_asked_may_not() -> None:
    assert code_of(consent("priya")) == "same_person"


@pytest.mark.parametrize("same", [{"slack": "U0PRIYA"}, {"email": "Priya@Example.com", "slack": None}])
def test_nor_the_same_human_under_another_name(same: dict[str, Any]) -> None:
    people = {
        "priya": a_person("priya", email="priya@example.com"),
        "second": a_person("second", **{"email": None, **same}),
    }
    catalog = a_catalog(a_system("rag-assistant", owners={**OWNERS, Role.DATA: "second"}), people=people)
    assert code_of(consent("second"), estate=an_estate(catalog)) == "same_person"


def test_two_people_without_any_address_are_two() -> None:
    assert not is_same(a_person("ada", slack=None), a_person("lee", slack=None))


def test_a_person_who_owns_nothing_of_the_system_may_not() -> None:
    assert code_of(consent("max")) == "no_role"


def test_a_role_that_was_given_to_somebody_else_meanwhile_counts_no_more() -> None:
    before, after = an_estate(), a_catalog(a_system("rag-assistant", owners={**OWNERS, Role.ACCOUNTABLE: "gita"}))
    assert code_of(consent("lee"), estate=before) is None
    assert code_of(consent("lee"), estate=an_estate(after)) == "no_role"


@pytest.mark.parametrize(
    "actor", [by("admin"), by("slack:U0STRANGER"), by("nobody"), SYSTEM, Actor(type=ActorType.MONITOR, id="lee")]
)
def test_a_token_a_monitor_and_an_unknown_slack_user_are_no_person(actor: Actor) -> None:
    assert code_of(consent(by=actor)) == "no_person"


def test_a_requester_who_left_the_catalog_can_be_compared_with_nobody() -> None:
    people = {name: person for name, person in a_catalog().people.items() if name != "priya"}
    assert code_of(consent("lee"), estate=an_estate(a_catalog(people=people))) == "no_person"


@pytest.mark.parametrize("seen", [None, "", "0" * 64, a_run().hash[:12], a_run().hash.upper()])
def test_another_plan_than_the_one_proposed_is_not_approved_and_the_right_hash_is_shown(seen: str | None) -> None:
    run = a_run()
    with pytest.raises(NotAllowed, match=run.hash) as refused:
        may_approve(run, consent(plan=seen), an_incident(), an_estate(), NOON)
    assert refused.value.code == "changed"


def test_a_plan_for_a_name_that_is_another_system_by_now_is_not_approved() -> None:
    assert code_of(consent(), system="credit-scoring") == "changed"
    assert code_of(consent(), environment="staging") == "changed"


def test_a_plan_without_its_warning_is_not_approved_once_the_system_is_a_high_risk_one() -> None:
    estate = an_estate(a_catalog(a_system("rag-assistant", risk_class=RiskClass.HIGH)))
    assert code_of(consent(), estate=estate) == "changed"
    warns = a_run(plan=a_plan(warning="Tell the authority first"))
    assert code_of(consent(run=warns), warns, estate) == "warning"
    assert code_of(consent(run=warns, warned=True), warns, estate) is None


def test_an_edited_plan_has_another_hash() -> None:
    edited = a_plan(a_step(prior={"version": "18"}))
    assert code_of(consent(plan=a_run().hash), a_run(plan=edited)) == "changed"


def test_after_half_an_hour_it_is_too_late() -> None:
    assert code_of(consent(), at=NOON + minutes(29)) is None
    assert code_of(consent(), at=NOON + minutes(30)) == "expired"
    assert code_of(consent(), at=NOON + minutes(61)) == "expired"
    assert code_of(consent(), a_run(RunStatus.EXPIRED)) == "expired"


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.REJECTED, RunStatus.CANCELLED])
def test_what_is_not_proposed_any_more_is_not_approved_again(status: RunStatus) -> None:
    assert code_of(consent(), a_run(status)) == "already_done"


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_nothing_is_changed_for_trouble_that_is_over(status: Status) -> None:
    assert code_of(consent(), status=status) == "closed"


def test_the_warning_of_a_high_risk_system_must_be_answered() -> None:
    run = a_run(plan=a_plan(warning="Is it allowed?"))
    assert code_of(consent(run=run), run) == "warning"
    assert code_of(consent(run=run, warned=True), run) is None


def test_only_the_role_that_the_runbook_names_may_approve() -> None:
    run = a_run(plan=a_plan(approval=MODEL_OWNER), requested_by=by("dana"))
    assert code_of(consent("lee", run), run) == "no_role"
    assert code_of(consent("priya", run), run) is None


def test_everybody_of_a_team_that_owns_it_may_approve() -> None:
    assert [code_of(consent(who)) for who in ("omar", "kim")] == [None, None]


def test_of_a_schedule_only_whoever_has_the_turn_may() -> None:
    catalog = a_catalog(
        a_system("rag-assistant", owners={Role.OPERATIONAL: "oncall"}), schedules={"oncall": a_schedule("omar", "kim")}
    )
    turns = [(code_of(consent(who), estate=an_estate(catalog), at=at)) for at in (NOON,) for who in ("omar", "kim")]
    assert turns == [None, "no_role"]
    later = a_run(expires_at=NOON + hours(48))
    at = NOON + hours(24)
    assert [code_of(consent(who), later, an_estate(catalog), at=at) for who in ("omar", "kim")] == ["no_role", None]


def test_where_two_must_approve_one_person_counts_once() -> None:
    said = Approved(by="lee", at=NOON, plan=a_run().hash)
    run = a_run(plan=a_plan(approval=Approval(people=2)))
    run = replace(run, approvals=(replace(said, plan=run.hash),))
    assert code_of(consent("lee", run), run) == "already_done"
    assert code_of(consent("gita", run), run) is None
    catalog = a_catalog(
        a_system("rag-assistant", owners={**OWNERS, Role.DATA: "lee2"}),
        people={**a_catalog().people, "lee2": a_person("lee2", slack="U0LEE")},
    )
    assert code_of(consent("lee2", run), run, an_estate(catalog)) == "same_person"


def test_a_step_that_waits_for_approval_has_its_own_requirement() -> None:
    gate = Step(id="gate", title="Go on?", type=StepType.APPROVE, approval=Approval(roles=(Role.GOVERNANCE,)))
    plan = a_plan(a_step(), gate)
    waits = (StepRun(id="move", state=StepState.DONE), StepRun(id="gate", state=StepState.WAITING))
    run = a_run(RunStatus.RUNNING, plan=plan, steps=waits, approvals=(Approved(by="gita", at=NOON, plan=plan.hash),))
    assert may_approve(run, consent("gita", run), an_incident(), an_estate(), NOON + hours(1)) == gate
    assert code_of(consent("lee", run), run) == "no_role"
    assert code_of(consent("gita", run, step="move"), run) == "already_done"


def test_of_a_system_without_owners_the_default_owner_may() -> None:
    estate = an_estate(a_catalog(a_system("rag-assistant", owners={})))
    assert [person.id for person in holders("rag-assistant", Approval(), estate, NOON)] == ["max"]
    assert holders("rag-assistant", MODEL_OWNER, estate, NOON) == ()


def test_those_who_may_approve_are_all_holders_but_the_one_who_asked() -> None:
    may = approvers(a_run(), Approval(), an_estate(), NOON)
    assert {person.id for person in may} == {"dana", "omar", "kim", "lee", "gita"}
    teams = {"ops": Team(id="ops", members=("omar", "priya"))}
    fewer = a_catalog(a_system("rag-assistant", owners={Role.OPERATIONAL: "ops"}), teams=teams)
    assert {person.id for person in approvers(a_run(), Approval(), an_estate(fewer), NOON)} == {"omar"}


def test_a_person_may_ask_and_where_nobody_is_known_the_local_admin() -> None:
    may_ask(by("priya"), an_estate())
    may_ask(by("admin"), Estate())
    for actor, estate in ((by("admin"), an_estate()), (by("slack:U1"), Estate()), (SYSTEM, Estate())):
        with pytest.raises(NotAllowed) as refused:
            may_ask(actor, estate)
        assert refused.value.code == "no_person"
