"""What people may do about tasks, what keeps an incident from being closed, and what comes back undone."""
# ruff: noqa: ANN401 - what is asked has the type of its field

from datetime import date, timedelta
from typing import Any

import pytest

from incidents.core.briefing import brief
from incidents.core.closing import Paperwork, missing
from incidents.core.errors import NotAllowed
from incidents.core.fact import Actor, ActorType, FactKind
from incidents.core.incident import Action, Related, Status
from incidents.core.task import TaskAction, TaskKind, TaskState
from incidents.core.tasking import Errand, Wish, acted, drafted
from tests.core.town import Town
from tests.make import NOON, a_catalog, a_system, an_estate, drift, hallucination, hours, release

REMEDIATION, FOLLOW_UP = TaskKind
DAY = timedelta(days=1)
FRIDAY = date(2026, 11, 20)


def a_town() -> Town:
    """Something is wrong with the assistant at noon."""
    town = Town(an_estate(), now=NOON)
    town.publish(hallucination(22, 120, at=NOON))
    return town


def is_clear(town: Town, since: int = 0) -> None:
    town.publish(*(hallucination(0, 120, at=NOON + hours(since + n)) for n in (1, 2)))


def code_of(error: pytest.ExceptionInfo[NotAllowed]) -> str:
    return error.value.code


def refused(town: Town, action: TaskAction, task: str = "TASK-1", **asked: Any) -> str:
    with pytest.raises(NotAllowed) as error:
        town.errand(action, task, **asked)
    return code_of(error)


# --- giving -----------------------------------------------------------------------------------------------------------


def test_a_task_stands_on_the_timeline_with_its_owner_and_its_date() -> None:
    town = a_town()
    town.give(FOLLOW_UP, "Watch the index", owner="dana", due=FRIDAY)

    assert town.said(FactKind.TASK_ADDED) == [
        "TASK-1, a follow-up, added by Priya: Watch the index, with Dana, due 2026-11-20 18:00 UTC"
    ]
    assert town.incident().responders == ("priya",)


def test_what_one_takes_oneself_one_need_not_be_told() -> None:
    town = a_town()

    assert town.give(owner="dana", due=FRIDAY).news
    assert not town.give(owner="priya", due=FRIDAY).news
    assert not town.give(due=FRIDAY).news


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"title": "  "}, "title_missing"),
        ({"owner": "nobody"}, "person_unknown"),
        ({"due": date(2026, 11, 17)}, "due_past"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(asked: dict[str, Any], code: str) -> None:
    with pytest.raises(NotAllowed) as error:
        a_town().give(**asked)
    assert code_of(error) == code


def test_a_closed_incident_takes_follow_ups_alone_and_only_whole_ones() -> None:
    town = a_town()
    is_clear(town)
    town.act(Action.RESOLVE, reason="fixed")
    town.act(Action.CLOSE)
    before = town.incident()

    for kind, code in ((REMEDIATION, "closed"), (FOLLOW_UP, "owner_missing")):
        with pytest.raises(NotAllowed) as error:
            town.give(kind, owner="dana")
        assert code_of(error) == code

    town.give(FOLLOW_UP, owner="dana", due=FRIDAY)
    after = town.incident()
    assert (after.status, after.responders, after.touched_at) == (Status.CLOSED, before.responders, before.touched_at)
    assert town.kinds()[-1] == "task_added"


def test_tasks_are_for_people() -> None:
    town, robot = a_town(), Actor(type=ActorType.SYSTEM, id="incidents")
    task = town.give()

    with pytest.raises(NotAllowed) as given:
        drafted(town._desk("INC-1"), Wish(incident="INC-1", kind=REMEDIATION, title="x", by=robot))  # noqa: SLF001
    with pytest.raises(NotAllowed) as done:
        acted(town._desk("INC-1"), task, Errand(task="TASK-1", action=TaskAction.DONE, by=robot))  # noqa: SLF001
    assert {code_of(given), code_of(done)} == {"no_person"}


# --- doing ------------------------------------------------------------------------------------------------------------


def test_what_is_done_is_told_and_asks_nobody_any_more() -> None:
    town = a_town()
    town.give(owner="dana", due=FRIDAY)

    task = town.errand(TaskAction.DONE, who="dana", note="on the new set")

    assert (task.state, task.remind_at, task.ended_by) == (TaskState.DONE, None, "dana")
    assert town.said(FactKind.TASK_DONE) == ["TASK-1 done by Dana (Retrain on last month): on the new set"]
    assert refused(town, TaskAction.DONE) == "already_done"
    assert refused(town, TaskAction.DROP, note="x") == "not_allowed"


def test_dropping_one_needs_a_reason() -> None:
    town = a_town()
    town.give()

    assert refused(town, TaskAction.DROP) == "reason_missing"
    assert town.errand(TaskAction.DROP, note="the vendor did").state is TaskState.DROPPED
    assert town.said(FactKind.TASK_DROPPED) == ["TASK-1 dropped by Priya (Retrain on last month): the vendor did"]


def test_whoever_has_nothing_to_do_with_it_leaves_it_alone() -> None:
    """Max is only the last resort of others; Kim is in the team that operates it; Gita governs it."""
    catalog = a_catalog(default_owner=None)
    town = Town(an_estate(catalog), now=NOON)
    town.publish(hallucination(22, 120, at=NOON))
    for _ in range(4):
        town.give()

    assert refused(town, TaskAction.DONE, who="max") == "no_role"
    for number, who in enumerate(("kim", "gita", "lee", "admin"), 1):
        assert town.errand(TaskAction.DONE, f"TASK-{number}", who=who).state is TaskState.DONE


def test_a_new_owner_is_told_and_a_new_date_counts_anew() -> None:
    town = a_town()
    town.give(owner="dana", due=FRIDAY)

    task = town.errand(TaskAction.CHANGE, owner="lee", due=FRIDAY + DAY, title="Retrain on two months")

    assert (task.owner, task.news, task.remind_at, task.title) == ("lee", True, NOON, "Retrain on two months")
    assert town.said(FactKind.TASK_CHANGED) == [
        "TASK-1 changed by Priya: with Lee, due 2026-11-21 18:00 UTC, called Retrain on two months"
    ]
    assert refused(town, TaskAction.CHANGE, owner="lee") == "already_done"
    assert refused(town, TaskAction.CHANGE, due=date(2026, 11, 17)) == "due_past"


# --- closing ----------------------------------------------------------------------------------------------------------


def test_closing_names_everything_that_is_missing_at_once() -> None:
    town = a_town()
    town.act(Action.RESOLVE, reason="fixed")
    town.give(REMEDIATION, "Retrain")
    town.give(FOLLOW_UP, "Watch the index")
    town.give(FOLLOW_UP, "Alert earlier", owner="dana")

    with pytest.raises(NotAllowed) as error:
        town.act(Action.CLOSE)

    assert code_of(error) == "not_verified"
    assert error.value.why.split("; ") == [
        "not verified and not waived: hallucination hallucination_rate",
        "neither done nor dropped: TASK-1 (Retrain)",
        "not ready to outlive it: TASK-2 lacks an owner and a due date, TASK-3 lacks a due date",
    ]


def test_it_closes_when_what_had_to_be_done_is_and_what_remains_is_somebodys() -> None:
    town = a_town()
    town.give(REMEDIATION, "Retrain")
    town.give(FOLLOW_UP, "Watch the index")
    is_clear(town)
    town.act(Action.RESOLVE, reason="fixed")

    with pytest.raises(NotAllowed) as todo:
        town.act(Action.CLOSE)
    town.errand(TaskAction.DONE)
    with pytest.raises(NotAllowed) as bare:
        town.act(Action.CLOSE)
    town.errand(TaskAction.CHANGE, "TASK-2", owner="dana", due=FRIDAY)
    town.act(Action.CLOSE)

    assert (code_of(todo), code_of(bare)) == ("tasks_open", "follow_up_bare")

    assert (town.incident().status, town.tasks["TASK-2"].is_open) == (Status.CLOSED, True)


def test_of_very_many_a_few_are_named() -> None:
    town = a_town()
    tasks = tuple(town.give(title=f"Step {n}") for n in range(7))

    (todo,) = missing(Paperwork(tasks=tasks))

    assert todo.text.endswith("TASK-5 (Step 4) and 2 more")


# --- coming back ------------------------------------------------------------------------------------------------------


def a_follow_up_is_left_undone(town: Town) -> None:
    """The incident is over and its follow-up is not."""
    town.give(FOLLOW_UP, "Watch the index", owner="dana", due=FRIDAY)
    is_clear(town)
    town.act(Action.RESOLVE, reason="fixed")
    town.act(Action.CLOSE)


def test_the_same_alert_again_points_at_what_was_not_done() -> None:
    town = a_town()
    a_follow_up_is_left_undone(town)

    town.publish(hallucination(22, 120, at=NOON + 20 * DAY))

    assert Related(incident="INC-1", relation="unfinished") in town.incident(2).related
    assert "As in INC-1: the same alert. Of its follow-ups TASK-1 (Watch the index) is not done" in town.said(
        FactKind.LINKED, 2
    )
    briefing = brief(town.incident(2), (), town.estate, town.now, {}, tuple(town.tasks.values()))
    assert [line.text for line in briefing.lines if line.label == "Not done"] == [
        "after INC-1, with the same cause: TASK-1 Watch the index (Dana, due 2026-11-20 18:00 UTC, overdue)"
    ]


def test_and_again_while_it_is_not_done_also_when_another_lay_between() -> None:
    town = a_town()
    a_follow_up_is_left_undone(town)
    town.publish(hallucination(22, 120, at=NOON + 20 * DAY))
    town.act(Action.RESOLVE, "INC-2", reason="fixed")
    is_clear(town, since=20 * 24)

    town.publish(hallucination(22, 120, at=NOON + 40 * DAY))

    assert Related(incident="INC-1", relation="unfinished") in town.incident(3).related


@pytest.mark.parametrize(("after", "is_told"), [(timedelta(days=89), True), (timedelta(days=91), False)])
def test_a_quarter_later_it_is_another_story(after: timedelta, is_told: bool) -> None:  # noqa: FBT001
    town = a_town()
    a_follow_up_is_left_undone(town)

    town.publish(hallucination(22, 120, at=NOON + hours(2) + after))

    assert (Related(incident="INC-1", relation="unfinished") in town.incident(2).related) is is_told


def test_what_was_done_meanwhile_is_not_pointed_at() -> None:
    town = a_town()
    a_follow_up_is_left_undone(town)
    town.errand(TaskAction.DONE, who="dana")

    town.publish(hallucination(22, 120, at=NOON + 20 * DAY))

    assert [link.relation for link in town.incident(2).related] == ["recurrence_of"]


def test_another_release_of_the_same_model_is_the_same_cause_and_that_of_another_is_not() -> None:
    """The alert is another: only what was released before ties the two together."""
    for name, is_told in (("credit", True), ("scorecard", False)):
        town = Town(an_estate(), now=NOON)
        town.publish(release("17", at=NOON), drift(0.5, at=NOON + hours(1), drift_kind="data"))
        town.publish(drift(0.5, at=NOON + hours(2), drift_kind="data"))
        town.give(FOLLOW_UP, "Test before release", owner="dana", due=FRIDAY)
        town.act(Action.RESOLVE, reason="fixed")
        later = NOON + 9 * DAY
        town.publish(release("18", at=later, name=name))
        town.publish(*(drift(0.5, at=later + hours(n), feature="age", drift_kind="data") for n in (1, 2)))

        said = [text for text in town.said(FactKind.LINKED, 2) if "not done" in text]
        assert bool(said) is is_told
        assert all("a release of the model credit before it" in text for text in said)


def test_the_same_alert_at_another_system_is_another_trouble() -> None:
    town = Town(an_estate(a_catalog(a_system("other-bot"))), now=NOON)
    town.publish(hallucination(22, 120, at=NOON))
    a_follow_up_is_left_undone(town)

    town.publish(hallucination(22, 120, at=NOON + 20 * DAY, system="other-bot"))

    assert town.incident(2).related == ()


# --- a missing owner --------------------------------------------------------------------------------------------------


def test_an_owner_who_cannot_be_reached_is_a_task_for_whoever_is_accountable_once() -> None:
    town = Town(an_estate(), now=NOON, deactivated=("priya",))
    town.publish(hallucination(22, 120, at=NOON, system="triage-bot"))
    town.publish(hallucination(22, 120, at=NOON, system="triage-bot", environment="staging"))

    (task,) = town.tasks.values()
    assert (task.kind, task.owner, task.incident) == (FOLLOW_UP, "lee", "INC-1")
    assert task.title == "Name a model owner of Triage bot who can be reached (Priya is deactivated in Slack)"
    assert (task.due_at, task.news) == (NOON + 7 * DAY, True)
