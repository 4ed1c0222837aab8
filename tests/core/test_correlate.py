"""Which incident an alert belongs to, what joins it, what reopens it, and what stands on its timeline."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.catalog import Catalog
from incidents.core.events import Event
from incidents.core.fact import GENESIS, FactKind, link
from incidents.core.incident import Action, Held, Related, Status
from incidents.core.runbook import Cause
from incidents.core.severity import Severity
from incidents.core.system import Role
from tests.core.town import Town
from tests.make import (
    NIGHT,
    NOON,
    a_catalog,
    a_runbook,
    a_system,
    an_estate,
    cost,
    drift,
    hallucination,
    hours,
    minutes,
    over,
    release,
    report,
)

RAG = "rag-assistant"


def a_town(**more: object) -> Town:
    return Town(an_estate(), now=NOON - hours(48), **more)  # type: ignore[arg-type]


def told(town: Town, *events: Event) -> Town:
    town.publish(*events)
    return town


# --- joining and opening ---------------------------------------------------------------------------------------------


def test_a_second_telling_joins_nothing_and_is_counted() -> None:
    town = told(a_town(), *(hallucination(4, 30, at=NOON + hours(n)) for n in range(4)))

    assert town.kinds() == ["opened", "alert_joined"]
    assert [sighting.count for sighting in town.sightings.values()] == [4]


def test_a_second_alert_joins_the_open_incident_whatever_its_kind_and_says_why() -> None:
    town = told(a_town(), hallucination(at=NOON), cost(at=NOON + minutes(5), window=hours(1)))

    joined = [fact for fact in town.timeline() if fact.kind is FactKind.ALERT_JOINED]
    assert len(town.incidents) == 1
    assert [fact.data["reason"] for fact in joined] == ["same system and environment (rag-assistant, production)"] * 2
    assert town.incident().kinds == ("hallucination", "cost_anomaly")


def test_another_environment_or_system_is_another_incident() -> None:
    town = told(a_town(), hallucination(), hallucination(environment="staging"), hallucination(system="triage-bot"))

    assert [(i.system, i.environment) for i in town.incidents.values()] == [
        (RAG, "production"),
        (RAG, "staging"),
        ("triage-bot", "production"),
    ]


def test_an_alias_is_the_system_that_it_stands_for() -> None:
    catalog = a_catalog(a_system(RAG, aliases=("litellm/team/rag",)))
    town = Town(an_estate(catalog), now=NOON)

    town.publish(hallucination(), hallucination(30, 120, system="litellm/team/rag", at=NOON + hours(1)))

    assert len(town.alerts) == 1
    assert town.incident().system == RAG


def test_an_alert_whose_owner_is_another_adds_that_owner_once() -> None:
    town = told(
        a_town(),
        hallucination(at=NOON),
        cost(at=NOON + minutes(5), window=hours(1)),
        cost(at=NOON + minutes(6), window=hours(1), feature="search"),
    )

    assert town.said(FactKind.OWNER_ADDED) == ["ops added: the operational owner is first for cost anomaly"]
    assert town.incident().roles == (Role.MODEL, Role.OPERATIONAL)


def test_a_same_or_lower_join_only_posts_and_a_rise_into_sev2_asks_again_even_if_acknowledged() -> None:
    town = told(a_town(), hallucination(at=NOON))
    town.act(Action.ACKNOWLEDGE)

    town.publish(hallucination(at=NOON + minutes(1), feature="search"))
    assert (town.incident().status, town.incident().paging.round) == (Status.ACKNOWLEDGED, 1)

    town.publish(report(system=RAG, at=NOON + minutes(2)))
    assert (town.incident().status, town.incident().paging.round) == (Status.TRIGGERED, 2)
    assert town.incident().severity is Severity.SEV2
    assert town.paged() == [("12:00", "priya"), ("12:02", "priya")]


def test_worse_news_raises_and_better_news_never_lowers() -> None:
    town = told(
        a_town(),
        hallucination(4, 30, at=NOON),
        hallucination(22, 120, at=NOON + hours(1)),
        hallucination(4, 30, at=NOON + hours(2)),
    )

    assert town.incident().severity is Severity.SEV3
    assert town.kinds().count("severity_raised") == 1


def test_an_incident_that_heard_nothing_firing_for_a_day_gathers_no_more() -> None:
    town = told(a_town(), hallucination(at=NOON))

    town.publish(hallucination(feature="search", at=NOON + hours(24) - minutes(1)))
    assert len(town.incidents) == 1

    town.publish(hallucination(feature="summary", at=NOON + hours(48)))
    assert [i.gathering for i in town.incidents.values()] == [False, True]
    assert town.incident(2).related == (Related(incident="INC-1", relation="older"),)


def test_an_alert_that_fires_on_after_a_day_of_silence_moves_to_the_new_incident() -> None:
    town = told(a_town(), hallucination(at=NOON), hallucination(at=NOON + hours(25)))

    assert [alert.incident for alert in town.alerts.values()] == ["INC-2"]
    assert town.incident(2).related == (Related(incident="INC-1", relation="older"),)


def test_but_stays_where_it_is_while_others_keep_that_one_gathering() -> None:
    search = [hallucination(feature="search", at=NOON + hours(n)) for n in (1, 24)]

    town = told(a_town(), hallucination(at=NOON), *search, hallucination(at=NOON + hours(25)))

    assert len(town.incidents) == 1
    assert town.kinds().count("alert_joined") == 2


def test_systems_that_depend_on_each_other_are_linked_and_not_merged() -> None:
    town = Town(an_estate(a_catalog(a_system("portal", depends_on=(RAG,)))), now=NOON)

    town.publish(hallucination(), report(system="portal"))

    assert town.incident(2).related == (Related(incident="INC-1", relation="depends_on"),)
    assert "linked" in town.kinds(2)


def test_an_incident_keeps_the_policy_that_it_opened_under() -> None:
    estate = an_estate()
    town = told(Town(replace(estate, policy=replace(estate.policy, version="2026-11-1")), now=NOON), hallucination())

    town.estate = replace(estate, policy=replace(estate.policy, version="2026-12-1"))
    town.publish(cost(at=NOON + minutes(1), window=hours(1)))

    assert town.incident().policy_version == "2026-11-1"


@given(order=st.permutations(range(3)))
def test_the_order_of_joining_makes_no_difference_to_severity_kinds_and_owners(order: list[int]) -> None:
    alerts = [
        hallucination(4, 30, at=NOON + hours(1)),
        cost(at=NOON + hours(1), window=minutes(30)),
        drift(0.35, system=RAG, at=NOON + hours(1)),
    ]
    town = told(a_town(), release("p9", kind="prompt", system=RAG), *(alerts[n] for n in order))

    incident = town.incident()
    assert incident.severity is Severity.SEV2  # the worst is SEV3, and two kinds followed one release
    assert sorted(incident.kinds) == ["cost_anomaly", "drift", "hallucination"]
    assert set(incident.roles) == {Role.MODEL, Role.OPERATIONAL, Role.DATA}


# --- the end and the return ------------------------------------------------------------------------------------------


def good(n: float, **more: object) -> Event:
    return hallucination(0, 120, at=NOON + hours(n), **more)  # type: ignore[arg-type]


def test_when_the_last_alert_is_clear_it_is_verified_and_mitigated_and_nobody_is_asked_any_more() -> None:
    town = told(a_town(), hallucination(40, 120, at=NOON), good(1))
    pages = town.paged()

    town.publish(good(2))
    town.pass_time(to=NOON + hours(9))

    assert town.kinds()[-3:] == ["alert_cleared", "verified", "mitigated"]
    assert (town.incident().status, town.paged()) == (Status.MITIGATED, pages)
    assert "Is the cause gone?" in town.posts()[-1]


def test_one_alert_of_two_that_is_clear_verifies_nothing() -> None:
    town = told(a_town(), hallucination(at=NOON), cost(at=NOON, window=hours(1)), good(1), good(2))

    assert town.incident().status is Status.TRIGGERED
    assert "verified" not in town.kinds()


def test_a_firing_alert_reopens_a_mitigated_incident() -> None:
    town = told(a_town(), hallucination(at=NOON), good(1), good(2), hallucination(at=NOON + hours(2.4)))

    assert (town.incident().status, town.incident().verified_at) == (Status.TRIGGERED, None)
    assert town.said(FactKind.REOPENED) == ["Reopened: hallucination_rate fires while it was mitigated"]
    assert town.incident().paging.round == 2


def test_so_does_an_alert_that_is_bad_again_after_a_person_mitigated_it() -> None:
    town = told(a_town(), hallucination(at=NOON))
    town.act(Action.MITIGATE)

    town.publish(good(1), hallucination(at=NOON + hours(2)))

    assert town.said(FactKind.REOPENED) == ["Reopened: hallucination_rate is out of limit again"]


def resolved(reason: str, *events: Event) -> Town:
    town = told(a_town(), hallucination(at=NOON), *events)
    town.pass_time(to=NOON + hours(1))
    town.act(Action.RESOLVE, reason=reason)
    return town


def test_the_same_trouble_soon_after_it_was_fixed_reopens() -> None:
    town = resolved("fixed")

    town.publish(hallucination(at=NOON + hours(1) + minutes(30), window=minutes(10)))

    assert (len(town.incidents), town.incident().status, town.incident().gathering) == (1, Status.TRIGGERED, True)
    assert town.said(FactKind.REOPENED) == [
        "Reopened: hallucination_rate is out of limit again 30 min after it was fixed"
    ]


def test_two_windows_are_soon_where_those_are_longer() -> None:
    town = resolved("fixed")

    town.publish(hallucination(at=NOON + hours(3)))

    assert len(town.incidents) == 1


def test_later_it_is_a_new_incident_linked_as_a_recurrence() -> None:
    town = resolved("fixed")

    town.publish(hallucination(at=NOON + hours(1) + minutes(31), window=minutes(10)))

    assert town.incident(2).related == (Related(incident="INC-1", relation="recurrence_of"),)
    assert town.incident().status is Status.RESOLVED


def test_a_window_that_ended_before_the_fix_proves_nothing_against_it() -> None:
    town = resolved("fixed")

    town.publish(hallucination(at=NOON + minutes(59), window=minutes(10)), at=NOON + hours(1) + minutes(5))

    assert (len(town.incidents), town.incident().status) == (1, Status.RESOLVED)


@pytest.mark.parametrize("reason", ["false_positive", "monitor_fault", "planned", "accepted"])
def test_what_was_settled_otherwise_stays_quiet_until_it_was_clear(reason: str) -> None:
    town = resolved(reason)

    town.publish(*(hallucination(40, 120, at=NOON + hours(n)) for n in (2, 3, 30)))
    assert (len(town.incidents), town.incident().status) == (1, Status.RESOLVED)

    town.publish(good(31), good(32), hallucination(at=NOON + hours(33)))
    assert len(town.incidents) == 2


def test_a_closed_incident_stays_closed() -> None:
    town = resolved("fixed", good(0.5), good(0.9, window=minutes(20)))
    town.act(Action.CLOSE)

    town.publish(hallucination(at=NOON + hours(1) + minutes(5), window=minutes(10)))

    assert town.incident().status is Status.CLOSED
    assert town.incident(2).related == (Related(incident="INC-1", relation="recurrence_of"),)


def test_an_end_for_an_alert_that_nobody_knows_is_stored_and_does_nothing() -> None:
    town = told(a_town(), over("hallucination"))

    assert (town.incidents, len(town.alerts)) == ({}, 1)


# --- the ladder stands still -----------------------------------------------------------------------------------------


def test_while_the_latest_telling_is_good_nobody_further_is_asked() -> None:
    town = told(a_town(), hallucination(40, 120, at=NOON, system="triage-bot"))

    town.publish(hallucination(0, 120, at=NOON + minutes(14), window=minutes(10), system="triage-bot"))
    town.pass_time(to=NOON + hours(1))
    assert (town.incident().held, town.paged()) == (Held.CALM, [("12:00", "priya")])

    town.publish(hallucination(40, 120, at=NOON + hours(1), window=minutes(10), system="triage-bot"))
    town.pass_time(to=NOON + hours(1) + minutes(15))
    assert town.paged() == [("12:00", "priya"), ("13:15", "omar")]


def test_good_news_that_is_followed_by_silence_holds_the_ladder_for_an_hour_and_no_longer() -> None:
    town = told(a_town(), hallucination(40, 120, at=NOON, system="triage-bot"))

    town.publish(hallucination(0, 120, at=NOON + minutes(14), window=minutes(10), system="triage-bot"))
    town.pass_time(to=NOON + hours(1) + minutes(29))

    assert town.paged() == [("12:00", "priya"), ("13:29", "omar")]


def test_another_alert_that_still_burns_keeps_it_climbing() -> None:
    town = told(a_town(), report(at=NOON), hallucination(40, 120, at=NOON, system="triage-bot"))

    town.publish(hallucination(0, 120, at=NOON + minutes(14), window=minutes(10), system="triage-bot"))
    town.pass_time(to=NOON + minutes(20))

    assert (town.incident().held, town.paged()) == (None, [("12:00", "priya"), ("12:15", "omar")])


# --- old news --------------------------------------------------------------------------------------------------------


def test_a_window_that_ended_long_ago_never_pages_at_night() -> None:
    town = a_town()
    town.publish(hallucination(40, 120, at=NIGHT - minutes(361), system="triage-bot"), at=NIGHT)
    town.pass_time(to=NOON - hours(3) + minutes(10))

    assert (town.incident().severity, town.paged()) == (Severity.SEV2, [("09:00", "priya")])


def test_but_when_a_fresh_window_tells_the_same_it_pages_at_once() -> None:
    town = a_town()
    town.publish(hallucination(40, 120, at=NIGHT - hours(8), system="triage-bot"), at=NIGHT)
    town.publish(hallucination(40, 120, at=NIGHT - hours(7), system="triage-bot"), at=NIGHT)
    assert town.paged() == []

    town.publish(hallucination(40, 120, at=NIGHT, system="triage-bot"))

    assert town.paged() == [("02:00", "priya")]


# --- storms ----------------------------------------------------------------------------------------------------------


def test_a_storm_writes_twenty_facts_a_minute_and_one_that_folds_the_rest() -> None:
    town = told(a_town(), *(hallucination(feature=f"page {n}") for n in range(100)))
    assert (town.kinds().count("alert_joined"), town.kinds().count("alerts_folded")) == (20, 1)

    town.publish(*(hallucination(feature=f"page {n}", at=NOON + minutes(1)) for n in range(100, 120)))
    assert (town.kinds().count("alert_joined"), town.kinds().count("alerts_folded")) == (40, 1)
    assert len(town.alerts) == 120


def test_harm_is_never_folded() -> None:
    town = told(a_town(), *(report(category=f"case {n}") for n in range(30)))

    assert town.kinds().count("harm_reported") == 30


# --- releases --------------------------------------------------------------------------------------------------------


def test_what_was_released_before_stands_before_the_alert_and_names_the_way_back() -> None:
    town = told(a_town(), release("17", system=RAG, at=NOON - hours(30)), release("18", system=RAG, at=NOON - hours(5)))
    town.publish(hallucination(at=NOON))

    assert town.kinds()[:3] == ["opened", "release", "alert_joined"]
    assert town.said(FactKind.RELEASE) == [
        "model release 18 preceded the window (credit, 2026-11-18 07:00 UTC); roll back to 17"
    ]


def test_a_release_of_more_than_a_week_ago_is_no_change() -> None:
    town = Town(an_estate(), now=NOON - hours(24 * 9))
    town.publish(release("17", system=RAG, at=NOON - hours(24 * 8)), hallucination(at=NOON))

    assert (town.kinds()[1], town.incident().last_change) == ("alert_joined", None)


def test_a_release_during_the_incident_goes_on_the_timeline_and_did_not_precede_it() -> None:
    town = told(a_town(), hallucination(at=NOON), release("19", system=RAG, at=NOON + minutes(20)))

    assert town.said(FactKind.RELEASE) == ["model release 19 was deployed (credit, 2026-11-18 12:20 UTC)"]
    assert town.incident().last_change is None


def test_one_that_is_announced_late_is_still_what_changed_before() -> None:
    town = told(a_town(), hallucination(at=NOON), cost(at=NOON, window=minutes(90)))
    town.publish(release("p9", kind="prompt", system=RAG, at=NOON - hours(2)), at=NOON + minutes(20))

    assert town.incident().last_change is not None
    assert town.incident().severity is Severity.SEV2  # two kinds began after it


def test_two_kinds_after_one_release_add_one_once() -> None:
    town = told(
        a_town(),
        release("p9", kind="prompt", system=RAG, at=NOON - hours(2)),
        hallucination(4, 30, at=NOON),
        cost(349, 249, at=NOON, window=minutes(90)),
        cost(at=NOON, window=minutes(90), feature="search", actual=900, expected=600),
        drift(0.15, at=NOON, phase="detected", drift_kind="concept", system=RAG),
    )

    assert town.incident().severity is Severity.SEV3
    assert town.kinds().count("severity_raised") == 1


@pytest.mark.parametrize("began", [-25, 1])
def test_kinds_that_did_not_begin_within_a_day_after_it_add_nothing(began: float) -> None:
    town = Town(an_estate(), now=NOON - hours(99))
    town.publish(release("p9", kind="prompt", system=RAG, at=NOON - hours(2 if began > 0 else 26)))
    town.publish(hallucination(4, 30, at=NOON + hours(began)))
    town.publish(cost(350, 250, at=NOON + hours(30), window=hours(1)))

    assert all(incident.severity is Severity.SEV4 for incident in town.incidents.values())


GPT = {"kind": "model", "name": "gpt"}


def test_the_first_version_that_is_met_while_all_is_well_is_no_change() -> None:
    town = told(a_town(), hallucination(0, 120, at=NOON - hours(2), release={**GPT, "version": "1"}))
    town.publish(hallucination(at=NOON, release={**GPT, "version": "1"}))

    assert "unannounced_change" not in town.kinds()


def test_a_version_that_comes_with_the_trouble_is() -> None:
    town = told(a_town(), hallucination(at=NOON, release={**GPT, "version": "1"}))

    assert town.said(FactKind.UNANNOUNCED_CHANGE) == [
        "Unannounced change: model gpt answers as 1, and no release event said so"
    ]


def test_a_version_that_was_announced_is_none_and_one_that_comes_later_is_told_once() -> None:
    town = told(a_town(), release("1", name="gpt", system=RAG, at=NOON - hours(3)))
    town.publish(*(hallucination(at=NOON + hours(n), release={**GPT, "version": "1"}) for n in range(3)))
    assert "unannounced_change" not in town.kinds()

    town.publish(*(hallucination(at=NOON + hours(n), release={**GPT, "version": "2"}) for n in range(3, 6)))
    assert len(town.said(FactKind.UNANNOUNCED_CHANGE)) == 1
    assert town.kinds().index("unannounced_change") > town.kinds().index("alert_joined")


def test_a_version_first_met_in_two_kinds_of_trouble_is_no_proof_that_it_caused_them() -> None:
    town = told(a_town(), hallucination(4, 30, at=NOON, release={**GPT, "version": "1"}), cost(350, 250, at=NOON))

    assert town.incident().severity is Severity.SEV4


# --- unknown names ---------------------------------------------------------------------------------------------------


def test_an_unknown_name_has_its_own_incident_and_is_asked_about_once() -> None:
    town = told(a_town(), *(drift(0.05, system="credit-scorng", at=NOON + hours(n)) for n in range(3)))

    assert len(town.incidents) == 1
    assert town.kinds() == ["opened", "alert_joined"]
    assert town.incident().registered is False


def test_its_trouble_is_at_most_sev3_unless_somebody_was_harmed() -> None:
    town = told(a_town(), hallucination(60, 120, system="shadow-bot"))
    assert town.incident().severity is Severity.SEV3

    town.publish(
        hallucination(1, 3, system="shadow-bot", at=NOON + minutes(1), harm={"level": "confirmed"}, feature="x")
    )
    assert town.incident().severity is Severity.SEV2


def test_without_a_catalog_no_name_is_unknown() -> None:
    town = told(Town(an_estate(Catalog()), now=NOON), hallucination(60, 120, system="anything"))

    assert (town.incident().severity, town.incident().kinds) == (Severity.SEV2, ("hallucination",))
    assert town.paged() == [("12:00", "admin")]


def test_ten_new_names_an_hour_have_incidents_and_an_hour_later_ten_more() -> None:
    town = told(a_town(), *(drift(0.05, system=f"new-{n}") for n in range(12)))
    assert len(town.incidents) == 11

    town.publish(*(drift(0.05, system=f"newer-{n}", at=NOON + hours(1)) for n in range(10)))
    assert len(town.incidents) == 21


# --- runbooks, facts, effects ----------------------------------------------------------------------------------------


def test_the_runbook_for_what_is_suspected_comes_first() -> None:
    shelf = (
        a_runbook("cost-general", kind=("cost_anomaly",)),
        a_runbook("cost-prompt", Cause.TOKENS_PER_REQUEST, kind=("cost_anomaly",)),
        a_runbook("cost-cache", Cause.CACHE_HIT_RATE, kind=("cost_anomaly",)),
        a_runbook("rollback-prompt", Cause.PROMPT_RELEASE),
    )
    drivers = {"tokens_per_request": {"value": 3000, "baseline": 1000}, "cache_hit_rate": {"value": 0.9, "baseline": 0}}
    town = Town(an_estate(runbooks=shelf), now=NOON - hours(48))

    town.publish(release("p9", kind="prompt", system=RAG, at=NOON - hours(12)), cost(at=NOON, drivers=drivers))

    assert [runbook for runbook, _ in town.incident().runbooks] == [
        "cost-prompt",
        "rollback-prompt",
        "cost-cache",
        "cost-general",
    ]
    assert town.incident().runbooks[0][1] == "kind cost_anomaly, suspected: tokens per request"


def test_the_facts_of_an_incident_are_chained_without_a_gap() -> None:
    town = told(a_town(), hallucination(at=NOON), cost(at=NOON, window=hours(1)), good(1), good(2))

    head = GENESIS
    for seq, chained in enumerate(town.facts["INC-1"], 1):
        assert (chained.seq, chained.previous) == (seq, head)
        assert chained.hash == link(seq, chained.fact, head)
        head = chained.hash
    assert town.incident().head_hash == head


def test_a_new_incident_posts_one_card_and_everything_later_refreshes_it() -> None:
    town = told(a_town(), hallucination(at=NOON), hallucination(at=NOON, feature="search"))

    keys = list(town.effects)
    assert keys[0] == "card:INC-1"
    assert [key for key in keys if key.startswith("refresh")] == ["refresh:INC-1:2", "refresh:INC-1:3"]
    assert town.effects["card:INC-1"].target == "#ai-incidents"
