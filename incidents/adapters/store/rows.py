"""Rows to values and back; what is not a column of its own travels whole in `doc`."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from incidents.adapters.store.columns import AnyRow
from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.effect import Effect, EffectState
from incidents.core.fact import Actor, ActorType, ChainedFact, Fact, FactKind
from incidents.core.incident import Change, Incident
from incidents.core.run import ACTIVE, Run, RunStatus
from incidents.core.silence import Amount, Matcher, Silence

_alert: TypeAdapter[Alert] = TypeAdapter(Alert)
_incident: TypeAdapter[Incident] = TypeAdapter(Incident)
_change: TypeAdapter[Change] = TypeAdapter(Change)
NO_INCIDENT = 0  # of an effect that is about none: numbers begin at 1
_matchers: TypeAdapter[tuple[Matcher, ...]] = TypeAdapter(tuple[Matcher, ...])
_amount: TypeAdapter[Amount] = TypeAdapter(Amount)
_run: TypeAdapter[Run] = TypeAdapter(Run)
_DIGITS = 18  # of a number that 64 bits hold for certain


def number_of(incident: str) -> int | None:
    """7 of INC-7; None for what is no incident's id."""
    return whole(incident.upper().removeprefix("INC-"))


def whole(digits: str) -> int | None:
    """A number that a column can hold; None for anything else."""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS else None


def incident_id(number: int | None) -> str:
    return f"INC-{number}"


def alert_values(alert: Alert, sighting: Sighting, count: int) -> dict[str, Any]:
    """A row of `alerts`; `count` is what the count grows by."""
    burning = alert.burning and not alert.waived
    return {
        "fingerprint": alert.fingerprint,
        "system": alert.system,
        "environment": alert.environment,
        "kind": alert.kind.value,
        "state": alert.state.value,
        "incident": number_of(alert.incident) if alert.incident else None,
        "burning": burning,
        "hot": burning and alert.state is AlertState.FIRING and not alert.calm and not alert.muted,
        "muted_by": alert.muted.by if alert.muted else None,
        "wake_at": alert.wake_at,
        "version": alert.version + 1,
        "doc": _alert.dump_json(replace(alert, version=alert.version + 1)).decode(),
        "told": count,
        "first_seen_at": sighting.first_seen_at,
        **latest_values(sighting),
    }


def latest_values(sighting: Sighting) -> dict[str, Any]:
    """The columns of an alert that say when it was told of last, and with which figures."""
    return {
        "last_seen_at": sighting.last_seen_at,
        "last_firing_at": sighting.last_firing_at,
        "last_start": sighting.last_start,
        "last_order": sighting.last_order,
        "figures": sighting.figures,
    }


@lru_cache(maxsize=8_192)
def _parsed(doc: str) -> Alert:
    """The same alert is told of batch after batch, and seldom changes."""
    return _alert.validate_json(doc)


def alert_of(row: AnyRow) -> tuple[Alert, Sighting]:
    """An alert with its sighting."""
    alert = _parsed(row.doc)
    sighting = Sighting(
        count=row.told,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        last_firing_at=row.last_firing_at,
        last_start=row.last_start,
        last_order=row.last_order,
        figures=row.figures,
    )
    return alert, sighting


def incident_values(incident: Incident) -> dict[str, Any]:
    """A row of `incidents`."""
    people = {
        *incident.responders,
        incident.assignee,
        incident.acknowledged_by,
        *(a.person for a in incident.paging.asked),
    }
    return {
        "number": number_of(incident.id),
        "system": incident.system,
        "environment": incident.environment,
        "status": incident.status.value,
        "severity": incident.severity.value,
        "kinds": "," + "".join(f"{kind}," for kind in incident.kinds),
        "people": "," + "".join(f"{person}," for person in sorted(p for p in people if p)),
        "title": incident.title,
        "gathering": incident.gathering,
        "ownerless": incident.ownerless,
        "registered": incident.registered,
        "round": incident.paging.round,
        "opened_at": incident.opened_at,
        "wake_at": incident.wake_at,
        "version": incident.version,
        "head_seq": incident.head_seq,
        "head_hash": incident.head_hash,
        "doc": _incident.dump_json(incident).decode(),
    }


def incident_of(row: AnyRow) -> Incident:
    return incident_from(row.doc)


def incident_from(doc: str) -> Incident:
    return _incident.validate_json(doc)


def change_values(system: str, environment: str, change: Change) -> dict[str, Any]:
    """A row of `releases`."""
    return {
        "system": system,
        "environment": environment,
        "kind": change.kind,
        "name": change.name,
        "version": change.version,
        "deployed_at": change.deployed_at,
        "announced": change.announced,
        "doc": _change.dump_json(change).decode(),
    }


def change_of(doc: str) -> Change:
    return _change.validate_json(doc)


def fact_values(chained: ChainedFact) -> dict[str, Any]:
    """A row of `facts`."""
    fact = chained.fact
    return {
        "incident": number_of(fact.incident),
        "seq": chained.seq,
        "at": fact.at,
        "kind": fact.kind.value,
        "by_type": fact.by.type.value,
        "by_id": fact.by.id,
        "text": fact.text,
        "data": dict(fact.data),
        "previous": chained.previous,
        "hash": chained.hash,
    }


def fact_of(row: AnyRow) -> ChainedFact:
    data: Mapping[str, object] = row.data
    fact = Fact(
        incident=incident_id(row.incident),
        kind=FactKind(row.kind),
        at=row.at,
        by=Actor(type=ActorType(row.by_type), id=row.by_id),
        text=row.text,
        data=data,
    )
    return ChainedFact(seq=row.seq, fact=fact, previous=row.previous, hash=row.hash)


def effect_values(effect: Effect) -> dict[str, Any]:
    """A new row of `effects`."""
    return {
        "key": effect.key,
        "kind": effect.kind.value,
        "channel": effect.channel.value,
        "incident": number_of(effect.incident) if effect.incident else NO_INCIDENT,
        "target": effect.target,
        "data": dict(effect.data),
        "state": EffectState.DUE.value,
        "made_at": effect.due_at,
        "due_at": effect.due_at,
        "attempts": 0,
        "possible_repeat": False,
        "why": "",
    }


def silence_values(silence: Silence, *, begun: bool) -> dict[str, Any]:
    """A new row of `silences`; its id is given by the database."""
    return {
        "matchers": _matchers.dump_python(silence.matchers, mode="json"),
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "reason": silence.reason,
        "planned": _amount.dump_python(silence.planned, mode="json") if silence.planned else None,
        "by_id": silence.by,
        "made_at": silence.made_at,
        "begun": begun,
        "ended_by": silence.ended_by,
    }


def silence_of(row: AnyRow) -> Silence:
    return Silence(
        id=str(row.id),
        matchers=_matchers.validate_python(row.matchers),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason=row.reason,
        by=row.by_id,
        made_at=row.made_at,
        planned=_amount.validate_python(row.planned) if row.planned is not None else None,
        ended_by=row.ended_by,
    )


# --- runs -------------------------------------------------------------------------------------------------------------


def run_number(run: str) -> int | None:
    """7 of RUN-7; None for what is no run's id."""
    return whole(run.upper().removeprefix("RUN-"))


def run_id(number: int) -> str:
    return f"RUN-{number}"


def numbered(run: Run, number: int) -> Run:
    """A run that has just been given its number."""
    return replace(run, id=run_id(number))


def next_version(run: Run) -> Run:
    return replace(run, version=run.version + 1)


def run_values(run: Run) -> dict[str, Any]:
    """A row of `runs`, at the run's next version."""
    return {
        "incident": number_of(run.incident),
        "system": run.system,
        "environment": run.environment,
        "runbook": run.plan.runbook,
        "status": run.status.value,
        "active": run.status in ACTIVE,
        "requested_at": run.requested_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "expires_at": run.expires_at if run.status is RunStatus.PROPOSED else None,
        "ready_at": run.ready_at,
        "version": run.version + 1,
        "doc": _run.dump_json(next_version(run)).decode(),
    }


def run_of(row: AnyRow) -> Run:
    return _run.validate_json(row.doc)
