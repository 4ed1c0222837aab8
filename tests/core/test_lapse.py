"""What time alone does to an incident: idle responders, quiet endings, and the clock that nothing may wait beyond."""

import pytest

from incidents.core.desk import Desk
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Asked, Incident, Paging, Resolution, Status
from incidents.core.lapse import lapse
from incidents.core.severity import Severity
from tests.core.town import Town
from tests.make import NOON, an_estate, an_incident, hallucination, hours, minutes

SEV1, SEV2, SEV3, SEV4 = Severity


def mended(flagged: int) -> Town:
    """Something was wrong at noon and is verified clear at 14:00."""
    town = Town(an_estate(), now=NOON)
    town.publish(hallucination(flagged, 120, at=NOON))
    town.publish(*(hallucination(0, 120, at=NOON + hours(n)) for n in (1, 2)))
    return town


def test_minor_trouble_that_nobody_touched_resolves_after_30_quiet_minutes_and_closes_after_a_day() -> None:
    town = mended(22)

    town.pass_time(to=NOON + hours(2) + minutes(29))
    assert town.incident().status is Status.MITIGATED
    town.pass_time(to=NOON + hours(2) + minutes(30))
    assert (town.incident().status, town.incident().resolution) == (Status.RESOLVED, Resolution.FIXED)
    assert not town.incident().gathering
    town.pass_time(to=NOON + hours(26) + minutes(30))
    assert town.incident().status is Status.CLOSED
    assert town.incident().wake_at is None


def test_grave_trouble_asks_a_person_instead() -> None:
    town = mended(60)

    town.pass_time(to=NOON + hours(99))

    assert (town.incident().severity, town.incident().status) == (SEV2, Status.MITIGATED)
    assert "Every alert is verified clear. Is the cause gone?" in town.posts()[-1]


def test_so_does_minor_trouble_that_a_person_has_touched() -> None:
    town = Town(an_estate(), now=NOON)
    town.publish(hallucination(22, 120, at=NOON))
    town.act(Action.NOTE, note="looking")
    town.publish(*(hallucination(0, 120, at=NOON + hours(n)) for n in (1, 2)))

    town.pass_time(to=NOON + hours(99))

    assert town.incident().status is Status.MITIGATED


def test_trouble_that_comes_back_in_the_quiet_minutes_does_not_resolve() -> None:
    town = mended(22)
    town.publish(hallucination(22, 120, at=NOON + hours(2) + minutes(20), window=minutes(10)))

    town.pass_time(to=NOON + hours(3))

    assert town.incident().status is Status.TRIGGERED


def idle(severity: Severity, minutes_ago: float) -> Incident:
    acknowledged = NOON - minutes(minutes_ago)
    return an_incident(
        Status.ACKNOWLEDGED,
        severity,
        acknowledged_at=acknowledged,
        acknowledged_by="priya",
        touched_at=acknowledged,
        paging=Paging(round=1, asked=(Asked(level=0, person="priya", at=acknowledged),)),
    )


@pytest.mark.parametrize(
    ("severity", "ago", "asked"), [(SEV1, 60, True), (SEV2, 60, True), (SEV2, 59.9, False), (SEV3, 600, False)]
)
def test_a_responder_who_is_silent_for_an_hour_is_asked_again(severity: Severity, ago: float, asked: bool) -> None:  # noqa: FBT001  (a case of the table)
    desk = Desk(idle(severity, ago), an_estate(), NOON, {})

    lapse(desk, ())

    assert (desk.incident.status is Status.TRIGGERED) is asked
    assert [fact.text for fact in desk.facts] == (["Asked again: no word from Priya for 1 h"] if asked else [])
    assert desk.incident.paging.round == (2 if asked else 1)


def test_a_note_is_a_word() -> None:
    town = Town(an_estate(), now=NOON)
    town.publish(hallucination(60, 120, at=NOON))
    town.act(Action.ACKNOWLEDGE)
    town.pass_time(to=NOON + minutes(50))
    town.act(Action.NOTE, note="rolling back")

    town.pass_time(to=NOON + minutes(109))
    assert town.paged() == [("12:00", "priya")]
    town.pass_time(to=NOON + minutes(110))
    assert town.paged() == [("12:00", "priya"), ("13:50", "priya")]
    assert town.said(FactKind.ASKED_AGAIN) == ["Asked again: no word from Priya for 1 h"]


def test_an_outage_of_three_hours_asks_each_person_once_and_goes_on_from_there() -> None:
    town = Town(an_estate(), now=NOON)
    town.delivers = False
    town.publish(hallucination(60, 120, at=NOON))
    town.delivers = True

    town.outage(to=NOON + hours(3))
    assert [person for _, person in town.paged()] == ["priya"]
    town.pass_time(to=NOON + hours(3) + minutes(15))
    assert [person for _, person in town.paged()] == ["priya", "omar"]
