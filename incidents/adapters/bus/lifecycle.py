"""What other systems are told about incidents: one CloudEvent each, in the shape that its JSON Schema describes."""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from incidents.adapters.bus.publisher import Message
from incidents.core.fact import ActorType
from incidents.core.incident import Status
from incidents.core.lifecycle import TOLD, type_of
from incidents.core.severity import Severity
from incidents.flow.ports import Message as Told

OUTLET = "ai.incidents"  # the exchange, and the topic
MEDIA_TYPE = "application/cloudevents+json"


class By(BaseModel):
    """Who did it."""

    model_config = ConfigDict(extra="forbid")

    type: ActorType
    id: str = Field(description="A person of the catalog, a monitor by its source, or `incidents` itself.")


class IncidentMoved(BaseModel):
    """The `data` of every event on `ai.incidents`; which move it was is said by the event's type."""

    model_config = ConfigDict(extra="forbid")

    incident: str = Field(description="The incident, as INC-1; the event's subject and, on Kafka, its key.")
    system: str
    environment: str
    severity: Severity
    status: Status = Field(description="The status of the incident after the move.")
    title: str = Field(description="For people: it may hold words of others, so escape it wherever it is shown.")
    url: str = Field(description="The page of the incident.")
    at: AwareDatetime = Field(description="When it moved.")
    by: By


def message(told: Told) -> Message:
    """The CloudEvent of an effect; its id is the effect's key, and the same however often it is sent."""
    moved = IncidentMoved.model_validate(told.data["data"])
    type_ = str(told.data["type"])
    envelope = {
        "specversion": "1.0",
        "id": told.key,
        "source": str(told.data["source"]),
        "type": type_,
        "subject": moved.incident,
        "time": _zulu(moved.at),
        "datacontenttype": "application/json",
        "data": {**moved.model_dump(mode="json"), "at": _zulu(moved.at)},
    }
    return Message(body=json.dumps(envelope).encode(), content_type=MEDIA_TYPE, type=type_, key=moved.incident)


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def event_schema() -> dict[str, Any]:
    """The JSON Schema of an event's data, with the types that it comes under."""
    types = [type_of(kind) for kind in TOLD]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **IncidentMoved.model_json_schema(mode="serialization"),
        "title": "incidents event",
        "description": f"The data of {', '.join(types)}. An event may come more than once, with the same id.",
        "examples": [_EXAMPLE],
    }


_EXAMPLE = {
    "incident": "INC-1",
    "system": "credit-scoring",
    "environment": "production",
    "severity": "sev2",
    "status": "mitigated",
    "title": "Credit scoring: drift",
    "url": "https://incidents.example.com/incidents/INC-1",
    "at": "2026-11-25T12:00:00Z",
    "by": {"type": "person", "id": "ada"},
}
