"""Catalog revisions as they are read: which one is the newest, its catalog, and the history of changes."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select

from incidents.adapters.store import rows as r
from incidents.adapters.store.cursors import cursor_of, opened
from incidents.adapters.store.database import Database
from incidents.adapters.store.revisions import HEAD, change_of, revision_of
from incidents.adapters.store.shelf import effect_view
from incidents.adapters.store.tables import catalog_changes, catalog_revisions, effects
from incidents.core.fact import Actor, ActorType
from incidents.core.revision import Revision
from incidents.flow.ports import ChangeQuery, ChangeView, EffectView, Kept, Standing

_C, _R = catalog_changes.c, catalog_revisions.c


class Archive:
    """Answers questions about revisions; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self) -> Standing:
        """The newest number and the clock: what every process asks each second."""
        async with self._database.read() as connection:
            number = (await connection.execute(select(func.max(_R.number)))).scalar_one()
            return Standing(number or 0, await self._database.now(connection))

    async def kept(self, number: int) -> Kept | None:
        """The newest revision up to `number`, with its catalog."""
        query = select(catalog_revisions).where(_R.number <= number).order_by(_R.number.desc()).limit(1)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return Kept(revision=revision_of(row), document=bytes(row.document)) if row else None

    async def applied(self, digest: str) -> Revision | None:
        """The newest revision with this content."""
        query = select(*HEAD).where(_R.digest == digest).order_by(_R.number.desc()).limit(1)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return revision_of(row) if row else None

    async def changes(self, query: ChangeQuery) -> tuple[Sequence[ChangeView], str | None]:
        """The newest revision first, the changes of each in their order."""
        wanted = (
            select(catalog_changes, *(column for column in HEAD if column.name in {"at", "by_type", "by_id", "note"}))
            .select_from(catalog_changes.join(catalog_revisions, _R.number == _C.revision))
            .where(*_filters(query))
            .order_by(_C.revision.desc(), _C.seq)
            .limit(query.limit + 1)
        )
        async with self._database.read() as connection:
            found = (await connection.execute(wanted)).all()
        last = found[query.limit - 1] if len(found) > query.limit else None
        follows = cursor_of(f"{last.revision}|{last.seq}") if last is not None else None
        views = [
            ChangeView(
                revision=row.revision,
                at=row.at,
                by=Actor(type=ActorType(row.by_type), id=row.by_id),
                note=row.note,
                seq=row.seq,
                change=change_of(row),
            )
            for row in found[: query.limit]
        ]
        return views, follows

    async def notices(self, revision: int) -> Sequence[EffectView]:
        """Who was told of a revision, and what became of it."""
        e = effects.c
        wanted = e.incident == r.NO_INCIDENT, e.key.like(f"notice:{revision}:%")
        async with self._database.read() as connection:
            found = await connection.execute(select(effects).where(*wanted).order_by(e.target))
            return [effect_view(row) for row in found]


def _filters(query: ChangeQuery) -> Iterable[ColumnElement[bool]]:
    for column, value in (
        (_C.section, query.section),
        (_C.entry, query.entry),
        (_C.kind, query.kind),
        (_C.revision, query.revision),
    ):
        if value is not None:
            yield column == value
    if query.cursor is not None:
        revision, _, seq = opened(query.cursor).partition("|")
        number, after = r.whole(revision), r.whole(seq)
        if number is None or after is None:
            raise ValueError("a cursor of this list holds two numbers")
        yield or_(_C.revision < number, and_(_C.revision == number, _C.seq > after))
