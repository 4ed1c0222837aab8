"""The record over time: heads of the fact chains sealed one after another, and what has expired dropped."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, func, select, text, tuple_, update

from incidents.adapters.store.bulk import insert_rows, listed
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.part import Part
from incidents.adapters.store.tables import (
    answers,
    clicks,
    conflicts,
    dead_letters,
    effects,
    inbox,
    incidents,
    seals,
    suspects,
    waiting,
)
from incidents.core.fact import GENESIS, canonical

RAW_FOR = timedelta(days=30)  # bodies of the inbox and of dead letters
_SUSPECTS_FOR = timedelta(days=30)
_REFRESHES_FOR = timedelta(days=1)  # what was shown once and is out of date
_CLICKS_FOR = timedelta(days=1)
_ANSWERS_FOR = timedelta(hours=24)
_SEALED_AT_ONCE = 1_000
_EXPIRED_AT_ONCE = 2_000  # rows of a table in one transaction, so that nobody waits for it
_LOCK = 7_241_196_002  # one sealer at a time


def sealed(seq: int, at: datetime, heads: list[list[Any]], previous: str) -> str:
    """The hash of one seal: sha256 over the hash before it and what it covers."""
    return sha256(previous.encode() + canonical({"seq": seq, "at": at.isoformat(), "heads": heads})).hexdigest()


class Ledger(Part):
    """The part of a transaction that looks after the record as a whole."""

    async def seal(self) -> int:
        """Chain the heads of incidents that were written to since the last seal; how many those were."""
        if not self._sqlite:
            mine = await self._connection.execute(select(func.pg_try_advisory_xact_lock(_LOCK)))
            if not mine.scalar_one():
                return 0
        c = incidents.c
        query = select(c.number, c.head_seq, c.head_hash).where(c.sealed_seq < c.head_seq).order_by(c.number)
        rows = (await self._connection.execute(self._locked(query.limit(_SEALED_AT_ONCE)))).all()
        if rows:
            await self._chain(rows)
            heads = [{"number": row.number, "head": row.head_seq} for row in rows]
            source, values = listed(self._connection, heads, number="bigint", head="integer")
            raised = f"update incidents set sealed_seq = d.head from {source} where incidents.number = d.number"
            await self._connection.execute(text(raised), values)
        return len(rows)

    async def _chain(self, rows: Sequence[AnyRow]) -> None:
        last = select(seals.c.seq, seals.c.hash).order_by(seals.c.seq.desc()).limit(1)
        before = (await self._connection.execute(last)).one_or_none()
        seq, previous = (before.seq + 1, before.hash) if before else (1, GENESIS)
        heads = [[row.number, row.head_seq, row.head_hash] for row in rows]
        digest = sealed(seq, self._now, heads, previous)
        seal = {"seq": seq, "at": self._now, "heads": heads, "previous": previous, "hash": digest}
        await insert_rows(self._connection, seals, [seal])

    async def expire(self) -> int:
        """Drop raw bodies, clicks, answers and old refreshes, some of each; more waits when it is not zero."""
        raw = self._now - RAW_FOR
        bodies = ((inbox, inbox.c.received_at), (conflicts, conflicts.c.received_at), (dead_letters, dead_letters.c.at))
        full = sum([await self._forget(table, at < raw) for table, at in bodies])
        rows = (
            (effects, (effects.c.kind == text("'refresh'")) & ~waiting(effects), effects.c.made_at, _REFRESHES_FOR),
            (clicks, None, clicks.c.at, _CLICKS_FOR),
            (answers, None, answers.c.at, _ANSWERS_FOR),
            (suspects, None, suspects.c.at, _SUSPECTS_FOR),
        )
        return full + sum([await self._drop(table, at, self._now - age, also) for table, also, at, age in rows])

    async def _forget(self, table: Table, old: ColumnElement[bool]) -> int:
        chosen = select(*table.primary_key.columns).where(old, table.c.body.is_not(None)).limit(_EXPIRED_AT_ONCE)
        forgotten = update(table).where(tuple_(*table.primary_key.columns).in_(chosen)).values(body=None)
        done = await self._connection.execute(forgotten)
        return int(done.rowcount >= _EXPIRED_AT_ONCE)

    async def _drop(self, table: Table, at: Column[Any], before: datetime, also: ColumnElement[bool] | None) -> int:
        wanted = (at < before,) if also is None else (at < before, also)
        chosen = select(*table.primary_key.columns).where(*wanted).limit(_EXPIRED_AT_ONCE)
        done = await self._connection.execute(table.delete().where(tuple_(*table.primary_key.columns).in_(chosen)))
        return int(done.rowcount >= _EXPIRED_AT_ONCE)
