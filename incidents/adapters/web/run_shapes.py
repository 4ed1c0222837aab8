"""Plans and runs as the API gives them: every step in words and with the very requests, and how each stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from incidents.adapters.web.shapes import ByShape, Shape
from incidents.core import run_words
from incidents.core.plan import Plan
from incidents.core.run import Run, RunStatus, StepRun, StepState
from incidents.core.step import Approval, Method, Question, Request, Step, StepType, Undo
from incidents.core.system import Role

Seconds = Annotated[float, Field(description="Seconds.")]
Hash = Annotated[str, Field(description="sha256 over the whole plan: what an approval must name.")]


class RequestShape(Shape):
    """One request; its connection holds the address and the credentials."""

    connection: str
    method: Method
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: Any = None
    expected: Annotated[str, Field(description="What its answer must look like, in words.")] = "the answer is 2xx"

    @classmethod
    def of(cls, request: Request, expected: str) -> Self:
        return cls(
            connection=request.connection,
            method=request.method,
            path=request.path,
            query=list(request.query),
            headers=list(request.headers),
            body=request.body,
            expected=expected,
        )


def _asked(question: Question | Undo | None) -> RequestShape | None:
    return RequestShape.of(question.request, run_words.expected(question.expect)) if question else None


class ApprovalShape(Shape):
    roles: list[Role] = Field(description="Owners whose word counts; empty: any owner of the system.")
    people: int
    within: Seconds
    text: str


class ChoiceShape(Shape):
    name: str
    title: str
    goto: str | None


class PlanStep(Shape):
    id: str
    title: str
    type: StepType
    text: str
    does: list[str] = Field(description="What it comes to, a sentence each.")
    changes: bool = Field(description="Whether it changes something outside.")
    request: RequestShape | None
    prior: dict[str, Any] = Field(description="What the target said before the step.")
    look: RequestShape | None
    status: RequestShape | None
    undo: RequestShape | None
    irreversible: bool
    idempotent: bool
    retries: int
    timeout: Seconds
    wait: Seconds | None
    on_failure: str
    role: Role | None
    approval: ApprovalShape | None
    choices: list[ChoiceShape]

    @classmethod
    def of(cls, step: Step) -> Self:
        return cls(
            id=step.id,
            title=step.title,
            type=step.type,
            text=step.text,
            does=list(run_words.does(step)),
            changes=step.changes,
            request=RequestShape.of(step.request, run_words.expected(step.expect)) if step.request else None,
            prior=dict(step.prior),
            look=_asked(step.look),
            status=_asked(step.status),
            undo=_asked(step.undo),
            irreversible=step.irreversible,
            idempotent=step.idempotent,
            retries=step.retries,
            timeout=step.timeout.total_seconds(),
            wait=step.wait.total_seconds() if step.wait else None,
            on_failure=step.on_failure,
            role=step.role,
            approval=_approval(step.approval),
            choices=[ChoiceShape.model_validate(choice) for choice in step.choices],
        )


def _approval(wanted: Approval | None) -> ApprovalShape | None:
    if wanted is None:
        return None
    text = run_words.approval(wanted).rstrip(",")
    return ApprovalShape(
        roles=list(wanted.roles), people=wanted.people, within=wanted.within.total_seconds(), text=text
    )


class RollbackShape(Shape):
    kind: str
    name: str
    version: str
    to: str
    deployed_at: datetime | None


class PlanShape(Shape):
    """What would be done, word for word: nothing is filled in after it was approved."""

    hash: Hash
    runbook: str
    title: str
    runbook_hash: str
    incident: str
    system: str
    environment: str
    parameters: dict[str, Any]
    steps: list[PlanStep]
    rollback: RollbackShape | None
    approval: ApprovalShape | None = Field(description="Null: it changes nothing, so nobody is asked.")
    warning: str = Field(description="Where it is not empty, asking for it and approving it need `warned`.")

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            hash=plan.hash,
            runbook=plan.runbook,
            title=plan.title,
            runbook_hash=plan.runbook_hash,
            incident=plan.incident,
            system=plan.system,
            environment=plan.environment,
            parameters=dict(plan.parameters),
            steps=[PlanStep.of(step) for step in plan.steps],
            rollback=RollbackShape.model_validate(plan.rollback) if plan.rollback else None,
            approval=_approval(plan.approval),
            warning=plan.warning,
        )


class ApprovedShape(Shape):
    by: str
    at: datetime
    plan: Hash
    step: str | None
    note: str


class StepProgress(Shape):
    id: str
    title: str
    type: StepType
    state: StepState
    touched: bool = Field(description="Whether the target may have been changed by it.")
    attempts: int
    began_at: datetime | None
    ended_at: datetime | None
    until: datetime | None = Field(description="When it is looked at next.")
    said: str
    by: str | None
    answers: dict[str, str] = Field(description="What a person may answer now, with its words.")


class RunShape(Shape):
    id: str
    incident: str
    system: str
    environment: str
    runbook: str
    title: str
    status: RunStatus
    plan: Hash
    requested_by: ByShape
    requested_at: datetime
    note: str
    expires_at: datetime | None
    approvals: list[ApprovedShape]
    warned: str | None = Field(description="Who answered the plan's warning.")
    evidence: str | None = Field(
        description="sha256 of what was kept before anything was changed; `/evidence` gives it."
    )
    steps: list[StepProgress]
    started_at: datetime | None
    ended_at: datetime | None
    why: str
    cancelled_by: str | None
    waits_for: str = Field(description="In words; empty where it is over or at work.")
    version: int

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(**_told(run))


class RunWhole(RunShape):
    planned: PlanShape

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(**_told(run), planned=PlanShape.of(run.plan))


class RunsShape(Shape):
    items: list[RunShape]
    next: str | None


_SAME = RunShape.model_fields.keys() - {"runbook", "title", "plan", "requested_by", "approvals", "steps", "waits_for"}


def _told(run: Run) -> Mapping[str, Any]:
    return {name: getattr(run, name) for name in _SAME} | {
        "runbook": run.plan.runbook,
        "title": run.plan.title,
        "plan": run.hash,
        "requested_by": ByShape.model_validate(run.requested_by),
        "approvals": [ApprovedShape.model_validate(each) for each in run.approvals],
        "steps": _progress(run),
        "waits_for": run_words.waits_for(run),
    }


def _progress(run: Run) -> list[StepProgress]:
    return [_standing(run, step, run.step(step.id) or StepRun(id=step.id)) for step in run.plan.steps]


def _standing(run: Run, step: Step, each: StepRun) -> StepProgress:
    return StepProgress(
        id=each.id,
        title=step.title,
        type=step.type,
        state=each.state,
        touched=each.touched,
        attempts=each.attempts,
        began_at=each.began_at,
        ended_at=each.ended_at,
        until=each.until,
        said=each.said,
        by=each.by,
        answers=dict(run_words.choices(run, step.id)),
    )
