"""Catalogs are kept whole, one revision after another, and every change of one stands as a fact."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from incidents.adapters.store.archive import Archive
from incidents.adapters.store.database import Database
from incidents.adapters.store.invariants import check
from incidents.adapters.store.store import Store
from incidents.core.difference import difference
from incidents.core.fact import GENESIS, SYSTEM, Actor
from incidents.core.revision import CatalogChange, ChangeKind, Draft, Revision, chained, packed, unpacked
from incidents.flow.ports import ChangeQuery, Turn
from tests.adapters.store.kept import forced
from tests.make import NOON, by


def a_draft(**defaults: str) -> Draft:
    tree = {"version": "1", "defaults": defaults, "people": {"lee": {"name": "Lee"}}}
    return Draft(tree=tree, places={("people", "lee"): ("catalog.yaml", 3)})


async def applied(store: Store, draft: Draft, *, who: Actor = SYSTEM, note: str = "") -> Revision:
    """The draft as the next revision."""
    async with store.unit(Turn.PEOPLE) as unit:
        head = await unit.revisions.newest()
        before = Draft() if head is None else Draft(tree=(await tree_of(store, head.number)))
        changes = difference(before, draft, unit.now).changes
        previous, number = (head.hash, head.number + 1) if head else (GENESIS, 1)
        revision = chained(number, changes, at=unit.now, by=who, note=note, digest=draft.digest, previous=previous)
        await unit.revisions.save(revision, packed(draft), changes)
    return revision


async def tree_of(store: Store, number: int) -> dict[str, object]:
    kept = await Archive(store.database).kept(number)
    assert kept is not None
    return dict(unpacked(kept.document)[0])


async def told(store: Store, **filters: object) -> list[str]:
    views, _ = await Archive(store.database).changes(ChangeQuery(**filters))  # type: ignore[arg-type]
    return [view.change.text for view in views]


async def test_what_was_applied_is_read_back_whole(store: Store) -> None:
    archive, draft = Archive(store.database), a_draft(owner="lee")
    assert (await archive.standing()).number == 0
    assert await archive.kept(99) is None

    revision = await applied(store, draft, who=by("ada"), note="the first one")

    assert (await archive.standing()).number == 1
    kept = await archive.kept(1)
    assert kept is not None
    assert kept.revision == revision
    assert unpacked(kept.document) == (draft.tree, draft.places)
    assert await archive.applied(draft.digest) == revision
    assert await archive.applied("nothing") is None


async def test_a_revision_is_found_by_the_newest_number_that_is_not_beyond(store: Store) -> None:
    for owner in ("lee", "kim", "lee"):
        await applied(store, a_draft(owner=owner))
    archive = Archive(store.database)

    kept, again = await archive.kept(2), await archive.applied(a_draft(owner="lee").digest)

    assert kept is not None
    assert kept.revision.digest == a_draft(owner="kim").digest
    assert again is not None
    assert again.number == 3


async def test_every_change_says_who_when_before_and_after(store: Store) -> None:
    await applied(store, a_draft(owner="lee"))
    revision = await applied(store, a_draft(owner="kim"), who=by("ada"), note="Lee is on leave")

    views, following = await Archive(store.database).changes(ChangeQuery(revision=2))

    [view] = views
    assert (view.revision, view.at, view.by, view.note, view.seq) == (2, revision.at, by("ada"), "Lee is on leave", 1)
    assert (view.change.before, view.change.after) == ("lee", "kim")
    assert view.change.kind is ChangeKind.CHANGED
    assert following is None


async def test_the_history_is_filtered_and_paged_newest_revision_first(store: Store) -> None:
    await applied(store, a_draft(owner="lee", channel="#a"))
    await applied(store, a_draft(owner="kim", channel="#b"))
    archive = Archive(store.database)

    assert await told(store, section="people") == ["Person lee is new"]
    assert await told(store, section="defaults", entry="owner") == [
        "Default owner is kim, was lee",
        "Default owner is new: lee",
    ]
    assert await told(store, kind=ChangeKind.ADDED, revision=2) == []

    seen: list[str] = []
    cursor = None
    while True:
        views, cursor = await archive.changes(ChangeQuery(limit=2, cursor=cursor))
        seen += [f"{view.revision}.{view.seq}" for view in views]
        if cursor is None:
            break
    assert seen == ["2.1", "2.2", "1.1", "1.2", "1.3"]


@pytest.mark.parametrize("cursor", ["x", "MQ", "!!!", "fDF8"])
async def test_a_foreign_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, the door answers for it
        await Archive(store.database).changes(ChangeQuery(cursor=cursor))


async def test_only_what_was_said_of_handovers_is_asked_for_when_one_falls_due(store: Store) -> None:
    after = {"to": "acme", "at": (NOON + timedelta(days=1)).isoformat(), "note": ""}
    changes = [
        CatalogChange(kind=kind, section="systems", entry=entry, field="owners.model", text="t", after=after)
        for kind in ChangeKind
        for entry in ("bot", "other")
    ]
    revision = chained(1, changes, at=NOON, by=SYSTEM, note="", digest="d", previous=GENESIS)
    async with store.unit(Turn.PEOPLE) as unit:
        await unit.revisions.save(revision, b"", changes)
    async with store.unit(Turn.PEOPLE) as unit:
        found = await unit.revisions.handovers(["bot"])

    assert {change.entry for change in found} == {"bot"}
    assert {change.kind for change in found} == {ChangeKind.HANDOVER_ANNOUNCED, ChangeKind.HANDOVER_DUE}
    assert found[0].after == after


async def test_whoever_adds_a_revision_waits_for_whoever_is_adding_one(pg_store: Store) -> None:
    async def next_one(owner: str) -> Revision:
        return await applied(pg_store, a_draft(owner=owner))

    made = await asyncio.gather(*(next_one(f"p{number}") for number in range(8)))

    assert sorted(revision.number for revision in made) == list(range(1, 9))
    assert await check(pg_store.database) == []


# --- the promise, checked --------------------------------------------------------------------------------------------


async def broken(database: Database) -> Sequence[str]:
    return [f"{found.code} {found.where}" for found in await check(database)]


@pytest.fixture
async def two(store: Store) -> Store:
    await applied(store, a_draft(owner="lee"), who=by("ada"))
    await applied(store, a_draft(owner="kim"), who=by("ada"))
    return store


async def test_a_sound_history_is_sound(two: Store) -> None:
    assert await broken(two.database) == []


@pytest.mark.parametrize(
    "sql",
    [
        "update catalog_revisions set by_id = 'mallory' where number = 2",
        "update catalog_revisions set note = 'nothing to see' where number = 2",
        "update catalog_changes set text = 'Default owner is lee' where revision = 2",
        "update catalog_changes set before = '\"mallory\"' where revision = 2",
        "delete from catalog_changes where revision = 2",
        (
            "insert into catalog_changes select revision, 9, kind, section, entry, field, text, before, after "
            "from catalog_changes where revision = 2"
        ),
    ],
)
async def test_no_word_of_the_history_is_changed_unnoticed(two: Store, sql: str) -> None:
    await forced(two.database, sql)
    assert await broken(two.database) == ["catalog_chain revision 2"]


async def test_a_revision_that_was_taken_out_is_missed_by_the_next_one(two: Store) -> None:
    await forced(two.database, "delete from catalog_changes where revision = 1")
    await forced(two.database, "delete from catalog_revisions where number = 1")
    assert await broken(two.database) == ["catalog_chain revision 2"]


async def test_another_catalog_in_the_place_of_one_is_noticed(two: Store) -> None:
    async with two.database.write(Turn.PEOPLE) as connection:
        sql = "update catalog_revisions set document = (select document from catalog_revisions where number = 1)"
        await connection.exec_driver_sql(f"{sql} where number = 2")
    assert await broken(two.database) == ["catalog_document revision 2"]
