"""Silences as people look them up: by state, newest first, each with how many alerts it mutes just now."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_, select

from incidents.adapters.store import rows as r
from incidents.adapters.store.cursors import cursor_of, number_in
from incidents.adapters.store.database import Database
from incidents.adapters.store.tables import alerts, silences
from incidents.core.silence import SilenceState
from incidents.flow.ports import SilenceView


class SilenceShelf:
    """Answers questions; decides nothing and writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def silences(
        self, states: tuple[SilenceState, ...], *, limit: int, cursor: str | None
    ) -> tuple[Sequence[SilenceView], str | None]:
        """Newest first, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        c = silences.c
        mutes = (
            select(func.count()).where(alerts.c.muted_by == literal("silence:") + cast(c.id, String)).scalar_subquery()
        )
        query = select(silences, mutes.label("muted")).order_by(c.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(c.id < number_in(cursor))
        async with self._database.read() as connection:
            now = await self._database.now(connection)
            if states:
                query = query.where(or_(*(_is(state, now) for state in states)))
            found = (await connection.execute(query)).all()
        kept = [(r.silence_of(row), row.muted) for row in found[:limit]]
        views = [SilenceView(silence=one, state=one.state(now), muted=muted) for one, muted in kept]
        return views, cursor_of(kept[-1][0].id) if len(found) > limit else None


def _is(state: SilenceState, now: datetime) -> ColumnElement[bool]:
    """Whether a silence stands there."""
    c = silences.c
    match state:
        case SilenceState.PENDING:
            return and_(c.starts_at > now, c.ends_at > now)
        case SilenceState.ACTIVE:
            return and_(c.starts_at <= now, c.ends_at > now)
        case SilenceState.EXPIRED:
            return c.ends_at <= now
