"""Decides what comes next for a run: which step has its turn, what it waits for, whom it asks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.core.approval import OVER, approvers, requirement
from incidents.core.course import PASSED, Course
from incidents.core.desk import Desk
from incidents.core.fact import FactKind
from incidents.core.run import Run, RunStatus, StepRun, StepState
from incidents.core.sending import Send, begin, crashed, still_unknown
from incidents.core.step import Step, StepType
from incidents.core.undoing import back
from incidents.core.whose import responsible

_PATIENCE = timedelta(minutes=5)  # the least between two reminders of one person
DONE, FAILED, RETRY = "done", "failed", "retry"  # what a person may answer


@dataclass(frozen=True, slots=True)
class Look:
    """The metric must be looked at now, for this step; `began_at` of its StepRun is T0."""

    step: Step


Todo = Send | Look


def advance(desk: Desk, run: Run) -> tuple[Run, Todo | None]:
    """Take every step that needs nothing of the world; what must be sent or looked at now, or None where it rests.

    No request of this run may be out: a step that is found as being done was left by a process that is gone.
    A proposal is ready when its time is over.
    """
    course = Course(desk, run)
    todo = None
    match run.status:
        case RunStatus.PROPOSED if run.expires_at is not None and run.expires_at <= desk.now:
            course.end(RunStatus.EXPIRED, "nobody approved it in time")
        case RunStatus.RUNNING:
            todo = _go_on(course)
        case _:
            pass
    if course.run.status is RunStatus.UNDOING:
        todo = back(course)
    if todo is not None:
        course.change(ready_at=desk.now)
    return course.run, todo


def _go_on(course: Course) -> Todo | None:
    while course.run.status is RunStatus.RUNNING:
        standing = next((each for each in course.run.steps if each.state not in PASSED), None)
        if standing is None:
            course.end(RunStatus.SUCCEEDED, _success(course))
            break
        if standing.until is not None and standing.until > course.now:
            course.change(ready_at=standing.until)
            break
        todo = _turn(course, course.of(standing.id)[0], standing)
        if todo is not None:
            return todo
    return None


def _success(course: Course) -> str:
    proof = next((step for step in course.run.plan.steps if step.type is StepType.VERIFY), None)
    standing = course.run.step(proof.id) if proof else None
    return standing.said if standing and standing.state is StepState.DONE else "every step is done"


def _turn(course: Course, step: Step, standing: StepRun) -> Todo | None:
    """Look at the step whose turn it is: afterwards it stands otherwise, waits for a later moment, or sends."""
    match standing.state:
        case StepState.PENDING:
            return _enter(course, step)
        case StepState.WAITING:
            return _waited(course, step)
        case StepState.UNKNOWN:
            return still_unknown(course, step)
        case _:
            crashed(course, step)
    return None


def _enter(course: Course, step: Step) -> Todo | None:
    match step.type:
        case StepType.HTTP if step.changes and not course.changed and course.desk.incident.status in OVER:
            incident = course.desk.incident  # it may have waited for long, or the service been away
            why = f"{incident.id} is {incident.status}: nothing is changed for it any more"
            course.end(RunStatus.FAILED, f"{why}. {course.left()}")
        case StepType.HTTP:
            return begin(course, step)
        case StepType.NOTIFY:
            course.post(step.text or step.title)
            course.done(step, "told in the incident's channel")
        case StepType.WAIT:
            _wait(course, step, course.now + (step.wait or timedelta()))
        case StepType.VERIFY:
            _wait(course, step, course.now)
            return Look(step)
        case StepType.APPROVE if _approved_before(course.run, step):
            course.done(step, "approved with the whole plan")
        case StepType.APPROVE | StepType.MANUAL | StepType.DECISION:
            _wait(course, step, course.now + _patience(step))
            ask(course, step)
    return None


def _approved_before(run: Run, step: Step) -> bool:
    """Whether this is the approval that the whole plan was given: the first that its runbook asks for."""
    first = next((each for each in run.plan.steps if each.type is StepType.APPROVE), None)
    return first is step and run.plan.approval is not None


def _wait(course: Course, step: Step, until: datetime) -> None:
    course.move(step, StepState.WAITING, began_at=course.now, until=until)
    course.tell(FactKind.STEP_BEGUN, step.title, step, until=until.isoformat())


def _patience(step: Step) -> timedelta:
    return max(step.timeout, _PATIENCE)


def _waited(course: Course, step: Step) -> Todo | None:
    """The time of a step that waits is over."""
    match step.type:
        case StepType.VERIFY:
            return Look(step)
        case StepType.WAIT:
            course.done(step, "the time is over")
        case _:
            ask(course, step)
    return None


def ask(course: Course, step: Step) -> None:
    """Tell those whose it is that the run waits for them; again each time that their patience ends."""
    course.note(step, until=course.now + _patience(step))
    standing, desk = course.of(step.id)[1], course.desk
    able = approvers(course.run, requirement(course.run, step), desk.estate, desk.now)
    people = (able if step.type is StepType.APPROVE else ()) or responsible(desk, step.role)
    reply = f" ({' or '.join(answers(course.run, step.id))})" if step.type is not StepType.APPROVE else " (approve)"
    again = "still " if standing.asked else ""
    course.note(step, asked=standing.asked + 1)
    text = f"{step.title}{reply}. {step.text}".strip()
    course.post(f"{again}waits for {', '.join(person.name for person in people)}: {text}")
    title = f"{course.run.id} {again}waits for you"
    course.notice(step, dict.fromkeys(people), title, text, f"{standing.asked + 1}")


def answers(run: Run, id_: str) -> tuple[str, ...]:
    """What a person may answer to a step now; empty where nobody is asked."""
    step, standing = run.plan.step(id_), run.step(id_)
    if step is None or standing is None or run.status is not RunStatus.RUNNING:
        return ()
    match standing.state, step.type:
        case StepState.UNKNOWN, _:
            return (DONE, FAILED, RETRY)
        case StepState.WAITING, StepType.MANUAL | StepType.VERIFY if standing.asked or step.type is StepType.MANUAL:
            return (DONE, FAILED)
        case StepState.WAITING, StepType.DECISION:
            return tuple(choice.name for choice in step.choices)
        case StepState.WAITING, StepType.APPROVE:
            return (FAILED,)  # whoever agrees approves
        case _:
            return ()
