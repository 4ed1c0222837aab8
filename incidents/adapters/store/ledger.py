"""The record over time: heads of the fact chains sealed one after another, and what has expired dropped."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store.bulk import insert_rows
from incidents.adapters.store.tables import answers, clicks, conflicts, dead_letters, inbox, incidents, seals, suspects
from incidents.core.fact import GENESIS, canonical

RAW_FOR = timedelta(days=30)  # bodies of the inbox and of dead letters
_CLICKS_FOR = timedelta(days=1)
_ANSWERS_FOR = timedelta(hours=24)
_AT_ONCE = 1_000
_LOCK = 7_241_196_002  # one sealer at a time


def sealed(seq: int, at: datetime, heads: list[list[Any]], previous: str) -> str:
    """The hash of one seal: sha256 over the hash before it and what it covers."""
    return sha256(previous.encode() + canonical({"seq": seq, "at": at.isoformat(), "heads": heads})).hexdigest()


class Ledger:
    """The part of a transaction that looks after the record as a whole."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection, self._now = connection, now
        self._sqlite = connection.dialect.name == "sqlite"

    async def seal(self) -> int:
        """Chain the heads of all incidents that were written to since the last seal; how many those were."""
        if not self._sqlite:
            mine = await self._connection.execute(select(func.pg_try_advisory_xact_lock(_LOCK)))
            if not mine.scalar_one():
                return 0
        c = incidents.c
        query = select(c.number, c.head_seq, c.head_hash).where(c.sealed_seq < c.head_seq).order_by(c.number)
        rows = (await self._connection.execute(query.limit(_AT_ONCE))).all()
        if rows:
            await self._chain(rows)
            raised = update(incidents).where(c.number.in_([row.number for row in rows]))
            heads = {row.number: row.head_seq for row in rows}
            for number in sorted(heads):
                await self._connection.execute(raised.where(c.number == number).values(sealed_seq=heads[number]))
        return len(rows)

    async def _chain(self, rows: list[Row[Any]]) -> None:
        last = select(seals.c.seq, seals.c.hash).order_by(seals.c.seq.desc()).limit(1)
        before = (await self._connection.execute(last)).one_or_none()
        seq, previous = (before.seq + 1, before.hash) if before else (1, GENESIS)
        heads = [[row.number, row.head_seq, row.head_hash] for row in rows]
        digest = sealed(seq, self._now, heads, previous)
        seal = {"seq": seq, "at": self._now, "heads": heads, "previous": previous, "hash": digest}
        await insert_rows(self._connection, seals, [seal])

    async def expire(self) -> None:
        """Drop raw bodies after 30 days, clicks and answers after one."""
        raw = self._now - RAW_FOR
        for table, at in ((inbox, inbox.c.received_at), (conflicts, conflicts.c.received_at), (dead_letters, dead_letters.c.at)):
            await self._connection.execute(
                update(table).where(at < raw, table.c.body.is_not(None)).values(body=None)
            )
        await self._connection.execute(clicks.delete().where(clicks.c.at < self._now - _CLICKS_FOR))
        await self._connection.execute(answers.delete().where(answers.c.at < self._now - _ANSWERS_FOR))
        await self._connection.execute(suspects.delete().where(suspects.c.at < self._now - RAW_FOR))


