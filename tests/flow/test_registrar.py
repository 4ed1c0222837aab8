"""A catalog is planned, applied whole or not at all, and both sides of a handover are told, each once."""

import asyncio
from datetime import timedelta

import pytest

from incidents.adapters.store.invariants import check
from incidents.core.errors import CatalogRefused, NotAllowed, StoreAway
from incidents.core.fact import SYSTEM
from incidents.core.revision import ChangeKind
from incidents.core.system import Role
from tests.flow.office import CATALOG, Office, office, with_handover
from tests.make import by


async def test_a_plan_is_what_applying_then_does(desk: Office) -> None:
    await desk.apply()
    changed = CATALOG.replace("criticality: high", "criticality: critical").replace("operational: ops", "model: kim")

    plan = await desk.plan(changed)
    assert (await desk.archive.standing()).number == 1
    applied = await desk.apply(changed, expected=plan.base)

    assert plan.base == applied.base == 1
    assert plan.changes == applied.changes
    assert plan.counts == applied.counts == {"systems": 1, "people": 3, "teams": 2, "schedules": 0}
    assert [view.change for view in await desk.history(revision=2)] == list(plan.changes)
    assert sorted(change.kind for change in plan.changes) == [
        ChangeKind.CHANGED,
        ChangeKind.HANDED_OVER,
        ChangeKind.HANDED_OVER,
    ]


async def test_what_was_applied_runs_at_once_and_stands_as_a_fact(desk: Office) -> None:
    applied = await desk.apply(who="ada")

    assert applied.revision is not None
    assert desk.estate.system("bot").title == "Support bot"
    views = await desk.history()
    assert {view.by for view in views} == {by("ada")}
    assert {view.at for view in views} == {applied.revision.at}
    assert [view.change.text for view in views if view.change.section == "systems"] == ["System bot is new"]
    assert await check(desk.store.database) == []


async def test_applying_what_runs_already_changes_nothing(desk: Office) -> None:
    await desk.apply()
    again = await desk.apply(CATALOG + "\n# a word\n")

    assert (again.revision, again.changes) == (None, ())
    assert (await desk.archive.standing()).number == 1


async def test_a_wrong_catalog_is_refused_whole_and_the_running_one_stays(desk: Office) -> None:
    await desk.apply()
    wrong = CATALOG.replace("operational: ops", "operational: opps, model: kimm")

    for attempt in (desk.plan(wrong), desk.apply(wrong)):
        with pytest.raises(CatalogRefused) as refused:
            await attempt
        first = refused.value.mistakes[0]
        assert (first.file, first.line) == ("catalog.yaml", 14)
        assert len(refused.value.mistakes) == 2
        assert 'did you mean "ops"?' in {mistake.suggestion for mistake in refused.value.mistakes}

    assert (await desk.archive.standing()).number == 1
    assert desk.estate.system("bot").owners[Role.OPERATIONAL] == "ops"


async def test_whoever_expects_another_revision_is_told_who_was_first(desk: Office) -> None:
    await desk.apply()
    await desk.apply(CATALOG.replace("high", "low"), who="ada")

    with pytest.raises(NotAllowed, match="revision 2 was applied by Ada Okoye at ") as refused:
        await desk.apply(CATALOG, expected=1)
    assert refused.value.code == "catalog_changed"
    with pytest.raises(NotAllowed):
        await desk.apply(CATALOG, expected=0)


async def test_before_the_first_revision_nothing_but_nothing_can_be_expected(desk: Office) -> None:
    with pytest.raises(NotAllowed, match="expect revision 0"):
        await desk.apply(expected=3)
    assert (await desk.apply(expected=0)).base == 0


async def test_of_two_who_apply_at_once_one_wins_and_the_other_is_told_why(desks: tuple[Office, Office]) -> None:
    """Both processes have the same plan before them, and nothing is mixed."""
    one, other = desks
    await one.apply(expected=0)
    await other.plan()
    texts = [CATALOG.replace("high", "low"), CATALOG.replace("high", "critical")]

    both = (one.apply(texts[0], who="ada", expected=1), other.apply(texts[1], who="kim", expected=1))
    ended = await asyncio.gather(*both, return_exceptions=True)

    lost = [error for error in ended if isinstance(error, BaseException)]
    assert [type(error) for error in lost] == [NotAllowed]
    assert "revision 2 was applied by" in str(lost[0])
    assert (await one.archive.standing()).number == 2
    assert len(await one.history(revision=2)) == 1
    assert await check(one.store.database) == []


async def test_a_transaction_that_breaks_leaves_neither_revision_nor_notice(desk: Office) -> None:
    await desk.apply()
    desk.store.fails = [StoreAway("the disk is gone")]

    with pytest.raises(StoreAway):
        await desk.apply(CATALOG.replace("operational: ops", "operational: acme-ops"))

    assert (await desk.archive.standing()).number == 1
    assert await desk.told() == {}
    assert desk.estate.system("bot").owners[Role.OPERATIONAL] == "ops"


# --- handovers -------------------------------------------------------------------------------------------------------


async def announced(desk: Office) -> None:
    """In a day, Acme operates the bot; both sides know."""
    await desk.apply()
    await desk.apply(with_handover((await desk.store.now()) + timedelta(days=1)))


async def test_a_handover_to_another_company_is_dated_and_told_to_both_sides(desk: Office) -> None:
    await announced(desk)

    told = await desk.told()
    assert set(told) == {"notice:2:ada", "notice:2:kim"}
    assert told["notice:2:kim"].startswith("To you. Support bot: operational ownership passes from ops to acme-ops (")
    assert told["notice:2:ada"].startswith("From you. Support bot: ")
    assert told["notice:2:ada"].endswith("UTC: Run by Acme.")
    assert desk.estate.system("bot").owners[Role.OPERATIONAL] == "ops"


async def test_when_its_day_comes_both_sides_are_told_again_and_it_stands_as_a_fact(desk: Office) -> None:
    await announced(desk)
    assert await desk.registrar.tell_due() == 0
    desk.store.shift(timedelta(days=1, minutes=1))

    assert await desk.keeper.look()
    assert await desk.registrar.tell_due() == 1

    assert desk.estate.system("bot").owners[Role.OPERATIONAL] == "acme-ops"
    assert set(await desk.told()) == {"notice:2:ada", "notice:2:kim", "notice:3:ada", "notice:3:kim"}
    [view] = await desk.history(revision=3)
    assert (view.by, view.change.kind, view.change.before) == (SYSTEM, ChangeKind.HANDOVER_DUE, "ops")
    assert view.change.text.startswith("Support bot: operational ownership has passed from ops to acme-ops (Acme Ltd)")
    assert {found.code for found in await check(desk.store.database)} == {"effect_late"}  # nobody carries anything here


async def test_it_is_told_once_however_often_it_is_looked_at(desk: Office) -> None:
    await announced(desk)
    desk.store.shift(timedelta(days=2))

    assert await desk.registrar.tell_due() == 1
    for _ in range(3):
        await desk.keeper.look()
        assert await desk.registrar.tell_due() == 0

    assert (await desk.archive.standing()).number == 3


async def test_two_processes_tell_it_once(desks: tuple[Office, Office]) -> None:
    one, other = desks
    await announced(one)
    await other.keeper.look()
    for process in (one, other):
        process.store.shift(timedelta(days=2))

    counted = await asyncio.gather(one.registrar.tell_due(), other.registrar.tell_due())

    assert sorted(counted) == [0, 1]
    assert len(await one.told()) == 4
    assert (await one.archive.standing()).number == 3


async def test_a_crash_before_it_is_told_tells_it_at_the_next_start(url: str, desk: Office) -> None:
    await announced(desk)
    desk.store.shift(timedelta(days=2))
    desk.store.fails = [StoreAway("killed")]
    with pytest.raises(StoreAway):
        await desk.registrar.tell_due()
    assert len(await desk.told()) == 2

    async with office(url) as next_start:
        next_start.store.shift(timedelta(days=2))
        await next_start.keeper.look()
        assert await next_start.registrar.tell_due() == 1
        assert len(await next_start.told()) == 4


async def test_what_was_written_down_after_its_date_is_told_to_nobody(desk: Office) -> None:
    await desk.apply(with_handover((await desk.store.now()) - timedelta(days=30)))

    assert desk.estate.system("bot").owners[Role.OPERATIONAL] == "acme-ops"
    assert await desk.registrar.tell_due() == 0
    assert await desk.told() == {}


async def test_a_handover_that_is_called_off_is_told_and_never_falls_due(desk: Office) -> None:
    await announced(desk)
    await desk.apply()
    assert {"notice:3:ada", "notice:3:kim"} <= set(await desk.told())

    desk.store.shift(timedelta(days=2))
    await desk.keeper.look()

    assert await desk.registrar.tell_due() == 0
    assert desk.estate.system("bot").owners[Role.OPERATIONAL] == "ops"
