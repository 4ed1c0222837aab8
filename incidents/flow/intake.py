"""Events in: what waits is taken together, and answered only after the one transaction that remembers all of it."""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from incidents.core.delivery import Delivery, Origin
from incidents.core.errors import Stale, StoreAway, Unstorable
from incidents.core.estate import Estate
from incidents.flow.batch import Batch, Decoding, decode_all
from incidents.flow.faults import NONE, Faults
from incidents.flow.ports import Letter, Store, Taken, Turn

log = structlog.get_logger(__name__)

BATCH = 500  # messages taken together
EVENTS = 1_000  # and no more events than this in them
TRIES = 3  # solo crashes after which a message is quarantined
_RETRIES = 8  # of a batch that lost a race
_PATIENCE = 5.0  # seconds between two tries while the database is away, at most


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    answer: asyncio.Future[Taken] = field(repr=False)


class Intake:
    """One loop: mark, decode, decide, commit, answer. `estate` is asked for each batch, so that it may change."""

    def __init__(
        self,
        store: Store,
        estate: Callable[[], Estate],
        *,
        worker: str,
        made: Callable[[Iterable[str]], None] = lambda _: None,
        faults: Faults = NONE,
    ) -> None:
        self._store, self._estate, self._worker, self._made, self._faults = store, estate, worker, made, faults
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._seen: dict[tuple[str, str], bool] = {}
        self._stopping = asyncio.Event()
        self.batches = 0

    def submit(self, delivery: Delivery) -> asyncio.Future[Taken]:
        """Take a message in; the answer comes after the commit, in the order of arrival."""
        waiting = _Waiting(delivery, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        return waiting.answer

    @property
    def backlog(self) -> int:
        """Messages that wait."""
        return self._queue.qsize()

    async def run(self) -> None:
        """Work until stopped; whatever was submitted before is taken first."""
        while not (self._stopping.is_set() and self._queue.empty()):
            batch = await self._next()
            if batch:
                await self._work(batch)
        await self._store.unmark(self._worker)

    def stop(self) -> None:
        """Take what waits, then end."""
        self._stopping.set()
        self._queue.put_nowait(_SENTINEL)

    async def _next(self) -> list[_Waiting]:
        batch = [await self._queue.get()]
        while len(batch) < BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return [waiting for waiting in batch if waiting is not _SENTINEL and not waiting.answer.cancelled()]

    async def _work(self, batch: list[_Waiting]) -> None:
        """Take one batch whatever happens: patiently while the database is away, singly where it will not go together."""
        delay = 0.05
        while batch:
            try:
                await self._carefully(batch)
            except StoreAway as away:
                batch = _patient(batch, away)
                log.warning("the database is away; waiting", reason=str(away), waiting=len(batch))
                await asyncio.sleep(delay * (0.5 + random.random()))  # noqa: S311  (jitter, no secret)
                delay = min(delay * 2, _PATIENCE)
            batch = [waiting for waiting in batch if not waiting.answer.done()]

    async def _carefully(self, batch: Sequence[_Waiting]) -> None:
        """Messages that were at hand when a worker died run alone, after the rest."""
        self._faults.reach("intake.received")
        digests = [waiting.delivery.digest for waiting in batch]
        suspects = await self._store.mark(self._worker, digests, solo=False)
        self._faults.reach("intake.marked")
        clean = [waiting for waiting in batch if waiting.delivery.digest not in suspects]
        if clean:
            await self._together(clean, suspected=False)
        for waiting in batch:
            crashes = suspects.get(waiting.delivery.digest)
            if crashes is not None:
                await self._alone(waiting, crashes)

    async def _alone(self, waiting: _Waiting, crashes: int) -> None:
        if crashes >= TRIES:
            detail = f"the process died {crashes} times while this message was the only one at hand"
            log.error("a message is quarantined", position=waiting.delivery.position, crashes=crashes)
            await self._quarantine(waiting, "quarantined", detail)
            return
        await self._store.mark(self._worker, [waiting.delivery.digest], solo=True)
        await self._together([waiting], suspected=True)

    async def _together(self, batch: Sequence[_Waiting], *, suspected: bool) -> None:
        decodings = decode_all([waiting.delivery for waiting in batch], self._faults)
        self._faults.reach("intake.decoded")
        for part in _parts(list(zip(batch, decodings, strict=True))):
            try:
                await self._commit(part, suspected=suspected)
            except (StoreAway, asyncio.CancelledError):
                raise
            except Exception as error:  # the loop's edge: one message must not stop the others
                log.exception("a batch failed; its messages are taken one by one", size=len(part))
                await self._singly(part, error, suspected=suspected)

    async def _singly(
        self, part: Sequence[tuple[_Waiting, Decoding]], error: Exception, *, suspected: bool
    ) -> None:
        if len(part) == 1:
            waiting = part[0][0]
            await self._quarantine(waiting, "failed", f"{type(error).__name__}: {error}")
            return
        for one in part:
            try:
                await self._commit([one], suspected=suspected)
            except (StoreAway, asyncio.CancelledError):
                raise
            except Exception as own:  # noqa: BLE001  (the same edge; told with its reason below)
                await self._singly([one], own, suspected=suspected)

    async def _commit(self, part: Sequence[tuple[_Waiting, Decoding]], *, suspected: bool) -> None:
        """One transaction; a lost race tries the whole again."""
        digests = [waiting.delivery.digest for waiting, _ in part] if suspected else []
        for attempt in range(_RETRIES):
            batch = Batch([decoding for _, decoding in part], self._estate(), self._seen, self._faults)
            try:
                async with self._store.unit(Turn.INTAKE) as unit:
                    self._faults.reach("intake.begun")
                    taken = await batch.take(unit)
                    await unit.inbox.forget_marker(self._worker, digests)
                    self._faults.reach("intake.saved")
            except Stale as stale:
                if attempt == _RETRIES - 1 and len(part) == 1:
                    raise StoreAway("others keep changing the same alert") from stale
                if attempt == _RETRIES - 1:
                    raise
                await asyncio.sleep(0.01 * 2**attempt * random.random())  # noqa: S311  (jitter, no secret)
                continue
            break
        self._faults.reach("intake.committed")
        self.batches += 1
        self._seen.update(batch.seen)
        self._made(batch.channels)
        for (waiting, _), answer in zip(part, taken, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
        self._faults.reach("intake.answered")

    async def _quarantine(self, waiting: _Waiting, reason: str, detail: str) -> None:
        """Put a whole message aside as a dead letter."""
        delivery = waiting.delivery
        letter = Letter(
            delivery=delivery, reason=reason, field="", detail=detail, body=delivery.body, digest=delivery.digest
        )
        async with self._store.unit(Turn.INTAKE) as unit:
            await unit.inbox.put_aside([letter])
            await unit.inbox.forget_marker(self._worker, [delivery.digest])
        if delivery.origin is Origin.HTTP and not waiting.answer.done():
            waiting.answer.set_exception(Unstorable(detail))
        elif not waiting.answer.done():
            waiting.answer.set_result(Taken(refused=1))


_SENTINEL = _Waiting(Delivery(body=None, origin=Origin.HTTP, position="stop"), None)  # type: ignore[arg-type]


def _patient(batch: Sequence[_Waiting], away: StoreAway) -> list[_Waiting]:
    """Tell HTTP at once that nothing was saved; a bus can wait."""
    patient = []
    for waiting in batch:
        if waiting.answer.done():
            continue
        if waiting.delivery.origin is Origin.HTTP:
            waiting.answer.set_exception(StoreAway(str(away)))
        else:
            patient.append(waiting)
    return patient


def _parts(pairs: list[tuple[_Waiting, Decoding]]) -> Iterable[list[tuple[_Waiting, Decoding]]]:
    """Cut a batch where its messages hold too many events for one transaction."""
    part: list[tuple[_Waiting, Decoding]] = []
    events = 0
    for pair in pairs:
        size = len(pair[1].decoded.events)
        if part and events + size > EVENTS:
            yield part
            part, events = [], 0
        part.append(pair)
        events += size
    if part:
        yield part
