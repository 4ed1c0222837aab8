"""Decides when each rung of the ladder is asked, and where on it an incident stands now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    relieved: Mapping[str, Asked] = field(default_factory=dict)  # who is paged for a turn taken over, and from whom
    gave_up: bool = False  # the last run has just gone by unanswered
    wake_at: datetime | None = None


BY_HAND = "escalated by hand"  # why a round goes on at another level than time alone would


def begin_round(paging: Paging, *, now: datetime, why: str, by_day: bool = False, wanted: bool = False) -> Paging:
    """Level 0 is asked from `now` on, for the reason given: a new round, unless nobody was asked in this one yet."""
    fresh = paging.round > 0 and not paging.asked
    return Paging(round=paging.round + (0 if fresh else 1), clock_at=now, why=why, by_day=by_day, wanted=wanted)


def stopped(paging: Paging) -> Paging:
    """Nobody is to be asked any more; who was asked is kept."""
    return replace(paging, clock_at=None)


def _rung_of(people: Ladder, entry: Asked) -> int | None:
    """Where on the ladder somebody who was asked stands now: they, or whoever has their turn by now."""
    turn_of = people.turns.get(entry.schedule, entry.person) if entry.schedule else entry.person
    return people.levels.get(turn_of)


def standing(people: Ladder, paging: Paging) -> int:
    """The level that `paging` stands on, found by who was asked: rungs move up and down as people come and go.

    Beyond the one asked last only where somebody has escalated by hand.
    """
    if not paging.asked:
        return paging.level
    last = paging.asked[-1]
    here = _rung_of(people, last)
    if here is not None:
        return here + max(0, paging.level - last.level)
    known = (_rung_of(people, entry) for entry in paging.asked)
    return max((level + 1 for level in known if level is not None), default=0)


def is_worth_another(people: Ladder, paging: Paging) -> bool:
    """Whether the last run went by unanswered, and others are on the ladder by now.

    None of those who were asked is any more, or somebody is on shift where nobody was.
    """
    known = {name for entry in paging.asked for name in (entry.person, entry.schedule)}
    targets = [target for rung in people.rungs for target in rung]
    came = any(target.schedule and known.isdisjoint((target.person.id, target.schedule)) for target in targets)
    return paging.gave_up and (came or all(_rung_of(people, entry) is None for entry in paging.asked))


def _waits(severity: Severity, paging: Paging) -> bool:
    return severity is Severity.SEV3 or paging.by_day


def _due(target: Target, at: datetime, *, waits: bool) -> datetime:
    return next_working(target.person, at) if waits else at


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
        due = tuple((target, _due(target, at, waits=waits)) for target in people.rungs[level])
        yield Call(round=paging.round + run - paging.run, run=run, level=level, at=at, due=due)
        last, begun = max(due, key=lambda pair: pair[1])
        at = add_working(last.person, begun, patience) if waits else begun + patience
        level, run = (level + 1, run) if level + 1 < len(people.rungs) else (0, run + 1)
    yield Call(round=paging.round, run=run, level=0, at=at, due=())


def _ends(target: Target, now: datetime) -> list[datetime]:
    """When somebody can be asked no more: their turn ends, their leave begins."""
    ends = [target.until, *(away.start for away in target.person.away)]
    return [end for end in ends if end and end > now]


def _reached(
    people: Ladder, incident: Incident, policy: Policy, now: datetime
) -> tuple[list[Call], datetime | None, bool]:
    """The calls whose time has come, when the next one comes, and whether the end has come."""
    come: list[Call] = []
    for call in calls(people, incident.severity, incident.paging, policy):
        at = call.due_at if call.due else call.at
        if at > now:
            other = (end for target, due in call.due for end in _ends(target, now) if end < due)
            return come, min(other, default=at), False  # from then on somebody else is to be asked
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
    Whoever takes over the turn of somebody who was asked is asked at once; the times of the ladder go on.
    """
    paging = incident.paging
    if incident.status is not Status.TRIGGERED or paging.clock_at is None:
        return Plan(paging=paging)
    if paging.gave_up:
        return _with_relief(Plan(paging=paging), incident, people, now)
    come, wake_at, ended = _reached(people, incident, policy, now)
    if not come:
        planned = Plan(paging=replace(paging, gave_up=ended), gave_up=ended, wake_at=wake_at)
    else:
        planned = _climbed(come, incident, people, now)
        if ended and planned.pages:
            moved = replace(incident, paging=replace(planned.paging, clock_at=now))
            _, wake_at, ended = _reached(people, moved, policy, now)
            planned = replace(planned, paging=moved.paging)
        wake_at = _earliest(planned.wake_at, wake_at)
        planned = replace(planned, paging=replace(planned.paging, gave_up=ended), gave_up=ended, wake_at=wake_at)
    return _with_relief(planned, incident, people, now)


def _climbed(come: list[Call], incident: Incident, people: Ladder, now: datetime) -> Plan:
    """Whom to ask of the calls whose time has come, and where the ladder stands then."""
    paging, present = incident.paging, come[-1]
    pages, here = _pages(come, paging, now), people.levels
    asked = paging.asked if present.round == paging.round else ()
    asked = tuple(replace(entry, level=here.get(entry.person, entry.level)) for entry in asked)
    asked += tuple(_asked(call, target, now) for call, target in pages)
    first_counts = bool(paging.asked) or any(call.level == come[0].level for call, _ in pages if call is not present)
    return Plan(
        paging=replace(
            paging, round=present.round, run=present.run, level=present.level, clock_at=present.at, asked=asked
        ),
        pages=tuple(pages),
        passed=tuple(call.level for call in come[1 if first_counts else 0 : -1]),
        wake_at=_earliest(*(at for _, at in present.due if at > now)),
    )


def _asked(call: Call, target: Target, now: datetime) -> Asked:
    return Asked(level=call.level, person=target.person.id, at=now, schedule=target.schedule, until=target.until)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((at for at in moments if at is not None), default=None)


def _with_relief(planned: Plan, incident: Incident, people: Ladder, now: datetime) -> Plan:
    """Also ask those who took over a turn since it was asked, and look again when the next such turn ends."""
    paging, before = planned.paging, incident.paging
    over = _took_over(people, before.asked) if paging.round == before.round else {}
    paged = {target.person.id for _, target in planned.pages}
    waits, pages, later = _waits(incident.severity, paging), list[tuple[Call, Target]](), list[datetime]()
    for level, target in ((level, target) for level, rung in enumerate(people.rungs) for target in rung):
        if target.person.id in over.keys() - paged:
            due = _due(target, now, waits=waits)
            call = Call(round=paging.round, run=paging.run, level=level, at=now, due=((target, due),))
            pages += [(call, target)] if due <= now else []
            later += [due] if due > now else []
    relief = tuple(_asked(call, target, now) for call, target in pages)
    asked = (*paging.asked[:-1], *relief, *paging.asked[-1:])  # the one asked last stays the last
    asked = tuple(_prolonged(entry, people) for entry in asked)
    known = {entry.person for entry in asked}
    ends = [end for rung in people.rungs for t in rung if t.person.id in known for end in _ends(t, now)]
    ends += [people.ends[name] for name in {entry.schedule for entry in asked} if name and name in people.ends]
    pages = [*planned.pages, *pages]
    return replace(
        planned,
        paging=replace(paging, asked=asked),
        pages=tuple(pages),
        relieved={target.person.id: over[target.person.id] for _, target in pages if target.person.id in over},
        wake_at=_earliest(planned.wake_at, *ends, *later, *(people.returns if paging.gave_up else ())),
    )


def _took_over(people: Ladder, asked: tuple[Asked, ...]) -> dict[str, Asked]:
    """Who has the turn of somebody who was asked, and was not asked themselves."""
    known = {entry.person for entry in asked}
    holders = {people.turns.get(entry.schedule, ""): entry for entry in asked if entry.schedule}
    return {person: entry for person, entry in holders.items() if person and person not in known}


def _prolonged(entry: Asked, people: Ladder) -> Asked:
    """Somebody whose next turn follows the one in which they were asked."""
    ends = {(t.schedule, t.person.id): t.until for rung in people.rungs for t in rung}
    return replace(entry, until=ends.get((entry.schedule, entry.person), entry.until))


def upcoming(incident: Incident, people: Ladder, policy: Policy, now: datetime) -> tuple[Target, datetime] | None:
    """Who is asked next and when, if nobody answers."""
    if incident.status is not Status.TRIGGERED or incident.paging.gave_up:
        return None
    for call in calls(people, incident.severity, incident.paging, policy):
        for target, at in call.due:
            if at > now:
                return target, at
    return None
