"""A catalog as it is applied: what its files say, the changes that it makes, and revisions chained by hash."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from incidents.core.catalog import Catalog
from incidents.core.fact import Actor, canonical

Tree = Mapping[str, object]  # what catalog files say: nested dicts, lists, text and None


class ChangeKind(StrEnum):
    """The closed, published list of what a catalog's history can tell."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    HANDED_OVER = "handed_over"
    HANDOVER_ANNOUNCED = "handover_announced"
    HANDOVER_CANCELLED = "handover_cancelled"
    HANDOVER_DUE = "handover_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogChange:
    """One difference; `field` is empty where a whole entry came or went, `before` and `after` are JSON values.

    Neither holds a secret: the history is read by more people than the files are.
    """

    kind: ChangeKind
    section: str
    entry: str
    field: str
    text: str
    before: object = None
    after: object = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A whole catalog: what the files say, where each entry stands in them, and what it means."""

    tree: Tree = field(default_factory=dict)
    places: Mapping[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # (section, entry): file and line
    catalog: Catalog = field(default_factory=Catalog)
    warnings: tuple[str, ...] = ()  # what needs a look, each with its place; nothing is refused for it

    @cached_property
    def digest(self) -> str:
        return digest_of(self.tree)


def packed(draft: Draft) -> bytes:
    """A draft as it is kept: canonical JSON of what it says and where each entry stands, compressed (zlib)."""
    places = [[*path, *place] for path, place in sorted(draft.places.items())]
    return zlib.compress(canonical({"catalog": draft.tree, "places": places}))


def unpacked(document: bytes) -> tuple[Tree, Mapping[tuple[str, str], tuple[str, int]]]:
    """What a kept draft says, and where each entry stood; ValueError for what was never packed."""
    try:
        found = json.loads(zlib.decompress(document))
        tree, places = found["catalog"], {(row[0], row[1]): (row[2], row[3]) for row in found["places"]}
    except (zlib.error, KeyError, IndexError, TypeError) as error:
        raise ValueError("is no kept catalog") from error
    return tree, places


def digest_of(tree: Tree) -> str:
    """Of what is said, wherever it is written: sha256 over the canonical tree."""
    return sha256(canonical(tree)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A catalog as it was applied; `hash` covers all of this, its changes, and the revision before it."""

    number: int  # from 1
    at: datetime
    by: Actor
    note: str
    digest: str  # of its tree
    previous: str
    hash: str


def chained(  # noqa: PLR0913  (the revision's own fields)
    number: int, changes: Sequence[CatalogChange], *, at: datetime, by: Actor, note: str, digest: str, previous: str
) -> Revision:
    """The revision that follows the one whose hash is `previous`."""
    row = {
        "number": number,
        "at": at.isoformat(),
        "by": [by.type, by.id],
        "note": note,
        "digest": digest,
        "changes": [
            [each.kind, each.section, each.entry, each.field, each.text, each.before, each.after] for each in changes
        ],
    }
    found = sha256(previous.encode() + canonical(row)).hexdigest()
    return Revision(number=number, at=at, by=by, note=note, digest=digest, previous=previous, hash=found)
