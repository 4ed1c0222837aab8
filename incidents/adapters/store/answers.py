"""Answers kept for 24 h under their Idempotency-Key, and dead letters marked when somebody has dealt with them."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, select, update

from incidents.adapters.store.bulk import insert_rows
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.database import Database
from incidents.adapters.store.tables import answers, dead_letters
from incidents.core.errors import Stale
from incidents.core.fact import Actor
from incidents.flow.ports import Turn

_LAPSES = timedelta(minutes=1)  # a request that was never answered gives its key back


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """One row: what was asked under a key, and what was answered; `status` None while it is in flight."""

    mine: bool  # the key is this request's to use
    body_hash: str = ""
    status: int | None = None
    content_type: str = ""
    body: bytes = b""
    location: str | None = None


class KeptAnswers:
    """Takes a key for a request, and keeps its answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, by: str, method: str, path: str, key: str, body_hash: str) -> KeptAnswer:
        """Take the key, or see what became of the request that took it first."""
        async with self._database.write(Turn.PEOPLE) as connection:
            now = await self._database.now(connection)
            values = {"actor": by, "method": method, "path": path, "key": key, "body_hash": body_hash, "at": now}
            suffix = "on conflict do nothing returning key"
            if await insert_rows(connection, answers, [values], suffix):
                return KeptAnswer(mine=True)
            where = _is(by, method, path, key)
            row = (await connection.execute(select(answers).where(where))).one_or_none()
            if row is None:  # it has expired this very moment
                raise Stale("the key's answer has just expired")
            if row.status is None and row.body_hash == body_hash and now - row.at > _LAPSES:
                taken = update(answers).where(where, answers.c.status.is_(None), answers.c.at == row.at)
                if (await connection.execute(taken.values(at=now))).rowcount:
                    return KeptAnswer(mine=True)
            return _kept(row)

    async def keep(self, by: str, method: str, path: str, key: str, answer: KeptAnswer | None) -> None:
        """Keep an answer, or give the key back where nothing was done."""
        async with self._database.write(Turn.PEOPLE) as connection:
            where = _is(by, method, path, key)
            if answer is None:
                await connection.execute(answers.delete().where(where, answers.c.status.is_(None)))
                return
            values = {
                "status": answer.status,
                "content_type": answer.content_type,
                "body": answer.body,
                "location": answer.location,
            }
            await connection.execute(update(answers).where(where).values(values))

    async def handle_letter(self, letter: str, state: str, *, by: Actor, note: str | None = None) -> bool:
        """Mark an open dead letter as replayed or discarded; False where somebody was first."""
        c = dead_letters.c
        async with self._database.write(Turn.PEOPLE) as connection:
            now = await self._database.now(connection)
            change = update(dead_letters).where(c.id == int(letter), c.state == "open")
            values = {"state": state, "handled_by": by.id, "handled_at": now, "note": note}
            done = await connection.execute(change.values(values).returning(c.id))
            return done.one_or_none() is not None


def _is(by: str, method: str, path: str, key: str) -> ColumnElement[bool]:
    c = answers.c
    return and_(c.actor == by, c.method == method, c.path == path, c.key == key)


def _kept(row: AnyRow) -> KeptAnswer:
    return KeptAnswer(
        mine=False,
        body_hash=row.body_hash,
        status=row.status,
        content_type=row.content_type or "",
        body=bytes(row.body or b""),
        location=row.location,
    )
