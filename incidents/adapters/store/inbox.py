"""What came in: events remembered once each, conflicts kept, dead letters, and the marker of a batch that is done."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import text

from incidents.adapters.store import tables
from incidents.adapters.store.bulk import insert_rows, listed
from incidents.adapters.store.part import Part
from incidents.flow.ports import Disposition, InboxRow, Letter

_HEADERS = 100  # of a dead letter, each cut to this many characters below
_HEADER = 1_000


class Inbox(Part):
    """The part of a transaction that remembers events."""

    async def take(self, rows: Sequence[InboxRow]) -> list[Disposition]:
        """What each event is: accepted, a duplicate (same id, same body) or a conflict (same id, other body)."""
        firsts: dict[tuple[str, str], InboxRow] = {}
        for row in rows:
            firsts.setdefault(row.key, row)
        new = await self._insert([firsts[key] for key in sorted(firsts)])
        hashes = {key: firsts[key].body_hash for key in new}
        hashes |= await self._known([key for key in firsts if key not in new])
        found, left = [], set(new)
        for row in rows:
            if row.key in left and row is firsts[row.key]:
                left.discard(row.key)
                found.append(Disposition.ACCEPTED)
            elif hashes.get(row.key) == row.body_hash:
                found.append(Disposition.DUPLICATE)
            else:
                found.append(Disposition.CONFLICT)
        await self._count_again(rows, found)
        return found

    async def _insert(self, rows: Sequence[InboxRow]) -> set[tuple[str, str]]:
        values = [
            {
                "source": row.source,
                "event": row.event,
                "type": row.type,
                "system": row.system,
                "environment": row.environment,
                "disposition": row.disposition,
                "fingerprint": row.fingerprint,
                "received_at": self._now,
                "body_hash": row.body_hash,
                "body": row.body,
            }
            for row in rows
        ]
        suffix = "on conflict (source, event) do nothing returning source, event"
        return {(row.source, row.event) for row in await insert_rows(self._connection, tables.inbox, values, suffix)}

    async def _known(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        if not keys:
            return {}
        rows = [{"source": source, "event": event} for source, event in keys]
        source, values = listed(self._connection, rows, source="text", event="text")
        query = f"""select i.source, i.event, i.body_hash from {source}
            join inbox i on i.source = d.source and i.event = d.event"""
        found = await self._connection.execute(text(query), values)
        return {(row.source, row.event): row.body_hash for row in found}

    async def _count_again(self, rows: Sequence[InboxRow], dispositions: Sequence[Disposition]) -> None:
        again: dict[tuple[str, str], list[int]] = {}
        differing: dict[tuple[str, str, str], InboxRow] = {}
        for row, disposition in zip(rows, dispositions, strict=True):
            if disposition is Disposition.ACCEPTED:
                continue
            counts = again.setdefault(row.key, [0, 0])
            counts[disposition is Disposition.CONFLICT] += 1
            if disposition is Disposition.CONFLICT:
                differing.setdefault((*row.key, row.body_hash), row)
        if not again:
            return
        counted = [
            {"source": key[0], "event": key[1], "copies": copies, "conflicts": conflicts}
            for key, (copies, conflicts) in sorted(again.items())
        ]
        types = {"source": "text", "event": "text", "copies": "integer", "conflicts": "integer"}
        source, values = listed(self._connection, counted, **types)
        update = f"""update inbox set copies = inbox.copies + d.copies, conflicts = inbox.conflicts + d.conflicts
            from {source} where inbox.source = d.source and inbox.event = d.event"""
        await self._connection.execute(text(update), values)
        await self._keep_conflicts(list(differing.values()))

    async def _keep_conflicts(self, rows: Sequence[InboxRow]) -> None:
        values = [
            {"source": r.source, "event": r.event, "body_hash": r.body_hash, "received_at": self._now, "body": r.body}
            for r in sorted(rows, key=lambda row: (*row.key, row.body_hash))
        ]
        await insert_rows(self._connection, tables.conflicts, values, "on conflict do nothing")

    async def put_aside(self, letters: Sequence[Letter]) -> None:
        """Keep what could not be read; the same message again is counted, not kept twice.

        One that was replayed and comes again unreadable is open again; one that a person discarded stays so.
        """
        firsts: dict[str, dict[str, object]] = {}
        told = Counter(letter.digest.hex() for letter in letters)
        for letter in letters:
            delivery, key = letter.delivery, letter.digest.hex()
            if key in firsts:
                continue
            firsts[key] = {
                "at": self._now,
                "origin": delivery.origin.value,
                "position": _readable(delivery.position)[:500],
                "reason": letter.reason,
                "field": _readable(letter.field)[:200],
                "detail": _readable(letter.detail),
                "digest": key,
                "body": letter.body,
                "headers": [[_readable(name), _readable(value)] for name, value in delivery.headers[:_HEADERS]],
                "content_type": _readable(delivery.content_type) if delivery.content_type is not None else None,
                "copies": told[key] - 1,
                "state": "open",
            }
        suffix = """on conflict (digest) do update set copies = dead_letters.copies + excluded.copies + 1,
            body = coalesce(dead_letters.body, excluded.body),
            state = case when dead_letters.state = 'replayed' then 'open' else dead_letters.state end"""
        await insert_rows(self._connection, tables.dead_letters, [firsts[key] for key in sorted(firsts)], suffix)

    async def forget_marker(self, worker: str) -> None:
        """The batch is done."""
        await self._connection.execute(tables.markers.delete().where(tables.markers.c.worker == worker))

    async def acquit(self, digests: Sequence[bytes]) -> None:
        """These messages were dealt with, and nobody died of them: they are suspects no more."""
        await self._connection.execute(tables.suspects.delete().where(tables.suspects.c.digest.in_(digests)))


def _readable(value: object) -> str:
    """Hostile words as text that both databases take; what is no text is shown escaped."""
    if value is None:
        return ""
    shown = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return shown.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()[:_HEADER]
