"""Builders for what the read side shows: an incident, its alerts, facts, effects, dead letters; all defaulted."""
# ruff: noqa: ANN401 - a builder takes any field of what it builds

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from incidents.core.alert import Alert, AlertState, Sighting, Window
from incidents.core.catalog import Catalog
from incidents.core.delivery import Origin
from incidents.core.effect import Channel, EffectKind
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.fact import SYSTEM, Actor, ActorType, Fact, FactKind
from incidents.core.grade import Verdict
from incidents.core.incident import Incident, Status
from incidents.core.people import Person, Team
from incidents.core.severity import Severity
from incidents.core.system import Criticality, Role, System
from incidents.flow.ports import AlertView, DeadLetter, EffectView

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ADA = Actor(type=ActorType.PERSON, id="ada")
LEE = Actor(type=ActorType.PERSON, id="lee")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def an_estate(**more: Any) -> Estate:
    people = {
        "ada": Person(id="ada", name="Ada Okoye", email="ada@example.com", slack="U01ADA", timezone="Europe/London"),
        "lee": Person(id="lee", name="Lee Park", email="lee@example.com"),
    }
    systems = {
        "credit-scoring": System(
            id="credit-scoring",
            title="Credit scoring",
            criticality=Criticality.HIGH,
            owners={Role.ACCOUNTABLE: "lee", Role.MODEL: "ada", Role.OPERATIONAL: "ml-platform", Role.DATA: "ada"},
        ),
        "rag-assistant": System(id="rag-assistant", title="RAG assistant", owners={Role.MODEL: "lee"}),
    }
    teams = {"ml-platform": Team(id="ml-platform", members=("ada", "lee"))}
    catalog = Catalog(people=people, teams=teams, systems=systems, default_owner="lee")
    return Estate(catalog=catalog, **more)


def an_incident(number: int = 1, **more: Any) -> Incident:
    made = Incident(
        id=f"INC-{number}",
        system="credit-scoring",
        environment="production",
        title="Credit scoring: data drift, psi 0.31 of income, limit 0.1",
        status=Status.TRIGGERED,
        severity=Severity.SEV3,
        severity_why="r 3.1 is SEV2; data drift while performance is unknown is at most SEV3",
        policy_version="2026-11-1",
        opened_at=NOW - minutes(25),
        kinds=("drift",),
        drift_kinds=("data",),
        roles=(Role.DATA,),
        version=1,
    )
    return replace(made, **more)


def an_alert(number: int = 1, **more: Any) -> Alert:
    made = Alert(
        fingerprint=f"{number:032x}",
        system="credit-scoring",
        environment="production",
        kind=Kind.DRIFT,
        metric="psi",
        feature="income",
        source="evidently/credit",
        drift_kind="data",
        state=AlertState.FIRING,
        severity=Severity.SEV3,
        incident="INC-1",
        figures="0.31, limit 0.1",
        why="value / threshold = 0.31 / 0.1 = 3.1 times the limit",
        fired_at=NOW - minutes(25),
        since=NOW - minutes(90),
    )
    return replace(made, **more)


def windows(*verdicts: Verdict) -> tuple[Window, ...]:
    begin = NOW - len(verdicts) * minutes(60)
    return tuple(
        Window(start=begin + n * minutes(60), end=begin + (n + 1) * minutes(60), verdict=verdict)
        for n, verdict in enumerate(verdicts)
    )


def a_view(alert: Alert | None = None, *, count: int = 4) -> AlertView:
    alert = alert or an_alert()
    sighting = Sighting(
        count=count,
        first_seen_at=NOW - minutes(90),
        last_seen_at=NOW - minutes(5),
        last_firing_at=NOW - minutes(5),
        last_start=NOW - minutes(65),
        last_order=NOW - minutes(5),
        figures=alert.figures,
    )
    return AlertView(alert=alert, sighting=sighting)


def a_costly_alert(number: int = 2, **more: Any) -> Alert:
    return an_alert(
        number,
        kind=Kind.COST_ANOMALY,
        metric="spend",
        feature="",
        source="langfuse/cost",
        figures="$679 in 8 h, expected $167",
        why="excess $512 is 307 % over expected",
        causes=("half of it: 1.8 times the tokens per request", "half of it: cache hit rate 61 % instead of 84 %"),
        per_hour=Decimal(64),
        currency="USD",
        **more,
    )


def a_fact(kind: FactKind, text: str, *, at: datetime = NOW, by: Actor = SYSTEM, **data: Any) -> Fact:
    return Fact(incident="INC-1", kind=kind, at=at, by=by, text=text, data=data)


def an_effect(number: int = 1, **more: Any) -> EffectView:
    made = EffectView(
        key=f"page:INC-1:1:0:{number}",
        kind=EffectKind.PAGE,
        channel=Channel.SLACK,
        target="ada",
        state="sent",
        due_at=NOW - minutes(24),
        sent_at=NOW - minutes(24),
        attempts=1,
        why="",
        possible_repeat=False,
    )
    return replace(made, **more)


def a_letter(number: int = 1, **more: Any) -> DeadLetter:
    made = DeadLetter(
        id=str(number),
        at=NOW - minutes(70),
        origin=Origin.KAFKA,
        position="ai.events[0]@12",
        reason="malformed",
        field="body",
        detail="is not JSON (line 1, column 14)",
        body=b'{"specversion" "1.0"}',
        headers=(("content-type", "application/cloudevents+json"),),
        content_type="application/cloudevents+json",
        state="open",
    )
    return replace(made, **more)
