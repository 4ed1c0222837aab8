"""The JSON Schemas that editors use."""

from typing import Any, Literal, get_args

import pytest

from incidents.adapters.files import catalog_from_texts, catalog_text, schema

Which = Literal["catalog", "policy", "runbook", "step", "connections"]
CATALOG_KEYS = {
    "version",
    "defaults",
    "people",
    "teams",
    "holidays",
    "schedules",
    "escalations",
    "maintenance",
    "systems",
}


def objects(part: object) -> list[dict[str, Any]]:
    """Every object with named keys in a schema."""
    found = []
    if isinstance(part, dict):
        found += [part] if "properties" in part else []
        for inner in part.values():
            found += objects(inner)
    elif isinstance(part, list):
        for inner in part:
            found += objects(inner)
    return found


STEP_KEYS = {
    *("id", "title", "type", "when", "text", "on_failure", "look", "request", "expect", "status", "undo"),
    *("irreversible", "idempotent", "retries", "delay", "timeout", "role", "approval", "wait", "choices"),
}


@pytest.mark.parametrize(
    ("which", "required", "keys"),
    [
        ("catalog", ["version"], CATALOG_KEYS),
        (
            "policy",
            ["version"],
            {
                "version",
                "severity",
                "alerts",
                "incidents",
                "escalation",
                "monitors",
                "audit",
                "quiet",
                "verification",
                "tasks",
                "overrides",
            },
        ),
        ("connections", ["version"], {"version", "connections"}),
        ("runbook", ["id", "title"], {"id", "title", "applies_to", "owner", "last_reviewed", "parameters"}),
        ("step", ["id", "title", "type"], STEP_KEYS),
    ],
)
def test_a_schema_tells_what_is_required_and_refuses_what_it_does_not_know(
    which: Which, required: list[str], keys: set[str]
) -> None:
    made = schema(which)

    assert made["$schema"].startswith("https://json-schema.org/")
    assert made["required"] == required
    assert set(made["properties"]) == keys
    assert all(part["additionalProperties"] is False for part in objects(made))
    assert set(required) <= set(made["examples"][0])


@pytest.mark.parametrize("which", [which for which in get_args(Which) if which != "step"])
def test_a_schema_never_offers_null(which: Which) -> None:
    assert '"null"' not in repr(schema(which)).replace("'", '"')
    assert "None" not in repr(schema(which))


def test_the_policy_schema_explains_every_number_and_writes_durations_as_the_file_does() -> None:
    made = schema("policy")

    sections = [made["$defs"][name] for name in ("AlertsEntry", "IncidentsEntry", "EscalationEntry", "CostEntry")]
    keys = {name: key for section in sections for name, key in section["properties"].items()}
    assert [name for name, key in keys.items() if "description" not in key] == []
    assert keys["sev1"]["default"] == "5m"
    assert keys["fallback_after"]["default"] == "30s"
    assert keys["nothing_changed_for"]["default"] == "7d"
    assert keys["over"]["exclusiveMinimum"] == 0


def test_the_schema_of_a_step_explains_every_key() -> None:
    made = schema("step")

    for part in objects(made):
        assert [name for name, key in part["properties"].items() if "description" not in key] == []


def test_the_schemas_of_a_runbook_and_of_its_steps_let_values_stand_without_quotes() -> None:
    made = schema("step")["$defs"]["RequestEntry"]["properties"]
    default = schema("runbook")["$defs"]["ParameterEntry"]["properties"]["default"]

    assert "null" in made["body"]["type"]
    (query,) = made["query"]["patternProperties"].values()
    assert query["type"] == default["type"] == ["string", "number", "boolean"]


def test_the_runbook_schema_lets_one_kind_stand_without_brackets() -> None:
    one, many = schema("runbook")["$defs"]["AppliesToEntry"]["properties"]["kind"]["anyOf"]

    assert one == many["items"] == {"$ref": "#/$defs/Kind"}


def test_the_catalog_schema_writes_a_time_of_day_as_the_file_does() -> None:
    at = schema("catalog")["$defs"]["RotationEntry"]["properties"]["at"]

    assert at["default"] == "09:00"


def test_no_value_fits_both_forms_of_a_team_or_of_holidays() -> None:
    found = schema("catalog")["properties"]
    people, members = next(iter(found["teams"]["patternProperties"].values()))["oneOf"]
    dates, feed = next(iter(found["holidays"]["patternProperties"].values()))["oneOf"]

    assert (people["type"], members) == ("array", {"$ref": "#/$defs/TeamEntry"})
    assert (dates["additionalProperties"], feed) == (False, {"$ref": "#/$defs/HolidayFeedEntry"})


def test_the_example_of_the_catalog_schema_is_a_catalog() -> None:
    example = schema("catalog")["examples"][0]

    assert catalog_from_texts([("catalog.yaml", catalog_text(example))]).notes == ()
