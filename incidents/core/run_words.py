"""Says plans and runs in words: what a step does, how it is taken back, and what a run waits for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.core.figures import counted, moment, number, span
from incidents.core.onward import DONE, FAILED, RETRY, answers
from incidents.core.run import Run, RunStatus, StepRun, StepState
from incidents.core.runbook import Runbook
from incidents.core.step import Approval, Expectation, Request, Step, StepType

_UNKNOWN = {DONE: "It was done", FAILED: "It was not done", RETRY: "Send it again"}
_BY_HAND = {DONE: "Done", FAILED: "It failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """When a runbook was last reviewed, in words, and whether that is long ago."""

    text: str
    stale: bool


def freshness(runbook: Runbook, within: timedelta, now: datetime) -> Freshness:
    """How fresh a runbook is; `within` is how long a review holds, as the policy of audits has it."""
    if runbook.last_reviewed is None:
        return Freshness(text="never reviewed", stale=True)
    days = (now.date() - runbook.last_reviewed).days
    if days < 1:
        return Freshness(text="reviewed today", stale=False)
    return Freshness(text=f"reviewed {counted(days, 'day')} ago", stale=days > within.days)


def does(step: Step) -> tuple[str, ...]:
    """What carrying it out comes to, a sentence each; its texts hold words of events and are hostile."""
    return _sends(step) if step.type is StepType.HTTP else (_one(step),)


def _one(step: Step) -> str:
    """A step that sends nothing, in one sentence."""
    chosen = " or ".join(choice.title or choice.name for choice in step.choices)
    said = {
        StepType.WAIT: f"Waits {span(step.wait or timedelta())}",
        StepType.APPROVE: f"{approval(step.approval or Approval())} must agree before it goes on",
        StepType.VERIFY: "Waits until the metric that fired shows, window by window, that it helped; "
        + _failing(step, "otherwise"),
        StepType.NOTIFY: "Tells the incident's channel",
        StepType.MANUAL: f"{_owner(step)} does it by hand and says so",
        StepType.DECISION: f"{_owner(step)} chooses{f': {chosen}' if chosen else ''}",
    }
    return f"{said[step.type]}."


def _sends(step: Step) -> tuple[str, ...]:
    request = step.request
    if request is None:
        return ()
    said = [f"Sends {line(request)}; done when {expected(step.expect)}."]
    if not step.changes:
        return (*said, f"Changes nothing; {_failing(step, 'if it fails,')}.")
    if step.look is not None:
        said.append("Right before it, the target is asked again, and nothing is sent unless it is as it was planned.")
    said.append(_unclear(step))
    if step.retries:
        said.append(f"Where it surely was not done, it is tried {counted(step.retries, 'more time')}.")
    said.append(_back(step))
    return (*said, f"If it fails, {_failing(step, '').strip()}.")


def _unclear(step: Step) -> str:
    if step.idempotent:
        return "Where nobody knows whether it arrived, it is sent again: twice is done once."
    if step.status is not None:
        return f"Where nobody knows whether it arrived, the target is asked: {line(step.status.request)}."
    return "Sent once. Where nobody knows whether it arrived, a person is asked."


def _back(step: Step) -> str:
    if step.undo is not None:
        return f"Taken back by {line(step.undo.request)}."
    return "It cannot be taken back." if step.irreversible else "Nothing is kept to take it back."


def _failing(step: Step, lead: str) -> str:
    match step.on_failure:
        case "abort":
            after = "what was changed is taken back"
        case "continue":
            after = "it goes on with the next step"
        case other:
            after = f"it goes on with step {other}"
    return f"{lead} {after}"


def _owner(step: Step) -> str:
    return f"The {step.role} owner" if step.role else "Whoever has the incident"


def line(request: Request) -> str:
    """A request on one line, as it is sent to its connection."""
    query = "&".join(f"{name}={value}" for name, value in request.query)
    return f"{request.method} {request.path}{'?' if query else ''}{query} to {request.connection}"


def expected(expect: Expectation) -> str:
    """What an answer must look like."""
    status = f"the answer is {' or '.join(map(str, expect.status))}" if expect.status else "the answer is 2xx"
    return " and ".join([status, *(f"{pointer} is {value}" for pointer, value in expect.fields)])


def approval(wanted: Approval) -> str:
    """Whose word is needed: one owner, or two of some roles; never whoever asked."""
    many = "One" if wanted.people == 1 else number(wanted.people)
    roles = f"{' or '.join(wanted.roles)} owner" if wanted.roles else "owner of the system"
    plural = "" if wanted.people == 1 else "s"
    return f"{many} {roles.replace('owner', 'owner' + plural)}, other than who asked,"


def _whose(wanted: Approval) -> str:
    """The same inside a sentence that goes on elsewhere."""
    told = approval(wanted).removesuffix(",")
    return told[0].lower() + told[1:]


def waits_for(run: Run) -> str:
    """What an open run waits for; empty where it is over, or at work."""
    if run.status is RunStatus.PROPOSED:
        wanted = run.plan.approval or Approval()
        given = f" ({len(run.approvals)} of {wanted.people} given)" if wanted.people > 1 else ""
        until = f" until {moment(run.expires_at)}" if run.expires_at else ""
        return f"the approval of {_whose(wanted)}{given}{until and f',{until}'}"
    asked = next((each for each in run.steps if each.state in {StepState.WAITING, StepState.UNKNOWN}), None)
    step = run.plan.step(asked.id) if asked else None
    if run.status is not RunStatus.RUNNING or asked is None or step is None:
        return ""
    return _waiting(step, asked)


def _waiting(step: Step, state: StepRun) -> str:
    if state.state is StepState.UNKNOWN:
        return f"somebody to look whether “{step.title}” was done"
    match step.type:
        case StepType.WAIT:
            return f"time to pass{f' until {moment(state.until)}' if state.until else ''}"
        case StepType.VERIFY:
            return state.said or "the metric that fired"
        case StepType.APPROVE:
            return f"{_whose(step.approval or Approval())}, to agree"
        case StepType.DECISION:
            return f"a choice: {step.title}"
        case _:
            return f"somebody to do by hand: {step.title}"


def choices(run: Run, step: str) -> Mapping[str, str]:
    """What a person may answer about a step now, each with its words; empty where nobody is asked."""
    state, planned = run.step(step), run.plan.step(step)
    if state is None or planned is None:
        return {}
    words = {choice.name: choice.title or choice.name for choice in planned.choices}
    words |= _UNKNOWN if state.state is StepState.UNKNOWN else _BY_HAND
    return {answer: words.get(answer, answer) for answer in answers(run, step)}


def asks_to_agree(run: Run) -> str | None:
    """The step that waits for somebody's approval in the middle of a run."""
    waiting = (each.id for each in run.steps if each.state is StepState.WAITING)
    found = (run.plan.step(id_) for id_ in waiting)
    asked = next((step for step in found if step and step.type is StepType.APPROVE), None)
    return asked.id if asked and run.status is RunStatus.RUNNING else None
