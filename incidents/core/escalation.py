"""Decides when each rung of the ladder is asked, and where on it an incident stands now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from incidents.core.hours import add_working, next_working
from incidents.core.incident import Asked, Incident, Paging, Status
from incidents.core.ladder import Ladder, Target
from incidents.core.policy import Policy
from incidents.core.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One rung, asked once: its people with the moment that each is due."""

    round: int
    run: int
    level: int
    at: datetime  # when the patience before it ended
    due: tuple[tuple[Target, datetime], ...]

    @property
    def due_at(self) -> datetime:
        return min(at for _, at in self.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now and when to look again."""

    paging: Paging
    pages: tuple[tuple[Call, Target], ...] = ()
    passed: tuple[int, ...] = ()  # levels whose time went by while nobody could ask
    gave_up: bool = False  # the last run has just gone by unanswered
    wake_at: datetime | None = None


BY_HAND = "escalated by hand"  # why a round goes on at another level than time alone would


def begin_round(paging: Paging, *, now: datetime, why: str, by_day: bool = False) -> Paging:
    """Level 0 is asked from `now` on, for the reason given: a new round, unless nobody was asked in this one yet."""
    fresh = paging.round > 0 and not paging.asked
    return Paging(round=paging.round + (0 if fresh else 1), clock_at=now, why=why, by_day=by_day)


def stopped(paging: Paging) -> Paging:
    """Nobody is to be asked any more; who was asked is kept."""
    return replace(paging, clock_at=None)


def standing(people: Ladder, paging: Paging) -> int:
    """The level that `paging` stands on, found by who was asked: rungs move up and down as people come and go.

    Beyond the one asked last only where somebody has escalated by hand.
    """
    if not paging.asked:
        return paging.level
    rung_of, last = people.levels, paging.asked[-1]
    if last.person in rung_of:
        return rung_of[last.person] + max(0, paging.level - last.level)
    return max((rung_of[entry.person] + 1 for entry in paging.asked if entry.person in rung_of), default=0)


def _waits(severity: Severity, paging: Paging) -> bool:
    return severity is Severity.SEV3 or paging.by_day


def calls(people: Ladder, severity: Severity, paging: Paging, policy: Policy) -> Iterator[Call]:
    """All calls of an episode in order, from where `paging` stands; the last has an empty `due`: the end."""
    patience, at = policy.escalation.patience(severity), paging.clock_at
    if patience is None or at is None:
        return
    level, run = standing(people, paging), paging.run
    if level >= len(people.rungs):  # the ladder became shorter
        level, run = 0, run + 1
    while run <= policy.escalation.repeat:
        waits = _waits(severity, paging)
        due = tuple((t, next_working(t.person, at) if waits else at) for t in people.rungs[level])
        yield Call(round=paging.round + run - paging.run, run=run, level=level, at=at, due=due)
        last, begun = max(due, key=lambda pair: pair[1])
        at = add_working(last.person, begun, patience) if waits else begun + patience
        level, run = (level + 1, run) if level + 1 < len(people.rungs) else (0, run + 1)
    yield Call(round=paging.round, run=run, level=0, at=at, due=())


def _reached(
    people: Ladder, incident: Incident, policy: Policy, now: datetime
) -> tuple[list[Call], datetime | None, bool]:
    """The calls whose time has come, when the next one comes, and whether the end has come."""
    come: list[Call] = []
    for call in calls(people, incident.severity, incident.paging, policy):
        at = call.due_at if call.due else call.at
        if at > now:
            return come, at, False
        if not call.due:
            return come, None, True
        come.append(call)
    return come, None, False


def _not_asked(call: Call, asked: tuple[Asked, ...], now: datetime) -> list[Target]:
    known = {entry.person for entry in asked}
    return [target for target, at in call.due if at <= now and target.person.id not in known]


def _pages(come: list[Call], paging: Paging, now: datetime) -> list[tuple[Call, Target]]:
    """Of the calls whose time has come the present one, and the first if nobody was ever asked in this round."""
    first, present = come[0], come[-1]
    asked = paging.asked if present.round == paging.round else ()
    pages = [(present, target) for target in _not_asked(present, asked, now)]
    if paging.asked or present.level == first.level:
        return pages
    missed = replace(first, round=present.round)
    return [*((missed, target) for target, at in first.due if at <= now), *pages]


def plan(incident: Incident, people: Ladder, policy: Policy, now: datetime) -> Plan:
    """Whom to page now. After an outage: level 0 if it was never asked, and the present level; not those between.

    Nobody has failed to answer who was not asked: if the end went by in an outage, the last level gets its time first.
    """
    paging = incident.paging
    if incident.status is not Status.TRIGGERED or paging.clock_at is None or paging.gave_up:
        return Plan(paging=paging)
    come, wake_at, ended = _reached(people, incident, policy, now)
    if not come:
        return Plan(paging=replace(paging, gave_up=ended), gave_up=ended, wake_at=wake_at)
    present = come[-1]
    pages = _pages(come, paging, now)
    here = people.levels
    asked = paging.asked if present.round == paging.round else ()
    asked = tuple(replace(entry, level=here.get(entry.person, entry.level)) for entry in asked)
    asked += tuple(Asked(level=call.level, person=target.person.id, at=now) for call, target in pages)
    moved = replace(paging, round=present.round, run=present.run, level=present.level, clock_at=present.at, asked=asked)
    if ended and pages:
        moved = replace(moved, clock_at=now)
        _, wake_at, ended = _reached(people, replace(incident, paging=moved), policy, now)
    wakes = [wake_at, *(at for _, at in present.due if at > now)]
    first_counts = bool(paging.asked) or any(call.level == come[0].level for call, _ in pages if call is not present)
    return Plan(
        paging=replace(moved, gave_up=ended),
        pages=tuple(pages),
        passed=tuple(call.level for call in come[1 if first_counts else 0 : -1]),
        gave_up=ended,
        wake_at=min((at for at in wakes if at is not None), default=None),
    )


def upcoming(incident: Incident, people: Ladder, policy: Policy, now: datetime) -> tuple[Target, datetime] | None:
    """Who is asked next and when, if nobody answers."""
    if incident.status is not Status.TRIGGERED or incident.paging.gave_up:
        return None
    for call in calls(people, incident.severity, incident.paging, policy):
        for target, at in call.due:
            if at > now:
                return target, at
    return None
