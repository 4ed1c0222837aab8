"""What people read of a proposal: each step in a line, and who is to be named where nobody can approve it."""

from datetime import datetime

from incidents.core.desk import Desk
from incidents.core.effect import EffectKind
from incidents.core.fact import FactKind
from incidents.core.planning import connections
from incidents.core.proposal import lines, proposed
from incidents.core.step import Approval, Question
from incidents.core.system import Role
from tests.make import NIGHT, NOON, a_catalog, a_system, an_estate, an_incident, by
from tests.make_runs import LOOK, a_flag, a_manual, a_plan, a_run, a_step, a_verify


def test_a_step_that_changes_something_says_what_is_there_now_and_whether_it_can_be_taken_back() -> None:
    plan = a_plan(a_step(prior={"version": "2"}), a_flag(undo=None, irreversible=True), a_manual(), a_verify())
    assert lines(plan) == (
        "1. Step move (POST mlflow; now version 2; can be taken back)",
        "2. Turn it off (POST unleash; cannot be taken back)",
        "3. Retrain it",
        "4. Did it help?",
    )


def test_of_a_long_plan_the_rest_is_counted() -> None:
    assert lines(a_plan(*(a_manual(f"m{n}") for n in range(14))))[-2:] == ("12. Retrain it", "and 2 more steps")
    assert len(lines(a_plan(*(a_manual(f"m{n}") for n in range(12))))) == 12


def test_where_too_few_can_approve_the_default_owner_is_told_if_nobody_is_accountable() -> None:
    estate = an_estate(a_catalog(a_system("rag-assistant", owners={Role.MODEL: "dana", Role.DATA: "priya"})))
    desk = Desk(an_incident(), estate, NOON, {})
    proposed(desk, a_run(plan=a_plan(approval=Approval(people=2)), requested_by=by("dana")))
    [fact] = [fact for fact in desk.facts if fact.kind is FactKind.RUN_PROPOSED]
    assert "It needs 2 other people (owner) to approve it within 30 min." in fact.text
    assert "Only Priya can: name another owner of rag-assistant." in fact.text
    asked = [(effect.kind, effect.target) for effect in desk.effects if effect.target in estate.catalog.people]
    assert asked == [(EffectKind.APPROVAL, "priya"), (EffectKind.NOTICE, "max")]


def test_whoever_owns_the_governance_alone_is_not_woken_to_approve() -> None:
    owners = {Role.MODEL: "dana", Role.DATA: "priya", Role.GOVERNANCE: "max"}
    estate = an_estate(a_catalog(a_system("rag-assistant", owners=owners)))

    def asked(at: datetime, **more: Role) -> list[str | None]:
        desk = Desk(an_incident(), estate, at, {})
        approval = Approval(roles=tuple(more.values()))
        proposed(desk, a_run(plan=a_plan(approval=approval), requested_by=by("dana")))
        return [effect.target for effect in desk.effects if effect.kind is EffectKind.APPROVAL]

    assert asked(NOON) == ["priya", "max"]
    assert asked(NIGHT) == ["priya"]
    assert asked(NIGHT, only=Role.GOVERNANCE) == ["max"], "where nobody else may, they are"


def test_every_connection_that_a_plan_may_use_is_found() -> None:
    elsewhere = Question(request=a_flag().request or LOOK.request)
    assert connections([a_step(look=LOOK, status=elsewhere)]) == {"mlflow": "move", "unleash": "move"}
    assert connections([a_manual()]) == {}
