"""One batch inside its transaction: remember, decide in memory, save in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from incidents.core.alert import Alert, Sighting
from incidents.core.cloudevents import Decoded, Refusal, decode
from incidents.core.correlate import Room, quiet
from incidents.core.decision import Decision, Scene
from incidents.core.delivery import Delivery, Origin
from incidents.core.estate import UNKNOWN_SYSTEMS, Estate
from incidents.core.event_data import DeployedRelease
from incidents.core.events import Event, Phase
from incidents.core.incident import Change
from incidents.core.reading import Reading, fingerprint_of, read
from incidents.core.redaction import storable
from incidents.flow.faults import Faults
from incidents.flow.ports import Disposition, InboxRow, Letter, Place, QuietTelling, SceneRequest, Taken, Unit
from incidents.flow.signs import Heard, signs

FLOOD: Place = (UNKNOWN_SYSTEMS, "production")


@dataclass(frozen=True, slots=True)
class Decoding:
    """A message with what was found in it."""

    delivery: Delivery
    decoded: Decoded


def decode_all(deliveries: Sequence[Delivery], faults: Faults) -> list[Decoding]:
    """Decode messages; no decision yet, no database."""
    found = [Decoding(delivery, decode(delivery)) for delivery in deliveries]
    for decoding in found:
        faults.look_at(event.id for event in decoding.decoded.events)
    return found


def change_of(event: Event, received_at: datetime) -> Change:
    """What a release event announces; one that says no time was deployed when it was told."""
    release = event.data.release
    if not isinstance(release, DeployedRelease):
        raise TypeError(f"{event.type} announces no release")
    return Change(
        kind=str(release.kind),
        name=release.name,
        version=release.version,
        previous=release.previous,
        deployed_at=release.deployed_at or event.time or received_at,
        by=release.by,
        url=release.url,
    )


@dataclass(slots=True)
class _Happening:
    """An event with the system that its name was found to mean."""

    event: Event
    system: str
    fingerprint: str | None
    known: bool

    @property
    def place(self) -> Place:
        return self.system, self.event.environment


class Batch:
    """Takes decoded messages in one transaction.

    `seen` caches places whose rows exist, and whether in a flood; `heard` the monitors that were lately heard of.
    """

    def __init__(
        self, decodings: Sequence[Decoding], estate: Estate, seen: Mapping[Place, bool], heard: Heard, faults: Faults
    ) -> None:
        self._decodings, self._estate, self._faults = decodings, estate, faults
        self.cache, self._heard = seen, heard
        self.seen: dict[Place, bool] = {}
        self.heard: Heard = {}
        self.channels: set[str] = set()
        self.decisions: list[Decision] = []  # everything that was saved, as it was decided
        self._happenings = [self._happening(event) for d in decodings for event in d.decoded.events]
        self._rows = [_row(happening) for happening in self._happenings]

    def _happening(self, event: Event) -> _Happening:
        registered = self._estate.catalog.system(event.system)
        system = registered.id if registered else event.system
        known = registered is not None or not self._estate.registers
        key = fingerprint_of(event, system) if _is_reading(event) else None
        return _Happening(event, system, key, known)

    async def take(self, unit: Unit) -> list[Taken]:
        """Remember every event, decide about the new ones, put aside what cannot be read; an answer per message."""
        dispositions = await unit.inbox.take(self._rows) if self._rows else []
        letters = [letter for decoding in self._decodings for letter in _letters(decoding)]
        if letters:
            await unit.inbox.put_aside(letters)
        self._faults.reach("intake.remembered")
        pairs = zip(self._happenings, dispositions, strict=True)
        new = [happening for happening, disposition in pairs if disposition is Disposition.ACCEPTED]
        if new:
            await self._hear(unit, new)
            await self._decide(unit, new)
        self.channels = set(unit.board.channels)
        return self._answers(dispositions)

    async def _hear(self, unit: Unit, new: Sequence[_Happening]) -> None:
        """Before any place is locked, as the clock does it too: whoever waits, nobody waits in a circle."""
        found = signs(((h.event, h.system) for h in new), self._estate, self._heard, unit.now)
        if found:
            await unit.monitors.hear(found)
            kept = {one.key: self._heard.get(one.key, (one.at, None))[1] for one in found}
            self.heard = {one.key: (one.at, one.every or kept[one.key]) for one in found}

    async def _decide(self, unit: Unit, new: Sequence[_Happening]) -> None:
        places = await self._places(unit, new)
        known = await unit.board.alerts(h.fingerprint for h in new if h.fingerprint)
        tellings = _by_fingerprint(new, self._estate, unit.now)
        hushed, loud = _sorted_out(tellings, known, self._estate)
        groups: dict[Place, list[_Happening]] = {}
        for happening in new:
            if _is_release(happening.event) or happening.fingerprint in loud:
                groups.setdefault(places[happening.place], []).append(happening)
        if groups:
            await self._decide_loud(unit, groups, tellings)
        self._faults.reach("intake.decided")
        await unit.board.count_quiet(hushed)

    async def _places(self, unit: Unit, new: Sequence[_Happening]) -> dict[Place, Place]:
        """Where each system's incidents gather: at itself, or with the flood of unknown names."""
        names = {h.place: h.known for h in new if h.system}
        strange = {place: known for place, known in names.items() if place not in self.cache}
        if strange:
            sighted = await unit.board.see(strange, limit=self._estate.policy.incidents.unknown_names_an_hour)
            self.seen = {place: place in sighted.flooded for place in strange}
        flooded = {place: self.seen.get(place, self.cache.get(place, False)) for place in names}
        return {place: FLOOD if flood and not names[place] else place for place, flood in flooded.items()}

    async def _decide_loud(
        self, unit: Unit, groups: Mapping[Place, Sequence[_Happening]], tellings: Mapping[str, Sequence[Reading]]
    ) -> None:
        """Place by place. Where two places share an incident the second one is decided once the first is saved."""
        counts = {h.fingerprint: len(tellings[h.fingerprint]) for g in groups.values() for h in g if h.fingerprint}
        left = dict(groups)
        while left:
            scenes = await unit.board.scenes([self._request(place, group) for place, group in left.items()])
            ids = iter(await unit.board.new_ids(len(left)))
            decisions: list[Decision] = []
            touched: set[str] = set()
            for place, scene in scenes.items():
                if not touched.isdisjoint(scene.previous):
                    continue
                room = Room(scene, self._estate, now=unit.now, ids=ids)
                _happen(room, left.pop(place), tellings, unit.now)
                decision = room.decision()
                counts |= dict.fromkeys(decision.sightings.keys() - counts.keys(), 1)  # alerts that no event names
                await unit.board.save_releases(place, decision.releases)
                touched.update(incident.id for incident in decision.incidents)
                decisions.append(whole(decision, scene))
            await unit.board.save(decisions, counts)
            self.decisions += decisions

    def _request(self, place: Place, group: Sequence[_Happening]) -> SceneRequest:
        return SceneRequest(
            place=place,
            fingerprints=frozenset(h.fingerprint for h in group if h.fingerprint),
            depends_on=self._estate.system(place[0]).depends_on,
        )

    def _answers(self, dispositions: Sequence[Disposition]) -> list[Taken]:
        answers, start = [], 0
        for decoding in self._decodings:
            mine = dispositions[start : start + len(decoding.decoded.events)]
            start += len(mine)
            refused = decoding.decoded.refusals
            http = decoding.delivery.origin is Origin.HTTP
            answers.append(
                Taken(
                    accepted=mine.count(Disposition.ACCEPTED),
                    duplicates=mine.count(Disposition.DUPLICATE),
                    conflicts=mine.count(Disposition.CONFLICT),
                    errors=refused if http else (),
                    refused=0 if http else len(refused),
                )
            )
        return answers


def whole(decision: Decision, scene: Scene) -> Decision:
    """The decision with every alert that was told of beside its sighting, as it is saved."""
    changed = {alert.fingerprint: alert for alert in decision.alerts}
    told = {key: scene.alerts[key] for key in decision.sightings if key not in changed}
    sightings = dict(decision.sightings)
    for key in changed:
        if key not in sightings:
            sightings[key] = scene.sightings[key]
    return replace(decision, alerts=(*changed.values(), *told.values()), sightings=sightings)


def _is_reading(event: Event) -> bool:
    return event.type.phase in {Phase.MEASURED, Phase.DETECTED, Phase.RESOLVED, Phase.FILED}


def _is_release(event: Event) -> bool:
    return event.type.phase is Phase.DEPLOYED


def _row(happening: _Happening) -> InboxRow:
    event = happening.event
    disposition = "alert" if happening.fingerprint else "release" if _is_release(event) else "heartbeat"
    return InboxRow(
        source=event.source,
        event=event.id,
        type=event.type.value,
        system=happening.system,
        environment=event.environment,
        disposition=disposition,
        fingerprint=happening.fingerprint,
        body_hash=event.body_hash,
        body=storable(event),
    )


def _letters(decoding: Decoding) -> Iterable[Letter]:
    """What of a message could not be read. What HTTP refuses goes back to its sender instead."""
    delivery = decoding.delivery
    if delivery.origin is Origin.HTTP:
        return
    for refusal in decoding.decoded.refusals:
        yield _letter(delivery, refusal)


def _letter(delivery: Delivery, refusal: Refusal) -> Letter:
    part = b"" if refusal.raw is None else b":%d" % refusal.index
    return Letter(
        delivery=delivery,
        reason=refusal.kind,
        field=refusal.field,
        detail=refusal.detail,
        body=refusal.raw if refusal.raw is not None else delivery.body,
        digest=delivery.digest + part,
    )


def reading_of(event: Event, estate: Estate, received_at: datetime, *, known: str | None = None) -> Reading | None:
    """The reading in an event, of the system that its name means; None for a release or a heartbeat."""
    if not _is_reading(event):
        return None
    policy = estate.policy.alerts
    return read(
        event,
        system=estate.system(event.system).id,
        received_at=received_at,
        skew=policy.clock_skew,
        same=policy.same_telling,
        known=known,
    )


def _by_fingerprint(new: Sequence[_Happening], estate: Estate, now: datetime) -> dict[str, list[Reading]]:
    """The readings of each alert, in the order of arrival."""
    found: dict[str, list[Reading]] = {}
    for happening in new:
        reading = reading_of(happening.event, estate, now, known=happening.fingerprint)
        if reading is not None:
            found.setdefault(reading.fingerprint, []).append(reading)
    return found


def _sorted_out(
    tellings: Mapping[str, Sequence[Reading]], known: Mapping[str, tuple[Alert, Sighting]], estate: Estate
) -> tuple[list[QuietTelling], set[str]]:
    """The alerts whose tellings decide nothing, ready to be counted, and the fingerprints of all others."""
    hushed, loud = [], set()
    for key, readings in tellings.items():
        if key not in known or (resolved := _quiet_through(*known[key], readings, estate)) is None:
            loud.add(key)
            continue
        hushed.append(
            QuietTelling(fingerprint=key, version=known[key][0].version, sighting=resolved, tellings=len(readings))
        )
    return hushed, loud


def _quiet_through(alert: Alert, sighting: Sighting, readings: Sequence[Reading], estate: Estate) -> Sighting | None:
    found: Sighting | None = sighting
    for reading in readings:
        if found is None:
            return None
        found = quiet(alert, found, reading, estate)
    return found


def _happen(
    room: Room, group: Sequence[_Happening], tellings: Mapping[str, Sequence[Reading]], received_at: datetime
) -> None:
    """Everything of one place in the order of arrival."""
    turns = {key: iter(readings) for key, readings in tellings.items()}
    for happening in group:
        if happening.fingerprint is None:
            room.release(happening.event, change_of(happening.event, received_at))
        else:
            room.take(next(turns[happening.fingerprint]))
