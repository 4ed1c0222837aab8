"""Decides how a run moves on when people speak, a target answers, or its metric was looked at.

Each function takes the incident's desk and the run, tells what happens on the desk, and returns the run to be saved.
"""

from datetime import timedelta

from incidents.core.answer import Answer
from incidents.core.course import Course
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed
from incidents.core.fact import SYSTEM, Actor, FactKind
from incidents.core.onward import DONE, FAILED, Look, Todo, advance, answers, ask
from incidents.core.run import Approved, Run, RunStatus, StepRun, StepState, moved
from incidents.core.sending import Send, Sending, came
from incidents.core.undoing import undone
from incidents.core.verdict import Verdict, Verification

__all__ = [
    "Look",
    "Todo",
    "advance",
    "answered",
    "answers",
    "approved",
    "arrived",
    "cancelled",
    "expired",
    "rejected",
    "started",
    "verified",
]

_AT_LEAST = timedelta(seconds=5)  # between two looks at a metric


def started(desk: Desk, run: Run) -> Run:
    """It may begin: nothing to approve, or everybody who must has approved."""
    course = Course(desk, run)
    steps = run.steps or tuple(StepRun(id=step.id) for step in run.plan.steps)
    status = moved(run.status, RunStatus.RUNNING)
    course.change(status=status, steps=steps, started_at=desk.now, ready_at=desk.now, expires_at=None)
    text = f"{run.id} started: {run.plan.title}"
    course.tell(FactKind.RUN_STARTED, text, runbook=run.plan.runbook, plan=run.hash)
    desk.post(text)
    return course.run


def approved(desk: Desk, run: Run, by: Actor, *, step: str | None = None, note: str = "") -> Run:
    """One person's word, who may give it (core.approval says); with enough of them the run, or its step, goes on."""
    course = Course(desk, run)
    word = Approved(by=by.id, at=desk.now, plan=run.hash, step=step, note=note)
    course.change(approvals=(*run.approvals, word))
    named = course.of(step)[0] if step is not None else None
    approval = named.approval if named else run.plan.approval
    needed = approval.people if approval else 1
    given = len({each.by for each in course.run.approvals if each.step == step})
    what = f"{run.id}: {named.title}" if named else f"{run.id}: {run.plan.title}"
    warned = bool(run.plan.warning)  # nobody may approve who has not answered it
    read = " and answered its warning with yes" if warned else ""
    said = f": {note}" if note else ""
    text = f"{desk.estate.person(by.id).name} approved {what} ({given} of {needed}){read}{said}"
    course.tell(FactKind.RUN_APPROVED, text, named, by=by, plan=run.hash, warned=warned)
    if given < needed:
        return course.run
    if named is None:
        return started(desk, course.run)
    course.done(named, "approved", by=by)
    return _ready(course)


def rejected(desk: Desk, run: Run, by: Actor, note: str = "") -> Run:
    """Somebody says no to a proposal."""
    return _ended(desk, run, RunStatus.REJECTED, _said("rejected by", desk, by, note), by)


def expired(desk: Desk, run: Run) -> Run:
    """Nobody said yes to a proposal in time."""
    return _ended(desk, run, RunStatus.EXPIRED, "nobody approved it in time", SYSTEM)


def cancelled(desk: Desk, run: Run, by: Actor, note: str = "") -> Run:
    """No further step; what was done is taken back. A proposal is over at once, a run once nothing is left to undo."""
    why = _said("cancelled by", desk, by, note)
    if run.status is RunStatus.PROPOSED:
        return _ended(desk, run, RunStatus.CANCELLED, why, by)
    course = Course(desk, run)
    course.take_back(why, by=by)
    course.change(cancelled_by=by.id)
    return course.run


def _said(how: str, desk: Desk, by: Actor, note: str) -> str:
    return f"{how} {desk.estate.person(by.id).name}" + (f": {note}" if note else "")


def _ended(desk: Desk, run: Run, status: RunStatus, why: str, by: Actor) -> Run:
    course = Course(desk, run)
    course.end(status, why, by=by)
    return course.run


def answered(desk: Desk, run: Run, by: Actor, step: str, answer: str, note: str = "") -> Run:
    """A person says what came of a step, or how to go on; NotAllowed where that is not asked."""
    course = Course(desk, run)
    named, standing = course.of(step)
    allowed = answers(run, step)
    if answer not in allowed:
        wanted = f"answer one of {', '.join(allowed)}" if allowed else "nobody is asked about it"
        raise NotAllowed("not_asked", f"{run.id}, {named.title}: {wanted}")
    said = f"{answer}, says {desk.estate.person(by.id).name}" + (f": {note}" if note else "")
    course.note(named, by=by.id)
    choice = next((each for each in named.choices if each.name == answer), None)
    if standing.state is StepState.WAITING and choice is not None:
        course.done(named, said, by=by, choice=choice.name)
        course.jump(named, choice.goto)
    elif answer == DONE:
        course.done(named, said, by=by)
    elif answer == FAILED:
        # whoever looked knows that the target was not changed
        course.note(named, touched=False)
        course.failed(named, said, by=by)
    else:
        course.move(named, StepState.PENDING, until=desk.now, said=said)
        course.tell(FactKind.NOTE, f"{named.title}: {said}", named, by=by)
    return _ready(course)


def _ready(course: Course) -> Run:
    """Somebody's word was waited for: the engine looks at once."""
    if course.run.status in {RunStatus.RUNNING, RunStatus.UNDOING}:
        course.change(ready_at=course.now)
    return course.run


def arrived(desk: Desk, run: Run, send: Send, answer: Answer) -> tuple[Run, Send | None]:
    """An answer came for what was sent; what must be sent at once because of it.

    What else comes next is for `advance` to say, once this is kept: a crash between the two repeats nothing.
    """
    course = Course(desk, run)
    more = None
    if send.what is Sending.UNDO:
        undone(course, send.step, answer)
    else:
        more = came(course, send, answer)
    return _ready(course), more


def verified(desk: Desk, run: Run, step: str, seen: Verification) -> Run:
    """The metric was looked at: it helped, it did not, nobody can say, or it is looked at again."""
    course = Course(desk, run)
    named, standing = course.of(step)
    evidence = dict(seen.data)
    match seen.verdict:
        case Verdict.WAITING:
            if seen.said != standing.said:
                course.tell(FactKind.VERIFICATION, seen.said, named, evidence=evidence)
            course.note(named, said=seen.said, until=max(seen.look_at or desk.now, desk.now + _AT_LEAST))
        case Verdict.UNMEASURED:
            # What protects people from harm is never taken back for want of a number.
            course.note(named, said=seen.said)
            ask(course, named)
        case Verdict.VERIFIED:
            course.tell(FactKind.VERIFICATION, seen.said, named, verdict=seen.verdict, evidence=evidence)
            course.done(named, seen.said)
        case Verdict.FAILED | Verdict.INCONCLUSIVE:
            course.tell(FactKind.VERIFICATION, seen.said, named, verdict=seen.verdict, evidence=evidence)
            course.failed(named, seen.said)
    return _ready(course)
