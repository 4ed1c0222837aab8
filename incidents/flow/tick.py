"""Time has passed: ladders climb, watches end, quiet trouble clears, silent channels fall back, heads are sealed."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from incidents.core.correlate import Room
from incidents.core.decision import Decision
from incidents.core.desk import Desk
from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.errors import NotFound, Stale, StoreAway
from incidents.core.estate import Estate
from incidents.core.lapse import lapse
from incidents.flow.batch import whole
from incidents.flow.ports import Place, SceneRequest, Store, Turn

log = structlog.get_logger(__name__)

_AT_ONCE = 100  # incidents or alerts in one turn
_SEAL_EVERY = timedelta(minutes=1)
_EXPIRE_EVERY = timedelta(hours=1)


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
        self._seal_at = self._expire_at = None

    async def run(self) -> None:
        """Tick until stopped."""
        while not self._stopping.is_set():
            try:
                await self.tick()
            except StoreAway as away:
                log.warning("the database is away; time waits", reason=str(away))
            except Exception:  # the loop's edge: the next tick tries again
                log.exception("a tick failed")
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every)
            except TimeoutError:
                continue

    def stop(self) -> None:
        self._stopping.set()

    async def tick(self) -> int:
        """Do everything that is due; how much that was."""
        done = 0
        while count := await self._alerts():
            done += count
        while count := await self._incidents():
            done += count
        await self._fall_back()
        await self._keep_house()
        return done

    async def _alerts(self) -> int:
        """Alerts whose watch, quiet minutes or flapping is over, by place and all at once."""
        try:
            async with self._store.unit(Turn.PAGES) as unit:
                due = await unit.board.due_alerts(_AT_ONCE)
                if not due:
                    return 0
                wanted: dict[Place, set[str]] = {}
                for place, key in due:
                    wanted.setdefault(place, set()).add(key)
                await unit.board.see({place: True for place in wanted}, limit=0)
                requests = [SceneRequest(place=p, fingerprints=frozenset(keys)) for p, keys in wanted.items()]
                scenes, estate, decisions = await unit.board.scenes(requests), self._estate(), []
                ids = iter(await unit.board.new_ids(len(scenes)))
                for place, keys in wanted.items():
                    room = Room(scenes[place], estate, now=unit.now, ids=ids)
                    for key in sorted(keys & set(scenes[place].alerts)):
                        room.lapse(key)
                    decisions.append(whole(room.decision(), scenes[place]))
                await unit.board.save(decisions, {})
            self._made(unit.board.channels)
        except Stale:
            return 1  # somebody told one of them just now: look again
        return len(due)

    async def _incidents(self) -> int:
        async with self._store.unit(Turn.PAGES) as unit:
            due = await unit.board.due_incidents(_AT_ONCE)
        for incident in due:
            try:
                await self._lapse(incident)
            except (Stale, NotFound):
                continue  # somebody acted just now: the next tick looks again
        return len(due)

    async def _lapse(self, incident: str) -> None:
        async with self._store.unit(Turn.PAGES) as unit:
            found, alerts = await unit.board.incident(incident)
            if found.wake_at is None or found.wake_at > unit.now:
                return
            desk = Desk(found, self._estate(), unit.now, await unit.board.unreachable())
            lapse(desk, tuple(alert for alert, _ in alerts.values()))
            changed, facts, effects = desk.close()
            decision = Decision(incidents=(changed,), facts=tuple(facts), effects=tuple(effects))
            await unit.board.save([decision], {})
        self._made(unit.board.channels)

    async def _fall_back(self) -> None:
        """A page that no channel has taken within 30 s goes out another way as well."""
        estate = self._estate()
        channel = Channel.WEBHOOK if estate.webhook else Channel.CONSOLE
        async with self._store.unit(Turn.PAGES) as unit:
            stuck = await unit.outbox.stuck_pages(estate.policy.escalation.fallback_after)
            made = [
                Effect(
                    key=f"fallback:{page.key}",
                    kind=EffectKind.FALLBACK,
                    channel=channel,
                    incident=page.incident,
                    due_at=unit.now,
                    target=page.target,
                    data={**page.data, "because": "the page was not taken within 30 s"},
                )
                for page in stuck
            ]
            await unit.board.enqueue(made)
        self._made(unit.board.channels)

    async def _keep_house(self) -> None:
        """Once a minute seal what was written; once an hour drop what has expired."""
        async with self._store.unit(Turn.INTAKE) as unit:
            if self._seal_at is None or unit.now >= self._seal_at:
                await unit.ledger.seal()
                self._seal_at = unit.now + _SEAL_EVERY
            if self._expire_at is None or unit.now >= self._expire_at:
                await unit.ledger.expire()
                self._expire_at = unit.now + _EXPIRE_EVERY
