"""What people see: the first hundred characters say it all, the lines say the rest, and nothing says sample text."""

from dataclasses import replace
from datetime import datetime

import pytest

from incidents.core.briefing import Briefing, Remedy, brief
from incidents.core.catalog import Catalog, Escalation
from incidents.core.estate import Estate
from incidents.core.incident import Action, Change, Status
from incidents.core.runbook import Cause, Outline, Runbook
from incidents.core.silence import Matcher, Trait
from incidents.core.step import StepType
from incidents.core.system import Role
from tests.core.town import Town
from tests.make import (
    NIGHT,
    NOON,
    OWNERS,
    a_catalog,
    a_runbook,
    a_schedule,
    a_system,
    an_estate,
    an_incident,
    cost,
    drift,
    hallucination,
    hours,
    minutes,
    over,
    release,
)


def a_town(estate: Estate | None = None) -> Town:
    return Town(estate or an_estate(), now=NIGHT - hours(48))


def briefed(town: Town, *, at: datetime | None = None) -> Briefing:
    town.pass_time(to=at or town.now)
    alerts = [alert for alert in town.alerts.values() if alert.incident == "INC-1"]
    absent = {person: why for person, (why, _) in town.unreachable.items()}
    return brief(town.incident(), alerts, town.estate, town.now, absent)


def lines(briefing: Briefing, label: str) -> list[str]:
    return [line.text for line in briefing.lines if line.label == label]


# --- the headline ----------------------------------------------------------------------------------------------------


def test_the_headline_says_severity_system_and_how_bad_in_numbers() -> None:
    town = a_town()
    town.publish(hallucination(22, 120, baseline={"sampled": 400, "flagged": 10}))

    headline = briefed(town).headline
    assert headline == ("SEV3 Rag assistant: at least 12.4 % of answers flagged (22 of 120), limit 5 %, usual 2.5 %")
    assert len(headline) <= 100


def test_a_long_title_leaves_room_for_the_numbers() -> None:
    title = "The assistant that answers the questions of all our branch offices"
    system = replace(a_system("rag-assistant"), title=title)
    town = a_town(an_estate(a_catalog(system)))
    town.publish(hallucination(22, 120), cost(window=hours(1)))

    headline = briefed(town).headline
    assert len(headline) == 100
    assert headline.startswith("SEV3 The assistant that answers the question…: at least 12.4 % of answers flagged")
    assert headline.endswith("… (+1)")


def test_other_alerts_and_another_environment_are_counted_in() -> None:
    town = a_town()
    town.publish(hallucination(environment="staging"), cost(environment="staging", window=hours(1)))

    assert briefed(town).headline.startswith("SEV3 Rag assistant [staging]: at least")
    assert briefed(town).headline.endswith("limit 5 % (+1)")


def test_when_all_is_clear_the_headline_still_says_what_it_was() -> None:
    town = a_town()
    town.publish(hallucination(), *(hallucination(0, 120, at=NOON + hours(n)) for n in (1, 2)))

    assert "12.4 %" in briefed(town).headline


# --- the lines -------------------------------------------------------------------------------------------------------


def test_it_says_what_since_when_what_changed_before_and_how_the_severity_came_about() -> None:
    town = a_town()
    town.publish(release("17", previous="16", at=NIGHT - hours(2)), drift(0.31, at=NIGHT, segment="prime"))
    briefing = briefed(town, at=NIGHT + minutes(10))

    assert lines(briefing, "What") == ["drift: psi of income 0.31, limit 0.1, feature income, segment prime"]
    assert lines(briefing, "Since") == ["2026-11-18 01:00 UTC, 1 h 10 min ago"]
    assert lines(briefing, "Before it") == ["model credit 17, 2026-11-18 00:00 UTC; roll back to 16"]
    assert "data drift while performance is unknown is at most SEV3" in lines(briefing, "Severity")[0]
    assert lines(briefing, "For information") == ["Gita (governance)"]


def test_where_nothing_changed_it_says_so() -> None:
    town = a_town()
    town.publish(hallucination())

    assert lines(briefed(town), "Before it") == ["nothing is known to have changed in 7 days"]


def test_it_says_what_waiting_costs_until_the_next_working_hour_of_whoever_is_asked_first() -> None:
    town = a_town()
    drivers = {"requests": {"value": 200, "baseline": 50}}
    town.publish(cost(679, 167, at=NIGHT, drivers=drivers))
    briefing = briefed(town)

    assert lines(briefing, "Costs") == ["$64 an hour beyond the expected, $448 until Wed 09:00 (Europe/London)"]
    assert lines(briefing, "Cause") == ["request volume: $506 (98.8 %)", "not explained by these: $5.96 (1.2 %)"]


def test_by_day_it_costs_by_the_hour_only() -> None:
    town = a_town()
    town.publish(cost(679, 167, at=NOON))

    assert lines(briefed(town), "Costs") == ["$64 an hour beyond the expected"]


def test_of_many_alerts_five_are_shown_and_the_rest_counted() -> None:
    town = a_town()
    town.publish(*(hallucination(feature=f"page {n}") for n in range(8)))

    assert len(lines(briefed(town), "What")) == 6
    assert lines(briefed(town), "What")[-1] == "and 3 more alerts"


def test_sample_text_is_nowhere_in_it() -> None:
    town = a_town()
    town.publish(hallucination(samples=[{"prompt": "my name is Secret", "answer": "Secret"}]))

    assert "Secret" not in repr(briefed(town))
    assert "Secret" not in repr(town.timeline())
    assert "Secret" not in repr(town.effects)


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (None, "Priya was asked; next Omar at 2026-11-18 12:15 UTC"),
        (Action.ACKNOWLEDGE, "Priya has it"),
        (Action.MITIGATE, "mitigated; not resolved yet"),
        (Action.RESOLVE, "resolved as fixed"),
    ],
)
def test_it_says_who_has_it_and_who_is_next(action: Action | None, said: str) -> None:
    town = a_town()
    town.publish(hallucination(60, 120))
    if action:
        town.act(action, reason="fixed")

    assert lines(briefed(town), "Who") == [said]


def test_it_names_everybody_whom_the_latest_call_asked_and_none_of_those_before() -> None:
    pairs = Escalation(id="pairs", rungs=(("kind",), ("kim", "lee"), ("omar",)))
    town = a_town(an_estate(a_catalog(escalations={"pairs": pairs}, default_escalation="pairs")))
    town.publish(hallucination(60, 120))

    assert lines(briefed(town), "Who") == ["Priya was asked; next Kim at 2026-11-18 12:15 UTC"]
    later = briefed(town, at=NOON + minutes(15))
    assert lines(later, "Who") == ["Kim and Lee were asked; next Omar at 2026-11-18 12:30 UTC"]


def test_at_night_it_says_when_the_first_is_asked() -> None:
    town = a_town()
    town.publish(hallucination(22, 120, at=NIGHT))

    assert lines(briefed(town), "Who") == ["nobody was asked yet; next Priya at 2026-11-18 09:00 UTC"]


def test_who_was_asked_before_a_silence_is_not_denied() -> None:
    town = a_town()
    town.publish(hallucination(60, 120))
    town.silence(Matcher(field=Trait.SYSTEM, value="*"), until=town.now + hours(1))

    said = "nobody was asked again yet; nobody further while everything that burns is muted"
    assert lines(briefed(town), "Who") == [said]


def test_sev4_says_that_it_pages_nobody() -> None:
    town = a_town()
    town.publish(hallucination(4, 30))

    assert lines(briefed(town), "Who") == ["posted only; SEV4 pages nobody"]


def test_after_the_last_run_it_says_that_somebody_must_take_it() -> None:
    town = a_town()
    town.publish(hallucination(60, 120))

    assert lines(briefed(town, at=NOON + hours(4)), "Who") == ["nobody answered; someone must take this"]


def test_it_says_until_when_it_is_snoozed() -> None:
    town = a_town()
    town.publish(hallucination(60, 120))
    town.act(Action.SNOOZE, minutes=90)

    assert lines(briefed(town), "Who") == ["Priya has it, snoozed until 2026-11-18 13:30 UTC"]


def test_it_says_who_handed_it_over_to_whom_and_who_is_next() -> None:
    town = a_town()
    town.publish(hallucination(60, 120))
    town.act(Action.HAND_OVER, to="kim", note="the index is Kim's")

    assert lines(briefed(town), "Who") == [
        "Priya handed it over to Kim; Kim was asked; next Priya at 2026-11-18 12:15 UTC"
    ]


def test_who_is_next_is_whoever_has_the_turn_by_then() -> None:
    operated = a_system("rag-assistant", owners={**OWNERS, Role.OPERATIONAL: "oncall"})
    town = a_town(an_estate(a_catalog(operated, schedules={"oncall": a_schedule("kim", "omar", at="12:10")})))
    town.publish(hallucination(60, 120))

    assert lines(briefed(town), "Who") == ["Priya was asked; next Kim at 2026-11-18 12:15 UTC"]


def test_the_buttons_are_what_is_allowed_now() -> None:
    town = a_town()
    town.publish(hallucination())
    first = (Action.ACKNOWLEDGE, Action.ESCALATE, Action.SNOOZE, Action.HAND_OVER, Action.MITIGATE, Action.RESOLVE)
    assert briefed(town).actions[:6] == first

    town.act(Action.ACKNOWLEDGE)
    assert Action.ACKNOWLEDGE not in briefed(town).actions


def test_a_runbook_comes_with_its_link_its_steps_and_why() -> None:
    town = a_town()
    town.publish(drift(0.31))

    (link,) = briefed(town).runbooks
    assert (link.title, link.why, link.steps) == ("Rollback model", "named by the catalog", ("Look", "Act"))
    assert link.url == "http://127.0.0.1:8080/runbooks/rollback-model"


def test_without_a_catalog_there_is_a_briefing_too() -> None:
    town = a_town(an_estate(Catalog(), slack=False, webhook=False))
    town.publish(hallucination(60, 120, system="anything"))

    assert lines(briefed(town), "Who") == ["the local admin was asked; next the local admin at 2026-11-18 12:15 UTC"]


# --- on the way back -------------------------------------------------------------------------------------------------


def test_it_says_how_far_the_verification_is_and_when_the_next_window_ends() -> None:
    town = a_town()
    town.publish(hallucination(at=NIGHT + hours(2)), hallucination(0, 120, at=NIGHT + hours(3)))
    briefing = briefed(town)

    assert lines(briefing, "Verification") == ["hallucination_rate: 1 of 2, next window 06:00 UTC"]
    assert lines(briefing, "Who")[0].endswith("nobody further while its latest readings are good")


def test_and_when_a_monitor_s_word_is_believed() -> None:
    town = a_town()
    town.publish(hallucination(at=NOON), over("hallucination", at=NOON + minutes(5)))

    assert lines(briefed(town), "Verification") == [
        "hallucination_rate: its monitor says it is over; verified at 2026-11-18 12:20 UTC if it stays quiet"
    ]


def test_a_flapping_alert_is_called_one() -> None:
    town = a_town()
    values = (60, 0, 60, 0)
    town.publish(*(hallucination(k, 120, at=NOON + minutes(10 * n), window=minutes(10)) for n, k in enumerate(values)))
    briefing = briefed(town)

    assert lines(briefing, "Flapping") == ["hallucination: at least 41.2 % of answers flagged (60 of 120), limit 5 %"]
    assert lines(briefing, "Who") == ["Priya was asked; nobody further while it flaps"]
    assert lines(briefing, "Verification") == []


# --- quiet on purpose ------------------------------------------------------------------------------------------------


def test_what_is_muted_says_so_and_does_not_lead() -> None:
    town = a_town()
    town.publish(hallucination(60, 120, at=NOON), cost(at=NOON, window=hours(1)))
    town.silence(Matcher(field=Trait.KIND, value="hallucination"), until=NOON + hours(2))

    briefing = briefed(town)
    assert lines(briefing, "Muted") == ["1 of 2: silenced by Priya until 2026-11-18 14:00 UTC: load test"]
    assert "$679" in briefing.headline
    town.silence(Matcher(field=Trait.KIND, value="cost_anomaly"), until=NOON + hours(2))
    assert lines(briefed(town), "Who")[0].endswith("nobody further while everything that burns is muted")


# --- a rollback by one button ----------------------------------------------------------------------------------------


def by_machine(name: str, cause: Cause = Cause.MODEL_RELEASE, type_: StepType = StepType.HTTP) -> Runbook:
    return replace(a_runbook(name, cause), outlines=(Outline(id="move", title="Move it", type=type_),))


RELEASED = Change(kind="model", name="credit", version="2", previous="1", deployed_at=NOON - hours(1))


@pytest.mark.parametrize(
    ("runbook", "change", "status", "wanted"),
    [
        (by_machine("back"), RELEASED, Status.TRIGGERED, Remedy(runbook="back", title="Roll back to 1")),
        (by_machine("back"), RELEASED, Status.MITIGATED, Remedy(runbook="back", title="Roll back to 1")),
        (by_machine("back"), RELEASED, Status.RESOLVED, None),
        (by_machine("back"), replace(RELEASED, previous=None), Status.TRIGGERED, None),
        (by_machine("back"), replace(RELEASED, deployed_at=NOON + hours(1)), Status.TRIGGERED, None),
        (by_machine("back"), None, Status.TRIGGERED, None),
        (by_machine("back", Cause.PROMPT_RELEASE), RELEASED, Status.TRIGGERED, None),
        (by_machine("back", type_=StepType.MANUAL), RELEASED, Status.TRIGGERED, None),
        (a_runbook("back", Cause.MODEL_RELEASE), RELEASED, Status.TRIGGERED, None),
    ],
)
def test_a_rollback_is_offered_where_a_release_came_before_and_a_runbook_takes_it_back_by_machine(
    runbook: Runbook, change: Change | None, status: Status, wanted: Remedy | None
) -> None:
    incident = an_incident(status, runbooks=(("back", "fits"),), last_change=change)
    assert brief(incident, [], an_estate(runbooks=(runbook,)), NOON, {}).remedy == wanted
