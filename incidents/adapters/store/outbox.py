"""The outbox inside a transaction: leases with a fencing token, pages re-checked, results saved where the lease holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import Row, and_, case, exists, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import insert_rows
from incidents.adapters.store.tables import effects, incidents, unreachable
from incidents.core.effect import Channel, EffectKind, EffectState
from incidents.core.incident import Status
from incidents.core.severity import Severity
from incidents.flow.ports import Claimed, MessageRef, Result

_WAITING = (EffectState.DUE, EffectState.LEASED, EffectState.UNKNOWN)
_URGENT = (EffectKind.PAGE, EffectKind.FALLBACK)


class Outbox:
    """The part of a transaction that leases effects and saves what became of them."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection, self._now = connection, now
        self._sqlite = connection.dialect.name == "sqlite"

    async def claim(self, channel: Channel, *, limit: int, lease: timedelta) -> list[Claimed]:
        """Lease what is due: pages first, the worst severity first.

        A page for an incident that is no longer triggered, or of an earlier round, is cancelled here instead. A post
        waits for its card, a refresh for every message that is on its way, and gives way to a newer refresh.
        """
        token = token_hex(8)
        rows = (await self._connection.execute(self._due(channel, limit))).all()
        claimed, cancelled = [], []
        for row in rows:
            why = _no_longer_wanted(row)
            if why:
                cancelled.append((row.id, why))
            else:
                claimed.append(_claimed(row, token))
        for key, why in cancelled:
            values = {"state": EffectState.CANCELLED, "why": why, "lease": None, "lease_until": None}
            await self._connection.execute(update(effects).where(effects.c.id == key).values(values))
        if claimed:
            await self._lease([row.id for row in claimed], token, lease)
        return claimed

    def _due(self, channel: Channel, limit: int) -> Any:
        e, other = effects.c, effects.alias("other")
        c = other.c
        on_its_way = exists().where(
            c.incident == e.incident,
            c.kind.in_((EffectKind.CARD, EffectKind.PAGE)),
            or_(c.state.in_((EffectState.LEASED, EffectState.UNKNOWN)), and_(c.kind == EffectKind.CARD, c.state == EffectState.DUE)),
            c.id != e.id,
        )
        card_waits = exists().where(c.incident == e.incident, c.kind == EffectKind.CARD, c.state.in_(_WAITING))
        earlier_post = exists().where(
            c.incident == e.incident, c.kind == EffectKind.POST, c.state.in_(_WAITING), c.id < e.id
        )
        refresh_runs = exists().where(
            c.incident == e.incident, c.kind == EffectKind.REFRESH, c.state == EffectState.LEASED, c.id != e.id,
            c.lease_until > self._now,
        )  # fmt: skip
        newer = exists().where(
            c.incident == e.incident, c.kind == EffectKind.REFRESH, c.state == EffectState.DUE, c.id > e.id
        )
        ready = or_(e.state.in_((EffectState.DUE, EffectState.UNKNOWN)), and_(e.state == EffectState.LEASED, e.lease_until <= self._now))
        in_order = or_(
            e.kind.in_((EffectKind.PAGE, EffectKind.CARD, EffectKind.FALLBACK)),
            and_(e.kind == EffectKind.POST, ~card_waits, ~earlier_post),
            and_(e.kind == EffectKind.REFRESH, ~on_its_way, ~refresh_runs),
        )
        urgency = case((e.kind.in_(_URGENT), 0), (e.kind == EffectKind.CARD, 1), else_=2)
        severity = incidents.c.severity
        query = (
            select(effects, incidents.c.status.label("status"), incidents.c.round.label("round"), severity, newer.label("newer"))
            .select_from(effects.join(incidents, incidents.c.number == e.incident))
            .where(e.channel == channel, e.state.in_(_WAITING), e.due_at <= self._now, ready, in_order)
            .order_by(urgency, severity, e.due_at, e.id)
            .limit(limit)
        )
        return query if self._sqlite else query.with_for_update(of=effects, skip_locked=True)

    async def _lease(self, ids: Sequence[int], token: str, lease: timedelta) -> None:
        now = literal(self._now, effects.c.attempted_at.type)  # a bare value in a CASE is written as SQLAlchemy writes it
        values = {
            "state": EffectState.LEASED,
            "lease": token,
            "lease_until": self._now + lease,
            "attempts": effects.c.attempts + 1,
            "attempted_at": case((effects.c.state == EffectState.DUE, now), else_=effects.c.attempted_at),
        }
        await self._connection.execute(update(effects).where(effects.c.id.in_(ids)).values(values))

    async def stuck_pages(self, older_than: timedelta) -> list[Claimed]:
        """Pages that their channel has not taken for so long, and that no fallback stands in for yet."""
        e, other = effects.c, effects.alias("other")
        stands_in = exists().where(other.c.key == "fallback:" + e.key)
        query = (
            select(effects)
            .where(
                e.channel == Channel.SLACK,
                e.kind == EffectKind.PAGE,
                e.state.in_(_WAITING),
                e.made_at <= self._now - older_than,
                ~stands_in,
            )
            .order_by(e.id)
            .limit(100)
        )
        return [_claimed(row, "") for row in await self._connection.execute(query)]

    async def refs(self, held: Sequence[str]) -> dict[str, list[tuple[str, MessageRef]]]:
        """The messages of each incident that were sent, the card first."""
        numbers = [r.number_of(incident) for incident in held]
        query = (
            select(effects.c.incident, effects.c.key, effects.c.ref_channel, effects.c.ref_ts)
            .where(
                effects.c.incident.in_(numbers),
                effects.c.kind.in_((EffectKind.CARD, EffectKind.PAGE)),
                effects.c.ref_ts.is_not(None),
            )
            .order_by(effects.c.incident, case((effects.c.kind == EffectKind.CARD, 0), else_=1), effects.c.id)
        )
        found: dict[str, list[tuple[str, MessageRef]]] = {}
        for row in await self._connection.execute(query):
            ref = MessageRef(channel=row.ref_channel, ts=row.ref_ts)
            found.setdefault(r.incident_id(row.incident), []).append((row.key, ref))
        return found

    async def settle(self, results: Sequence[Result]) -> list[Result]:
        """Save results where the lease still holds; a late answer to a lost lease changes nothing."""
        saved = []
        for result in results:
            c = effects.c
            values: dict[str, Any] = {
                "state": result.state,
                "why": result.why[:1_000],
                "lease": None,
                "lease_until": None,
                "due_at": result.due_at or c.due_at,
                "possible_repeat": result.possible_repeat or result.claimed.possible_repeat,
                "asked": result.asked,
            }
            if result.state == EffectState.SENT:
                values["sent_at"] = self._now
            if result.ref:
                values |= {"ref_channel": result.ref.channel, "ref_ts": result.ref.ts}
            mine = and_(c.id == result.claimed.id, c.lease == result.claimed.lease)
            done = await self._connection.execute(update(effects).where(mine).values(values).returning(c.id))
            if done.one_or_none():
                saved.append(result)
        return saved

    async def skip(self, person: str, why: str, until: datetime) -> None:
        """Remember that a person cannot be reached until then."""
        suffix = "on conflict (person) do update set why = excluded.why, until = excluded.until"
        await insert_rows(self._connection, unreachable, [{"person": person, "why": why, "until": until}], suffix)

    async def reached(self, persons: Sequence[str]) -> None:
        """Forget that these people could not be reached."""
        await self._connection.execute(unreachable.delete().where(unreachable.c.person.in_(persons)))


def _no_longer_wanted(row: Row[Any]) -> str | None:
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


def _claimed(row: Row[Any], token: str) -> Claimed:
    return Claimed(
        id=row.id,
        lease=token,
        key=row.key,
        kind=EffectKind(row.kind),
        channel=Channel(row.channel),
        incident=r.incident_id(row.incident),
        target=row.target,
        data=row.data,
        due_at=row.due_at,
        made_at=row.made_at,
        attempts=row.attempts + 1,
        attempted_at=row.attempted_at,
        asked=row.asked,
        possible_repeat=row.possible_repeat,
        unknown=row.state != EffectState.DUE,
    )
