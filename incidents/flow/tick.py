"""Time has passed: ladders climb, watches end, quiet trouble clears, silent channels fall back, heads are sealed."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from incidents.core.catalog import Catalog
from incidents.core.correlate import Room
from incidents.core.decision import Decision
from incidents.core.desk import Desk
from incidents.core.effect import Channel
from incidents.core.errors import NotFound, Stale, StoreAway
from incidents.core.estate import Estate
from incidents.core.figures import span
from incidents.core.lapse import lapse
from incidents.flow.batch import FLOOD, whole
from incidents.flow.fallback import stand_in
from incidents.flow.loop import again
from incidents.flow.monitors import expect, look
from incidents.flow.ports import Place, SceneRequest, Store, Turn, Unit
from incidents.flow.runs import expire_due
from incidents.flow.silences import begin_due
from incidents.flow.tasks import remind_due

log = structlog.get_logger(__name__)

_AT_ONCE = 100  # incidents or alerts in one turn
_SEAL_EVERY = timedelta(minutes=1)
_EXPIRE_EVERY = timedelta(hours=1)
_EXPIRE_AGAIN = timedelta(seconds=1)  # while more than one transaction's worth has expired


class Clock:
    """One loop over everything that is due by the database's clock; safe to run in several processes."""

    def __init__(
        self,
        store: Store,
        estate: Callable[[], Estate],
        made: Callable[[Iterable[str]], None] = lambda _: None,
        *,
        every: float = 1.0,
    ) -> None:
        self._store, self._estate, self._made, self._every = store, estate, made, every
        self._stopping = asyncio.Event()
        self._seal_at: datetime | None = None
        self._expire_at: datetime | None = None
        self._expected: Catalog | None = None  # whose monitors are waited for
        self._climbed: Catalog | None = None  # whose people are asked
        self._anew = set[str]()  # incidents whose people may be others by now

    async def run(self) -> None:
        """Tick until stopped."""
        await again(
            self.tick,
            self._stopping,
            every=self._every,
            away="the database is away; time waits",
            failed="a tick failed",
        )

    def stop(self) -> None:
        self._stopping.set()

    async def tick(self) -> int:
        """Do everything that is due; how much that was. Alerts first: they decide about their incidents."""
        done = 0
        stages = (
            self._silences,
            self._monitors,
            self._alerts,
            self._incidents,
            self._others_are_asked,
            self._proposals,
            self._tasks,
        )
        for stage in (*stages, self._fall_back, self._keep_house):
            try:
                done += await stage() or 0
            except StoreAway:
                raise
            except Stale:
                continue  # another process was first: the next tick looks again
            except Exception:  # the loop's edge: one stage must not stop the others
                log.exception("a stage of a tick failed", stage=stage.__name__)
        return done

    async def _monitors(self) -> int:
        """Monitors that are silent or heard of again; a catalog that changed is compared with them first."""
        estate, waited_for = self._estate(), 0
        if estate.catalog is not self._expected:
            waited_for = await expect(self._store, estate)
            self._expected = estate.catalog
        return waited_for + await look(self._store, estate, self._made)

    async def _silences(self) -> int:
        """Silences that were made for a later moment, which has come."""
        return await begin_due(self._store, self._estate(), self._made)

    async def _proposals(self) -> int:
        """Runs that nobody has approved in time."""
        return await expire_due(self._store, self._estate(), self._made)

    async def _alerts(self) -> int:
        """Alerts whose watch, quiet minutes or flapping is over."""
        done, looked_at = 0, set[str]()
        while True:
            async with self._store.unit(Turn.PAGES) as unit:
                due = [(place, key) for place, key in await unit.board.due_alerts(_AT_ONCE) if key not in looked_at]
            if not due:
                return done
            looked_at |= {key for _, key in due}
            done += await self._lapse_alerts(due)

    async def _lapse_alerts(self, due: Sequence[tuple[Place, str]]) -> int:
        """All in one transaction, or each place in its own where that fails."""
        wanted: dict[Place, set[str]] = {}
        for place, key in due:
            wanted.setdefault(place, set()).add(key)
        try:
            await self._lapse_places(wanted)
            return len(due)
        except StoreAway:
            raise
        except Stale:
            pass  # somebody told one of them just now
        except Exception:  # the loop's edge: one place must not stop the others
            log.exception("alerts cannot lapse", places=len(wanted))
        if len(wanted) == 1:
            return 0  # the next tick looks again
        return sum([await self._lapse_alerts([(place, key) for key in keys]) for place, keys in wanted.items()])

    async def _lapse_places(self, wanted: Mapping[Place, set[str]]) -> None:
        estate = self._estate()
        async with self._store.unit(Turn.PAGES) as unit:
            keys = await _by_gathering(unit, wanted, estate)
            requests = [
                SceneRequest(place=place, fingerprints=frozenset(mine), depends_on=estate.system(place[0]).depends_on)
                for place, mine in keys.items()
            ]
            scenes, decisions, touched = await unit.board.scenes(requests), [], set[str]()
            ids = iter(await unit.board.new_ids(len(scenes)))
            for place, mine in keys.items():
                if not touched.isdisjoint(scenes[place].previous):
                    continue  # another place has just changed an incident of theirs: the next tick looks again
                room = Room(scenes[place], estate, now=unit.now, ids=ids)
                for key in sorted(mine & set(scenes[place].alerts)):
                    room.lapse(key)
                decisions.append(whole(room.decision(), scenes[place]))
                touched.update(incident.id for incident in decisions[-1].incidents)
            await unit.board.save(decisions, {})
        self._made(unit.board.channels)

    async def _incidents(self) -> int:
        done, looked_at = 0, set[str]()
        while True:
            async with self._store.unit(Turn.PAGES) as unit:
                due = [incident for incident in await unit.board.due_incidents(_AT_ONCE) if incident not in looked_at]
            if not due:
                return done
            looked_at |= set(due)
            for incident in due:
                done += await self._lapse_alone(incident)

    async def _others_are_asked(self) -> int:
        """A catalog has changed, or a calendar: what nobody has answered is asked of its people from now on."""
        catalog, done = self._estate().catalog, 0
        if catalog is not self._climbed:
            async with self._store.unit(Turn.PAGES) as unit:
                self._anew |= set(await unit.board.asking())
            self._climbed = catalog
        for incident in sorted(self._anew):
            looked = await self._lapse_alone(incident)
            self._anew -= {incident} if looked else set()
            done += looked
        return done

    async def _lapse_alone(self, incident: str) -> int:
        try:
            await self._lapse(incident)
        except (Stale, NotFound):
            return 0  # somebody acted just now: the next tick looks again
        except StoreAway:
            raise
        except Exception:  # the loop's edge: one incident must not stop the others
            log.exception("an incident cannot lapse", incident=incident)
            return 0
        return 1

    async def _lapse(self, incident: str) -> None:
        async with self._store.unit(Turn.PAGES) as unit:
            found, alerts = await unit.board.incident(incident)
            if incident not in self._anew and (found.wake_at is None or found.wake_at > unit.now):
                return
            desk = Desk(found, self._estate(), unit.now, await unit.board.unreachable())
            lapse(desk, tuple(alert for alert, _ in alerts.values()))
            changed, facts, effects = desk.close()
            if not facts and not effects and replace(changed, version=found.version) == found:
                return
            decision = Decision(incidents=(changed,), facts=tuple(facts), effects=tuple(effects))
            await unit.board.save([decision], {})
        self._made(unit.board.channels)

    async def _tasks(self) -> int:
        """People whom it is time to tell of what they have to do."""
        return await remind_due(self._store, self._estate(), self._made)

    async def _fall_back(self) -> None:
        """A page that no channel has taken within 30 s goes out another way as well."""
        estate = self._estate()
        channel = Channel.WEBHOOK if estate.webhook else Channel.CONSOLE
        patience = estate.policy.escalation.fallback_after
        async with self._store.unit(Turn.PAGES) as unit:
            stuck = await unit.outbox.stuck_pages(patience)
            because = f"the page was not taken within {span(patience)}"
            await unit.board.enqueue([stand_in(page, channel, because, now=unit.now) for page in stuck])
        self._made(unit.board.channels)

    async def _keep_house(self) -> None:
        """Once a minute seal what was written; once an hour drop what has expired."""
        async with self._store.unit(Turn.INTAKE) as unit:
            if self._seal_at is None or unit.now >= self._seal_at:
                await unit.ledger.seal()
                self._seal_at = unit.now + _SEAL_EVERY
            if self._expire_at is None or unit.now >= self._expire_at:
                more = await unit.ledger.expire()
                self._expire_at = unit.now + (_EXPIRE_AGAIN if more else _EXPIRE_EVERY)


async def _by_gathering(unit: Unit, wanted: Mapping[Place, set[str]], estate: Estate) -> dict[Place, set[str]]:
    """Where what these alerts do is decided: at their place, or with the flood of unknown names."""
    known = {place: not estate.registers or estate.catalog.system(place[0]) is not None for place in wanted}
    flooded = (await unit.board.see(known, limit=0)).flooded
    found: dict[Place, set[str]] = {}
    for place, keys in wanted.items():
        found.setdefault(FLOOD if place in flooded else place, set()).update(keys)
    return found
