"""Catalog revisions inside a transaction: the newest one held, the next one added with its changes."""

from collections.abc import Sequence

from sqlalchemy import func, select

from incidents.adapters.store.bulk import among, insert_rows
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.part import Part
from incidents.adapters.store.tables import catalog_changes, catalog_revisions
from incidents.core.fact import Actor, ActorType
from incidents.core.revision import CatalogChange, ChangeKind, Revision

_LOCK = 7_241_196_003  # one revision is added at a time
_OF_HANDOVERS = (ChangeKind.HANDOVER_ANNOUNCED, ChangeKind.HANDOVER_DUE)
HEAD = [column for column in catalog_revisions.c if column.name != "document"]


class Revisions(Part):
    """The part of a transaction that keeps catalogs."""

    async def newest(self) -> Revision | None:
        """The newest revision; others who want to add one wait until this transaction ends."""
        if not self._sqlite:
            await self._connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        query = select(*HEAD).order_by(catalog_revisions.c.number.desc()).limit(1)
        row = (await self._connection.execute(query)).one_or_none()
        return revision_of(row) if row else None

    async def handovers(self, systems: Sequence[str]) -> list[CatalogChange]:
        """What was announced of handovers of these systems, and which of them fell due."""
        c = catalog_changes.c
        query = select(catalog_changes).where(
            c.section == "systems", among(self._connection, systems, c.entry), c.kind.in_(_OF_HANDOVERS)
        )
        return [change_of(row) for row in await self._connection.execute(query)]

    async def save(self, revision: Revision, document: bytes, changes: Sequence[CatalogChange]) -> None:
        """Add a revision, whole."""
        head = {
            "number": revision.number,
            "at": revision.at,
            "by_type": revision.by.type.value,
            "by_id": revision.by.id,
            "note": revision.note,
            "digest": revision.digest,
            "document": document,
            "previous": revision.previous,
            "hash": revision.hash,
        }
        await insert_rows(self._connection, catalog_revisions, [head])
        rows = [
            {
                "revision": revision.number,
                "seq": seq,
                "kind": change.kind.value,
                "section": change.section,
                "entry": change.entry,
                "field": change.field,
                "text": change.text,
                "before": change.before,
                "after": change.after,
            }
            for seq, change in enumerate(changes, 1)
        ]
        await insert_rows(self._connection, catalog_changes, rows)


def revision_of(row: AnyRow) -> Revision:
    return Revision(
        number=row.number,
        at=row.at,
        by=Actor(type=ActorType(row.by_type), id=row.by_id),
        note=row.note,
        digest=row.digest,
        previous=row.previous,
        hash=row.hash,
    )


def change_of(row: AnyRow) -> CatalogChange:
    return CatalogChange(
        kind=ChangeKind(row.kind),
        section=row.section,
        entry=row.entry,
        field=row.field,
        text=row.text,
        before=row.before,
        after=row.after,
    )
