"""What a decision is made from, inside a transaction: places locked in key order, then their incidents, then more."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from sqlalchemy import func, or_, select, union_all

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import among
from incidents.adapters.store.part import Part
from incidents.adapters.store.run_tables import tasks, unfinished
from incidents.adapters.store.tables import alerts, incidents, releases, silences, systems, unreachable, unresolved
from incidents.adapters.store.task_rows import task_of
from incidents.core.alert import Alert, Sighting
from incidents.core.decision import Others, Scene, Unfinished
from incidents.core.events import Kind
from incidents.core.incident import UNRESOLVED, Change, Incident
from incidents.core.mute import Upstream
from incidents.core.reading import fingerprint
from incidents.core.silence import Silence
from incidents.flow.ports import Place, SceneRequest

ORDER = 0x51_1E9CE  # the advisory lock that keeps silences and firing alerts in one order
_UNFINISHED = 50  # follow-ups of one batch's systems, the newest
_RELEASES = 100  # newest of a place; a version that is older is met as if for the first time

Known = Mapping[str, tuple[Alert, Sighting]]


class Scenes(Part):
    """Loads alerts, and whole scenes under lock."""

    async def alerts(self, fingerprints: Iterable[str]) -> dict[str, tuple[Alert, Sighting]]:
        """The alerts of these fingerprints, as far as they exist."""
        wanted = sorted(set(fingerprints))
        if not wanted:
            return {}
        query = select(alerts).where(among(self._connection, wanted, alerts.c.fingerprint))
        return {row.fingerprint: r.alert_of(row) for row in await self._connection.execute(query)}

    async def scenes(self, requests: Sequence[SceneRequest]) -> dict[Place, Scene]:
        """Lock the places in key order, then their incidents, and load what decisions about them need."""
        await self._in_order()
        places = sorted({request.place for request in requests})
        await self._lock(places)
        unknowns = {place: fingerprint(*place, Kind.UNKNOWN_SYSTEM) for place in places}
        wanted = {key for request in requests for key in request.fingerprints} | set(unknowns.values())
        known = await self.alerts(wanted)
        loaded = await self._incidents(places, known)
        others = await self.others([incident.id for incident in loaded], wanted)
        changes = await self._releases(places)
        silences = await self._silences()
        upstream = await self._upstream({name for request in requests for name in request.depends_on})
        absent, undone = await self.unreachable(), await self._undone({place[0] for place in places})
        scenes = {}
        for request in requests:
            place, keys = request.place, (*request.fingerprints, unknowns[request.place])
            mine = {key: known[key] for key in keys if key in known}
            above = [upstream[name, place[1]] for name in request.depends_on if (name, place[1]) in upstream]
            held = _own(place, loaded, mine)
            scenes[place] = Scene(
                system=place[0],
                environment=place[1],
                alerts={key: alert for key, (alert, _) in mine.items()},
                sightings={key: sighting for key, (_, sighting) in mine.items()},
                gathering=next((i for i in held if i.gathering and _is_at(i, place)), None),
                older=next((i for i in reversed(held) if not i.gathering and _is_at(i, place)), None),
                previous={incident.id: incident for incident in held},
                others=others,
                releases=changes.get(place, ()),
                silences=silences,
                upstream=tuple(above),
                unreachable=absent,
                unfinished=tuple(one for one in undone if one.task.system == place[0]),
            )
        return scenes

    async def _undone(self, systems_: set[str]) -> list[Unfinished]:
        """The follow-ups of these systems that nobody has done, each with its incident; not locked."""
        t, c = tasks.c, incidents.c
        open_ones = (
            select(t.number, t.incident, t.doc)
            .where(unfinished(), among(self._connection, sorted(systems_), t.system))
            .order_by(t.number.desc())
            .limit(_UNFINISHED)
            .subquery()
        )
        o = open_ones.c
        query = select(o.number, o.doc, c.doc.label("whole")).join(incidents, c.number == o.incident)
        return [
            Unfinished(task=task_of(row), incident=r.incident_from(row.whole))
            for row in await self._connection.execute(query.order_by(o.number))
        ]

    async def _in_order(self) -> None:
        """Wait for whoever makes or ends a silence: alerts fire before that or after it, and never meanwhile."""
        if not self._sqlite:
            await self._connection.execute(select(func.pg_advisory_xact_lock_shared(ORDER)))

    async def _silences(self) -> tuple[Silence, ...]:
        """Those that have begun and are not over.

        One that was made for now may begin later than this transaction did, and one for later may wait for the clock.
        """
        c = silences.c
        query = select(silences).where(or_(c.begun, c.starts_at <= self._now), c.ends_at > self._now)
        found = [r.silence_of(row) for row in await self._connection.execute(query)]
        return tuple(sorted(found, key=lambda silence: int(silence.id)))

    async def _upstream(self, names: set[str]) -> dict[Place, Upstream]:
        """What gathers at these systems, with when it was last told that it is out of limit."""
        if not names:
            return {}
        c, a = incidents.c, alerts.c
        last = select(func.max(a.last_firing_at)).where(a.incident == c.number).scalar_subquery().label("last")
        query = select(c.system, c.environment, c.doc, last).where(
            c.gathering, among(self._connection, sorted(names), c.system)
        )
        return {
            (row.system, row.environment): Upstream(incident=r.incident_of(row), last_firing_at=row.last)
            for row in await self._connection.execute(query)
        }

    async def _lock(self, places: Sequence[Place]) -> None:
        c = systems.c
        query = select(c.system).where(among(self._connection, places, c.system, c.environment))
        await self._connection.execute(self._locked(query.order_by(c.system, c.environment)))

    async def _incidents(self, places: Sequence[Place], known: Known) -> list[Incident]:
        """Locked by number: the unresolved ones of these places, and those that the alerts belong to."""
        c, o = incidents.c, incidents.alias("o")
        numbers = sorted(_numbers(alert.home for alert, _ in known.values()))
        here = select(o.c.number).where(among(self._connection, places, o.c.system, o.c.environment), unresolved(o))
        theirs = select(o.c.number).where(among(self._connection, numbers, o.c.number))
        query = select(c.doc).where(c.number.in_(union_all(here, theirs))).order_by(c.number)
        return [r.incident_of(row) for row in await self._connection.execute(self._locked(query))]

    async def others(self, held: Sequence[str], but: AbstractSet[str]) -> dict[str, Others]:
        """The burning alerts of incidents, counted, but for those of these fingerprints."""
        numbers, c = sorted(_numbers(held)), alerts.c
        if not numbers:
            return {}
        query = (
            select(
                c.incident,
                func.count().filter(c.burning).label("burning"),
                func.count().filter(c.burning, c.muted_by.is_not(None)).label("muted"),
                func.count().filter(c.hot).label("hot"),
                func.count().filter(c.burning, c.state == "flapping", c.muted_by.is_(None)).label("flapping"),
                func.max(c.last_firing_at).label("last"),
            )
            .where(among(self._connection, numbers, c.incident), ~among(self._connection, sorted(but), c.fingerprint))
            .group_by(c.incident)
        )
        return {
            r.incident_id(row.incident): Others(
                burning=row.burning, muted=row.muted, hot=row.hot, flapping=row.flapping, last_firing_at=row.last
            )
            for row in await self._connection.execute(query)
        }

    async def _releases(self, places: Sequence[Place]) -> dict[Place, tuple[Change, ...]]:
        """The newest of each place, newest first."""
        c = releases.c
        rank = func.row_number().over(partition_by=(c.system, c.environment), order_by=c.deployed_at.desc())
        ranked = (
            select(c.system, c.environment, c.deployed_at, c.doc, rank.label("rank"))
            .where(among(self._connection, places, c.system, c.environment))
            .subquery()
        )
        query = select(ranked).where(ranked.c.rank <= _RELEASES).order_by(ranked.c.rank)
        found: dict[Place, list[Change]] = {}
        for row in await self._connection.execute(query):
            found.setdefault((row.system, row.environment), []).append(r.change_of(row.doc))
        return {place: tuple(changes) for place, changes in found.items()}

    async def gathering_at(self, place: Place) -> str | None:
        """The incident that gathers at a place; not locked: the index lets nobody open a second one."""
        c, (system, environment) = incidents.c, place
        query = select(c.number).where(c.gathering, c.system == system, c.environment == environment)
        number = (await self._connection.execute(query)).scalar_one_or_none()
        return None if number is None else r.incident_id(number)

    async def unreachable(self) -> dict[str, str]:
        """Who cannot be reached for now, and why."""
        query = select(unreachable.c.person, unreachable.c.why).where(unreachable.c.until > self._now)
        return {row.person: row.why for row in await self._connection.execute(query)}


def _numbers(held: Iterable[str | None]) -> set[int]:
    """The numbers of these incidents."""
    return {number for incident in held if incident and (number := r.number_of(incident)) is not None}


def _is_at(incident: Incident, place: Place) -> bool:
    return (incident.system, incident.environment) == place and incident.status in UNRESOLVED


def _own(place: Place, loaded: Sequence[Incident], alerts_: Known) -> list[Incident]:
    """The incidents that a decision about this place may touch: those open there, and those its alerts belong to."""
    theirs = {alert.home for alert, _ in alerts_.values()}
    return [incident for incident in loaded if incident.id in theirs or _is_at(incident, place)]
