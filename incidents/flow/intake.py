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
from incidents.flow.ports import Letter, Place, Store, Taken, Turn
from incidents.flow.signs import Heard

log = structlog.get_logger(__name__)

BATCH = 500  # messages taken together
EVENTS = 1_000  # and no more events than this in them
TRIES = 3  # solo crashes after which a message is quarantined
_RETRIES = 8  # of a batch that lost a race
_PATIENCE = 5.0  # seconds between two tries while the database is away, at most
_SILENCE = 2.5  # seconds for which HTTP waits for a database that says nothing at all
_PLACES = 50_000  # and monitors, remembered as seen, so that strangers' names do not fill the memory


@dataclass(slots=True, eq=False)
class _Waiting:
    delivery: Delivery
    answer: asyncio.Future[Taken] = field(repr=False)


_Pair = tuple[_Waiting, Decoding]


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
        self._seen: dict[Place, bool] = {}
        self._heard: Heard = {}
        self._stopping = asyncio.Event()
        self._away: str | None = None  # why nothing can be saved just now
        self._heard_at = 0.0  # when the database last answered or was first asked, by the loop's clock
        self.batches = 0

    def submit(self, delivery: Delivery) -> asyncio.Future[Taken]:
        """Take a message in; the answer comes after the commit, in the order of arrival."""
        waiting = _Waiting(delivery, asyncio.get_running_loop().create_future())
        if self._away is not None and delivery.origin is Origin.HTTP:
            waiting.answer.set_exception(StoreAway(self._away))  # what waits before it may wait for long
            return waiting.answer
        if delivery.origin is Origin.HTTP:
            self._bound(waiting.answer, _SILENCE)
        self._queue.put_nowait(waiting)
        return waiting.answer

    def _bound(self, answer: asyncio.Future[Taken], within: float) -> None:
        """Let nobody wait for a database that has stopped answering; one that is merely busy is waited for."""
        timer = asyncio.get_running_loop().call_later(within, self._look_at, answer)
        answer.add_done_callback(lambda _: timer.cancel())

    def _look_at(self, answer: asyncio.Future[Taken]) -> None:
        left = self._heard_at + _SILENCE - asyncio.get_running_loop().time()
        if answer.done():
            return
        if left > 0:
            self._bound(answer, left)
        else:
            answer.set_exception(StoreAway("the database does not answer"))

    def _hear(self) -> None:
        self._heard_at = asyncio.get_running_loop().time()

    def forget_places(self) -> None:
        """The catalog has changed: a name that was unknown may be known now, and is looked at again."""
        self._seen, self._heard = {}, {}

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
        try:
            await self._store.unmark(self._worker)
        except StoreAway as away:  # then what was at hand runs alone once more
            log.warning("the marker could not be taken back", reason=str(away))

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
        """Take one batch whatever happens: patiently while nothing can be saved, singly where it will not go together.

        A stop ends the patience: what was not saved stays unanswered, and its bus brings it again.
        """
        delay = 0.05
        while batch:
            try:
                await self._carefully(batch)
            except StoreAway as away:
                self._away = str(away)
            except Exception as error:  # the loop's edge: not even putting aside went well
                log.exception("a batch can be neither saved nor put aside")
                self._away = f"{type(error).__name__} while it was saved"
            else:
                break
            log.warning("the database is away; waiting", reason=self._away, waiting=len(batch))
            batch = self._patient(batch, self._away)
            if self._stopping.is_set():
                break
            if batch:
                await asyncio.sleep(delay * (0.5 + random.random()))  # noqa: S311  (jitter, no secret)
                delay = min(delay * 2, _PATIENCE)
        self._away = None

    def _patient(self, batch: Sequence[_Waiting], why: str) -> list[_Waiting]:
        """Tell HTTP at once that nothing was saved, in this batch and behind it; a bus can wait."""
        behind = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        patient: list[_Waiting] = []
        for waiting in (*batch, *behind):
            if waiting is _SENTINEL or waiting.delivery.origin is not Origin.HTTP:
                patient.append(waiting)
            elif not waiting.answer.done():
                waiting.answer.set_exception(StoreAway(why))
        for waiting in patient:
            if waiting in behind:
                self._queue.put_nowait(waiting)
        return [waiting for waiting in patient if waiting not in behind and not waiting.answer.done()]

    async def _carefully(self, batch: Sequence[_Waiting]) -> None:
        """Messages that were at hand when a worker died run alone, after the rest."""
        self._faults.reach("intake.received")
        batch = [waiting for waiting in batch if not waiting.answer.done()]
        digests = [waiting.delivery.digest for waiting in batch]
        suspects = await self._store.mark(self._worker, digests, solo=False)
        self._hear()
        self._faults.reach("intake.marked")
        clean = [waiting for waiting in batch if waiting.delivery.digest not in suspects]
        if clean:
            await self._together(clean, last=len(clean) == len(batch))
        for waiting in batch:
            crashes = suspects.get(waiting.delivery.digest)
            if crashes is not None:
                await self._alone(waiting, crashes)

    async def _alone(self, waiting: _Waiting, crashes: int) -> None:
        if crashes >= TRIES:
            detail = f"the process died {crashes} times while this message was the only one at hand"
            log.error("a message is quarantined", position=waiting.delivery.position, crashes=crashes)
            await self._quarantine(waiting, "quarantined", detail, guilty=True)
            return
        await self._store.mark(self._worker, [waiting.delivery.digest], solo=True)
        await self._together([waiting], last=True, suspected=True)

    async def _together(self, batch: Sequence[_Waiting], *, last: bool, suspected: bool = False) -> None:
        """One transaction, or few where there are many events. The marker stays until the last message is done."""
        decodings = decode_all([waiting.delivery for waiting in batch], self._faults)
        self._hear()  # reading much may take long, and is not the database's silence
        self._faults.reach("intake.decoded")
        parts = list(_parts(list(zip(batch, decodings, strict=True))))
        for number, part in enumerate(parts, 1):
            try:
                await self._commit(part, last=last and number == len(parts), suspected=suspected)
            except StoreAway:
                raise
            except Exception as error:  # the loop's edge: one message must not stop the others
                log.exception("a batch failed; its messages are taken one by one", size=len(part))
                await self._singly(part, error, suspected=suspected)

    async def _singly(self, part: Sequence[_Pair], error: Exception, *, suspected: bool) -> None:
        """Each message in a transaction of its own; what will not go is put aside. The next batch ends the marker."""
        if len(part) == 1:
            await self._quarantine(part[0][0], "failed", f"{type(error).__name__}: {error}")
            return
        for one in part:
            try:
                await self._commit([one], last=False, suspected=suspected)
            except StoreAway:
                raise
            except Exception as own:  # the loop's edge: one message must not stop the others
                log.exception("a message failed; it is put aside", position=one[0].delivery.position)
                await self._singly([one], own, suspected=suspected)

    async def _commit(self, part: Sequence[_Pair], *, last: bool, suspected: bool) -> None:
        """One transaction; a lost race tries the whole again."""
        for attempt in range(1, _RETRIES + 1):
            try:
                batch, taken = await self._saved(part, last=last, suspected=suspected)
                break
            except Stale as stale:
                if attempt == _RETRIES and len(part) == 1:
                    raise StoreAway("others keep changing the same alert") from stale
                if attempt == _RETRIES:
                    raise
                await asyncio.sleep(0.005 * 2**attempt * random.random())  # noqa: S311  (jitter, no secret)
        else:
            raise AssertionError("the last try returns or raises")
        self._faults.reach("intake.committed")
        self.batches += 1
        self._hear()
        self._remember(batch)
        self._made(batch.channels)
        for (waiting, _), answer in zip(part, taken, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
        self._faults.reach("intake.answered")

    async def _saved(self, part: Sequence[_Pair], *, last: bool, suspected: bool) -> tuple[Batch, list[Taken]]:
        batch = Batch([decoding for _, decoding in part], self._estate(), self._seen, self._heard, self._faults)
        async with self._store.unit(Turn.INTAKE) as unit:
            self._faults.reach("intake.begun")
            taken = await batch.take(unit)
            if last:
                await unit.inbox.forget_marker(self._worker)
            if suspected:
                await unit.inbox.acquit([waiting.delivery.digest for waiting, _ in part])
            self._faults.reach("intake.saved")
        return batch, taken

    def _remember(self, batch: Batch) -> None:
        if len(self._heard) > _PLACES:
            self._heard.clear()
        self._heard.update(batch.heard)
        if batch.cache is not self._seen:
            return  # the catalog has changed since: what the batch saw by the old one is seen anew
        if len(self._seen) > _PLACES:
            self._seen.clear()
        self._seen.update(batch.seen)

    async def _quarantine(self, waiting: _Waiting, reason: str, detail: str, *, guilty: bool = False) -> None:
        """Put a whole message aside as a dead letter; a guilty one that comes again is put aside again, unread."""
        delivery = waiting.delivery
        letter = Letter(
            delivery=delivery, reason=reason, field="", detail=detail, body=delivery.body, digest=delivery.digest
        )
        async with self._store.unit(Turn.INTAKE) as unit:
            await unit.inbox.put_aside([letter])
            if not guilty:
                await unit.inbox.acquit([delivery.digest])
        self._hear()
        if delivery.origin is Origin.HTTP and not waiting.answer.done():
            waiting.answer.set_exception(Unstorable(detail))
        elif not waiting.answer.done():
            waiting.answer.set_result(Taken(refused=1))


_SENTINEL = _Waiting(Delivery(body=None, origin=Origin.HTTP, position="stop"), None)  # type: ignore[arg-type]


def _parts(pairs: list[_Pair]) -> Iterable[list[_Pair]]:
    """Cut a batch where its messages hold too many events for one transaction."""
    part: list[_Pair] = []
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
