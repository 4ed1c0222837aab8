"""Decides who will be asked about an incident, when, how and why, if nobody answers: the desk, played ahead in time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from incidents.core.desk import Desk
from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.estate import Estate
from incidents.core.incident import Incident, Status
from incidents.core.ladder import Skip, ladder
from incidents.core.people import Person

_STEPS = 200  # of time looked ahead; a ladder of twenty rungs takes far fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One person who is asked, in the words of their page; `done`: before, or now."""

    level: int
    person: Person
    at: datetime
    channel: Channel
    why: str
    done: bool
    fallback: bool = False  # the plain webhook is told as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Whom the ladder asks in their order, and whom it leaves out, as the timeline will say it then.

    `again_at`: when it is run again, or gives up after its last run.
    """

    askings: tuple[Asking, ...] = ()
    skips: tuple[Skip, ...] = ()
    again_at: datetime | None = None
    more_runs: int = 0


def outlook(incident: Incident, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> Outlook:
    """From where an incident stands, as it was saved at `now`, to the end of the present run of its ladder.

    `unreachable` maps a person's id to why Slack refused them, and is taken to stay as it is.
    """
    if incident.status is not Status.TRIGGERED:
        return Outlook()
    people = ladder(incident, estate, unreachable, now)
    levels = {target.person.id: target for rung in people.rungs for target in rung}
    found = [
        Asking(
            level=entry.level,
            person=estate.person(entry.person),
            at=entry.at,
            channel=estate.page_channel(estate.person(entry.person)),
            why=levels[entry.person].why if entry.person in levels else "",
            done=True,
        )
        for entry in incident.paging.asked
    ]
    ahead = _ahead(incident, estate, unreachable, now)
    told = (skip for skip in people.skips if skip.key in incident.skipped)
    return replace(ahead, askings=(*found, *ahead.askings), skips=(*told, *ahead.skips))


def _ahead(incident: Incident, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> Outlook:
    """Let time pass from one wake-up to the next, with nobody answering; what changes hands by then has done so."""
    run, askings, skips = incident.paging.run, list[Asking](), list[Skip]()
    changes = estate.catalog.next_handover(now)
    for _ in range(_STEPS):
        at, before = incident.wake_at, incident
        if at is None or incident.paging.gave_up:
            break
        if changes is not None and changes <= at:
            estate = replace(estate, catalog=estate.catalog.as_of(at))
            changes = estate.catalog.next_handover(at)
        incident, _, effects = Desk(before, estate, at, unreachable).close()
        if incident.paging.run > run or incident.paging.gave_up:
            more = max(0, estate.policy_of(incident.system).escalation.repeat - run)
            return Outlook(askings=tuple(askings), skips=tuple(skips), again_at=at, more_runs=more)
        backed = {effect.target for effect in effects if effect.kind is EffectKind.FALLBACK}
        askings += [_page(effect, estate, at, backed) for effect in effects if effect.kind is EffectKind.PAGE]
        fresh = set(incident.skipped) - set(before.skipped)
        skips += [skip for skip in ladder(before, estate, unreachable, at).skips if skip.key in fresh]
    return Outlook(askings=tuple(askings), skips=tuple(skips))


def _page(effect: Effect, estate: Estate, at: datetime, backed: set[str | None]) -> Asking:
    return Asking(
        level=int(str(effect.data["level"])),
        person=estate.person(effect.target or ""),
        at=at,
        channel=effect.channel,
        why=str(effect.data["why"]),
        done=False,
        fallback=effect.target in backed,
    )
