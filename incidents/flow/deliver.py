"""Effects out: leased, carried, and settled; what may have arrived is asked about, never sent again blindly."""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from incidents.core.briefing import Briefing
from incidents.core.decision import Decision
from incidents.core.desk import Desk
from incidents.core.effect import Channel, Effect, EffectKind, EffectState
from incidents.core.errors import Stale, StoreAway
from incidents.core.estate import Estate
from incidents.core.fact import FactKind
from incidents.flow.fallback import stand_in
from incidents.flow.faults import NONE, Faults
from incidents.flow.ports import (
    Carrier,
    Claimed,
    Message,
    MessageRef,
    NotSent,
    NotThere,
    Outcome,
    Refused,
    Result,
    Sent,
    Store,
    Turn,
    Unit,
    Unknown,
)

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=25)
_SEND_WITHIN = 12.0  # seconds of a lease after which nothing is begun any more: a request may take another 10
_AT_ONCE = 20
_ASK_FOR = timedelta(seconds=60)  # how long the fate of a message is asked about before it is sent once more
_SETTLING = timedelta(seconds=2)  # what was just sent may not be found at once
_NOT_IN_SILENCE = frozenset({EffectKind.PAGE, EffectKind.FALLBACK, EffectKind.CARD, EffectKind.APPROVAL})  # is refused
_TO_A_PERSON = frozenset({EffectKind.PAGE, EffectKind.FALLBACK, EffectKind.NOTICE, EffectKind.APPROVAL})
_SAYS_TEXT = frozenset({EffectKind.POST, EffectKind.NOTICE, EffectKind.APPROVAL})
_SAYS_ALL = frozenset({EffectKind.EVENT, EffectKind.APPROVAL})
_TRIES = 4  # to save what became of a round
_WAITS = (1, 2, 5, 10, 20, 30, 60)  # seconds between tries


_Carried = tuple[Claimed, Outcome | NotThere]


class Briefings(Protocol):
    async def briefings(self, incidents: Sequence[str]) -> dict[str, Briefing]: ...


class Courier:
    """Carries the effects of one channel."""

    def __init__(  # noqa: PLR0913  (what it works with, handed over by one caller)
        self,
        store: Store,
        estate: Callable[[], Estate],
        carrier: Carrier,
        briefings: Briefings,
        *,
        made: Callable[[Iterable[str]], None] = lambda _: None,
        faults: Faults = NONE,
        every: float = 0.5,
    ) -> None:
        self._store, self._estate, self._carrier, self._briefings = store, estate, carrier, briefings
        self._made, self._faults, self._every = made, faults, every
        self._awake = asyncio.Event()
        self._stopping = False

    @property
    def channel(self) -> Channel:
        return self._carrier.channel

    def wake(self) -> None:
        """There is something to carry: do not wait for the next look."""
        self._awake.set()

    def stop(self) -> None:
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Look for work until stopped."""
        while not self._stopping:
            try:
                carried = await self.round()
            except (StoreAway, Stale) as away:
                log.warning("nothing can be carried just now", channel=self.channel, reason=str(away))
                carried = 0
            except Exception:  # the loop's edge: leases run out, and the rest is found again
                log.exception("a round of deliveries failed", channel=self.channel)
                carried = 0
            if carried < _AT_ONCE and not self._stopping:
                await self._rest()

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), self._every)
        except TimeoutError:
            return
        finally:
            self._awake.clear()

    async def round(self) -> int:
        """Claim, carry, settle once; how many effects that was."""
        began = asyncio.get_running_loop().time()
        async with self._store.unit(Turn.PAGES) as unit:
            claimed = await unit.outbox.claim(self.channel, limit=_AT_ONCE, lease=LEASE)
            held = sorted({claim.incident for claim in claimed if claim.incident})
            refs = await unit.outbox.refs(held) if held else {}
            if len(claimed) < _AT_ONCE:
                claimed += await unit.outbox.claim_notices(self.channel, limit=_AT_ONCE - len(claimed), lease=LEASE)
        if not claimed:
            return 0
        self._faults.reach("deliver.claimed")
        briefings = await self._described(held) if held and self.channel is not Channel.BUS else {}
        works = [
            self._carry(c, briefings.get(c.incident or ""), refs.get(c.incident or "", []), began) for c in claimed
        ]
        outcomes = await asyncio.gather(*works)
        self._faults.reach("deliver.sent")
        carried = [(claim, outcome) for claim, outcome in zip(claimed, outcomes, strict=True) if outcome is not None]
        if carried:
            await self._settle(carried)
        self._faults.reach("deliver.committed")
        return len(claimed)

    async def _described(self, incidents: Sequence[str]) -> dict[str, Briefing]:
        """A briefing for each incident; one that cannot be described must not stop the pages of the others."""
        try:
            return await self._briefings.briefings(incidents)
        except StoreAway:
            raise
        except Exception:  # the edge: told with its reason, and tried again later
            log.exception("an incident cannot be described", incidents=incidents)
        if len(incidents) == 1:
            return {}
        found: dict[str, Briefing] = {}
        for incident in incidents:
            found |= await self._described([incident])
        return found

    async def _carry(
        self, claim: Claimed, briefing: Briefing | None, refs: list[tuple[str, MessageRef]], began: float
    ) -> Outcome | NotThere | None:
        """What became of one effect; None where its lease is too old to begin anything."""
        if asyncio.get_running_loop().time() - began > _SEND_WITHIN:
            return None
        if briefing is None and claim.incident is not None and claim.kind is not EffectKind.EVENT:
            why = "its incident cannot be described"
            return Unknown(why) if claim.unknown else NotSent(why)
        try:
            message = self._message(claim, briefing, refs)
            if claim.unknown and claim.kind is not EffectKind.REFRESH:
                return await self._carrier.find(message)
            self._faults.reach("deliver.sending")
            return await self._carrier.carry(message)
        except Exception as error:  # the edge of somebody else's library: it may have been sent
            log.exception("a carrier failed", channel=self.channel, key=claim.key)
            return Unknown(f"{type(error).__name__} while it was carried")

    def _message(self, claim: Claimed, briefing: Briefing | None, refs: list[tuple[str, MessageRef]]) -> Message:
        estate, data = self._estate(), claim.data
        card = next((ref for key, ref in refs if key.startswith("card:")), None)
        text = data.get("text") if claim.kind in _SAYS_TEXT else data.get("why")
        return Message(
            key=claim.key,
            kind=claim.kind,
            incident=claim.incident,
            briefing=briefing,
            person=estate.person(claim.target) if claim.kind in _TO_A_PERSON and claim.target else None,
            place=claim.target if claim.kind in {EffectKind.CARD, EffectKind.POST} else None,
            title=str(data.get("title") or ""),
            text=str(text or ""),
            url=f"{estate.public_url}{data['path']}" if data.get("path") else "",
            thread=card if claim.kind is EffectKind.POST else None,
            refs=_with_urls(refs, estate) if claim.kind is EffectKind.REFRESH else (),
            possible_repeat=claim.possible_repeat,
            attempted_at=claim.attempted_at,
            data=data if claim.kind in _SAYS_ALL else {},
        )

    async def _settle(self, carried: Sequence[_Carried]) -> None:
        """Save what became of a round in one transaction, with what follows from it; a lost race tries again."""
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._store.unit(Turn.PAGES) as unit:
                    results = [judged(claim, outcome, unit.now) for claim, outcome in carried]
                    saved = await unit.outbox.settle(results)
                    await self._tell(unit, saved, carried)
                    self._faults.reach("deliver.saved")
            except Stale:
                if attempt == _TRIES:
                    raise
                await asyncio.sleep(0.02 * random.random())  # noqa: S311  (jitter, no secret)
                continue
            self._made(unit.board.channels)
            _complain(saved)
            return

    async def _tell(self, unit: Unit, saved: Sequence[Result], carried: Sequence[_Carried]) -> None:
        """Put pages on the timelines; whoever cannot be reached is skipped, and the next one asked at once."""
        await self._tell_instead(unit, saved, carried)
        told = [result for result in saved if _is_told(result)]
        if not told:
            return
        found = await unit.board.held([result.claimed.incident or "" for result in told])
        estate, absent = self._estate(), await unit.board.unreachable()
        gone = _gone(told, carried)
        for person, why in gone.items():
            await unit.outbox.skip(person, why, unit.now + estate.policy.escalation.unreachable_for)
        reached = {result.claimed.target or "" for result in told if _is_answered_page(result)} & set(absent)
        if reached:
            await unit.outbox.reached(sorted(reached))
        unreachable = {person: why for person, why in absent.items() if person not in reached} | gone
        desks = {incident: Desk(held, estate, unit.now, unreachable) for incident, held in found.items()}
        for result in told:
            self._tell_one(desks[result.claimed.incident or ""], result, gone=result.claimed.target in gone)
        decisions = []
        for desk in desks.values():
            changed, facts, effects = desk.close()
            decisions.append(Decision(incidents=(changed,), facts=tuple(facts), effects=tuple(effects)))
        await unit.board.save(decisions, {})

    async def _tell_instead(self, unit: Unit, saved: Sequence[Result], carried: Sequence[_Carried]) -> None:
        """A notice that its person will never get goes to whoever it names instead, and they are skipped for now."""
        refused = [result for result in saved if _is_refused_notice(result)]
        estate = self._estate()
        for person, why in _gone(refused, carried).items():
            await unit.outbox.skip(person, why, unit.now + estate.policy.escalation.unreachable_for)
        await unit.board.enqueue([instead for result in refused for instead in told_instead(result, estate, unit.now)])

    def _tell_one(self, desk: Desk, result: Result, *, gone: bool) -> None:
        if result.state == EffectState.SENT:
            self._tell_sent(desk, result)
        else:
            self._tell_failed(desk, result, gone=gone)

    def _tell_sent(self, desk: Desk, result: Result) -> None:
        claim = result.claimed
        who = desk.estate.person(claim.target).name if claim.target else "the fallback"
        repeat = result.possible_repeat or claim.possible_repeat
        data: dict[str, Any] = {
            "to": claim.target,
            "channel": claim.channel.value,
            "key": claim.key,
            "possible_repeat": repeat,
        }
        if claim.kind is EffectKind.FALLBACK:
            because = claim.data.get("because") or claim.data.get("why") or "nobody answered"
            whom = f" for {who}" if claim.target else ""
            desk.tell(FactKind.FALLBACK_USED, f"Fallback notifier used{whom}: {because}", **data)
            return
        why = f": {claim.data['why']}" if claim.data.get("why") else ""
        text = f"Paged {who} by {claim.channel.value}{why}" + (" (may be a repeat)" if repeat else "")
        desk.tell(FactKind.PAGED, text, **data, round=claim.data.get("round"), level=claim.data.get("level"))

    def _tell_failed(self, desk: Desk, result: Result, *, gone: bool) -> None:
        """What will never arrive; where the channel is at fault, another one is used at once."""
        claim, estate = result.claimed, desk.estate
        channel = Channel.WEBHOOK if estate.webhook else Channel.CONSOLE
        if claim.kind is EffectKind.CARD:
            because = f"{claim.channel.value} refused to show it in {claim.target}: {result.why}"
            desk.effects.append(stand_in(replace(claim, target=None), channel, because, now=desk.now))
            return
        who = estate.person(claim.target).name if claim.target else "the fallback"
        what = f"asked to approve {claim.data.get('run')}" if claim.kind is EffectKind.APPROVAL else "paged"
        desk.tell(FactKind.PAGE_FAILED, f"{who} could not be {what}: {result.why}", to=claim.target, key=claim.key)
        if claim.kind is EffectKind.FALLBACK or gone:
            return
        because = f"{claim.channel.value} refused the {claim.kind.value}: {result.why}"
        if claim.kind is EffectKind.APPROVAL:
            asks = f"{claim.data.get('title')}: {estate.public_url}{claim.data.get('path')}"
            claim = replace(claim, data={"why": asks})
        desk.effects.append(stand_in(claim, channel, because, now=desk.now))


def told_instead(result: Result, estate: Estate, now: datetime) -> list[Effect]:
    """The notice to whoever is told where its own person cannot be; none where it names nobody."""
    claim = result.claimed
    other = claim.data.get("instead")
    if not isinstance(other, str) or other == claim.target:
        return []
    name = estate.person(claim.target).name if claim.target else "nobody"
    text = f"{claim.data.get('text', '')}\n{name} could not be told: {result.why}."
    data = {key: value for key, value in claim.data.items() if key != "instead"} | {"text": text}
    person = estate.person(other)
    return [
        Effect(
            key=f"instead:{claim.key}",
            kind=EffectKind.NOTICE,
            channel=estate.page_channel(person),
            incident=None,
            due_at=now,
            target=person.id,
            data=data,
        )
    ]


def _with_urls(refs: Sequence[tuple[str, MessageRef]], estate: Estate) -> tuple[MessageRef, ...]:
    """The messages to bring up to date, each with where people read on."""
    return tuple(
        replace(ref, url=f"{estate.public_url}{ref.approval['path']}") if ref.approval else ref for _, ref in refs
    )


def _complain(saved: Sequence[Result]) -> None:
    """A notice has no timeline to stand on."""
    for result in saved:
        if _is_refused_notice(result):
            log.warning("a notice reached nobody", person=result.claimed.target, reason=result.why)


def _gone(told: Sequence[Result], carried: Sequence[_Carried]) -> dict[str, str]:
    """Who cannot be reached, and why, by the answers of a round."""
    absent = {claim.id for claim, outcome in carried if isinstance(outcome, Refused) and outcome.absent}
    return {
        result.claimed.target: result.why for result in told if result.claimed.id in absent and result.claimed.target
    }


def _is_answered_page(result: Result) -> bool:
    return result.claimed.kind is EffectKind.PAGE and result.state == EffectState.SENT


def _is_refused_notice(result: Result) -> bool:
    return result.claimed.kind is EffectKind.NOTICE and result.state == EffectState.REFUSED


def _is_told(result: Result) -> bool:
    """Whether a result is put on the timeline, or something follows from it."""
    if result.state == EffectState.SENT:
        return result.claimed.kind in {EffectKind.PAGE, EffectKind.FALLBACK}
    return result.state == EffectState.REFUSED and result.claimed.kind in _NOT_IN_SILENCE


def judged(claim: Claimed, outcome: Outcome | NotThere, now: datetime) -> Result:
    """The next state of an effect: due -> sent, refused, due again, or unknown until its fate is known."""
    wait = timedelta(seconds=_WAITS[min(claim.attempts, len(_WAITS)) - 1])
    match outcome:
        case Sent(ref):
            return Result(claimed=claim, state=EffectState.SENT, ref=ref, why="sent")
        case Refused(why):
            return Result(claimed=claim, state=EffectState.REFUSED, why=why)
        case NotSent(why, after):
            return Result(claimed=claim, state=EffectState.DUE, why=why, due_at=now + (after or wait))
        case NotThere():
            fresh = claim.attempted_at is not None and now - claim.attempted_at < _SETTLING
            if fresh:
                again = now + _SETTLING
                return Result(
                    claimed=claim, state=EffectState.UNKNOWN, why="not found yet", due_at=again, asked=claim.asked + 1
                )
            return Result(claimed=claim, state=EffectState.DUE, why="not found: sent again", due_at=now)
        case Unknown(why):
            return _unknown(claim, why, now)


def _unknown(claim: Claimed, why: str, now: datetime) -> Result:
    """Asked about for a minute; then sent once more, marked, and after that only asked about."""
    asked = claim.asked + 1
    long = claim.attempted_at is not None and now - claim.attempted_at >= _ASK_FOR
    if claim.unknown and long and not claim.possible_repeat:
        return Result(claimed=claim, state=EffectState.DUE, why=why, due_at=now, possible_repeat=True, asked=asked)
    if claim.unknown and long:
        text = f"its fate stays unknown: {why}"
        return Result(claimed=claim, state=EffectState.REFUSED, why=text, asked=asked)
    wait = timedelta(seconds=_WAITS[min(asked, len(_WAITS)) - 1])
    return Result(claimed=claim, state=EffectState.UNKNOWN, why=why, due_at=now + wait, asked=asked)
