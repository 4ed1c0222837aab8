"""Decides how a run is taken back: its steps in reverse order, each written down before its undo is sent."""

from datetime import timedelta

from incidents.core.answer import Answer, Came, judged
from incidents.core.course import Course
from incidents.core.fact import FactKind
from incidents.core.run import RunStatus, StepRun, StepState
from incidents.core.sending import CRASHED, Send, Sending, crashed, key_of
from incidents.core.step import Step, Undo

_TRIES = 4  # of an undo that was surely not done, or that may be sent twice


def back(course: Course) -> Send | None:
    """What must be sent next to take the run back; None where it rests or is over."""
    for each in course.run.steps:
        if each.state is StepState.DOING:
            crashed(course, course.of(each.id)[0])
    for step in course.undoable:
        _, standing = course.of(step.id)
        if step.undo is None or standing.state is StepState.UNDO_FAILED:
            continue
        if standing.state is not StepState.UNDOING:
            return _first(course, step, step.undo, standing)
        if standing.until is None:
            _unclear(course, step, step.undo, standing, CRASHED)
        elif standing.until <= course.now:
            return _send(course, step, step.undo, standing)
        return _rest(course, step)
    _over(course)
    return None


def _rest(course: Course, step: Step) -> Send | None:
    """Wait until the undo is tried again, unless it has just failed for good."""
    if course.run.status is RunStatus.UNDOING:
        course.change(ready_at=course.of(step.id)[1].until)
    return None


def _first(course: Course, step: Step, undo: Undo, standing: StepRun) -> Send | None:
    if standing.state is StepState.UNKNOWN and not undo.idempotent:
        course.move(step, StepState.UNDOING)
        _failed(course, step, "nobody knows whether the step was done, and its undo must not be sent for nothing")
        return None
    course.move(step, StepState.UNDOING, undos=0)
    return _send(course, step, undo, standing)


def _send(course: Course, step: Step, undo: Undo, standing: StepRun) -> Send:
    course.note(step, undos=standing.undos + 1, until=None)
    tried = f" (try {standing.undos + 1})" if standing.undos else ""
    text = f"Undo of {step.title}: {undo.request.method} to {undo.request.connection}{tried}"
    course.tell(FactKind.STEP_BEGUN, text, step, undo=True, attempt=standing.undos + 1)
    return Send(
        step=step,
        what=Sending.UNDO,
        request=undo.request,
        expect=undo.expect,
        within=step.timeout,
        key=key_of(course.run, step, undo=True),
    )


def undone(course: Course, step: Step, answer: Answer) -> None:
    """Write down what the answer to an undo comes to."""
    _, standing = course.of(step.id)
    if step.undo is None:
        raise ValueError(f"{step.id} has no undo")
    found = judged(step.undo.expect, answer)
    match found.came:
        case Came.DONE:
            course.move(step, StepState.UNDONE, ended_at=course.now, until=None, said=f"undone: {found.why}")
            course.tell(FactKind.STEP_DONE, f"Undone: {step.title}: {found.why}", step, undo=True)
        case Came.NOT_NOW if standing.undos < _TRIES:
            course.note(step, until=course.now + _pause(standing, step), said=f"undo not done: {found.why}")
        case Came.UNCLEAR:
            _unclear(course, step, step.undo, standing, found.why)
        case _:
            _failed(course, step, found.why)


def _unclear(course: Course, step: Step, undo: Undo, standing: StepRun, why: str) -> None:
    if undo.idempotent and standing.undos < _TRIES:
        course.note(step, until=course.now + _pause(standing, step), said=f"undo unclear, and sent again: {why}")
    else:
        _failed(course, step, f"nobody knows whether it was undone: {why}")


def _pause(standing: StepRun, step: Step) -> timedelta:
    """Longer from try to try: what is away comes back in minutes rather than in seconds."""
    return step.delay * (1 << max(0, standing.undos - 1))


def _failed(course: Course, step: Step, why: str) -> None:
    """Nothing before it is touched any more: it may rest on what could not be taken back."""
    course.move(step, StepState.UNDO_FAILED, ended_at=course.now, until=None, said=why)
    course.end(
        RunStatus.UNDO_FAILED, f"{step.title} could not be taken back: {why}. {course.left()}. A person must look"
    )


def _over(course: Course) -> None:
    """Everything that can be taken back is: what the run has come to."""
    run, why = course.run, course.run.why
    if any(each.state is StepState.UNDONE for each in run.steps):
        rest = f" {course.left()}." if course.changed else ""
        course.end(RunStatus.UNDONE, f"everything as it was before ({why}).{rest}" if not rest else f"{why}.{rest}")
    elif run.cancelled_by is not None:
        course.end(RunStatus.CANCELLED, f"{why}. {course.left()}")
    else:
        course.end(RunStatus.FAILED, f"{why}. {course.left()}")
