"""What a task is, when people are told of it, and who they are."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.people import Away
from incidents.core.policy import TaskPolicy
from incidents.core.reminder import accountable, day_end, remind
from incidents.core.schedule import Override
from incidents.core.system import Role
from incidents.core.task import NEXT, Task, TaskAction, TaskKind, TaskState, after, planned
from tests.make import NOON, OWNERS, a_catalog, a_person, a_schedule, a_system, an_estate, by, hours, minutes

POLICY = TaskPolicy()
DAY = timedelta(days=1)
FRIDAY = NOON + 2 * DAY + hours(6)  # at the end of the working day


def a_task(*, news: bool = False, now: datetime = NOON, **more: object) -> Task:
    """Dana has to do it by Friday evening."""
    made = Task(
        id="TASK-1",
        incident="INC-1",
        system="rag-assistant",
        kind=TaskKind.FOLLOW_UP,
        title="Watch the index",
        by=by("priya"),
        at=NOON,
        owner="dana",
        due_at=FRIDAY,
    )
    return planned(replace(made, **more), POLICY, now, news=news)  # type: ignore[arg-type]


def days_of(task: Task, estate: Estate, *, ends: datetime, **unreachable: str) -> list[tuple[str, str]]:
    """Everything that is sent until `ends`, as its days and its people, with the clock stopping wherever it is due."""
    sent: list[Effect] = []
    while task.remind_at is not None and task.remind_at <= ends:
        reminded = remind(task, estate, unreachable, task.remind_at)
        sent += reminded.effects
        task = reminded.task
    return [(f"{effect.due_at:%a %d %H:%M}", effect.target or "") for effect in sent]


# --- the table --------------------------------------------------------------------------------------------------------


def test_what_is_done_or_dropped_stays_so() -> None:
    assert {state for state in TaskState if not NEXT[state]} == {TaskState.DONE, TaskState.DROPPED}
    with pytest.raises(NotAllowed) as again:
        after(TaskState.DONE, TaskAction.DONE)
    with pytest.raises(NotAllowed) as other:
        after(TaskState.DROPPED, TaskAction.CHANGE)
    assert (again.value.code, other.value.code) == ("already_done", "not_allowed")


# --- when -------------------------------------------------------------------------------------------------------------


def test_its_owner_is_told_a_day_before_when_it_is_overdue_and_then_every_day() -> None:
    assert days_of(a_task(), an_estate(), ends=FRIDAY + 2 * DAY) == [
        ("Thu 19 18:00", "dana"),
        ("Fri 20 18:00", "dana"),
        ("Sat 21 18:00", "dana"),
        ("Sun 22 18:00", "dana"),
    ]


def test_overdue_for_three_days_whoever_is_accountable_is_told_as_well() -> None:
    told = days_of(a_task(), an_estate(), ends=FRIDAY + 4 * DAY)

    assert told[-4:] == [
        ("Mon 23 18:00", "dana"),
        ("Mon 23 18:00", "lee"),
        ("Tue 24 18:00", "dana"),
        ("Tue 24 18:00", "lee"),
    ]


def test_whoever_is_given_a_task_is_told_at_once() -> None:
    task = a_task(news=True)

    (notice,) = remind(task, an_estate(), {}, NOON).effects

    assert (task.remind_at, notice.target, notice.data["title"]) == (NOON, "dana", "A task for you")
    assert notice.data["text"] == "TASK-1 of INC-1 (Rag assistant): Watch the index\nDue Fri 20 Nov 18:00."
    assert (notice.kind, notice.channel, notice.incident) == (EffectKind.NOTICE, Channel.SLACK, None)


def test_nobody_is_told_before_the_time() -> None:
    task = a_task()

    for early in (NOON, FRIDAY - DAY - minutes(1)):
        assert remind(task, an_estate(), {}, early).effects == ()
    assert task.remind_at == FRIDAY - DAY


def test_after_an_outage_the_latest_moment_alone_is_told() -> None:
    reminded = remind(a_task(news=True), an_estate(), {}, FRIDAY + 2 * DAY + hours(3))

    (notice,) = reminded.effects
    assert notice.key == "task:TASK-1:20261122T180000Z:dana"
    assert reminded.overdue
    assert reminded.task.remind_at == FRIDAY + 3 * DAY


def test_that_it_is_overdue_is_said_once_on_the_timeline() -> None:
    first = remind(a_task(now=FRIDAY - hours(1)), an_estate(), {}, FRIDAY)
    second = remind(first.task, an_estate(), {}, FRIDAY + DAY)

    assert (first.overdue, second.overdue) == (True, False)


def test_what_is_due_within_a_day_is_not_said_to_be_due_a_day_before() -> None:
    task = a_task(now=FRIDAY - hours(3))

    assert task.remind_at == FRIDAY


def test_a_task_without_a_date_reminds_nobody_and_one_that_is_over_neither() -> None:
    assert a_task(due_at=None).remind_at is None
    assert a_task(state=TaskState.DONE).remind_at is None
    assert remind(a_task(state=TaskState.DONE), an_estate(), {}, FRIDAY + DAY).effects == ()


def test_the_same_moment_told_again_has_the_same_key() -> None:
    """A crash between telling and remembering, or a second process: the outbox takes each key once."""
    task = a_task()
    once, again = (remind(task, an_estate(), {}, FRIDAY + minutes(n)).effects for n in (0, 7))

    assert [effect.key for effect in once] == [effect.key for effect in again]


# --- who --------------------------------------------------------------------------------------------------------------


def test_in_place_of_an_owner_who_is_deactivated_whoever_is_accountable_is_told_and_why() -> None:
    (notice,) = remind(a_task(), an_estate(), {"dana": "is deactivated in Slack"}, FRIDAY).effects

    assert notice.target == "lee"
    assert "Its owner Dana is deactivated in Slack." in str(notice.data["text"])


def test_and_in_place_of_one_who_has_left_the_catalog_or_is_away() -> None:
    gone = {name: a_person(name) for name in ("priya", "lee")}
    away = gone | {"dana": a_person("dana", away=(Away(start=NOON, end=FRIDAY + 9 * DAY),))}

    for people, why in ((gone, "is not in the catalog any more"), (away, "is away until")):
        (notice,) = remind(a_task(), an_estate(a_catalog(people=people)), {}, FRIDAY).effects
        assert (notice.target, why in str(notice.data["text"])) == ("lee", True)


def test_a_task_of_nobody_goes_to_whoever_is_accountable() -> None:
    (notice,) = remind(a_task(owner=None), an_estate(), {}, FRIDAY).effects

    assert (notice.target, "It has no owner: name one." in str(notice.data["text"])) == ("lee", True)


def test_whom_the_channel_refuses_is_known_by_a_name_that_is_told_instead() -> None:
    (notice,) = remind(a_task(), an_estate(), {}, FRIDAY).effects

    assert notice.data["instead"] == "lee"


def test_where_nobody_accountable_can_be_told_the_default_owner_is_and_then_the_admin() -> None:
    gone = dict.fromkeys(("lee", "max"), "is deactivated in Slack")

    assert accountable("rag-assistant", an_estate(), {"lee": gone["lee"]}, NOON).id == "max"
    assert accountable("rag-assistant", an_estate(), gone, NOON).id == "admin"


def test_an_accountable_schedule_is_whoever_has_the_turn_and_a_team_its_first_who_can_be_told() -> None:
    off = Override(person="kim", start=NOON, end=NOON + hours(8))
    turns = a_catalog(
        a_system("rag-assistant", owners={**OWNERS, Role.ACCOUNTABLE: "oncall"}),
        schedules={"oncall": a_schedule(overrides=(off,))},
    )
    team = a_catalog(a_system("rag-assistant", owners={**OWNERS, Role.ACCOUNTABLE: "ops"}))

    assert accountable("rag-assistant", an_estate(turns), {}, NOON + minutes(1)).id == "kim"
    assert accountable("rag-assistant", an_estate(turns), {}, NOON + hours(9)).id == "omar"
    assert accountable("rag-assistant", an_estate(team), {"omar": "is deactivated in Slack"}, NOON).id == "kim"


# --- days -------------------------------------------------------------------------------------------------------------


def test_a_day_lasts_until_the_end_of_its_owners_working_hours() -> None:
    tokyo = a_catalog(people={"dana": a_person("dana", timezone="Asia/Tokyo")})

    assert day_end(FRIDAY.date(), "dana", an_estate()) == FRIDAY
    assert day_end(FRIDAY.date(), "dana", an_estate(tokyo)) == FRIDAY - hours(9)
    assert day_end(FRIDAY.date(), None, an_estate()) == FRIDAY
