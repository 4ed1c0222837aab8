"""Lifecycle events: what other systems are told about an incident on the bus, one for each fact that moves it."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.estate import Estate
from incidents.core.fact import Fact, FactKind
from incidents.core.incident import Incident, Status

# Facts that are told, with the status that the incident has after each.
TOLD: Mapping[FactKind, Status] = MappingProxyType(
    {
        FactKind.OPENED: Status.TRIGGERED,
        FactKind.ACKNOWLEDGED: Status.ACKNOWLEDGED,
        FactKind.ESCALATED: Status.TRIGGERED,
        FactKind.MITIGATED: Status.MITIGATED,
        FactKind.RESOLVED: Status.RESOLVED,
        FactKind.REOPENED: Status.TRIGGERED,
        FactKind.CLOSED: Status.CLOSED,
    }
)


def type_of(kind: FactKind) -> str:
    """The CloudEvents type of the event that tells of a fact of this kind."""
    return f"ai.incident.{kind}.v1"


def events(incident: Incident, facts: Iterable[Fact], estate: Estate) -> Iterator[Effect]:
    """The events of facts that are about to follow the incident's newest, each under its fact's number."""
    if not estate.bus:
        return
    for seq, fact in enumerate(facts, incident.head_seq + 1):
        if fact.kind in TOLD:
            yield _event(incident, seq, fact, estate)


def _event(incident: Incident, seq: int, fact: Fact, estate: Estate) -> Effect:
    data = {
        "incident": incident.id,
        "system": incident.system,
        "environment": incident.environment,
        "severity": incident.severity.value,
        "status": TOLD[fact.kind].value,
        "title": incident.title,
        "url": f"{estate.public_url}/incidents/{incident.id}",
        "at": fact.at.isoformat(),
        "by": {"type": fact.by.type.value, "id": fact.by.id},
    }
    return Effect(
        key=f"event:{incident.id}:{seq}",
        kind=EffectKind.EVENT,
        channel=Channel.BUS,
        incident=incident.id,
        due_at=fact.at,
        data={"type": type_of(fact.kind), "source": f"{estate.public_url}/incidents", "data": data},
    )
