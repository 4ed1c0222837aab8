"""Decides what is told, and whom, when a run is proposed, and when somebody may not approve it."""

from collections.abc import Iterable

from incidents.core.approval import approvers, holders, needed, requirement, told_of
from incidents.core.desk import Desk
from incidents.core.effect import Effect, EffectKind
from incidents.core.errors import NotAllowed
from incidents.core.fact import Actor, FactKind
from incidents.core.figures import counted, listed, local, span
from incidents.core.people import Person
from incidents.core.plan import Plan
from incidents.core.run import Run
from incidents.core.step import Approval, Step
from incidents.core.system import Role

_LINES = 12  # of a plan that a message shows
_ASKED = 20  # people who are asked to approve


def proposed(desk: Desk, run: Run) -> None:
    """Tell of it, and ask each person who may approve it; where nobody can, say so to whoever can name somebody."""
    wanted, who = requirement(run), desk.estate.person(run.requested_by.id).name
    able = approvers(run, wanted, desk.estate, desk.now)
    why = f": {run.note}" if run.note else ""
    by_when = f"within {span(wanted.within)}" if run.expires_at else ""
    asks = f"needs {_people(wanted)} to approve it {by_when}".rstrip()
    stuck = "" if len(able) >= wanted.people else f" {_nobody(able, wanted, run)}"
    text = f"{run.id} proposed by {who}: {run.plan.title}{why}. It {asks}.{stuck}"
    desk.tell(
        FactKind.RUN_PROPOSED,
        text,
        by=run.requested_by,
        run=run.id,
        runbook=run.plan.runbook,
        plan=run.hash,
        expires_at=run.expires_at.isoformat() if run.expires_at else None,
        warned=bool(run.plan.warning),
        nobody_can_approve=bool(stuck),
    )
    desk.post(text)
    for person in told_of(run, able, desk.estate, desk.now)[:_ASKED]:
        _ask(desk, run, person, who)
    if stuck:
        _escalate(desk, run, text)


def _people(wanted: Approval) -> str:
    return f"{counted(wanted.people, 'other person', 'other people')} ({needed(wanted.roles)})"


def _nobody(able: tuple[Person, ...], wanted: Approval, run: Run) -> str:
    role = needed(wanted.roles)
    if able:
        return f"Only {listed([person.name for person in able])} can: name another {role} of {run.system}."
    return f"Nobody can approve it: name a second {role} of {run.system} in the catalog."


def _ask(desk: Desk, run: Run, person: Person, who: str) -> None:
    until = local(run.expires_at, person.timezone, desk.now) if run.expires_at else ""
    desk.effect(
        f"approval:{run.id}:{person.id}",
        EffectKind.APPROVAL,
        desk.estate.page_channel(person),
        target=person.id,
        run=run.id,
        plan=run.hash,
        title=f"{who} asks you to approve {run.id}: {run.plan.title}",
        text="\n".join(lines(run.plan)),
        note=run.note,
        until=until,
        warning=run.plan.warning,
        path=f"/runs/{run.id}",
    )


def _escalate(desk: Desk, run: Run, text: str) -> None:
    """Whoever is accountable can name another owner; else the default owner."""
    wanted = Approval(roles=(Role.ACCOUNTABLE,))
    named = holders(run.system, wanted, desk.estate, desk.now)
    default = desk.estate.catalog.members(desk.estate.catalog.default_owner or "")
    for person in named or default:
        made = Effect(
            key=f"notice:{run.id}:approver:{person.id}",
            kind=EffectKind.NOTICE,
            channel=desk.estate.page_channel(person),
            incident=None,
            due_at=desk.now,
            target=person.id,
            data={"title": f"Nobody can approve {run.id}", "text": text, "path": f"/runs/{run.id}", "run": run.id},
        )
        desk.effects.append(made)


def lines(plan: Plan) -> tuple[str, ...]:
    """The plan step by step, a line each, with what takes it back."""
    numbered = [f"{number}. {_line(step)}" for number, step in enumerate(plan.steps, 1)]
    more = len(numbered) - _LINES
    return (*numbered[:_LINES], f"and {counted(more, 'more step')}") if more > 0 else tuple(numbered)


def _line(step: Step) -> str:
    if not step.changes or step.request is None:
        return step.title
    before = ", ".join(f"{name} {value}" for name, value in step.prior.items())
    was = f"; now {before}" if before else ""
    back = "can be taken back" if step.undo else "cannot be taken back"
    return f"{step.title} ({step.request.method} {step.request.connection}{was}; {back})"


def refused(desk: Desk, run: Run, by: Actor, refusal: NotAllowed) -> None:
    """Somebody wanted to approve it who may not, or not so: kept for whoever audits."""
    who = desk.estate.person(by.id).name
    desk.tell(
        FactKind.RUN_REFUSED,
        f"{who} could not approve {run.id}: {refusal.why}",
        by=by,
        run=run.id,
        plan=run.hash,
        code=refusal.code,
    )


def alike(runs: Iterable[Run], plan: Plan) -> Run | None:
    """The open run that proposes exactly this already."""
    return next((run for run in runs if run.hash == plan.hash), None)
