"""Decides what is sent to a target for a step, and what its answer, or a crash before it came, makes of the step."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from incidents.core.answer import Answer, Answered, Came, judged, kept, same
from incidents.core.course import Course
from incidents.core.fact import FactKind
from incidents.core.run import Run, RunStatus, StepRun, StepState
from incidents.core.step import Expectation, Question, Request, Step
from incidents.core.whose import responsible

_QUESTION = timedelta(seconds=30)  # for the answer to a question
_AGAIN = 3  # times more that something is sent which may be sent twice, where the plan names no number
_LOOKS = 3  # times that a target is asked before it counts as silent
_PATIENCE = timedelta(minutes=15)  # until people are told again that nobody knows; then twice as long, and so on
_LONGEST = 4  # times that it doubles
CRASHED = "the process ended before an answer was kept"


class Sending(StrEnum):
    """What a request is for."""

    LOOK = "look"  # is it as it was planned?
    DO = "do"
    STATUS = "status"  # was it done?
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One request that must be sent now; where it changes something, that was written down before."""

    step: Step
    what: Sending
    request: Request
    expect: Expectation
    within: timedelta
    key: str | None = None  # its Idempotency-Key

    @property
    def alters(self) -> bool:
        """Whether it may change the target, so that a lost answer is a question."""
        return self.what in {Sending.DO, Sending.UNDO}


def key_of(run: Run, step: Step, *, undo: bool = False) -> str:
    """The same for every try: a target that knows it does the work once."""
    return f"{run.id}:{step.id}:{'undo' if undo else '1'}"


def repeatable(step: Step) -> bool:
    """Whether it may be sent again although it may have been done."""
    return step.idempotent or not step.changes


def begin(course: Course, step: Step) -> Send:
    """Look whether all is as it was planned, also before another try of what was surely not done; and then do it."""
    _, standing = course.of(step.id)
    if step.look is not None and step.changes and not standing.touched:
        return _question(step, step.look, Sending.LOOK)
    return _do(course, step)


def _question(step: Step, question: Question, what: Sending) -> Send:
    return Send(
        step=step, what=what, request=question.request, expect=question.expect, within=min(step.timeout, _QUESTION)
    )


def _do(course: Course, step: Step) -> Send:
    _, standing = course.of(step.id)
    request, tries = _filled(step), standing.attempts + 1
    began = standing.began_at or course.now
    course.move(step, StepState.DOING, attempts=tries, began_at=began, until=None, asked=0)
    again = f" (try {tries})" if tries > 1 else ""
    text = f"{step.title}: {request.method} to {request.connection}{again}"
    course.tell(FactKind.STEP_BEGUN, text, step, attempt=tries)
    key = key_of(course.run, step) if step.changes else None
    return Send(step=step, what=Sending.DO, request=request, expect=step.expect, within=step.timeout, key=key)


def _filled(step: Step) -> Request:
    if step.request is None:
        raise ValueError(f"{step.id} says no request")
    return step.request


def came(course: Course, send: Send, answer: Answer) -> Send | None:
    """Write down what an answer comes to; what must be sent at once because of it."""
    if course.run.status is not RunStatus.RUNNING and not send.alters:
        return None  # it is being taken back by now: what the target says to a question decides nothing any more
    match send.what:
        case Sending.LOOK:
            return _looked(course, send, answer)
        case Sending.STATUS:
            _told(course, send, answer)
        case _:
            _did(course, send.step, answer)
    return None


def _looked(course: Course, send: Send, answer: Answer) -> Send | None:
    step, (_, standing) = send.step, course.of(send.step.id)
    found = judged(send.expect, answer)
    if found.came in {Came.NOT_NOW, Came.UNCLEAR}:
        if standing.asked + 1 < _LOOKS:
            course.note(step, asked=standing.asked + 1, until=course.now + step.delay, said=found.why)
        else:
            course.failed(step, f"nothing was touched, since the target could not be looked at: {found.why}")
        return None
    before = kept(step.look, answer) if step.look and isinstance(answer, Answered) else None
    if found.came is not Came.DONE or before is None:
        course.failed(step, f"it is not as it was planned, and nothing was touched: {found.why}")
        return None
    other = [name for name, value in before.items() if not same(value, step.prior.get(name))]
    if other:
        course.failed(step, f"it is not as it was planned, and nothing was touched: {', '.join(other)} changed since")
        return None
    return _do(course, step)


def _did(course: Course, step: Step, answer: Answer) -> None:
    found, (_, standing) = judged(step.expect, answer), course.of(step.id)
    match found.came:
        case Came.DONE:
            course.done(step, found.why, touched=step.changes)
        case Came.NOT_NOW if standing.attempts <= _tries_more(step, standing):
            _later(course, step, f"not done: {found.why}")
        case Came.NOT_NOW | Came.REFUSED:
            course.failed(step, f"not done: {found.why}")
        case Came.OTHERWISE:
            course.failed(step, found.why, touched=step.changes)
        case Came.UNCLEAR:
            ambiguous(course, step, found.why)


def _tries_more(step: Step, standing: StepRun) -> int:
    """How often it is sent again: as the plan says, and more where it may have been done and does no harm twice."""
    return max(step.retries, _AGAIN) if standing.touched and repeatable(step) else step.retries


def _later(course: Course, step: Step, said: str) -> None:
    course.move(step, StepState.PENDING, until=course.now + step.delay, said=said)


def ambiguous(course: Course, step: Step, why: str) -> None:
    """It may have been done: sent again where that does no harm, else the target is asked, else a person."""
    _, standing = course.of(step.id)
    course.note(step, touched=standing.touched or step.changes)
    if course.run.status is RunStatus.UNDOING and step.changes:
        course.move(step, StepState.UNKNOWN, until=None, said=why)
        course.tell(FactKind.STEP_UNKNOWN, f"{step.title}: it may have been done: {why}", step)
    elif repeatable(step) and standing.attempts <= max(step.retries, _AGAIN):
        _later(course, step, f"unclear, and sent again: {why}")
    elif not step.changes:
        course.failed(step, f"no clear answer: {why}")
    elif step.status is not None:
        course.move(step, StepState.UNKNOWN, until=course.now + step.delay, asked=0, said=why)
        course.tell(FactKind.STEP_UNKNOWN, f"{step.title}: it may have been done, so the target is asked: {why}", step)
    else:
        course.move(step, StepState.UNKNOWN, asked=_LOOKS, said=why)
        _ask_people(course, step, why)


def _told(course: Course, send: Send, answer: Answer) -> None:
    """What the target says about whether it was done."""
    step, (_, standing) = send.step, course.of(send.step.id)
    found = judged(send.expect, answer)
    if found.came is Came.DONE:
        course.done(step, f"the target says that it was done ({found.why})", touched=True)
    elif standing.asked + 1 < _LOOKS:
        course.note(step, asked=standing.asked + 1, until=course.now + step.delay)
    else:
        course.note(step, asked=_LOOKS)
        _ask_people(course, step, f"the target was asked {_LOOKS} times and does not say that it was: {found.why}")


def _ask_people(course: Course, step: Step, why: str) -> None:
    """Nobody but a person can find out; until they answer nothing further is done."""
    text = f"{step.title}: nobody knows whether it was done ({why}). Look at {_filled(step).connection} and say"
    course.tell(FactKind.STEP_UNKNOWN, text, step)
    _tell_people(course, step, text)
    course.ask(f"{course.run.id} waits: nobody knows whether this was done: {step.title}")


def still_unknown(course: Course, step: Step) -> Send | None:
    """Nobody knows yet: the target is asked, and once it was asked in vain, people are told again."""
    standing = course.of(step.id)[1]
    if step.status is not None and standing.asked < _LOOKS:
        return _question(step, step.status, Sending.STATUS)
    text = f"{step.title}: nobody knows yet whether it was done. Look at {_filled(step).connection} and say"
    course.note(step, asked=standing.asked + 1)
    _tell_people(course, step, text, again="still ")
    return None


def _tell_people(course: Course, step: Step, text: str, again: str = "") -> None:
    standing = course.of(step.id)[1]
    key = f"unknown:{standing.attempts}:{standing.asked}"
    course.post(f"{text}: done, failed or retry")
    course.notice(step, responsible(course.desk, step.role), f"{course.run.id} {again}waits for you", text, key)
    course.note(step, until=course.now + _PATIENCE * (1 << min(standing.asked - _LOOKS, _LONGEST)))


def crashed(course: Course, step: Step) -> None:
    """It was written down, and whoever wrote that is gone: sent or not, answered or not, nobody knows."""
    ambiguous(course, step, CRASHED)
