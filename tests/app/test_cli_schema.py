"""Every schema that is published is printed too, the same one."""

import json

import pytest

from incidents.app.cli.checking import SchemaName
from incidents.app.schemas import schemas
from tests.app.desk import Desk


def test_each_published_schema_has_a_name_on_the_command_line() -> None:
    assert {name.value for name in SchemaName} == set(schemas())


@pytest.mark.parametrize("which", SchemaName)
def test_a_schema_is_printed(desk: Desk, which: SchemaName) -> None:
    said = desk.type("schema", which.value)
    assert said.code == 0
    assert json.loads(said.out) == json.loads(json.dumps(schemas()[which]))
