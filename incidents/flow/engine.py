"""Carries runs out: claimed under a lease, written down before anything is sent, saved only where the lease holds."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

import structlog

from incidents.core.alert import Alert, Sighting
from incidents.core.answer import Answer, NotReached, Unclear
from incidents.core.decision import Decision
from incidents.core.desk import Desk
from incidents.core.errors import LeaseLost, Stale, StoreAway
from incidents.core.estate import Estate
from incidents.core.progress import Look, advance, arrived, verified
from incidents.core.run import OPEN, Run
from incidents.core.sending import Send
from incidents.core.verdict import Verification
from incidents.flow.faults import NONE, Faults
from incidents.flow.ports import Store, Targets, Turn, Unit

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)  # beyond the time that a request may take
_AT_ONCE = 10
_MARGIN = timedelta(seconds=5)  # for a target's adapter to end what took too long
_SEND_WITHIN = 10.0  # seconds after it was written down: whoever slept for longer may not be the only one by now
_WAITS = (0.05, 0.2, 1.0, 3.0, 6.0)  # seconds between tries to save what a target answered

Alerts = Mapping[str, tuple[Alert, Sighting]]  # of the incident, by fingerprint


class Verifier(Protocol):
    """Looks at the metric that fired; pure. Both tell on the desk, and return the alerts that they change."""

    def look(self, desk: Desk, run: Run, step: str, alerts: Alerts) -> tuple[Verification, Iterable[Alert]]:
        """How the metric stands since the verify step began."""
        ...

    def over(self, desk: Desk, run: Run, alerts: Alerts) -> Iterable[Alert]:
        """The run has just ended, in whatever way: nothing is watched for it any more."""
        ...


@dataclass(slots=True)
class _Bench:
    """One run with its incident, under lock in one transaction."""

    unit: Unit
    desk: Desk
    run: Run
    alerts: dict[str, tuple[Alert, Sighting]]
    since: float  # when the transaction began, by this process
    changed: dict[str, Alert] = field(default_factory=dict)

    def put(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            self.changed[alert.fingerprint] = alert
            self.alerts[alert.fingerprint] = (alert, self.alerts[alert.fingerprint][1])


@dataclass(frozen=True, slots=True)
class _Out:
    """A request that is written down, and must go out at once."""

    send: Send
    since: float


class Engine:
    """The loop over the runs that are ready; several processes may have one each."""

    def __init__(  # noqa: PLR0913  (what it works with, handed over by one caller)
        self,
        store: Store,
        estate: Callable[[], Estate],
        targets: Targets,
        verifier: Verifier,
        *,
        made: Callable[[Iterable[str]], None] = lambda _: None,
        faults: Faults = NONE,
        every: float = 1.0,
    ) -> None:
        self._store, self._estate, self._targets, self._verifier = store, estate, targets, verifier
        self._made, self._faults, self._every = made, faults, every
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """A run is ready: do not wait for the next look."""
        self._awake.set()

    def stop(self) -> None:
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Look for runs until stopped; a slow target holds up its own run only."""
        working = set[asyncio.Task[None]]()
        while not self._stopping:
            try:
                for run, lease in await self._claim(_AT_ONCE - len(working)):
                    task = asyncio.create_task(self._carry(run, lease), name=f"run {run.id}")
                    working.add(task)
                    task.add_done_callback(working.discard)
            except StoreAway as away:
                log.warning("the database is away; runs wait", reason=str(away))
            except Exception:  # the loop's edge: the next look tries again
                log.exception("runs cannot be claimed")
            await self._rest()
        await asyncio.gather(*working)

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), self._every)
        except TimeoutError:
            return
        finally:
            self._awake.clear()

    async def round(self) -> int:
        """Carry every run that is ready as far as it goes; how many those were."""
        claimed = await self._claim(_AT_ONCE)
        await asyncio.gather(*(self._carry(run, lease) for run, lease in claimed))
        return len(claimed)

    async def _claim(self, limit: int) -> list[tuple[Run, str]]:
        if limit <= 0:
            return []
        async with self._store.unit(Turn.PAGES) as unit:
            claimed = await unit.runs.claim(limit=limit, lease=LEASE)
        if claimed:
            self._faults.reach("run.claimed")
        return claimed

    async def _carry(self, run: Run, lease: str) -> None:
        """One run as far as it goes. Whatever fails here, its lease runs out and it is found as it was kept."""
        try:
            out = await self._go_on(run, lease)
            while out is not None:
                answer = await self._send(out)
                out = await self._took(run, lease, out.send, answer) or await self._go_on(run, lease)
        except (Stale, StoreAway) as lost:
            log.warning("a run is let go", run=run.id, reason=str(lost))
        except Exception:  # the loop's edge: one run must not stop the others
            log.exception("a run cannot go on", run=run.id)

    async def _go_on(self, run: Run, lease: str) -> _Out | None:
        """Decide what comes next and write it down; what must be sent now."""
        async with self._store.unit(Turn.PAGES) as unit:
            bench = await self._bench(unit, run)
            if bench.run.status not in OPEN:
                return None
            bench.run, todo = advance(bench.desk, bench.run)
            while isinstance(todo, Look):
                seen, changed = self._verifier.look(bench.desk, bench.run, todo.step.id, bench.alerts)
                bench.put(changed)
                bench.run = verified(bench.desk, bench.run, todo.step.id, seen)
                bench.run, todo = advance(bench.desk, bench.run)
            if todo is not None and self._stopping:
                return None  # what is begun now would be cut off, and nobody would know whether it was done
            await self._save(bench, lease, todo)
        return self._written(bench, todo)

    async def _took(self, run: Run, lease: str, send: Send, answer: Answer) -> _Out | None:
        """Keep what came of a request; what must be sent at once because of it."""
        for wait in (*_WAITS, None):
            try:
                async with self._store.unit(Turn.PAGES) as unit:
                    bench = await self._bench(unit, run)
                    bench.run, more = arrived(bench.desk, bench.run, send, answer)
                    await self._save(bench, lease, more, goes_on=True)
            except (Stale, StoreAway) as error:
                if wait is None or isinstance(error, LeaseLost):
                    raise
                await asyncio.sleep(wait * (1 + random.random()))  # noqa: S311  (jitter, no secret)
                continue
            self._faults.reach("run.saved")
            return self._written(bench, more)
        return None

    async def _bench(self, unit: Unit, run: Run) -> _Bench:
        since = asyncio.get_running_loop().time()
        incident, alerts = await unit.board.incident(run.incident)
        held = await unit.runs.one(run.id)
        desk = Desk(incident, self._estate(), unit.now, await unit.board.unreachable())
        return _Bench(unit=unit, desk=desk, run=held, alerts=alerts, since=since)

    async def _save(self, bench: _Bench, lease: str, send: Send | None, *, goes_on: bool = False) -> None:
        """Everything in one transaction, and nothing where the lease is another's by now."""
        unit, desk = bench.unit, bench.desk
        if bench.run.status not in OPEN:
            bench.put(self._verifier.over(desk, bench.run, bench.alerts))
        held = LEASE + (send.within if send else timedelta())
        await unit.runs.save(bench.run, lease=lease, hold=held if send or goes_on else None)
        incident, facts, effects = desk.close()
        if not (facts or effects or bench.changed) and replace(incident, version=desk.before.version) == desk.before:
            return
        decision = Decision(
            incidents=(incident,),
            alerts=tuple(bench.changed.values()),
            sightings={key: bench.alerts[key][1] for key in bench.changed},
            facts=tuple(facts),
            effects=tuple(effects),
        )
        await unit.board.save([decision], {})

    def _written(self, bench: _Bench, send: Send | None) -> _Out | None:
        """It is committed: couriers are woken, and what must be sent goes out."""
        self._made(bench.unit.board.channels)
        if send is None:
            return None
        if send.alters:
            self._faults.reach("run.doing")
        return _Out(send, bench.since)

    async def _send(self, out: _Out) -> Answer:
        """Outside any transaction; what the other end does is an answer too."""
        send = out.send
        if asyncio.get_running_loop().time() - out.since > _SEND_WITHIN:
            return NotReached("this process stood still for too long before it was sent")
        try:
            async with asyncio.timeout((send.within + _MARGIN).total_seconds()):
                answer = await self._targets.send(send.request, within=send.within, key=send.key)
        except TimeoutError:
            answer = Unclear(f"no answer within {send.within.total_seconds():.0f} s")
        self._faults.reach("run.sent")
        return answer
