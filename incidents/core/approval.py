"""Decides whether a person may approve a run: one function behind every door."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from incidents.core.errors import NotAllowed
from incidents.core.estate import ADMIN, Estate
from incidents.core.fact import Actor, ActorType
from incidents.core.hours import next_working
from incidents.core.incident import Incident, Status
from incidents.core.people import Person
from incidents.core.run import Run, RunStatus, StepState
from incidents.core.schedule import turn
from incidents.core.step import Approval, Step, StepType
from incidents.core.system import HIGH_RISK, Role

OVER = frozenset({Status.RESOLVED, Status.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What somebody says who wants to approve a run."""

    by: Actor
    plan: str | None = None  # the hash that they have seen
    warned: bool = False  # the plan's warning was read and answered with yes
    step: str | None = None  # of a step that waits for approval; None: whatever waits
    note: str = ""  # hostile text


_WOKEN = tuple(role for role in Role if role is not Role.GOVERNANCE)  # whose owners are asked at any hour


def may_approve(run: Run, consent: Consent, incident: Incident, estate: Estate, now: datetime) -> Step | None:
    """Raise NotAllowed unless this person may approve this plan now; the step that waits for it, None: the whole plan.

    They are a person of the catalog, hold one of the roles at this moment, are neither who asked nor the same human
    under another name, and have seen exactly this plan with its warning.
    """
    approver = known_person(consent.by, estate)
    step = _awaited(run, consent, now)
    still_open(incident)
    _still_fits(run, incident, estate)
    if consent.plan != run.hash:
        seen = f"you have seen {consent.plan[:_SHOWN]}" if consent.plan else "say which plan you have seen"
        raise NotAllowed("changed", f"{run.id} proposes the plan {run.hash}: {seen}")
    _is_another(run, approver, step, estate)
    _holds_role(run, approver, requirement(run, step), estate, now)
    if run.plan.warning and not consent.warned:
        raise NotAllowed("warning", f"answer this first: {run.plan.warning}")
    return step


def known_person(by: Actor, estate: Estate) -> Person:
    """The person of the catalog who acts; a token, a monitor or an unknown Slack user is none."""
    person = estate.catalog.people.get(by.id) if by.type is ActorType.PERSON else None
    if person is None:
        raise NotAllowed("no_person", f"{by.id} is no person of the catalog: act under your own name")
    return person


def may_ask(by: Actor, estate: Estate) -> None:
    """Raise NotAllowed unless a person asks; where nobody is known at all, the local admin may."""
    if estate.catalog.people or by != Actor(type=ActorType.PERSON, id=ADMIN.id):
        known_person(by, estate)


def still_open(incident: Incident) -> None:
    """Raise NotAllowed where the trouble is over: nothing is changed for it any more."""
    if incident.status in OVER:
        raise NotAllowed("closed", f"{incident.id} is {incident.status}: nothing is changed for it any more")


def _still_fits(run: Run, incident: Incident, estate: Estate) -> None:
    """Raise NotAllowed where the catalog says by now that the plan is about another system, or lacks its warning."""
    if (incident.system, incident.environment) != (run.system, run.environment):
        why = f"{incident.id} is about {incident.system} by now, and {run.id} would change {run.system}: ask anew"
        raise NotAllowed("changed", why)
    if run.plan.changes and not run.plan.warning and estate.system(run.system).risk_class in HIGH_RISK:
        raise NotAllowed(
            "changed", f"{run.system} is a high-risk system by now, and {run.id} does not say so: ask anew"
        )


def requirement(run: Run, step: Step | None = None) -> Approval:
    """Whose word is needed for the whole plan, or for one of its steps."""
    return (step.approval if step is not None else run.plan.approval) or Approval()


def approvers(run: Run, wanted: Approval, estate: Estate, now: datetime) -> tuple[Person, ...]:
    """Everybody who may approve now: they hold the role, and did not ask for the run themselves."""
    asker = estate.person(run.requested_by.id)
    return tuple(person for person in holders(run.system, wanted, estate, now) if not is_same(person, asker))


def told_of(run: Run, able: Iterable[Person], estate: Estate, now: datetime) -> tuple[Person, ...]:
    """Who of those who may approve is sent a message: whoever is owner for governance alone is left to sleep."""
    waking = holders(run.system, Approval(roles=_WOKEN), estate, now)
    found = tuple(person for person in able if person in waking or next_working(person, now) <= now)
    return found or tuple(able)


def holders(system: str, wanted: Approval, estate: Estate, now: datetime) -> tuple[Person, ...]:
    """Who holds one of the wanted roles at this moment; of a system without any owner the default owner does."""
    owners = estate.system(system).owners
    named: list[str] = [owners[role] for role in wanted.roles or tuple(Role) if role in owners]
    if not owners and not wanted.roles and estate.catalog.default_owner:
        named.append(estate.catalog.default_owner)
    found = (person for owner in named for person in _behind(owner, estate, now))
    return tuple({person.id: person for person in found}.values())


def is_same(one: Person, other: Person) -> bool:
    """Whether two entries of the catalog are one human: the same e-mail address or Slack user."""
    mails = {person.email.strip().casefold() for person in (one, other) if person.email}
    same_mail = bool(one.email and other.email) and len(mails) == 1
    return one.id == other.id or same_mail or (one.slack is not None and one.slack == other.slack)


def _behind(owner: str, estate: Estate, now: datetime) -> tuple[Person, ...]:
    catalog = estate.catalog
    if owner not in catalog.schedules:
        return catalog.members(owner)
    shift = turn(catalog.schedules[owner], now)
    person = catalog.people.get(shift.person) if shift else None
    return (person,) if person else ()


def _awaited(run: Run, consent: Consent, now: datetime) -> Step | None:
    """The step that waits for this approval; None where the whole plan does."""
    if run.status is RunStatus.PROPOSED:
        if run.expires_at is not None and now >= run.expires_at:
            raise NotAllowed("expired", f"nobody approved {run.id} in time: ask anew")
        return None
    if run.status is RunStatus.RUNNING:
        for step in run.plan.steps:
            standing = run.step(step.id)
            waits = standing is not None and standing.state is StepState.WAITING
            if step.type is StepType.APPROVE and waits and consent.step in {None, step.id}:
                return step
    code = "expired" if run.status is RunStatus.EXPIRED else "already_done"
    raise NotAllowed(code, f"{run.id} is {run.status.replace('_', ' ')}: there is nothing to approve")


def _is_another(run: Run, approver: Person, step: Step | None, estate: Estate) -> None:
    asker = estate.catalog.people.get(run.requested_by.id)
    if asker is None:
        why = f"{run.requested_by.id}, who asked for {run.id}, is no person of the catalog any more: ask anew"
        raise NotAllowed("no_person", why)
    if is_same(approver, asker):
        raise NotAllowed("same_person", f"{asker.name} asked for {run.id}: somebody else must approve it")
    for each in run.approvals:
        before = estate.person(each.by)
        if each.step == (step.id if step else None) and is_same(approver, before):
            code = "already_done" if before.id == approver.id else "same_person"
            raise NotAllowed(code, f"{before.name} has approved {run.id} already: somebody else must, too")


def _holds_role(run: Run, approver: Person, wanted: Approval, estate: Estate, now: datetime) -> None:
    if approver.id not in {person.id for person in holders(run.system, wanted, estate, now)}:
        raise NotAllowed("no_role", f"{approver.name} is no {needed(wanted.roles)} of {run.system} now")


def needed(roles: Iterable[Role]) -> str:
    """The roles in words: "model or data owner"."""
    names = " or ".join(role.value for role in roles)
    return f"{names} owner" if names else "owner"


_SHOWN = 64  # characters of a hash; more are none
