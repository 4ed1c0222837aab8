"""The JSON Schemas of the files, for editors."""

from datetime import time, timedelta
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from incidents.adapters.files.catalog_shape import CatalogFile
from incidents.adapters.files.connections_shape import ConnectionsFile
from incidents.adapters.files.policy_shape import PolicyFile
from incidents.adapters.files.runbook_shape import RunbookFront
from incidents.adapters.files.shape import written
from incidents.adapters.files.step_shape import StepEntry

_SHAPES: dict[str, type[BaseModel]] = {
    "catalog": CatalogFile,
    "policy": PolicyFile,
    "runbook": RunbookFront,
    "step": StepEntry,
    "connections": ConnectionsFile,
}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "catalog": {
        "version": 1,
        "defaults": {"owner": "lee", "channel": "#ai-incidents", "timezone": "Europe/London"},
        "people": {"lee": {"name": "Lee Park", "email": "lee@example.com"}, "ada": {"name": "Ada Okoye"}},
        "schedules": {"ml-oncall": {"rotation": {"people": ["ada", "lee"], "since": "2024-01-01"}}},
        "escalations": {"night": {"rungs": [["kind", "ml-oncall"], "accountable"], "patience": {"sev1": "3m"}}},
        "systems": {"credit-scoring": {"criticality": "high", "owners": {"accountable": "lee"}, "escalation": "night"}},
    },
    "policy": {"version": "2026-11-1", "escalation": {"sev2": "10m"}},
    "runbook": {"id": "rollback-model", "title": "Roll the model back", "applies_to": {"kind": "drift"}},
    "step": {
        "id": "off",
        "title": "Switch {{ parameters.flag }} off",
        "type": "http",
        "request": {"connection": "unleash", "method": "POST", "path": "/api/flags/{{ parameters.flag }}/off"},
        "undo": {"request": {"connection": "unleash", "method": "POST", "path": "/api/flags/{{ parameters.flag }}/on"}},
        "idempotent": True,
    },
    "connections": {
        "version": 1,
        "connections": {
            "mlflow": {
                "url": "https://mlflow.example.com:5000",
                "auth": {"bearer": {"env": "MLFLOW_TOKEN"}},
                "inside": True,
                "rate": "60/m",
            }
        },
    },
}


Which = Literal["catalog", "policy", "runbook", "step", "connections"]


class _Strict(GenerateJsonSchema):
    """Leaves null out, since an empty value is refused, and writes durations and times as the files do."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made, default = super().default_schema(schema), schema.get("default")
        if isinstance(default, timedelta):
            return {**made, "default": written(default)}
        if isinstance(default, time):
            return {**made, "default": f"{default:%H:%M}"}
        if "default" in made and (isinstance(made["default"], dict) or not made["default"]):
            del made["default"]
        return made

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - a key is title enough
        return False


def schema(which: Which) -> dict[str, Any]:
    """The JSON Schema of a catalog, a policy, a runbook's front matter or a step of it, or a file of connections."""
    made = _SHAPES[which].model_json_schema(mode="validation", schema_generator=_Strict)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": f"incidents {which}",
        "examples": [_EXAMPLES[which]],
    }
