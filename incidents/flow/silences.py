"""A person asks for quiet, or for its end: one transaction each, in one order with the alerts that fire meanwhile."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from unicodedata import normalize

from incidents.core.alert import Alert, Sighting
from incidents.core.decision import Decision, Others
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.fact import Actor, ActorType
from incidents.core.incident import Status
from incidents.core.muting import hush, shortened, silenced
from incidents.core.silence import Matcher, Silence, SilenceState, Trait, checked
from incidents.flow.attempt import attempt
from incidents.flow.ports import AlertView, SilenceView, Silencing, Store, Turn, Unit

_KINDS = frozenset(kind.value for kind in Kind)


class SilenceShelf(Protocol):
    """Where silences are looked up."""

    async def silences(
        self, states: tuple[SilenceState, ...], *, limit: int, cursor: str | None
    ) -> tuple[Sequence[SilenceView], str | None]: ...


class Silences:
    """Makes silences, ends them, and begins those that were made for later."""

    def __init__(
        self,
        store: Store,
        shelf: SilenceShelf,
        estate: Callable[[], Estate],
        made: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        self._store, self._shelf, self._estate, self._made = store, shelf, estate, made

    async def make(self, wanted: Silencing) -> SilenceView:
        """Be quiet about something from now on, or from a later moment; NotAllowed with what is wrong with it."""
        return await attempt(self._store, lambda unit: self._make(unit, wanted), self._made, "these alerts")

    async def preview(self, wanted: Silencing) -> Sequence[AlertView]:
        """The burning alerts that it would mute now; it is not made. NotAllowed as for making it."""
        async with self._store.unit(Turn.PEOPLE) as unit:
            silence = self._drafted(wanted, unit.now)
            heard = await unit.silences.heard()
        known = ((silenced(alert, silence, self._estate(), unit.now), sighting) for alert, sighting in heard.values())
        return [AlertView(alert=alert, sighting=sighting) for alert, sighting in known if alert is not None]

    async def end(self, silence: str, *, by: Actor) -> Silence:
        """End it early: whatever still burns is looked at anew at once. NotFound, or NotAllowed when it is over."""
        return await attempt(self._store, lambda unit: self._end(unit, silence, by), self._made, "these alerts")

    async def list(
        self, states: tuple[SilenceState, ...] = (), *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[SilenceView], str | None]:
        """Newest first, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        return await self._shelf.silences(states, limit=limit, cursor=cursor)

    async def _make(self, unit: Unit, wanted: Silencing) -> SilenceView:
        await unit.silences.alone()
        silence = self._drafted(wanted, unit.now)
        kept = await unit.silences.add(silence, begun=silence.starts_at <= unit.now)
        muted = await begin(unit, kept, self._estate()) if silence.starts_at <= unit.now else 0
        return SilenceView(silence=kept, state=kept.state(unit.now), muted=muted)

    def _drafted(self, wanted: Silencing, now: datetime) -> Silence:
        return checked(_drafted(wanted, self._estate(), now), _KINDS, now)

    async def _end(self, unit: Unit, key: str, by: Actor) -> Silence:
        await unit.silences.alone()
        silence = await unit.silences.one(key)
        if silence.state(unit.now) is SilenceState.EXPIRED:
            how = f"ended by {self._estate().person(silence.ended_by).name}" if silence.ended_by else "its time is up"
            raise NotAllowed("already_done", f"it is over already: {how}")
        ended = replace(silence, ends_at=unit.now, ended_by=by.id)
        await unit.silences.shorten(ended)
        muted = await unit.silences.muted_by(f"silence:{silence.id}")
        another = self._estate().person(by.id).name if by.id != silence.by else None
        alerts = tuple(shortened(alert, unit.now, another) for alert, _ in muted.values())
        sightings = {key: sighting for key, (_, sighting) in muted.items()}
        await unit.board.save([Decision(alerts=alerts, sightings=sightings)], {})
        return ended


async def begin_due(store: Store, estate: Estate, made: Callable[[Iterable[str]], None]) -> int:
    """Begin the silences whose time has come; how many those were."""
    async with store.unit(Turn.PAGES) as unit:
        if not await unit.silences.due():
            return 0
    async with store.unit(Turn.PAGES) as unit:
        await unit.silences.alone()
        due = await unit.silences.due()  # another process may have been first
        await unit.silences.begin(due)
        for silence in due:
            await begin(unit, silence, estate)
    made(unit.board.channels)
    return len(due)


async def begin(unit: Unit, silence: Silence, estate: Estate) -> int:
    """Mute what burns and is meant, so many alerts; an incident of which nothing else burns asks nobody further."""
    if silence.state(unit.now) is SilenceState.EXPIRED:
        return 0
    muted: dict[str, tuple[Alert, Sighting]] = {}
    for key, (alert, sighting) in (await unit.silences.heard()).items():
        moved = silenced(alert, silence, estate, unit.now)
        if moved is not None:
            muted[key] = moved, sighting
    if not muted:
        return 0
    incidents, facts, effects = [], [], []
    for desk in await _hushed(unit, [alert for alert, _ in muted.values()], silence, estate):
        incident, told, made = desk.close()
        incidents.append(incident)
        facts += told
        effects += made
    decision = Decision(
        incidents=tuple(incidents),
        alerts=tuple(alert for alert, _ in muted.values()),
        sightings={key: sighting for key, (_, sighting) in muted.items()},
        facts=tuple(facts),
        effects=tuple(effects),
    )
    await unit.board.save([decision], {})
    return len(muted)


async def _hushed(unit: Unit, muted: Sequence[Alert], silence: Silence, estate: Estate) -> list[Desk]:
    """The desks of the incidents that these alerts belong to, which now know of it."""
    concerned = sorted({alert.incident for alert in muted if alert.incident})
    if not concerned:
        return []
    held = await unit.board.held(concerned)
    others = await unit.board.others(concerned, {alert.fingerprint for alert in muted})
    absent, by = await unit.board.unreachable(), Actor(type=ActorType.PERSON, id=silence.by)
    desks = []
    for incident in held.values():
        if incident.status is Status.CLOSED:
            continue
        desk, mine = Desk(incident, estate, unit.now, absent), [one for one in muted if one.incident == incident.id]
        hush(desk, mine, others.get(incident.id, Others()), by=by)
        desks.append(desk)
    return desks


def _drafted(wanted: Silencing, estate: Estate, now: datetime) -> Silence:
    """What is wanted, with its times worked out and its words as alerts have them; NotAllowed without an end."""
    starts_at = max(wanted.starts_at or now, now)
    ends_at = wanted.ends_at or (starts_at + wanted.lasting if wanted.lasting else None)
    if ends_at is None:
        raise NotAllowed("end_missing", "say until when, or for how long")
    return Silence(
        id="",
        matchers=tuple(_as_alerts_say(matcher, estate) for matcher in wanted.matchers),
        starts_at=starts_at,
        ends_at=ends_at,
        reason=" ".join(wanted.reason.split()),
        by=wanted.by.id,
        made_at=now,
        planned=wanted.planned,
    )


def _as_alerts_say(matcher: Matcher, estate: Estate) -> Matcher:
    """An alert is known by its system's id, and its kind and severity are in lower case."""
    value = normalize("NFC", matcher.value.strip())
    if matcher.field is Trait.SYSTEM and (system := estate.catalog.system(value)) is not None:
        value = system.id
    return replace(matcher, value=value.lower() if matcher.field in {Trait.KIND, Trait.SEVERITY} else value)
