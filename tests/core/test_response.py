"""What people may do, what it leaves on the timeline, and what they are told when it is refused."""

import pytest

from incidents.core.alert import AlertState
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.fact import ActorType, FactKind
from incidents.core.incident import Action, Held, Related, Resolution, Status
from incidents.core.severity import Severity
from incidents.core.silence import Matcher, Trait
from tests.core.town import Town
from tests.make import NIGHT, NOON, an_estate, cost, drift, hallucination, hours, minutes, report

SEV1, SEV2, SEV3, SEV4 = Severity


def a_town(flagged: int = 60) -> Town:
    """A SEV2 of the RAG assistant, opened at noon, Priya paged."""
    town = Town(an_estate(), now=NOON - hours(48))
    town.publish(hallucination(flagged, 120, at=NOON))
    return town


def refused(town: Town, action: Action, **asked: str) -> tuple[str, str]:
    """The code and the reason of a refusal, which changes nothing."""
    before = (dict(town.incidents), dict(town.alerts), len(town.timeline()), len(town.effects))
    with pytest.raises(NotAllowed) as error:
        town.act(action, minutes=None, **asked)
    assert (dict(town.incidents), dict(town.alerts), len(town.timeline()), len(town.effects)) == before
    return error.value.code, error.value.why


def alert_key(town: Town) -> str:
    return next(iter(town.alerts))


# --- taking it -------------------------------------------------------------------------------------------------------


def test_whoever_acknowledges_has_it_and_nobody_further_is_asked() -> None:
    town = a_town()
    town.act(Action.ACKNOWLEDGE, note="on it")
    town.pass_time(to=NOON + minutes(59))

    incident = town.incident()
    assert (incident.status, incident.acknowledged_by, incident.assignee) == (Status.ACKNOWLEDGED, "priya", "priya")
    assert town.paged() == [("12:00", "priya")]
    assert town.said(FactKind.ACKNOWLEDGED) == ["Acknowledged by Priya: on it"]
    assert town.timeline()[-1].by.type is ActorType.PERSON


def test_a_second_acknowledgement_is_told_that_it_was_done() -> None:
    town = a_town()
    town.act(Action.ACKNOWLEDGE)

    assert refused(town, Action.ACKNOWLEDGE, who="lee") == ("already_done", "the incident is already acknowledged")


def test_an_assignment_stays_with_whom_it_was_given_to() -> None:
    town = a_town()
    town.act(Action.ASSIGN, to="kim", note="knows the index")
    town.act(Action.ACKNOWLEDGE)

    assert town.incident().assignee == "kim"
    assert town.said(FactKind.ASSIGNED) == ["Assigned to Kim by Priya: knows the index"]
    assert refused(town, Action.ASSIGN, to="kim")[0] == "already_done"
    assert refused(town, Action.ASSIGN, to="nobody") == ("person_unknown", "no person 'nobody' in the catalog")
    assert refused(town, Action.ASSIGN)[0] == "person_unknown"


def test_everybody_who_acted_is_a_responder_once() -> None:
    town = a_town()
    for who in ("priya", "lee", "priya"):
        town.act(Action.NOTE, who=who, note="x")

    assert town.incident().responders == ("priya", "lee")


# --- asking further --------------------------------------------------------------------------------------------------


def test_escalating_asks_the_next_level_now_and_does_not_say_that_nobody_answered() -> None:
    town = a_town()
    town.pass_time(to=NOON + minutes(3))
    town.act(Action.ESCALATE, note="need ops")

    assert town.paged() == [("12:00", "priya"), ("12:03", "omar")]
    assert town.said(FactKind.ESCALATED) == ["Escalated by Priya: need ops", "Escalated to Omar (level 1, round 1)"]


def test_whoever_had_it_gives_it_back_by_escalating() -> None:
    town = a_town()
    town.act(Action.ACKNOWLEDGE)
    town.act(Action.ESCALATE)

    assert (town.incident().status, town.incident().acknowledged_by) == (Status.TRIGGERED, None)
    assert town.paged()[-1] == ("12:00", "omar")


def test_after_the_last_level_escalating_begins_a_new_round() -> None:
    town = a_town()
    for _ in range(4):
        town.act(Action.ESCALATE)

    assert [person for _, person in town.paged()] == ["priya", "omar", "lee", "max", "priya"]
    assert town.incident().paging.round == 2


def test_time_goes_on_from_the_level_that_was_asked_by_hand() -> None:
    town = a_town()
    town.act(Action.ESCALATE)
    town.pass_time(to=NOON + minutes(15))

    assert town.paged() == [("12:00", "priya"), ("12:00", "omar"), ("12:15", "lee")]


def test_sev4_pages_nobody_however_much_one_asks() -> None:
    town = Town(an_estate(), now=NOON)
    town.publish(hallucination(4, 30))

    assert refused(town, Action.ESCALATE) == ("nobody_paged", "SEV4 pages nobody: raise the severity first")


# --- severity --------------------------------------------------------------------------------------------------------


def test_a_person_may_say_sev1_and_may_lower_with_a_reason() -> None:
    town = a_town()
    town.act(Action.SEVERITY, to="SEV1", note="patients are affected")
    assert (town.incident().severity, town.incident().paging.round) == (SEV1, 2)

    town.act(Action.SEVERITY, to="sev4", note="test traffic")
    assert town.said(FactKind.SEVERITY_SET) == [
        "SEV2 -> SEV1 by Priya: patients are affected",
        "SEV1 -> SEV4 by Priya: test traffic",
    ]
    town.pass_time(to=NOON + hours(9))
    assert town.paged() == [("12:00", "priya"), ("12:00", "priya")]


def test_who_has_it_and_raises_it_is_not_asked_again() -> None:
    town = a_town(22)
    town.act(Action.ACKNOWLEDGE, who="lee")
    town.act(Action.SEVERITY, who="lee", to="sev2", note="press")

    assert town.incident().status is Status.ACKNOWLEDGED


def test_raising_into_sev2_asks_again_even_when_acknowledged() -> None:
    town = a_town(22)
    town.act(Action.ACKNOWLEDGE)
    town.act(Action.SEVERITY, who="lee", to="sev2", note="press")

    assert town.incident().status is Status.TRIGGERED


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"to": "sev9", "note": "x"}, "severity_unknown"),
        ({"note": "x"}, "severity_unknown"),
        ({"to": "sev1"}, "reason_missing"),
        ({"to": "sev2", "note": "x"}, "already_done"),
    ],
)
def test_a_severity_is_one_of_four_and_needs_a_reason(asked: dict[str, str], code: str) -> None:
    assert refused(a_town(), Action.SEVERITY, **asked)[0] == code


# --- ending it -------------------------------------------------------------------------------------------------------


def test_mitigating_stops_the_asking() -> None:
    town = a_town()
    town.act(Action.MITIGATE, note="rolled back")
    town.pass_time(to=NOON + hours(9))

    assert (town.incident().status, town.incident().mitigated_at) == (Status.MITIGATED, NOON)
    assert town.paged() == [("12:00", "priya")]
    assert town.incident().gathering


@pytest.mark.parametrize("reason", Resolution)
def test_resolving_says_why_and_gathers_no_more(reason: Resolution) -> None:
    town = a_town()
    town.act(Action.RESOLVE, reason=reason, of="INC-9")

    assert (town.incident().status, town.incident().resolution, town.incident().gathering) == (
        Status.RESOLVED,
        reason,
        False,
    )
    assert town.alerts[alert_key(town)].settled is not None
    assert town.said(FactKind.RESOLVED)[0].startswith(f"Resolved by Priya as {reason}")


def test_a_duplicate_names_the_other() -> None:
    town = a_town()
    assert refused(town, Action.RESOLVE)[0] == "reason_missing"
    assert refused(town, Action.RESOLVE, reason="duplicate")[0] == "of_missing"
    assert refused(town, Action.RESOLVE, reason="duplicate", of="INC-1")[0] == "of_missing"

    town.act(Action.RESOLVE, reason="duplicate", of="INC-7")
    assert town.incident().related == (Related(incident="INC-7", relation="duplicate_of"),)


def test_closing_is_refused_until_every_alert_is_verified_or_waived() -> None:
    town = a_town()
    town.publish(cost(at=NOON, window=hours(1)))
    town.act(Action.RESOLVE, reason="fixed")
    assert refused(town, Action.CLOSE) == (
        "not_verified",
        "not verified and not waived: hallucination hallucination_rate, cost anomaly spend",
    )

    town.publish(*(hallucination(0, 120, at=NOON + hours(n)) for n in (1, 2)))
    assert refused(town, Action.CLOSE)[1] == "not verified and not waived: cost anomaly spend"

    spend = next(key for key, alert in town.alerts.items() if alert.state is AlertState.FIRING)
    assert refused(town, Action.WAIVE, alert=spend)[0] == "reason_missing"
    town.act(Action.WAIVE, alert=spend, note="the bill is closed")
    assert refused(town, Action.WAIVE, alert=spend, note="again") == (
        "already_done",
        "waived already: the bill is closed",
    )
    town.act(Action.CLOSE, note="done")

    assert (town.incident().status, town.incident().wake_at) == (Status.CLOSED, None)
    assert town.said(FactKind.ALERT_WAIVED) == ["cost anomaly spend waived by Priya: the bill is closed"]
    assert refused(town, Action.NOTE, note="x")[0] == "closed"


def test_an_alert_that_it_does_not_have_cannot_be_waived() -> None:
    with pytest.raises(NotFound):
        a_town().act(Action.WAIVE, alert="unknown", note="x")


def test_waiving_the_last_that_is_silenced_asks_nobody_and_waits_to_be_resolved() -> None:
    town = a_town()
    town.publish(drift(system="rag-assistant", at=NOON))
    town.silence(Matcher(field=Trait.SYSTEM, value="rag-assistant"), until=NOON + hours(3))
    first, last = (key for key, alert in town.alerts.items() if alert.burning)
    paged = town.paged()

    town.act(Action.WAIVE, alert=first, note="known")
    assert (town.incident().status, town.incident().held) == (Status.TRIGGERED, Held.SILENCED)
    town.act(Action.WAIVE, alert=last, note="known")
    town.pass_time(to=NOON + hours(9))

    assert (town.incident().status, town.incident().held) == (Status.MITIGATED, None)
    assert town.said(FactKind.MITIGATED) == ["Mitigated: whatever was muted is waived"]
    assert town.paged() == paged
    town.act(Action.RESOLVE, reason="fixed")
    town.act(Action.CLOSE)


def test_what_a_person_wants_asked_is_asked_on_when_the_last_that_is_silenced_is_waived() -> None:
    town = a_town()
    town.silence(Matcher(field=Trait.SYSTEM, value="rag-assistant"), until=NOON + hours(3))
    town.act(Action.HAND_OVER, to="kim")
    town.act(Action.WAIVE, alert=alert_key(town), note="known")
    town.pass_time(to=NOON + minutes(16))

    assert town.incident().status is Status.TRIGGERED
    assert [person for _, person in town.paged()[-2:]] == ["kim", "priya"]


def test_a_waiver_ends_with_the_trouble_that_it_was_given_for() -> None:
    town = a_town()
    town.act(Action.WAIVE, alert=alert_key(town), note="known")
    town.publish(*(hallucination(n, 120, at=NOON + hours(at)) for n, at in ((0, 1), (0, 2), (60, 3))))

    assert town.alerts[alert_key(town)].waived is None


def test_reopening_asks_a_new_round_and_takes_the_settlement_back() -> None:
    town = a_town()
    town.act(Action.RESOLVE, reason="accepted")
    town.act(Action.REOPEN, note="not acceptable")

    assert (town.incident().status, town.incident().resolution, town.incident().gathering) == (
        Status.TRIGGERED,
        None,
        True,
    )
    assert town.alerts[alert_key(town)].settled is None
    assert town.paged() == [("12:00", "priya"), ("12:00", "priya")]


def test_one_that_is_reopened_beside_another_leaves_the_gathering_to_it() -> None:
    town = a_town()
    town.act(Action.RESOLVE, reason="accepted")
    town.publish(cost(at=NOON + hours(1), window=hours(1)))

    town.act(Action.REOPEN)

    assert [incident.gathering for incident in town.incidents.values()] == [False, True]
    assert town.incident().related == (Related(incident="INC-2", relation="newer"),)


def test_a_note_needs_a_text() -> None:
    assert refused(a_town(), Action.NOTE)[0] == "note_missing"


# --- merging ---------------------------------------------------------------------------------------------------------


def two() -> Town:
    """INC-1 of the RAG assistant, SEV3; INC-2 of the triage bot, SEV2, which Lee has."""
    town = Town(an_estate(), now=NIGHT)
    town.publish(hallucination(22, 120, at=NOON), report(at=NOON))
    town.act(Action.ACKNOWLEDGE, "INC-2", who="lee")
    return town


def test_a_merge_moves_the_alerts_and_resolves_this_one_as_a_duplicate() -> None:
    town = two()
    town.act(Action.MERGE, "INC-1", to="INC-2")

    into, merged = town.incident(2), town.incident(1)
    assert {alert.incident for alert in town.alerts.values()} == {"INC-2"}
    assert (merged.status, merged.resolution, merged.gathering) == (Status.RESOLVED, Resolution.DUPLICATE, False)
    assert set(into.kinds) == {"hallucination", "report"}
    assert (into.severity, into.status) == (SEV2, Status.ACKNOWLEDGED)
    assert town.said(FactKind.MERGED, 1) == ["Merged into INC-2 by Priya"]
    assert town.said(FactKind.MERGED, 2) == ["INC-1 merged into this by Priya"]
    assert into.touched_at == NOON


def test_merging_something_worse_raises_the_other_and_asks_again() -> None:
    town = two()
    town.act(Action.ACKNOWLEDGE, "INC-1", who="kim")
    town.act(Action.MERGE, "INC-2", to="INC-1")

    assert (town.incident(1).severity, town.incident(1).status) == (SEV2, Status.TRIGGERED)
    assert town.paged()[-1] == ("12:00", "priya")


def test_a_burning_alert_that_is_merged_into_a_mitigated_incident_reopens_it() -> None:
    town = two()
    town.act(Action.MITIGATE, "INC-2")
    town.act(Action.MERGE, "INC-1", to="INC-2")

    assert town.incident(2).status is Status.TRIGGERED
    assert town.said(FactKind.REOPENED, 2) == ["Reopened: INC-1 was merged into it while it was mitigated"]


def test_a_merge_needs_another_incident_that_is_open() -> None:
    town = two()
    town.act(Action.RESOLVE, "INC-2", reason="fixed")

    assert refused(town, Action.MERGE, to="INC-1")[0] == "into_missing"
    assert refused(town, Action.MERGE)[0] == "into_missing"
    assert refused(town, Action.MERGE, to="INC-2") == ("into_done", "INC-2 is resolved: merge into one that is open")
