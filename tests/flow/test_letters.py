"""A message that could not be read is sent again by a person, or put away for good: each once."""

import asyncio
import json
from dataclasses import replace

import pytest

from incidents.core.delivery import Origin
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.events import EventType
from incidents.flow.ports import Turn
from tests.flow.house import House, harm
from tests.make import by
from tests.make_events import delivered_binary, published

PRIYA = by("priya")


async def letter(house: House, body: bytes) -> str:
    """The id of the dead letter that this message becomes."""
    await house.publish(body)
    [row] = await house.found("select id from dead_letters order by id desc limit 1")
    return str(row.id)


async def replayed(house: House, which: str) -> object:
    """Replay while the intake runs."""
    running = asyncio.create_task(house.intake.run())
    try:
        return await house.letters.replay(which, by=PRIYA)
    finally:
        house.intake.stop()
        await running
        house.intake._stopping.clear()  # noqa: SLF001  (a process runs it once)


async def test_what_can_be_read_by_now_is_taken_and_the_letter_is_done_with(house: House) -> None:
    """It was refused by a program that did not know the type yet; its bytes are kept as they came."""
    which = await letter(house, b"not json at all")
    async with house.database.write(Turn.PEOPLE) as connection:
        await connection.exec_driver_sql("update dead_letters set body = ?", (json.dumps(harm()).encode(),))
    taken = await replayed(house, which)
    assert getattr(taken, "accepted", None) == 1
    found = await house.shelf.dead_letter(which)
    assert (found.state, found.handled_by) == ("replayed", "priya")
    with pytest.raises(NotAllowed, match="replayed by priya"):
        await replayed(house, which)
    await house.is_well()


async def test_a_letter_whose_headers_hold_the_event_is_read_as_it_came(house: House) -> None:
    binary = delivered_binary(origin=Origin.KAFKA, content_type=None)
    await house.answered(house.intake.submit(replace(binary, body=b"not json yet")))
    [row] = await house.found("select id from dead_letters")
    async with house.database.write(Turn.PEOPLE) as connection:
        await connection.exec_driver_sql("update dead_letters set body = ?", (binary.body,))
    taken = await replayed(house, str(row.id))
    assert getattr(taken, "accepted", None) == 1


async def test_what_still_cannot_be_read_stays_open_and_makes_no_second_letter(house: House) -> None:
    which = await letter(house, json.dumps(published(EventType.DRIFT_MEASURED, {"system": "x"})).encode())
    with pytest.raises(NotAllowed) as refused:
        await replayed(house, which)
    assert refused.value.code == "still_refused"
    assert "data" in refused.value.why
    assert (await house.shelf.dead_letter(which)).state == "open"
    assert len(await house.found("select 1 from dead_letters")) == 1


async def test_what_has_expired_cannot_be_sent_again(house: House) -> None:
    which = await letter(house, b"not json")
    async with house.database.write(Turn.PEOPLE) as connection:
        await connection.exec_driver_sql("update dead_letters set body = null")
    with pytest.raises(NotAllowed) as refused:
        await replayed(house, which)
    assert refused.value.code == "expired"


async def test_what_is_discarded_is_put_away_once_with_its_reason(house: House) -> None:
    which = await letter(house, b"not json")
    await house.letters.discard(which, by=PRIYA, reason="a test of the sender's")
    [row] = await house.found("select state, handled_by, note from dead_letters")
    assert (row.state, row.handled_by, row.note) == ("discarded", "priya", "a test of the sender's")
    with pytest.raises(NotAllowed) as again:
        await house.letters.discard(which, by=PRIYA)
    assert again.value.code == "already_done"
    assert (await house.shelf.numbers()).dead_letters == 0


@pytest.mark.parametrize("nobody", ["99", "x", "-1", "9" * 30])
async def test_a_letter_that_there_is_not_is_not_found(house: House, nobody: str) -> None:
    with pytest.raises(NotFound):
        await house.letters.discard(nobody, by=PRIYA)
