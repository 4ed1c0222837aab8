"""Messages in: taken together, answered after their commit, patient with the database, and one bad one alone."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from incidents.core.delivery import Origin
from incidents.core.errors import Stale, StoreAway, Unstorable
from incidents.core.fact import FactKind
from incidents.core.incident import Action
from incidents.flow.ports import Taken, Turn
from tests.flow.house import House, drift, harm, message
from tests.make_events import BATCH, delivered, published, release_data

ONE, AGAIN, OTHER = Taken(accepted=1), Taken(duplicates=1), Taken(conflicts=1)


async def test_what_waits_is_taken_in_one_transaction_and_answered_in_the_order_of_arrival(house: House) -> None:
    order: list[int] = []
    futures = [house.intake.submit(message(harm(f"e-{n}", f"system {n}"))) for n in range(50)]
    for n, future in enumerate(futures):
        future.add_done_callback(lambda _, n=n: order.append(n))  # type: ignore[misc]
    answers = await house.answered(*futures)
    await asyncio.sleep(0)
    assert answers == [ONE] * 50
    assert order == list(range(50))
    assert house.intake.batches == 1
    await house.is_well()


async def test_an_answer_comes_only_after_the_commit(house: House) -> None:
    seen: list[int] = []
    future = house.intake.submit(message(harm()))

    async def look() -> None:
        await future
        seen.append(len(await house.found("select 1 from inbox")))

    looking = asyncio.create_task(look())
    await house.answered(future)
    await looking
    assert seen == [1]


async def test_duplicates_and_conflicts_are_told_and_open_nothing_twice(house: House) -> None:
    assert await house.publish(harm(), harm(), harm(summary="Another dose")) == [ONE, AGAIN, OTHER]
    assert await house.publish(harm()) == [AGAIN]
    assert len((await house.shelf.incident("INC-1")).alerts) == 1
    assert [row.copies for row in await house.found("select copies from inbox")] == [2]


async def test_a_batch_of_events_is_counted_one_by_one(house: House) -> None:
    batch = [harm("a"), {**harm("b"), "specversion": "9"}, harm("a")]
    [taken] = await house.answered(house.intake.submit(_batch(batch, Origin.HTTP)))
    assert (taken.accepted, taken.duplicates, len(taken.errors), taken.refused) == (1, 1, 1, 0)
    assert await house.found("select 1 from dead_letters") == []
    [taken] = await house.answered(house.intake.submit(_batch(batch, Origin.KAFKA)))
    assert (taken.accepted, taken.duplicates, taken.errors, taken.refused) == (0, 2, (), 1)
    assert len(await house.found("select 1 from dead_letters")) == 1


def _batch(events: list[dict[str, Any]], origin: Origin) -> Any:  # noqa: ANN401
    return delivered(json.dumps(events).encode(), content_type=BATCH, origin=origin)


async def test_http_is_told_at_once_that_the_database_is_away_and_a_bus_waits(house: House) -> None:
    house.store.away = True
    bus, http = house.intake.submit(message(harm("b"))), house.intake.submit(message(harm("h"), origin=Origin.HTTP))
    running = asyncio.create_task(house.intake.run())
    with pytest.raises(StoreAway):
        await http
    assert not bus.done()
    late = house.intake.submit(message(harm("late"), origin=Origin.HTTP))
    with pytest.raises(StoreAway):
        await late
    assert not bus.done()
    house.store.away = False
    assert await bus == ONE
    assert await house.intake.submit(message(harm("h"), origin=Origin.HTTP)) == ONE, "and HTTP is taken again"
    house.intake.stop()
    await running
    assert [row.event for row in await house.found("select event from inbox order by event")] == ["b", "h"]


async def test_one_message_that_cannot_be_saved_is_put_aside_and_its_neighbours_are_taken(house: House) -> None:
    poisons(house, "poison")
    answers = await house.publish(harm("a"), harm("poison"), harm("b"))
    assert answers == [ONE, Taken(refused=1), ONE]
    [letter] = await house.found("select reason, detail, body from dead_letters")
    assert (letter.reason, letter.detail) == ("failed", "ValueError: cannot be decided")
    assert b'"poison"' in letter.body
    assert [row.event for row in await house.found("select event from inbox order by event")] == ["a", "b"]


async def test_http_is_told_when_its_message_was_put_aside(house: House) -> None:
    poisons(house, "poison")
    good = house.intake.submit(message(harm("good"), origin=Origin.HTTP))
    bad = house.intake.submit(message(harm("poison"), origin=Origin.HTTP))
    answers = await house.answered(good)
    assert answers == [ONE]
    with pytest.raises(Unstorable, match="cannot be decided"):
        await bad


def poisons(house: House, event: str) -> None:
    """Something about this event makes every decision about it fail."""
    real = house.store.unit

    @asynccontextmanager
    async def unit(turn: Any) -> Any:  # noqa: ANN401
        async with real(turn) as made:
            take = made.inbox.take

            async def refusing(rows: Any) -> Any:  # noqa: ANN401
                if any(row.event == event for row in rows):
                    raise ValueError("cannot be decided")
                return await take(rows)

            made.inbox.take = refusing
            yield made

    house.store.unit = unit  # type: ignore[method-assign]


async def test_a_batch_that_lost_a_race_is_tried_again_whole(house: House) -> None:
    house.store.fails = [Stale("somebody was first")] * 3
    assert await house.publish(harm("a"), harm("b")) == [ONE, ONE]
    assert house.intake.batches == 1
    assert await house.found("select 1 from dead_letters") == []


async def test_who_loses_every_race_waits_and_is_never_put_aside(house: House) -> None:
    house.store.fails = [Stale("somebody was first")] * 16
    assert await house.publish(harm("a"), harm("b")) == [ONE, ONE]
    assert await house.found("select 1 from dead_letters") == []
    assert len(await house.found("select 1 from inbox")) == 2


async def test_when_not_even_putting_aside_goes_well_the_intake_lives_on(house: House) -> None:
    house.store.fails = [RuntimeError("the batch"), RuntimeError("aside")]
    assert await house.publish(harm()) == [ONE]
    assert await house.found("select 1 from dead_letters") == []


async def test_a_stop_takes_what_waits_and_leaves_no_marker(house: House) -> None:
    futures = [house.intake.submit(message(harm(f"e-{n}"))) for n in range(5)]
    house.intake.stop()
    await house.intake.run()
    assert all(future.done() for future in futures)
    assert await house.found("select 1 from markers") == []


async def test_a_stop_does_not_wait_for_a_database_that_is_away(house: House) -> None:
    house.store.away = True
    future = house.intake.submit(message(harm()))
    house.intake.stop()
    async with asyncio.timeout(60):
        await house.intake.run()
    assert not future.done(), "its bus brings it again"


async def test_suspects_run_alone_after_the_rest_and_are_acquitted(house: House) -> None:
    suspect = message(harm("suspect"))
    await house.store.mark("a dead worker", [suspect.digest], solo=True)
    futures = [house.intake.submit(suspect), house.intake.submit(message(harm("clean")))]
    assert await house.answered(*futures) == [ONE, ONE]
    assert house.intake.batches == 2
    assert [row.event for row in await house.found("select event from inbox order by id")] == ["clean", "suspect"]
    assert await house.found("select 1 from suspects") == []


async def test_a_message_that_killed_three_times_alone_is_put_aside_unread(house: House) -> None:
    deadly = message(harm("deadly"))
    for n in range(3):
        await house.store.mark(f"dead {n}", [deadly.digest], solo=True)
    answers = await house.answered(house.intake.submit(deadly), house.intake.submit(message(harm("clean"))))
    assert answers == [Taken(refused=1), ONE]
    [letter] = await house.found("select reason, detail from dead_letters")
    assert letter.reason == "quarantined"
    assert "died 3 times" in letter.detail


async def test_a_marker_stays_until_the_last_message_of_its_batch_is_done(house: House) -> None:
    """Else a message that kills the process in the second transaction of a batch would never be found."""
    markers: list[int] = []
    commit = house.intake._commit  # noqa: SLF001  (looked at between two transactions)

    async def watched(*part: Any, **how: Any) -> None:  # noqa: ANN401
        markers.append(len(await house.found("select 1 from markers")))
        await commit(*part, **how)

    house.intake._commit = watched  # type: ignore[method-assign]  # noqa: SLF001
    many = [_batch([harm(f"{n} {i}") for i in range(600)], Origin.KAFKA) for n in range(3)]
    taken = await house.answered(*(house.intake.submit(one) for one in many))
    assert [one.accepted for one in taken] == [600] * 3
    assert markers == [1, 1, 1]


async def test_two_systems_whose_alerts_share_an_incident_are_decided_one_after_the_other(house: House) -> None:
    """After a merge across systems a batch may tell of both: the second decision must know the first."""
    now = await house.now()
    await house.publish(harm("a", "rag-assistant", level="possible"), drift("b", now, system="credit-scoring"))
    await house.act(Action.MERGE, "INC-2", to="INC-1")
    before = (await house.incident("INC-1")).version
    worse = drift("c", now + timedelta(minutes=1), system="credit-scoring", value=0.9, performance="degraded")
    another = harm("d", "rag-assistant", level="possible", category="another")
    assert await house.publish(another, worse) == [ONE, ONE]
    assert house.intake.batches == 2, "in one transaction, and no race was lost"
    assert (await house.incident("INC-1")).version == before + 2
    await house.is_well()


async def test_a_release_without_any_time_was_deployed_when_it_was_told(house: House) -> None:
    told = published("ai.release.deployed.v1", release_data(), id="r", time=None)  # type: ignore[arg-type]
    assert await house.publish(told) == [ONE]
    assert len(await house.found("select deployed_at from releases where deployed_at is not null")) == 1
    assert await house.found("select 1 from dead_letters") == []


async def test_a_heartbeat_without_a_system_is_remembered_and_decides_nothing(house: House) -> None:
    beat = published("ai.heartbeat.v1", {"monitor": "nightly", "every_seconds": 300}, id="h")  # type: ignore[arg-type]
    assert await house.publish(beat, beat) == [ONE, AGAIN]
    assert await house.found("select 1 from systems") == []
    await house.is_well()


async def test_the_couriers_of_what_was_made_are_woken(house: House) -> None:
    await house.publish(harm())
    assert "slack" in house.made
    assert await house.said(FactKind.OPENED)
    await house.act(Action.ACKNOWLEDGE)


async def test_when_the_catalog_changes_every_name_is_looked_at_anew(house: House) -> None:
    places = "select system from systems where system = 'triage-bot'"
    await house.publish(harm("harm-1"))
    async with house.database.write(Turn.PEOPLE) as connection:
        await connection.execute(text("delete from systems"))
    await house.publish(harm("harm-2"))
    assert await house.found(places) == []

    house.intake.forget_places()
    await house.publish(harm("harm-3"))

    assert len(await house.found(places)) == 1
