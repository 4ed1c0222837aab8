"""What a plan has beside its steps: its proof, its approval, and no way on that leads nowhere."""

import pytest

from incidents.core.errors import NotAllowed
from incidents.core.plan import Plan
from incidents.core.planning import described, finished
from incidents.core.rollback import offered
from incidents.core.step import Approval, Choice, Step, StepType
from incidents.core.system import Role
from tests.make import a_runbook, an_estate, an_incident
from tests.make_runs import a_manual, a_step, a_verify


def plan(*steps: Step, system: str = "rag-assistant") -> Plan:
    incident = an_incident(system=system)
    return finished(a_runbook(), incident, an_estate(), offered(incident), {}, steps)


def test_what_changes_something_is_proved_and_approved_though_its_runbook_says_neither() -> None:
    made = plan(a_step())
    assert [step.type for step in made.steps] == [StepType.HTTP, StepType.VERIFY]
    assert made.approval == Approval()


def test_what_changes_nothing_needs_neither() -> None:
    made = plan(a_manual(), system="credit-scoring")
    assert (made.steps, made.approval, made.warning) == ((a_manual(),), None, "")


def test_a_proof_that_is_written_is_the_only_one() -> None:
    assert [step.id for step in plan(a_verify("seen"), a_step()).steps] == ["seen", "move"]


def test_the_proof_has_an_id_of_its_own() -> None:
    assert [step.id for step in plan(a_step("verify")).steps] == ["verify", "verify-run"]


def test_the_first_approval_that_the_runbook_asks_for_is_the_plan_s() -> None:
    gates = [
        Step(id=role, title="Go on?", type=StepType.APPROVE, approval=Approval(roles=(role,)))
        for role in (Role.GOVERNANCE, Role.MODEL)
    ]
    assert plan(a_step(), *gates).approval == Approval(roles=(Role.GOVERNANCE,))


@pytest.mark.parametrize(
    "step",
    [
        a_step(on_failure="gone"),
        Step(id="how", title="How?", type=StepType.DECISION, choices=(Choice(name="a", title="A", goto="gone"),)),
    ],
)
def test_a_way_on_that_was_left_out_is_refused(step: Step) -> None:
    with pytest.raises(NotAllowed, match="gone") as refused:
        plan(step)
    assert refused.value.code == "template"


def test_a_plan_without_steps_is_none() -> None:
    with pytest.raises(NotAllowed) as refused:
        plan()
    assert refused.value.code == "not_runnable"


def test_templates_know_nothing_that_nobody_said() -> None:
    incident = an_incident()
    known = described(incident, an_estate(), offered(incident))
    assert known["system"] == {"id": "rag-assistant", "title": "Rag assistant"}
    assert "rollback" not in known
