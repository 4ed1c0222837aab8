"""Quiet on purpose: what mutes an alert and says so, and how every kind of quiet ends without a page being lost."""

from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest

from incidents.core.alert import Alert
from incidents.core.estate import Estate
from incidents.core.events import Event, Kind
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Held, Related, Status
from incidents.core.maintenance import Once, Recurring, Window
from incidents.core.mute import Quietness, Upstream, hint, judge
from incidents.core.policy import Policy
from incidents.core.severity import Severity
from incidents.core.silence import Amount, Matcher, Trait
from tests.core.town import Town
from tests.make import (
    NIGHT,
    NOON,
    a_catalog,
    a_system,
    an_estate,
    an_incident,
    cost,
    drift,
    hallucination,
    hours,
    minutes,
    report,
)

RAG = "rag-assistant"


def system(name: str) -> Matcher:
    return Matcher(field=Trait.SYSTEM, value=name)


def a_town(estate: Estate | None = None, **more: object) -> Town:
    return Town(estate or an_estate(), now=NOON, **more)  # type: ignore[arg-type]


def harmful(*, at: object = NOON, **more: object) -> Event:
    """Answers so bad that somebody is paged at any hour: SEV2."""
    return hallucination(at=at, harm={"level": "confirmed", "kind": "health"}, **more)  # type: ignore[arg-type]


def very_bad(*, at: object = NOON, **more: object) -> Event:
    """60 of 120 flagged, eight times the limit: SEV2, which pages at any hour."""
    return hallucination(60, 120, at=at, **more)  # type: ignore[arg-type]


def an_alert() -> Alert:
    town = a_town()
    town.publish(very_bad())
    return replace(only(town), incident=None)


def only(town: Town) -> Alert:
    (alert,) = town.alerts.values()
    return alert


def why(town: Town) -> str:
    muted = only(town).muted
    return muted.why if muted else "not muted"


# --- silences --------------------------------------------------------------------------------------------------------


def test_what_fires_under_a_silence_is_kept_says_why_and_asks_nobody() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(4))
    town.publish(very_bad(), very_bad(at=NOON + hours(1)))

    assert why(town) == "silenced by Priya until 2026-11-18 16:00 UTC: load test"
    assert only(town).burning
    assert [sighting.count for sighting in town.sightings.values()] == [2]
    assert (town.incidents, town.pages) == ({}, [])


def test_when_the_silence_is_over_what_still_burns_joins_as_if_it_fired_then() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(4))
    town.publish(very_bad())
    town.pass_time(to=NOON + hours(5))

    assert town.paged()[0] == ("16:00", "priya")
    assert town.said(FactKind.UNMUTED) == ["hallucination hallucination_rate fires on after the silence of Priya ended"]
    assert town.incident().severity is Severity.SEV2
    assert only(town).muted is None


def test_it_is_heard_at_once_when_somebody_ends_the_silence_early() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(4))
    town.publish(very_bad())
    town.pass_time(to=NOON + hours(1))
    town.end_silence(who="Lee")
    town.pass_time(to=NOON + hours(1))

    assert town.paged() == [("13:00", "priya")]
    assert town.said(FactKind.UNMUTED)[0].endswith("fires on after Lee ended the silence of Priya")


def test_what_is_clear_before_its_end_is_never_heard_of() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(4))
    town.publish(very_bad(), *(hallucination(1, 120, at=NOON + hours(n)) for n in (1, 2)))
    town.pass_time(to=NOON + hours(6))

    assert (town.incidents, town.effects) == ({}, {})
    assert only(town).muted is None


def test_a_silence_that_follows_upon_another_goes_on_muting() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(1))
    town.silence(Matcher(field=Trait.KIND, value="hallucination"), until=NOON + hours(3), who="dana")
    town.publish(very_bad())
    assert why(town).startswith("silenced by Dana until 2026-11-18 15:00")  # the one that ends last
    town.end_silence(2)
    town.pass_time(to=NOON + minutes(59))
    assert why(town).startswith("silenced by Priya until 2026-11-18 13:00")
    town.pass_time(to=NOON + minutes(60))
    assert town.paged() == [("13:00", "priya")]


def test_what_becomes_worse_than_was_silenced_is_heard() -> None:
    town = a_town()
    town.silence(system(RAG), Matcher(field=Trait.SEVERITY, value="sev3"), until=NOON + hours(4))
    town.publish(hallucination())
    assert town.pages == []
    town.publish(very_bad(at=NOON + hours(1)))

    assert town.paged() == [("13:00", "priya")]
    assert town.said(FactKind.UNMUTED)[0].endswith("fires on: the silence of Priya no longer covers it")


def test_after_an_outage_what_was_muted_meanwhile_is_heard_once() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(1))
    town.publish(very_bad())
    town.outage(to=NOON + hours(3))
    assert town.paged() == [("15:00", "priya")]


def test_after_hours_without_a_reading_it_is_asked_about_by_day() -> None:
    town = a_town()
    town.silence(system(RAG), until=NIGHT + hours(24))
    town.publish(very_bad())
    town.pass_time(to=NIGHT + hours(32))
    assert town.paged()[0] == ("09:00", "priya")


def test_a_flapping_alert_is_one_page_when_its_silence_is_over() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + minutes(45))
    flips = enumerate((60, 1) * 4)
    town.publish(*(hallucination(bad, 120, at=NOON + minutes(10 * n), window=minutes(10)) for n, bad in flips))
    assert town.paged() == [("12:45", "priya")]
    assert town.incident().held is Held.FLAPPING


# --- an incident that is open already --------------------------------------------------------------------------------


def test_a_silence_holds_an_open_incident_and_its_end_begins_a_new_round() -> None:
    town = a_town()
    town.publish(very_bad())
    town.silence(system(RAG), until=NOON + hours(2), who="dana")
    town.pass_time(to=NOON + hours(1))
    assert (town.incident().held, town.paged()) == (Held.SILENCED, [("12:00", "priya")])
    assert town.said(FactKind.SILENCED) == [
        "hallucination hallucination_rate muted: silenced by Dana until 2026-11-18 14:00 UTC: load test"
    ]
    town.pass_time(to=NOON + hours(2) + minutes(16))
    assert town.paged()[1:3] == [("14:00", "priya"), ("14:15", "omar")]
    assert town.incident().held is None


def test_a_page_that_was_not_sent_yet_is_taken_back_and_comes_when_the_silence_ends() -> None:
    town = a_town()
    town.delivers = False
    town.publish(very_bad())
    town.silence(system(RAG), until=NOON + hours(2))
    town.delivers = True
    town.pass_time(to=NOON + hours(1))
    assert town.pages == []
    town.pass_time(to=NOON + hours(2))
    assert town.paged() == [("14:00", "priya")]


def test_a_silence_of_one_alert_lets_the_others_ask_on() -> None:
    town = a_town()
    town.publish(very_bad(), very_bad(feature="search"))
    town.silence(system(RAG), Matcher(field=Trait.FEATURE, value="search"), until=NOON + hours(2))
    town.pass_time(to=NOON + minutes(16))
    assert (town.incident().held, len(town.pages)) == (None, 2)


def test_when_the_last_alert_that_is_heard_clears_nobody_is_asked_about_the_silenced_one() -> None:
    town = a_town()
    town.publish(very_bad(), cost(window=hours(1)))
    town.silence(system(RAG), Matcher(field=Trait.KIND, value="cost_anomaly"), until=NOON + hours(9))
    town.publish(*(hallucination(1, 120, at=NOON + minutes(n), window=minutes(1)) for n in (1, 2)))
    asked = list(town.pages)
    town.pass_time(to=NOON + hours(8))
    assert (town.incident().status, town.incident().held) == (Status.TRIGGERED, Held.SILENCED)
    assert town.pages == asked


def test_it_clears_in_silence_and_its_incident_is_mitigated() -> None:
    town = a_town()
    town.publish(very_bad())
    town.silence(system(RAG), until=NOON + hours(9))
    town.publish(*(hallucination(1, 120, at=NOON + hours(n)) for n in (1, 2)))
    assert (town.incident().status, town.incident().held, only(town).muted) == (Status.MITIGATED, None, None)
    town.pass_time(to=NOON + hours(10))
    assert town.paged() == [("12:00", "priya")]


def test_what_a_person_escalates_by_hand_is_asked_about_whatever_is_silenced() -> None:
    town = a_town()
    town.publish(very_bad())
    town.silence(system(RAG), until=NOON + hours(9))
    town.act(Action.ESCALATE)
    assert len(town.pages) == 2


def test_an_acknowledged_incident_is_not_asked_about_again_while_it_is_silenced() -> None:
    town = a_town()
    town.publish(very_bad())
    town.act(Action.ACKNOWLEDGE)
    town.silence(system(RAG), until=NOON + hours(3))
    town.pass_time(to=NOON + hours(3) - minutes(1))
    assert town.incident().status is Status.ACKNOWLEDGED
    town.pass_time(to=NOON + hours(3) + minutes(1))
    assert town.paged()[1:] == [("15:00", "priya")]


def test_what_was_mitigated_and_still_burns_is_reopened_when_the_silence_ends() -> None:
    town = a_town()
    town.publish(very_bad())
    town.silence(system(RAG), until=NOON + hours(3))
    town.act(Action.MITIGATE)
    town.publish(very_bad(at=NOON + hours(2)))
    assert town.incident().status is Status.MITIGATED
    town.pass_time(to=NOON + hours(3))
    assert town.incident().status is Status.TRIGGERED
    assert town.paged()[1:] == [("15:00", "priya")]


def test_what_a_person_called_a_false_alarm_stays_quiet_when_the_silence_ends() -> None:
    town = a_town()
    town.publish(very_bad())
    town.silence(system(RAG), until=NOON + hours(3))
    town.act(Action.RESOLVE, reason="false_positive")
    town.pass_time(to=NOON + hours(5))
    assert town.paged() == [("12:00", "priya")]
    assert only(town).muted is None


def test_an_incident_is_held_no_longer_when_the_last_that_was_silenced_in_it_is_one_that_a_person_settled() -> None:
    town = a_town()
    town.publish(very_bad(), drift(system=RAG))
    town.silence(Matcher(field=Trait.KIND, value="hallucination"), until=NOON + hours(40))
    town.act(Action.RESOLVE, reason="fixed")
    town.publish(drift(system=RAG, at=NOON + minutes(10)))
    town.publish(*(drift(0.01, system=RAG, at=NOON + hours(n)) for n in (2, 3)), cost(at=NOON + hours(30)))
    assert (town.incident().gathering, town.incident().held) == (False, Held.SILENCED)
    town.pass_time(to=NOON + hours(41))

    assert town.incident().held is None
    assert (NOON + hours(40), "priya", "INC-1") in town.pages


def test_a_silenced_alert_that_becomes_worse_raises_its_incident_when_it_is_heard_again() -> None:
    town = a_town()
    town.publish(hallucination())
    town.silence(system(RAG), until=NOON + hours(3))
    town.publish(very_bad(at=NOON + hours(1)))
    assert town.incident().severity is Severity.SEV3
    town.pass_time(to=NOON + hours(3))
    assert town.incident().severity is Severity.SEV2


def test_what_fires_again_unheard_leaves_its_old_incident_alone_and_recurs_from_it_later() -> None:
    town = a_town()
    town.publish(very_bad())
    town.act(Action.RESOLVE, reason="fixed")
    town.silence(system(RAG), until=NOON + hours(3))
    town.publish(very_bad(at=NOON + hours(1)))
    assert (town.incident().status, only(town).incident) == (Status.RESOLVED, None)
    town.pass_time(to=NOON + hours(3))
    assert Related(incident="INC-1", relation="recurrence_of") in town.incident(2).related


def test_what_fires_again_soon_after_it_was_fixed_reopens_even_if_it_was_silenced_first() -> None:
    town = a_town()
    town.publish(very_bad())
    town.act(Action.RESOLVE, reason="fixed")
    town.silence(system(RAG), until=NOON + minutes(20))
    town.publish(very_bad(at=NOON + minutes(10)))
    town.pass_time(to=NOON + minutes(20))
    assert (len(town.incidents), town.incident().status) == (1, Status.TRIGGERED)


# --- harm ------------------------------------------------------------------------------------------------------------


def test_nothing_mutes_a_report_of_harm() -> None:
    town = a_town()
    town.silence(system("*"), until=NOON + hours(3))
    town.publish(report())
    assert town.paged() == [("12:00", "priya")]


def test_what_turns_out_to_harm_somebody_is_heard_although_it_is_silenced_and_no_worse() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(3))
    town.publish(very_bad())
    town.publish(harmful(at=NOON + hours(1), flagged=60))
    assert town.paged() == [("13:00", "priya")]
    assert town.said(FactKind.UNMUTED)[0].endswith(": somebody may have been harmed, and nothing mutes that")
    town.silence(system(RAG), until=NOON + hours(4))
    assert town.incident().held is None


# --- planned cost ----------------------------------------------------------------------------------------------------


def usd(amount: int) -> Amount:
    return Amount(amount=Decimal(amount), currency="USD")


def test_planned_cost_is_quiet_up_to_what_was_planned_and_pages_beyond_it() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(30), planned=usd(900))
    town.publish(cost(679))
    assert why(town) == "$679 is within the $900 planned by Priya until 2026-11-19 18:00 UTC: load test"
    town.publish(cost(700, at=NOON + hours(8)))
    assert town.incidents == {}
    town.publish(cost(901, at=NOON + hours(16)))  # no worse a severity, and yet another matter
    assert town.said(FactKind.UNMUTED) == ["cost anomaly spend fires on: $901 is beyond the $900 planned by Priya"]
    assert "$901" in town.said(FactKind.ALERT_JOINED)[0]
    assert "$901" in only(town).why


def test_cost_beyond_the_plan_fires_and_says_so() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(30), planned=usd(500))
    town.publish(cost(679))
    assert town.said(FactKind.UNMUTED) == ["cost anomaly spend fires on: $679 is beyond the $500 planned by Priya"]


@pytest.mark.parametrize(
    "event", [cost(679, currency="EUR"), hallucination(), report(system=RAG)], ids=["other money", "drift", "harm"]
)
def test_a_plan_mutes_cost_in_its_own_currency_only(event: Event) -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(30), planned=usd(9_000))
    town.publish(event)
    assert len(town.incidents) == 1


def test_a_plan_that_is_over_mutes_nothing_more() -> None:
    town = a_town()
    town.silence(system(RAG), until=NOON + hours(1), planned=usd(900))
    town.publish(cost(679))
    town.pass_time(to=NOON + hours(1))
    assert town.said(FactKind.UNMUTED) == ["cost anomaly spend fires on after the cost planned by Priya ended"]


# --- maintenance windows ---------------------------------------------------------------------------------------------


def maintained(times: Recurring | Once) -> Estate:
    window = Window(id="retrain", matchers=(system(RAG),), times=times, why="Weekly retrain", owner="priya")
    return an_estate(a_catalog(maintenance={"retrain": window}))


LUNCH = Recurring(days=frozenset({3}), start=time(12), end=time(13), timezone="Europe/London")


def test_a_maintenance_window_mutes_what_fires_in_it_and_not_what_fires_before() -> None:
    town = Town(maintained(LUNCH), now=NOON - hours(1))
    town.publish(very_bad(at=NOON - minutes(1), feature="search"), very_bad(at=NOON + minutes(2)))
    assert town.paged() == [("11:59", "priya")]
    muted = [alert.muted for alert in town.alerts.values()]
    assert muted[0] is None
    assert muted[1] is not None
    assert muted[1].why == "within the maintenance window retrain until 2026-11-18 13:00 UTC: Weekly retrain (Priya)"


def test_when_the_window_is_over_what_still_burns_is_heard() -> None:
    town = a_town(maintained(LUNCH))
    town.publish(very_bad())
    town.pass_time(to=NOON + hours(1))
    assert town.paged() == [("13:00", "priya")]
    assert town.said(FactKind.UNMUTED)[0].endswith("fires on after the maintenance window retrain ended")


def test_a_window_that_is_taken_out_of_the_catalog_mutes_no_longer_than_a_moment() -> None:
    town = a_town(maintained(Once(start=NOON, end=NOON + hours(9))))
    town.publish(very_bad())
    town.estate = an_estate()
    town.pass_time(to=NOON + Policy().quiet.look_again)
    assert town.paged() == [("12:05", "priya")]


def test_a_window_holds_an_alert_that_becomes_worse_in_it() -> None:
    town = Town(maintained(LUNCH), now=NOON - hours(1))
    town.publish(hallucination(at=NOON - minutes(30)), very_bad(at=NOON + minutes(30)))
    assert (town.incident().severity, town.incident().held) == (Severity.SEV3, Held.SILENCED)
    town.pass_time(to=NOON + hours(1))
    assert town.incident().severity is Severity.SEV2
    assert town.paged()[-1] == ("13:00", "priya")


# --- trouble upstream ------------------------------------------------------------------------------------------------


def downstream(**more: object) -> Town:
    """A portal that depends on the assistant, which is in trouble."""
    town = a_town(an_estate(a_catalog(a_system("portal", depends_on=(RAG,)))))
    town.publish(hallucination(**{"flagged": 60, "sampled": 120, **more}))  # type: ignore[arg-type]
    return town


def portal(town: Town) -> Alert:
    return next(alert for alert in town.alerts.values() if alert.system == "portal")


def test_trouble_upstream_mutes_what_it_explains_and_keeps_the_alert() -> None:
    town = downstream()
    town.publish(very_bad(system="portal", at=NOON + minutes(1)))
    assert len(town.incidents) == 1
    muted = portal(town).muted
    assert muted is not None
    assert muted.why == "INC-1 (SEV2) is open at Rag assistant, which it depends on, and is at least as bad"


@pytest.mark.parametrize("action", [Action.MITIGATE, Action.RESOLVE])
def test_when_the_trouble_upstream_ends_what_still_burns_is_heard_within_minutes(action: Action) -> None:
    town = downstream()
    town.publish(very_bad(system="portal", at=NOON + minutes(1)))
    town.act(Action.ACKNOWLEDGE)
    town.pass_time(to=NOON + minutes(20))
    town.act(action, reason="fixed" if action is Action.RESOLVE else None)
    town.pass_time(to=NOON + minutes(20) + Policy().quiet.look_again)
    assert town.incident(2).system == "portal"
    assert town.said(FactKind.UNMUTED, 2)[0].endswith("fires on: INC-1 at Rag assistant no longer explains it")


def test_what_is_worse_than_the_trouble_upstream_is_heard() -> None:
    town = a_town(an_estate(a_catalog(a_system("portal", depends_on=(RAG,)))))
    town.publish(hallucination(), hallucination(system="portal"))
    assert len(town.incidents) == 1
    town.publish(very_bad(system="portal", at=NOON + hours(1)))
    assert town.incident(2).system == "portal"
    assert town.pages[-1][1:] == ("priya", "INC-2")


def test_old_news_upstream_that_waits_for_the_day_does_not_mute_what_pages_at_night() -> None:
    town = Town(an_estate(a_catalog(a_system("portal", depends_on=(RAG,)))), now=NIGHT)
    town.publish(very_bad(at=NIGHT - hours(8)), at=NIGHT)
    assert (town.incident().severity, town.pages) == (Severity.SEV2, [])
    town.publish(very_bad(system="portal", at=NIGHT))

    assert portal(town).muted is None
    assert town.pages == [(NIGHT, "priya", "INC-2")]


def test_what_is_open_already_is_not_muted_by_trouble_upstream_that_follows() -> None:
    town = a_town(an_estate(a_catalog(a_system("portal", depends_on=(RAG,)))))
    town.publish(hallucination(system="portal"), very_bad(at=NOON + minutes(1)))
    town.publish(very_bad(system="portal", at=NOON + hours(1)))
    assert (town.incident().system, town.incident().severity) == ("portal", Severity.SEV2)


def test_upstream_trouble_of_which_nobody_hears_mutes_nothing() -> None:
    silent, given_up, stale = downstream(), downstream(), downstream(flagged=22)
    silent.silence(system(RAG), until=NOON + hours(5))
    silent.publish(very_bad(system="portal", at=NOON + minutes(1)))
    given_up.pass_time(to=NOON + hours(12))
    given_up.publish(very_bad(system="portal", at=NOON + hours(12)))
    stale.act(Action.ACKNOWLEDGE)
    stale.pass_time(to=NOON + hours(24))
    stale.publish(hallucination(system="portal", at=NOON + hours(25)))
    assert [portal(town).muted for town in (silent, given_up, stale)] == [None] * 3


def test_trouble_upstream_explains_no_unknown_name_and_no_monitor_that_fell_silent() -> None:
    found = [replace(an_alert(), kind=kind) for kind in (Kind.DRIFT, Kind.UNKNOWN_SYSTEM, Kind.MONITOR_SILENT)]
    above = Upstream(incident=an_incident(system="triage-bot"))
    judged = [judge(alert, Quietness(upstream=(above,)), an_estate(), NOON).mute for alert in found]
    assert [mute is not None for mute in judged] == [True, False, False]


def test_other_environments_do_not_explain_it() -> None:
    town = downstream(environment="staging")
    town.publish(very_bad(system="portal"))
    assert portal(town).muted is None


def test_two_systems_that_depend_on_each_other_do_not_mute_each_other_for_good() -> None:
    ring = a_catalog(a_system("portal", depends_on=("feed",)), a_system("feed", depends_on=("portal",)))
    town = a_town(an_estate(ring))
    town.publish(very_bad(system="portal"), very_bad(system="feed", at=NOON + minutes(1)))
    town.act(Action.MITIGATE)
    town.pass_time(to=NOON + minutes(10))
    assert [incident.system for incident in town.incidents.values()] == ["portal", "feed"]
    assert town.paged()[-1][1] == "priya"


# --- names -----------------------------------------------------------------------------------------------------------


def test_an_unknown_name_that_was_silenced_and_registered_meanwhile_is_no_trouble_any_more() -> None:
    town = a_town()
    town.silence(system("portal"), until=NOON + hours(1))
    town.publish(drift(system="portal", phase="detected"))
    assert (len(town.alerts), town.incidents) == (2, {})
    town.estate = replace(town.estate, catalog=a_catalog(a_system("portal")))
    town.pass_time(to=NOON + hours(1))
    assert [incident.kinds for incident in town.incidents.values()] == [("drift",)]


def test_an_unknown_name_that_became_an_alias_is_told_under_its_system_from_then_on() -> None:
    town = a_town()
    town.silence(system("portal"), until=NOON + hours(1))
    town.publish(drift(system="portal", phase="detected"))
    town.estate = replace(town.estate, catalog=a_catalog(a_system("web", aliases=("portal",))))
    town.pass_time(to=NOON + hours(1))
    assert town.incidents == {}
    assert not any(alert.heard for alert in town.alerts.values())


# --- what goes first -------------------------------------------------------------------------------------------------


def test_a_silence_goes_before_a_plan_a_plan_before_a_window_and_that_before_upstream() -> None:
    catalog = maintained(Once(start=NOON, end=NOON + hours(3))).catalog
    rag = a_system(RAG, depends_on=("triage-bot",))
    town = a_town(an_estate(replace(catalog, systems={**catalog.systems, RAG: rag})))
    town.publish(report())
    town.silence(system(RAG), until=NOON + hours(2), planned=usd(9_000))
    town.silence(system(RAG), until=NOON + hours(1))
    town.publish(cost(679))

    said = []
    for at in (1, 2, 3, 4):
        said.append(next(alert.muted for alert in town.alerts.values() if alert.system == RAG))
        town.pass_time(to=NOON + hours(at))
    assert [mute.by.partition(":")[0] + mute.by[-2:] for mute in said if mute] == [
        "silence:2",
        "silence:1",
        "maintenancein",
        "incident-1",
    ]


# --- what may have been overlooked ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (Trait.SYSTEM, "nosuch", "It mutes no alert now; no system of the catalog is called nosuch."),
        (Trait.SYSTEM, "no-*", "It mutes no alert now; no system of the catalog is called no-*."),
        (Trait.ENVIRONMENT, "prodction", "It mutes no alert now; no system of the catalog runs in prodction."),
        (Trait.SYSTEM, RAG, None),
        (Trait.SYSTEM, "rag-*", None),
        (Trait.ENVIRONMENT, "prod*", None),
        (Trait.METRIC, "nosuch", None),
    ],
)
def test_a_silence_that_names_what_nobody_knows_and_mutes_nothing_says_so(
    field: Trait, value: str, said: str | None
) -> None:
    assert hint([Matcher(field=field, value=value)], 0, an_estate()) == said


def test_an_unknown_name_is_not_remarked_on_where_it_mutes_something_or_is_excluded_or_no_name_is_unknown() -> None:
    nosuch = system("nosuch")

    assert hint([nosuch], 1, an_estate()) is None
    assert hint([replace(nosuch, negated=True)], 0, an_estate()) is None
    assert hint([nosuch], 0, Estate()) is None
    both = [nosuch, Matcher(field=Trait.ENVIRONMENT, value="moon")]
    assert hint(both, 0, an_estate()) == (
        "It mutes no alert now; no system of the catalog is called nosuch, and no system of the catalog runs in moon."
    )
