"""Who has an incident after a person has passed it on: snoozed for a while, or handed over with a note."""

from dataclasses import replace

import pytest

from incidents.core.effect import EffectKind
from incidents.core.errors import NotAllowed
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Held, Status
from incidents.core.people import Away, Person
from incidents.core.severity import Severity
from incidents.core.silence import Matcher, Trait
from tests.core.town import Town
from tests.make import NIGHT, NOON, a_catalog, a_person, an_estate, drift, hallucination, hours, minutes

BAD, MIDDLING, MINOR = 60, 22, 12  # flagged of 120: SEV2, SEV3, SEV4


def a_town(flagged: int = BAD, **catalog: object) -> Town:
    """Trouble of the RAG assistant, opened at noon; Priya is paged where anybody is."""
    town = Town(an_estate(a_catalog(**catalog)), now=NOON - hours(48))
    town.publish(hallucination(flagged, 120, at=NOON))
    return town


def refused(town: Town, action: Action, *, minutes: int | None = None, **asked: str) -> tuple[str, str]:
    before = (dict(town.incidents), len(town.timeline()), len(town.effects))
    with pytest.raises(NotAllowed) as error:
        town.act(action, minutes=minutes, **asked)
    assert (dict(town.incidents), len(town.timeline()), len(town.effects)) == before
    return error.value.code, error.value.why


# --- snoozed ---------------------------------------------------------------------------------------------------------


def test_whoever_snoozes_it_has_it_and_is_asked_again_when_it_is_over() -> None:
    town = a_town()
    town.act(Action.SNOOZE, minutes=120, note="the batch runs until two")

    incident = town.incident()
    assert (incident.status, incident.acknowledged_by, incident.assignee) == (Status.ACKNOWLEDGED, "priya", "priya")
    assert town.said(FactKind.SNOOZED) == [
        "Snoozed by Priya for 2 h, until 2026-11-18 14:00 UTC: the batch runs until two"
    ]
    town.pass_time(to=NOON + hours(2) - minutes(1))
    assert town.paged() == [("12:00", "priya")]  # not asked for a word after an hour either

    town.pass_time(to=NOON + hours(2) + minutes(15))
    assert town.said(FactKind.ASKED_AGAIN) == ["Asked again: the time for which Priya had snoozed it is over"]
    assert town.paged() == [("12:00", "priya"), ("14:00", "priya"), ("14:15", "omar")]
    assert (town.incident().status, town.incident().snoozed_until) == (Status.TRIGGERED, None)
    assert [entry.level for entry in town.incident().paging.asked] == [0, 1]
    assert town.incident().paging.round == 2


def test_a_snooze_is_an_answer_on_the_timeline() -> None:
    town = a_town()
    town.pass_time(to=NOON + minutes(5))
    town.act(Action.SNOOZE, minutes=30)
    town.act(Action.SNOOZE, minutes=60)

    assert town.said(FactKind.ACKNOWLEDGED) == ["Acknowledged by Priya"]
    assert town.incident().acknowledged_at == NOON + minutes(5)
    assert town.incident().snoozed_until == NOON + minutes(65)


def test_who_snoozed_it_is_asked_before_the_ladder() -> None:
    town = a_town()
    town.act(Action.ACKNOWLEDGE, who="kim")
    town.act(Action.SNOOZE, who="kim", minutes=30)
    town.pass_time(to=NOON + minutes(60))

    assert town.paged() == [("12:00", "priya"), ("12:30", "kim"), ("12:45", "priya"), ("13:00", "omar")]
    assert town.said(FactKind.PAGED)[1] == "Paged kim: the time for which you had snoozed it is over"
    assert town.incident().handed_to is None


@pytest.mark.parametrize("who", ["admin", "zoe", "slack:U99"])
def test_of_a_snooze_by_whom_the_catalog_does_not_name_the_ladder_is_asked_when_it_is_over(who: str) -> None:
    town = a_town()
    town.act(Action.SNOOZE, who=who, minutes=30)
    town.pass_time(to=NOON + minutes(45))

    assert town.paged() == [("12:00", "priya"), ("12:30", "priya"), ("12:45", "omar")]


def test_who_snoozes_what_another_has_takes_it() -> None:
    town = a_town()
    town.act(Action.ACKNOWLEDGE, who="omar")
    town.act(Action.SNOOZE, who="lee", minutes=30)

    assert town.incident().acknowledged_by == "lee"
    assert town.said(FactKind.ACKNOWLEDGED) == ["Acknowledged by Omar", "Acknowledged by Lee"]


def test_sev3_that_was_snoozed_into_the_night_is_asked_about_by_day() -> None:
    town = a_town(MIDDLING)
    town.act(Action.SNOOZE, minutes=8 * 60)

    town.pass_time(to=NOON + hours(22))

    assert town.said(FactKind.ASKED_AGAIN)
    assert town.paged() == [("12:00", "priya"), ("09:00", "priya"), ("09:30", "omar"), ("10:00", "lee")]


def test_of_sev4_it_is_only_said_that_the_time_is_over() -> None:
    town = a_town(MINOR)
    town.act(Action.SNOOZE, minutes=30)

    town.pass_time(to=NOON + hours(1))

    assert town.posts()[-1] == "The time for which Priya had snoozed it is over"
    assert (town.incident().status, town.incident().snoozed_until) == (Status.ACKNOWLEDGED, None)
    assert town.paged() == []


def test_worse_news_ends_a_snooze() -> None:
    town = a_town(MIDDLING)
    town.act(Action.SNOOZE, minutes=600)
    town.publish(hallucination(BAD, 120, at=NOON + hours(1)))

    assert (town.incident().status, town.incident().snoozed_until) == (Status.TRIGGERED, None)
    assert town.paged()[-1] == ("13:00", "priya")


@pytest.mark.parametrize("action", [Action.MITIGATE, Action.ESCALATE, Action.HAND_OVER])
def test_whatever_is_done_next_ends_a_snooze(action: Action) -> None:
    town = a_town()
    town.act(Action.SNOOZE, minutes=600)
    town.act(action, to="kim")

    assert town.incident().snoozed_until is None


@pytest.mark.parametrize("minutes", [None, 0, -5, 24 * 60 + 1])
def test_a_snooze_is_of_a_minute_to_a_day(minutes: int | None) -> None:
    assert refused(a_town(), Action.SNOOZE, minutes=minutes) == (
        "minutes_missing",
        "say for how many minutes, 1 to 1440",
    )


# --- handed over -----------------------------------------------------------------------------------------------------


def test_whoever_it_is_handed_over_to_is_asked_first_and_the_ladder_runs_on_until_they_answer() -> None:
    town = a_town()
    town.pass_time(to=NOON + minutes(5))
    town.act(Action.ACKNOWLEDGE)
    town.act(Action.HAND_OVER, to="kim", note="the index is yours")

    incident = town.incident()
    assert (incident.status, incident.handed_to, incident.assignee) == (Status.TRIGGERED, "kim", None)
    assert incident.acknowledged_by is None
    town.pass_time(to=NOON + minutes(40))
    assert town.paged() == [("12:00", "priya"), ("12:05", "kim"), ("12:20", "priya"), ("12:35", "omar")]
    assert town.said(FactKind.HANDED_OVER) == ["Handed over to Kim by Priya: the index is yours"]
    assert town.said(FactKind.PAGED)[1] == "Paged kim: it was handed over to you by Priya: the index is yours"

    town.act(Action.ACKNOWLEDGE, who="kim")
    town.pass_time(to=NOON + minutes(90))
    assert len(town.paged()) == 4
    assert (town.incident().handed_to, town.incident().assignee) == (None, "kim")


def test_what_nobody_had_answered_can_be_handed_over_too() -> None:
    town = a_town()
    town.act(Action.HAND_OVER, to="lee", who="omar")

    town.pass_time(to=NOON + minutes(15))

    assert town.paged() == [("12:00", "priya"), ("12:00", "lee"), ("12:15", "priya")]


def test_it_is_not_handed_over_to_somebody_on_leave() -> None:
    leave = Away(start=NIGHT, end=NOON + hours(48))
    town = a_town(people={**a_catalog().people, "kim": a_person("kim", away=(leave,))})

    assert refused(town, Action.HAND_OVER, to="kim") == (
        "not_reachable",
        "Kim is away until Fri 20 Nov 12:00: hand it to somebody who can be asked",
    )


def test_it_is_not_handed_over_to_somebody_whom_slack_cannot_reach() -> None:
    town = a_town(people={**a_catalog().people, "kim": Person(id="kim", name="Kim")})
    town.act(Action.ACKNOWLEDGE, who="omar")
    town.estate = replace(town.estate, slack=True)
    town.unreachable["lee"] = ("is deactivated in Slack", NOON + hours(1))

    assert refused(town, Action.HAND_OVER, to="kim") == (
        "not_reachable",
        "Kim has no Slack account and no e-mail address in the catalog: hand it to somebody who can be asked",
    )
    assert refused(town, Action.HAND_OVER, to="lee") == (
        "not_reachable",
        "Lee is deactivated in Slack: hand it to somebody who can be asked",
    )
    town.pass_time(to=NOON + hours(1))
    town.act(Action.HAND_OVER, to="lee")
    assert town.paged()[-1] == ("13:00", "lee")


def test_who_turns_out_to_be_out_of_reach_is_passed_over_at_once_and_that_is_no_gap_of_the_catalog() -> None:
    town = a_town()
    town.deactivated.add("kim")
    town.act(Action.HAND_OVER, to="kim")

    assert town.paged() == [("12:00", "priya"), ("12:00", "priya")]
    assert town.said(FactKind.TARGET_SKIPPED) == ["Skipped: Kim (person it was handed over to) is deactivated in Slack"]
    assert town.said(FactKind.OWNER_GAP) == []


def test_a_calm_reading_does_not_keep_it_from_whom_it_was_handed_over_to() -> None:
    town = a_town()
    town.publish(hallucination(0, 120, at=NOON + hours(1)))
    town.act(Action.HAND_OVER, to="kim")

    assert town.paged()[-1] == ("13:00", "kim")


@pytest.mark.parametrize("action", [Action.HAND_OVER, Action.SEVERITY, Action.REOPEN])
def test_what_a_person_wants_asked_is_asked_on_whatever_clears_among_what_is_silenced(action: Action) -> None:
    to = {Action.HAND_OVER: "kim", Action.SEVERITY: "sev1"}.get(action, "")
    town = a_town()
    town.publish(drift(system="rag-assistant"))
    town.silence(Matcher(field=Trait.SYSTEM, value="rag-assistant"), until=NOON + hours(9))
    if action is Action.REOPEN:
        town.act(Action.MITIGATE)
    town.act(action, to=to, note="look")
    known = len(town.paged())
    for late in (2, 3):
        town.publish(drift(0.01, system="rag-assistant", at=NOON + minutes(late)))
    town.pass_time(to=NOON + hours(2))

    assert town.incident().held is Held.SILENCED
    assert "max" in [person for _, person in town.paged()[known:]]


def test_a_later_silence_holds_what_was_handed_over() -> None:
    town = a_town()
    town.act(Action.HAND_OVER, to="kim")
    town.silence(Matcher(field=Trait.SYSTEM, value="rag-assistant"), until=NOON + hours(9))
    town.pass_time(to=NOON + hours(2))

    assert town.paged() == [("12:00", "priya"), ("12:00", "kim")]
    town.pass_time(to=NOON + hours(9))
    assert town.paged()[-1] == ("21:00", "kim")


def test_the_channel_is_told() -> None:
    town = a_town()
    town.act(Action.HAND_OVER, to="kim", note="yours")

    assert [e.data["text"] for e in town.effects.values() if e.kind is EffectKind.POST][-1:] == [
        "Handed over to Kim by Priya: yours"
    ]


def test_it_goes_neither_to_oneself_nor_to_a_stranger_nor_to_whoever_has_it() -> None:
    town = a_town()
    assert refused(town, Action.HAND_OVER, to="priya")[0] == "to_yourself"
    assert refused(town, Action.HAND_OVER, to="zoe") == ("person_unknown", "no person 'zoe' in the catalog")
    town.act(Action.ACKNOWLEDGE, who="kim")
    assert refused(town, Action.HAND_OVER, to="kim") == ("already_done", "Kim has it already")


def test_sev4_is_handed_over_to_nobody_since_nobody_is_paged_for_it() -> None:
    town = a_town(MINOR)

    assert town.incident().severity is Severity.SEV4
    assert refused(town, Action.HAND_OVER, to="kim")[0] == "nobody_paged"
