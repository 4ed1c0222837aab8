"""A running process works with the newest catalog, whoever applied it, and keeps the last good one."""

import asyncio
from datetime import timedelta

import pytest

from incidents.core.errors import StoreAway
from incidents.core.revision import Draft
from incidents.core.system import Role
from tests.adapters.store.kept import forced
from tests.flow.office import CATALOG, Office, office, until, with_handover


async def test_a_running_process_adopts_what_another_one_applied(desks: tuple[Office, Office]) -> None:
    mine, other = desks
    running = asyncio.create_task(mine.keeper.run())
    try:
        for criticality in ("low", "critical"):
            await other.apply(CATALOG.replace("high", criticality))
            await until(lambda: mine.estate.system("bot").criticality == criticality)  # noqa: B023
    finally:
        mine.keeper.stop()
        await running


async def test_where_nothing_changed_nothing_is_adopted(desk: Office) -> None:
    await desk.apply()
    adopted = len(desk.estates)

    assert not await desk.keeper.look()
    assert len(desk.estates) == adopted

    desk.keeper.renew()
    assert await desk.keeper.look()
    assert not await desk.keeper.look()


async def test_a_handover_that_falls_due_moves_the_owner_without_a_new_revision(desk: Office) -> None:
    await desk.apply(with_handover(await desk.store.now() + timedelta(hours=1)))
    assert not await desk.keeper.look()

    desk.store.shift(timedelta(hours=2))

    assert await desk.keeper.look()
    assert desk.estate.system("bot").owners[Role.OPERATIONAL] == "acme-ops"
    assert not await desk.keeper.look()


async def test_a_start_finds_the_newest_revision(url: str, desk: Office) -> None:
    await desk.apply()
    await desk.apply(CATALOG.replace("high", "low"))

    async with office(url) as next_start:
        assert next_start.estate.system("bot").criticality == "low"
        assert next_start.keeper.running.revision is not None
        assert next_start.keeper.running.revision.number == 2
        assert next_start.estate.catalog.places[("systems", "bot")] == ("catalog.yaml", 11)


async def test_a_revision_that_cannot_be_read_leaves_the_running_one_and_says_so(url: str, desk: Office) -> None:
    await desk.apply()
    async with office(url) as other:
        await other.apply(CATALOG.replace("high", "low"))
        await forced(other.store.database, "update catalog_revisions set document = x'00' where number = 2")

    assert await desk.keeper.look()

    assert desk.estate.system("bot").criticality == "high"
    assert desk.estate.trouble == "catalog revision 2 cannot be read by this program, and is not used"
    async with office(url) as next_start:
        assert next_start.estate.system("bot").criticality == "high"
        assert "revision 2 cannot be read" in next_start.estate.trouble
        await next_start.apply(CATALOG.replace("high", "critical"))
        assert next_start.estate.trouble == ""


async def test_what_was_wrong_at_the_start_is_told_until_another_catalog_is_applied(desk: Office) -> None:
    await desk.apply()
    await desk.keeper.begin(Draft(), "INCIDENTS_CATALOG is refused")
    assert desk.estate.trouble == "INCIDENTS_CATALOG is refused"

    await desk.apply(CATALOG.replace("high", "low"))

    assert desk.estate.trouble == ""


async def test_chores_follow_what_was_adopted_and_are_done_again_where_they_failed(url: str, desk: Office) -> None:
    done: list[str] = []
    ends: list[Exception] = [StoreAway("away"), RuntimeError("broken")]

    async def chore() -> None:
        done.append(desk.estate.system("bot").criticality)
        if ends:
            raise ends.pop()

    running = asyncio.create_task(desk.keeper.run([chore]))
    await until(lambda: len(done) == 3)
    async with office(url) as other:
        await other.apply(CATALOG.replace("high", "critical"))
    await until(lambda: done[-1] == "critical")
    desk.keeper.stop()
    await running


async def test_the_loop_outlives_whatever_happens(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    standing, fails = desk.archive.standing, [StoreAway("away"), RuntimeError("broken")]

    async def failing() -> object:
        if fails:
            raise fails.pop()
        return await standing()

    monkeypatch.setattr(desk.archive, "standing", failing)
    running = asyncio.create_task(desk.keeper.run())
    await until(lambda: not fails)
    await desk.apply()
    desk.keeper.stop()
    await running
    assert desk.estate.system("bot").title == "Support bot"
