"""Events are remembered once each, whatever comes twice, at once or with another body."""

import asyncio
from collections.abc import Sequence

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.flow.ports import Disposition, InboxRow, Letter, Turn
from tests.adapters.store.kept import a_letter, a_row, forced, told, waits_for_lock

NEW, DUPLICATE, CONFLICT = Disposition.ACCEPTED, Disposition.DUPLICATE, Disposition.CONFLICT


async def take(store: Store, *rows: InboxRow) -> list[Disposition]:
    async with store.unit(Turn.INTAKE) as unit:
        return await unit.inbox.take(rows)


async def put_aside(store: Store, letters: Sequence[Letter]) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.put_aside(letters)


async def test_an_event_counts_once_however_often_it_comes(store: Store, database: Database) -> None:
    assert await take(store, a_row(), a_row("e-2")) == [NEW, NEW]
    assert await take(store, a_row("e-2"), a_row("e-3"), a_row()) == [DUPLICATE, NEW, DUPLICATE]
    rows = await told(database, "select event, copies, conflicts from inbox order by event")
    assert [tuple(row) for row in rows] == [("e-1", 1, 0), ("e-2", 1, 0), ("e-3", 0, 0)]


async def test_inside_one_batch_the_first_wins_and_the_rest_are_told_what_they_are(store: Store) -> None:
    answers = await take(store, a_row(), a_row(), a_row(body=b"other"), a_row(source="/monitors/2"))
    assert answers == [NEW, DUPLICATE, CONFLICT, NEW]


async def test_the_same_id_with_another_body_is_a_conflict_and_both_bodies_are_kept(
    store: Store, database: Database
) -> None:
    await take(store, a_row(body=b"first"))
    assert await take(store, a_row(body=b"second"), a_row(body=b"second"), a_row(body=b"first")) == [
        CONFLICT,
        CONFLICT,
        DUPLICATE,
    ]
    assert await take(store, a_row(body=b"second")) == [CONFLICT]
    [first] = await told(database, "select body, copies, conflicts from inbox")
    assert (bytes(first.body), first.copies, first.conflicts) == (b"first", 1, 3)
    assert [bytes(row.body) for row in await told(database, "select body from conflicts")] == [b"second"]


async def test_the_same_event_a_hundred_times_in_one_batch_is_one_event(store: Store) -> None:
    answers = await take(store, *[a_row()] * 100)
    assert (answers.count(NEW), answers.count(DUPLICATE)) == (1, 99)


async def test_a_batch_of_a_thousand_keeps_its_order(store: Store) -> None:
    await take(store, *(a_row(f"e-{n}") for n in range(0, 1_000, 2)))
    answers = await take(store, *(a_row(f"e-{n}") for n in range(1_000)))
    assert answers == [DUPLICATE, NEW] * 500


async def test_what_rolls_back_was_never_taken(store: Store) -> None:
    async def cut_short() -> None:
        async with store.unit(Turn.INTAKE) as unit:
            await unit.inbox.take([a_row()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await cut_short()
    assert await take(store, a_row()) == [NEW]


@pytest.mark.postgres
@pytest.mark.parametrize("commits", [True, False])
async def test_of_two_transactions_with_the_same_event_the_second_waits_for_the_first(
    pg_store: Store, pg: Database, *, commits: bool
) -> None:
    """What the second one answers depends on whether the first one commits."""
    held, done = asyncio.Event(), asyncio.Event()

    async def first() -> list[Disposition]:
        async with pg_store.unit(Turn.INTAKE) as unit:
            taken = await unit.inbox.take([a_row("e-2"), a_row("e-1")])
            held.set()
            await done.wait()
            if not commits:
                raise ZeroDivisionError
            return taken

    earlier = asyncio.create_task(first())
    await held.wait()
    later = asyncio.create_task(take(pg_store, a_row("e-1"), a_row("e-2")))
    await waits_for_lock(pg)
    done.set()
    outcome, answers = await asyncio.gather(earlier, later, return_exceptions=True)
    assert answers == ([DUPLICATE, DUPLICATE] if commits else [NEW, NEW])
    assert (outcome == [NEW, NEW]) if commits else isinstance(outcome, ZeroDivisionError)


async def test_a_message_that_could_not_be_read_is_kept_once_and_counted(store: Store, database: Database) -> None:
    await put_aside(store, [a_letter(), a_letter(), a_letter(b"other")])
    await put_aside(store, [a_letter()])
    rows = await told(database, "select body, copies, state from dead_letters order by copies")
    assert [(bytes(row.body), row.copies, row.state) for row in rows] == [
        (b"other", 0, "open"),
        (b"not json", 2, "open"),
    ]


@pytest.mark.parametrize(("was", "then"), [("replayed", "open"), ("discarded", "discarded")])
async def test_a_replayed_letter_that_comes_again_unreadable_is_open_again(
    store: Store, database: Database, was: str, then: str
) -> None:
    """What a person discarded stays away."""
    await put_aside(store, [a_letter()])
    await forced(database, "update dead_letters set state = :was, body = null", was=was)
    await put_aside(store, [a_letter()])
    [row] = await told(database, "select state, body from dead_letters")
    assert (row.state, bytes(row.body)) == (then, b"not json")


async def test_hostile_headers_and_words_are_stored_as_text_that_can_be_read(store: Store, database: Database) -> None:
    headers = (("nul\x00", b"\xff\x00"), ("lone\ud800", None))
    await put_aside(store, [a_letter(headers=headers, detail="saw \x00 and \udfff", field="\x00", position="\ud800")])
    [row] = await told(database, "select headers, detail, field, position from dead_letters")
    assert "\\\\u0000" not in row.headers
    assert row.detail == "saw \\x00 and \\udfff"
    assert (row.field, row.position) == ("\\x00", "\\ud800")
