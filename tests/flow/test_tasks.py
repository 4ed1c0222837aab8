"""People are told of their tasks in time and once, whatever crashes, whoever has left, and however many look."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from incidents.adapters.store.invariants import check
from incidents.core.errors import NotAllowed
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Resolution, Status
from incidents.core.task import Task, TaskAction, TaskKind
from incidents.core.tasking import Errand, Wish
from incidents.flow.ports import Refused, TaskQuery, Turn
from tests.flow.house import House, Postman, harm
from tests.make import by, hours

DAY = timedelta(days=1)
FRIDAY = date(2026, 11, 20)  # the house begins on a Wednesday at noon; in London that day ends for work at 18:00


async def give(house: House, *, owner: str | None = "dana", kind: TaskKind = TaskKind.FOLLOW_UP, **more: Any) -> Task:  # noqa: ANN401
    wish = Wish(incident="INC-1", kind=kind, title="Watch the index", by=by("priya"), owner=owner, **more)
    return (await house.tasks.add(wish)).task


async def passes(house: House, time: timedelta) -> None:
    house.store.shift(time)
    await house.clock.tick()


async def forgotten(house: House) -> set[str]:
    """What is not kept of the promise about tasks; here nobody carries pages."""
    return {broken.code for broken in await check(house.database) if broken.code.startswith("task_")}


async def notices(house: House) -> list[str]:
    """Whom notices were made for, in their order."""
    rows = await house.found("select target from effects where kind = 'notice' order by id")
    return [row.target for row in rows]


@pytest.fixture
async def busy(house: House) -> House:
    """Somebody was harmed, and Priya has it."""
    await house.publish(harm())
    await house.act(Action.ACKNOWLEDGE)
    return house


async def test_its_owner_is_told_at_once_a_day_before_and_when_it_is_overdue(busy: House) -> None:
    slack = Postman()
    await give(busy, due=FRIDAY)
    await busy.clock.tick()
    await busy.clock.tick()
    assert await notices(busy) == ["dana"]
    await passes(busy, DAY + hours(5))
    assert await notices(busy) == ["dana"]
    await passes(busy, hours(2))
    await busy.clock.tick()
    assert await notices(busy) == ["dana"] * 2
    await passes(busy, DAY)
    assert await notices(busy) == ["dana"] * 3
    assert len(await busy.said(FactKind.TASK_OVERDUE)) == 1

    await passes(busy, 3 * DAY)
    assert await notices(busy) == [*["dana"] * 4, "lee"]
    assert len(await busy.said(FactKind.TASK_OVERDUE)) == 1

    await busy.carry(slack)
    told = [message for message in slack.carried if message.key.startswith("task:")]
    assert [message.title for message in told] == [
        "A task for you",
        "A task is due soon",
        "A task is overdue",
        "A task is overdue",
        "A task is overdue",
    ]
    assert told[0].url.endswith("/incidents/INC-1#tasks")
    assert await forgotten(busy) == set()


async def test_what_is_done_reminds_nobody_even_where_the_word_was_on_its_way(busy: House) -> None:
    slack = Postman()
    task = await give(busy, due=FRIDAY)
    await busy.clock.tick()
    assert await notices(busy) == ["dana"]

    await busy.tasks.act(Errand(task=task.id, action=TaskAction.DONE, by=by("dana")))
    await passes(busy, 9 * DAY)
    await busy.carry(slack)

    assert await notices(busy) == ["dana"]
    assert [key for key in slack.keys if key.startswith("task:")] == []
    await busy.is_well()


async def test_whom_slack_refuses_is_stood_in_for_at_once_and_from_then_on(busy: House) -> None:
    slack = Postman()
    slack.answers["task:"] = [Refused("is deactivated in Slack", absent=True)]
    await give(busy, due=FRIDAY)
    await busy.clock.tick()
    await busy.carry(slack)

    (second,) = [message for message in slack.carried if message.key.startswith("instead:")]
    assert second.person is not None
    assert (second.person.id, "Dana could not be told: is deactivated in Slack." in second.text) == ("lee", True)
    async with busy.store.unit(Turn.PEOPLE) as unit:
        assert await unit.board.unreachable() == {"dana": "is deactivated in Slack"}


async def test_a_task_is_guarded_until_its_incident_can_be_closed(busy: House) -> None:
    task = await give(busy, kind=TaskKind.REMEDIATION)
    await busy.act(Action.RESOLVE, reason=Resolution.FIXED)
    (alert,) = (await busy.shelf.incident("INC-1")).alerts
    with pytest.raises(NotAllowed) as error:
        await busy.act(Action.CLOSE)
    assert (error.value.code, error.value.why.count(";")) == ("not_verified", 1)
    await busy.act(Action.WAIVE, alert=alert.alert.fingerprint, note="seen to")
    with pytest.raises(NotAllowed) as error:
        await busy.act(Action.CLOSE)
    assert error.value.code == "tasks_open"

    await busy.tasks.act(Errand(task=task.id, action=TaskAction.DROP, by=by("priya"), note="the vendor did"))
    await busy.act(Action.CLOSE)

    assert (await busy.incident()).status is Status.CLOSED
    await busy.is_well()


async def test_a_click_that_comes_twice_gives_and_ends_once(busy: House) -> None:
    wish = Wish(incident="INC-1", kind=TaskKind.REMEDIATION, title="Retrain", by=by("priya"))
    await busy.tasks.add(wish, once="a")
    with pytest.raises(NotAllowed):
        await busy.tasks.add(wish, once="a")
    done = Errand(task="TASK-1", action=TaskAction.DONE, by=by("priya"))
    first, again = [(await busy.tasks.act(done, once="b")).task for _ in range(2)]

    assert first == again
    assert len(await busy.said(FactKind.TASK_DONE)) == 1
    assert len((await busy.tasks.list(TaskQuery()))[0]) == 1


async def test_the_same_trouble_again_points_at_what_was_not_done(busy: House) -> None:
    await give(busy, due=FRIDAY)
    await busy.act(Action.RESOLVE, reason=Resolution.FIXED)
    await passes(busy, 20 * DAY)

    await busy.publish(harm("harm-2"))

    assert any("TASK-1 (Watch the index) is not done" in text for text in await busy.said(FactKind.LINKED, "INC-2"))
    lines = (await busy.shelf.briefing("INC-2")).lines
    assert [line.text[:31] for line in lines if line.label == "Not done"] == ["after INC-1, with the same caus"]
    await busy.tasks.act(Errand(task="TASK-1", action=TaskAction.DONE, by=by("dana")))
    assert "Not done" not in {line.label for line in (await busy.shelf.briefing("INC-2")).lines}
    assert await forgotten(busy) == set()


async def test_an_owner_who_cannot_be_reached_is_one_task_of_whoever_is_accountable(house: House) -> None:
    slack = Postman()
    slack.answers["page:INC-1:1:0:priya"] = [Refused("is deactivated in Slack", absent=True)]
    await house.publish(harm())
    await house.carry(slack)
    await house.publish(harm("harm-2", environment="staging"))
    await house.carry(slack)
    await house.clock.tick()

    (view,), _ = await house.tasks.list(TaskQuery())
    assert (view.task.owner, view.task.kind, view.task.incident) == ("lee", TaskKind.FOLLOW_UP, "INC-1")
    assert view.task.title.startswith("Name a model owner of Triage bot who can be reached")
    assert await notices(house) == ["lee"]
    await house.is_well()


async def test_a_reminder_that_nobody_gave_and_a_task_left_over_are_found(busy: House) -> None:
    await give(busy, kind=TaskKind.REMEDIATION, due=FRIDAY)
    async with busy.database.write(Turn.PEOPLE) as connection:
        await connection.exec_driver_sql("update incidents set status = 'closed'")
    busy.store.shift(2 * DAY + hours(9))

    assert await forgotten(busy) == {"task_late", "task_left_over"}


@pytest.mark.postgres
async def test_two_processes_tell_everybody_once(houses: list[House]) -> None:
    one = houses[0]
    await one.publish(harm())
    await one.act(Action.ACKNOWLEDGE)
    for _ in range(20):
        await give(one, due=FRIDAY)
    for step in (timedelta(0), 2 * DAY + hours(7), DAY, 5 * DAY):  # given, overdue, a day later, and after an outage
        for house in houses:
            house.store.shift(step)
        await asyncio.gather(*(house.clock.tick() for house in houses for _ in range(3)))

    told = await notices(one)
    assert (told.count("dana"), told.count("lee")) == (80, 20)
    assert len(await one.said(FactKind.TASK_OVERDUE)) == 20
    assert await forgotten(one) == set()
