"""The promise of the catalog's history: each revision follows from the one before, with its changes and its content."""

from collections.abc import AsyncIterator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store.revisions import change_of, revision_of
from incidents.adapters.store.tables import catalog_changes, catalog_revisions
from incidents.core.fact import GENESIS
from incidents.core.revision import chained, digest_of, unpacked


async def flaws(connection: AsyncConnection) -> AsyncIterator[tuple[str, str, str]]:
    """(code, where, what is wrong) of every revision that is not as it was applied."""
    numbers = select(catalog_revisions.c.number).order_by(catalog_revisions.c.number)
    seq, previous = 0, GENESIS
    for number in (await connection.execute(numbers)).scalars().all():  # one at a time: each holds a whole catalog
        row = (await connection.execute(select(catalog_revisions).where(catalog_revisions.c.number == number))).one()
        found = revision_of(row)
        told = select(catalog_changes).where(catalog_changes.c.revision == number).order_by(catalog_changes.c.seq)
        changes = (await connection.execute(told)).all()
        right = chained(
            number,
            [change_of(each) for each in changes],
            at=found.at,
            by=found.by,
            note=found.note,
            digest=found.digest,
            previous=previous,
        )
        counted = [each.seq for each in changes] == list(range(1, len(changes) + 1))
        if number != seq + 1 or found != right or not counted:
            yield "catalog_chain", f"revision {number}", "does not follow from the one before"
        if _digest(bytes(row.document)) != found.digest:
            yield "catalog_document", f"revision {number}", "does not hold the catalog that was applied"
        seq, previous = number, found.hash


def _digest(document: bytes) -> str:
    try:
        return digest_of(unpacked(document)[0])
    except ValueError:
        return ""
