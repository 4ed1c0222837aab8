"""Builders for what is kept: rows of the inbox, letters, alerts with their sightings, decisions and effects."""
# ruff: noqa: ANN401 - a builder takes any field of what it builds

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import text

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.decision import Decision
from incidents.core.delivery import Delivery, Origin
from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.events import Kind
from incidents.core.fact import SYSTEM, Fact, FactKind
from incidents.core.incident import Incident, Status
from incidents.core.reading import fingerprint
from incidents.core.severity import Severity
from incidents.flow.ports import InboxRow, Letter, Place, SceneRequest, Turn
from tests.make import NOON, an_incident

CREDIT: Place = ("credit-scoring", "production")
RAG: Place = ("rag-assistant", "production")
_number = count(1)


def a_row(event: str = "e-1", *, source: str = "/monitors/1", body: bytes = b"{}", **more: Any) -> InboxRow:
    told = {
        "source": source,
        "event": event,
        "type": "ai.drift.measured.v1",
        "system": "credit-scoring",
        "environment": "production",
        "disposition": "heartbeat",
        "fingerprint": None,
        "body_hash": f"hash of {body.decode()}",
        "body": body,
    }
    return InboxRow(**{**told, **more})


def a_letter(body: bytes = b"not json", **more: Any) -> Letter:
    headers = more.pop("headers", (("ce-id", b"1"),))
    position = more.pop("position", "ai.events[0]@12")
    delivery = Delivery(body=body, headers=headers, origin=Origin.KAFKA, position=position)
    told = {"reason": "malformed", "field": "body", "detail": "not JSON", "body": body, "digest": delivery.digest}
    return Letter(delivery=delivery, **{**told, **more})


def a_sighting(*, told: int = 1, at: datetime = NOON, **more: Any) -> Sighting:
    known = {"first_seen_at": at, "last_seen_at": at, "last_firing_at": None, "last_start": at, "last_order": at}
    return Sighting(count=told, **{**known, **more})


def an_alert(metric: str = "psi", place: Place = CREDIT, **more: Any) -> Alert:
    known: dict[str, Any] = {"system": place[0], "environment": place[1], "kind": Kind.DRIFT, "metric": metric}
    return Alert(fingerprint=fingerprint(*place, "drift", metric), **{**known, **more})


def firing(metric: str = "psi", incident: str = "INC-1", **more: Any) -> Alert:
    known: dict[str, Any] = {"state": AlertState.FIRING, "severity": Severity.SEV3, "incident": incident}
    return an_alert(metric, **{**known, **more})


def a_fact(kind: FactKind = FactKind.NOTE, *, incident: str = "INC-1", words: str = "Looked", **more: Any) -> Fact:
    return Fact(**{"incident": incident, "kind": kind, "at": NOON, "by": SYSTEM, "text": words, **more})


def an_effect(kind: EffectKind = EffectKind.PAGE, incident: str | None = "INC-1", **more: Any) -> Effect:
    known: dict[str, Any] = {"key": f"{kind}:{incident}:{next(_number)}", "channel": Channel.SLACK, "due_at": NOON}
    data = {"round": 1, "level": 0, "why": "first owner"} if kind is EffectKind.PAGE else {}
    target = "priya" if kind in {EffectKind.PAGE, EffectKind.NOTICE} else "#ai-incidents"
    return Effect(kind=kind, incident=incident, **{**known, "data": data, "target": target, **more})


async def kept(store: Store, *decisions: Decision, tellings: dict[str, int] | None = None) -> None:
    async with store.unit(Turn.PEOPLE) as unit:
        await unit.board.save(decisions, tellings or {})


async def opened(
    store: Store, *made: Effect, facts: Sequence[Fact] = (), alerts: Sequence[Alert] = (), **more: Any
) -> Incident:
    """An incident that is saved with these alerts, facts and effects; as it is read back."""
    incident = an_incident(**more)
    decision = Decision(
        incidents=(incident,),
        alerts=tuple(alerts),
        sightings={alert.fingerprint: a_sighting() for alert in alerts},
        facts=tuple(facts),
        effects=made,
    )
    await kept(store, decision)
    async with store.unit(Turn.PEOPLE) as unit:
        return (await unit.board.held([incident.id]))[incident.id]


async def moved(store: Store, incident: Incident, **more: Any) -> Incident:
    """The incident after a change that is saved."""
    later = replace(incident, version=incident.version + 1, **more)
    await kept(store, Decision(incidents=(later,)))
    async with store.unit(Turn.PEOPLE) as unit:
        return (await unit.board.held([incident.id]))[incident.id]


async def acknowledged(store: Store, incident: Incident) -> Incident:
    return await moved(store, incident, status=Status.ACKNOWLEDGED)


def a_request(place: Place = CREDIT, *alerts: Alert, depends_on: tuple[str, ...] = ()) -> SceneRequest:
    return SceneRequest(
        place=place, fingerprints=frozenset(alert.fingerprint for alert in alerts), depends_on=depends_on
    )


async def told(database: Database, sql: str, **values: Any) -> list[Any]:
    """What a query of the test's own finds."""
    async with database.read() as connection:
        return list((await connection.execute(text(sql), values)).all())


async def forced(database: Database, sql: str, **values: Any) -> None:
    """A change that the product would never make."""
    async with database.write(Turn.PEOPLE) as connection:
        await connection.execute(text(sql), values)


async def waits_for_lock(database: Database) -> None:
    """Return once a session of this database waits for another's lock."""
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while not await told(database, query):
            pass
