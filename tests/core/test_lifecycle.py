"""Each fact that moves an incident is told to other systems once, in the order of the timeline."""

from dataclasses import replace

from incidents.core.desk import Desk
from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.fact import FactKind
from incidents.core.incident import Incident, Status
from tests.make import NOON, an_estate, an_incident, by

STATUS_AFTER = {
    FactKind.OPENED: "triggered",
    FactKind.ACKNOWLEDGED: "acknowledged",
    FactKind.ESCALATED: "triggered",
    FactKind.MITIGATED: "mitigated",
    FactKind.RESOLVED: "resolved",
    FactKind.REOPENED: "triggered",
    FactKind.CLOSED: "closed",
}


def told(incident: Incident, *kinds: FactKind, bus: bool = True) -> list[Effect]:
    desk = Desk(incident, an_estate(bus=bus, public_url="https://incidents.example.com"), NOON, {})
    for kind in kinds:
        desk.tell(kind, "It moved", by=by("priya"))
    return [effect for effect in desk.close()[2] if effect.kind is EffectKind.EVENT]


def resting(**more: object) -> Incident:
    return replace(an_incident(status=Status.CLOSED), **more)  # type: ignore[arg-type]


def test_every_fact_that_moves_an_incident_becomes_an_event_under_its_own_number() -> None:
    made = told(resting(head_seq=7), *STATUS_AFTER)
    assert [effect.key for effect in made] == [f"event:INC-1:{number}" for number in range(8, 15)]
    assert [effect.data["type"] for effect in made] == [f"ai.incident.{kind}.v1" for kind in STATUS_AFTER]
    assert {effect.channel for effect in made} == {Channel.BUS}
    assert [effect.data["data"]["status"] for effect in made] == list(STATUS_AFTER.values())  # type: ignore[index]


def test_an_event_says_what_moved_how_bad_it_is_and_who_did_it() -> None:
    [made] = told(resting(), FactKind.MITIGATED)
    assert made.data["source"] == "https://incidents.example.com/incidents"
    assert made.data["data"] == {
        "incident": "INC-1",
        "system": "rag-assistant",
        "environment": "production",
        "severity": "sev2",
        "status": "mitigated",
        "title": "Rag assistant: hallucination",
        "url": "https://incidents.example.com/incidents/INC-1",
        "at": NOON.isoformat(),
        "by": {"type": "person", "id": "priya"},
    }


def test_what_moves_nothing_is_told_to_nobody_but_keeps_its_number() -> None:
    kinds = (FactKind.NOTE, FactKind.RESOLVED, FactKind.PAGED, FactKind.CLOSED)
    assert [effect.key for effect in told(resting(), *kinds)] == ["event:INC-1:2", "event:INC-1:4"]


def test_without_a_bus_nobody_else_is_told() -> None:
    assert told(resting(), *STATUS_AFTER, bus=False) == []


def test_a_person_who_is_asked_next_is_an_escalation_too() -> None:
    incident = an_incident()
    asked = Desk(incident, an_estate(bus=True), NOON, {}).close()[0]
    later = Desk(asked, an_estate(bus=True), asked.wake_at or NOON, {})
    made = [effect for effect in later.close()[2] if effect.kind is EffectKind.EVENT]
    assert [effect.data["type"] for effect in made] == ["ai.incident.escalated.v1"]
