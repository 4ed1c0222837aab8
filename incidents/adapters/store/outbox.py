"""The outbox inside a transaction: leases with a fencing token, pages re-checked, results saved where a lease holds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, literal, or_, select, text, update

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import among, insert_rows, listed
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.part import Part
from incidents.adapters.store.run_news import old_news
from incidents.adapters.store.run_tables import runs
from incidents.adapters.store.tables import effects, incidents, unreachable, waiting
from incidents.core.effect import Channel, EffectKind, EffectState
from incidents.core.incident import Status
from incidents.core.run import RunStatus
from incidents.core.severity import Severity
from incidents.flow.ports import Claimed, MessageRef, Result

_URGENT = (EffectKind.PAGE, EffectKind.FALLBACK, EffectKind.APPROVAL)
_REFRESHED = (EffectKind.CARD, EffectKind.PAGE, EffectKind.APPROVAL)
_SHOWN_AFTER = timedelta(hours=1)  # for so long the end of a run is shown where people were asked to approve it
_BEGUN = (EffectState.LEASED, EffectState.UNKNOWN)
_STUCK_AT_ONCE = 100
_WHY = 1_000  # characters kept of an answer
_SETTLED = {
    "id": "bigint",
    "lease": "text",
    "state": "text",
    "why": "text",
    "due_at": "timestamptz",
    "sent_at": "timestamptz",
    "possible_repeat": "boolean",
    "asked": "integer",
    "ref_channel": "text",
    "ref_ts": "text",
}


class Outbox(Part):
    """The part of a transaction that leases effects and saves what became of them."""

    async def claim(self, channel: Channel, *, limit: int, lease: timedelta) -> list[Claimed]:
        """Lease what is due: pages first, the worst severity first.

        A page for an incident that is no longer triggered, or of an earlier round, is cancelled here instead; so is
        asking for the approval of a run that was decided about. A post
        waits for its card, an event for those before it, a refresh for every message that is on its way, and gives way
        to a newer refresh. An effect whose incident somebody is changing just now is left for the next look, so that
        their order is certain.
        """
        rows = (await self._connection.execute(self._due(channel, limit))).all()
        return await self._taken(rows, {row.id: why for row in rows if (why := _no_longer_wanted(row))}, lease)

    async def claim_notices(self, channel: Channel, *, limit: int, lease: timedelta) -> list[Claimed]:
        """Lease notices that are due, the oldest first; that a run waits for somebody is looked at again."""
        e = effects.c
        query = (
            select(effects)
            .where(e.incident == r.NO_INCIDENT, e.channel == channel, *self._claimable())
            .order_by(e.due_at, e.id)
            .limit(limit)
        )
        query = query if self._sqlite else query.with_for_update(skip_locked=True)
        return await self._taken((await self._connection.execute(query)).all(), {}, lease)

    async def _taken(self, rows: Sequence[AnyRow], unwanted: Mapping[int, str], lease: timedelta) -> list[Claimed]:
        """Lease these but for those that nobody wants any more, which are cancelled."""
        token, over = token_hex(8), {**await old_news(self._connection, rows), **unwanted}
        if over:
            await self._cancel([{"id": id_, "why": why} for id_, why in over.items()])
        claimed = [_claimed(row, token, self._now) for row in rows if row.id not in over]
        if claimed:
            await self._lease([claim.id for claim in claimed], token, lease)
        return claimed

    def _claimable(self) -> tuple[ColumnElement[bool], ...]:
        e = effects.c
        return waiting(effects), e.due_at <= self._now, or_(e.state != EffectState.LEASED, e.lease_until <= self._now)

    def _due(self, channel: Channel, limit: int) -> Select[Any]:
        e, i = effects.c, incidents.c
        urgency = case((e.kind.in_(_URGENT), 0), (e.kind == EffectKind.CARD, 1), else_=2)
        newer = _another("newer", kind=(EffectKind.REFRESH,), state=(EffectState.DUE,), after=True)
        query = (
            select(effects, i.status.label("status"), i.round.label("round"), i.severity, newer.label("newer"))
            .select_from(effects.join(incidents, i.number == e.incident))
            .where(e.channel == channel, *self._claimable(), self._in_order())
            .order_by(urgency, i.severity, e.due_at, e.id)
            .limit(limit)
        )
        return query if self._sqlite else query.with_for_update(of=(effects, incidents), skip_locked=True)

    def _in_order(self) -> ColumnElement[bool]:
        """Whether what must go before an effect has gone."""
        kind = effects.c.kind
        card_first = _another("card", kind=(EffectKind.CARD,))
        post_first = _another("post", kind=(EffectKind.POST,), before=True)
        event_first = _another("event", kind=(EffectKind.EVENT,), before=True)
        on_its_way = _another("sent", kind=_REFRESHED, state=_BEGUN)
        refreshing = _another("other", kind=(EffectKind.REFRESH,), state=(EffectState.LEASED,), until=self._now)
        return or_(
            kind.in_((EffectKind.PAGE, EffectKind.CARD, EffectKind.FALLBACK, EffectKind.APPROVAL)),
            and_(kind == EffectKind.POST, ~card_first, ~post_first),
            and_(kind == EffectKind.EVENT, ~event_first),
            and_(kind == EffectKind.REFRESH, ~card_first, ~on_its_way, ~refreshing),
        )

    async def _cancel(self, cancelled: Sequence[Mapping[str, object]]) -> None:
        source, values = listed(self._connection, cancelled, id="bigint", why="text")
        query = f"""update effects set state = 'cancelled', why = d.why, lease = null, lease_until = null
            from {source} where effects.id = d.id"""
        await self._connection.execute(text(query), values)

    async def _lease(self, ids: Sequence[int], token: str, lease: timedelta) -> None:
        e, i = effects.c, incidents.c
        now = literal(self._now, e.attempted_at.type)  # a bare value in a CASE is written as SQLAlchemy does
        newest = select(i.head_seq).where(i.number == e.incident).scalar_subquery()
        anew = e.state == EffectState.DUE
        values = {
            "state": EffectState.LEASED,
            "lease": token,
            "lease_until": self._now + lease,
            "attempts": e.attempts + 1,
            "attempted_at": case((anew, now), else_=e.attempted_at),
            "begun_after": case((anew, newest), else_=e.begun_after),
        }
        leased = update(effects).where(among(self._connection, ids, e.id)).values(values)
        await self._connection.execute(leased)

    async def stuck_pages(self, older_than: timedelta) -> list[Claimed]:
        """Pages that Slack has not taken for so long, and that no fallback stands in for yet."""
        e, other = effects.c, effects.alias("other")
        stands_in = exists().where(other.c.key == "fallback:" + e.key)
        query = (
            select(effects)
            .where(
                e.channel == Channel.SLACK,
                e.kind == EffectKind.PAGE,
                waiting(effects),
                e.made_at <= self._now - older_than,
                ~stands_in,
            )
            .order_by(e.id)
            .limit(_STUCK_AT_ONCE)
        )
        return [_claimed(row, "", self._now) for row in await self._connection.execute(query)]

    async def refs(self, held: Sequence[str]) -> dict[str, list[tuple[str, MessageRef]]]:
        """The messages of each incident that were sent, the card first; those that ask for approval when it is over."""
        numbers = sorted({r.number_of(incident) or 0 for incident in held})
        e = effects.c
        query = (
            select(e.incident, e.key, e.kind, e.ref_channel, e.ref_ts, e.data)
            .where(among(self._connection, numbers, e.incident), e.kind.in_(_REFRESHED), e.ref_ts.is_not(None))
            .order_by(e.incident, case((e.kind == EffectKind.CARD, 0), else_=1), e.id)
        )
        rows = (await self._connection.execute(query)).all()
        asked = [row.incident for row in rows if row.kind == EffectKind.APPROVAL]
        stand = await self._decided(sorted(set(asked))) if asked else {}
        found: dict[str, list[tuple[str, MessageRef]]] = {}
        for row in rows:
            ref = MessageRef(channel=row.ref_channel, ts=row.ref_ts, why=str(row.data.get("why") or ""))
            if row.kind == EffectKind.APPROVAL:
                ended = stand.get(str(row.data.get("run")))
                if ended is None:
                    continue  # it still asks, or has said for long how it went
                ref = replace(ref, approval=row.data, ended=ended)
            found.setdefault(r.incident_id(row.incident), []).append((row.key, ref))
        return found

    async def _decided(self, held: Sequence[int]) -> dict[str, str]:
        """How the runs of these incidents stand that were decided about, unless they ended long ago."""
        c = runs.c
        recent = or_(c.ended_at.is_(None), c.ended_at >= self._now - _SHOWN_AFTER)
        query = select(c.number, c.status).where(
            among(self._connection, held, c.incident), c.status != RunStatus.PROPOSED, recent
        )
        return {r.run_id(row.number): row.status for row in await self._connection.execute(query)}

    async def settle(self, results: Sequence[Result]) -> list[Result]:
        """Save results where the lease still holds; a late answer to a lost lease changes nothing."""
        if not results:
            return []
        rows = [self._settled(result) for result in sorted(results, key=lambda result: result.claimed.id)]
        source, values = listed(self._connection, rows, **_SETTLED)
        query = f"""update effects set state = d.state, why = d.why, lease = null, lease_until = null, asked = d.asked,
                due_at = coalesce(d.due_at, effects.due_at), sent_at = coalesce(d.sent_at, effects.sent_at),
                possible_repeat = d.possible_repeat, ref_channel = coalesce(d.ref_channel, effects.ref_channel),
                ref_ts = coalesce(d.ref_ts, effects.ref_ts)
            from {source} where effects.id = d.id and effects.lease = d.lease returning effects.id"""
        found = await self._connection.execute(text(query), values)
        saved = {row.id for row in found}
        return [result for result in results if result.claimed.id in saved]

    def _settled(self, result: Result) -> dict[str, object]:
        claimed, ref = result.claimed, result.ref
        return {
            "id": claimed.id,
            "lease": claimed.lease,
            "state": result.state,
            "why": result.why[:_WHY].replace("\x00", ""),
            "due_at": result.due_at,
            "sent_at": self._now if result.state == EffectState.SENT else None,
            "possible_repeat": result.possible_repeat or claimed.possible_repeat,
            "asked": result.asked,
            "ref_channel": ref.channel if ref else None,
            "ref_ts": ref.ts if ref else None,
        }

    async def withdraw(self, keys: Sequence[str], why: str) -> None:
        """Take back what nobody has begun to send."""
        c = effects.c
        waits = c.state == EffectState.DUE.value
        over = update(effects).where(among(self._connection, sorted(set(keys)), c.key), waits)
        await self._connection.execute(over.values(state=EffectState.CANCELLED.value, why=why))

    async def skip(self, person: str, why: str, until: datetime) -> None:
        """Remember that a person cannot be reached until then."""
        suffix = "on conflict (person) do update set why = excluded.why, until = excluded.until"
        await insert_rows(self._connection, unreachable, [{"person": person, "why": why, "until": until}], suffix)

    async def reached(self, persons: Sequence[str]) -> None:
        """Forget that these people could not be reached."""
        gone = unreachable.delete().where(among(self._connection, sorted(set(persons)), unreachable.c.person))
        await self._connection.execute(gone)


def _no_longer_wanted(row: AnyRow) -> str | None:
    """Why an effect is cancelled when it comes to its turn; one whose fate is unknown is always asked about."""
    if row.state != EffectState.DUE:
        return None
    if row.kind == EffectKind.REFRESH and row.newer:
        return "a newer one follows"
    if row.kind != EffectKind.PAGE and not row.key.startswith("fallback:page:"):
        return None
    if row.status != Status.TRIGGERED:
        return f"the incident is {row.status}"
    if row.severity == Severity.SEV4:
        return "SEV4 pages nobody"
    data: Mapping[str, Any] = row.data
    return "a later round has begun" if int(data.get("round", row.round)) < row.round else None


def _another(
    name: str,
    *,
    kind: Sequence[EffectKind],
    state: Sequence[EffectState] = (),
    before: bool = False,
    after: bool = False,
    until: datetime | None = None,
) -> ColumnElement[bool]:
    """Whether another effect of the same incident is not done with: of these kinds and states, before or after it."""
    e, other = effects.c, effects.alias(name)
    c = other.c
    wanted = [c.incident == e.incident, waiting(other), c.kind.in_(kind), c.id != e.id]
    if state:
        wanted.append(c.state.in_(state))
    if before or after:
        wanted.append(c.id < e.id if before else c.id > e.id)
    if until is not None:
        wanted.append(c.lease_until > until)
    return exists().where(*wanted)


def _claimed(row: AnyRow, token: str, now: datetime) -> Claimed:
    return Claimed(
        id=row.id,
        lease=token,
        key=row.key,
        kind=EffectKind(row.kind),
        channel=Channel(row.channel),
        incident=r.incident_id(row.incident) if row.incident else None,
        target=row.target,
        data=row.data,
        due_at=row.due_at,
        made_at=row.made_at,
        attempts=row.attempts + 1,
        attempted_at=now if row.state == EffectState.DUE else row.attempted_at,
        asked=row.asked,
        possible_repeat=row.possible_repeat,
        unknown=row.state != EffectState.DUE,
    )
