"""The combinations of servers that stories are told on; each server is started once, when first asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rig import Slack
from tests.stories.street import Lot

MARKS = {"rabbitmq": pytest.mark.rabbit, "kafka": pytest.mark.kafka, "postgresql": pytest.mark.postgres}
FIXTURES = {"rabbitmq": "rabbitmq_url", "kafka": "kafka_url", "postgresql": "postgres_url"}


def combination(bus: str, database: str) -> object:
    marks = [MARKS[part] for part in (bus, database) if part in MARKS]
    return pytest.param((bus, database), id=f"{bus}-{database}", marks=[pytest.mark.emulator, *marks])


FULL = [combination("rabbitmq", "postgresql"), combination("kafka", "postgresql"), combination("http", "sqlite")]
REST = [combination("rabbitmq", "sqlite"), combination("kafka", "sqlite"), combination("http", "postgresql")]
Survey = Callable[[str, str], Lot]


@pytest.fixture
def survey(request: pytest.FixtureRequest, slack: Slack, slack_url: str, tmp_path: Path) -> Survey:
    """Gives the lot for a bus and a database, starting only what it needs."""

    def lot(bus: str, database: str) -> Lot:
        sqlite = f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"
        return Lot(
            database=request.getfixturevalue(FIXTURES[database]) if database in FIXTURES else sqlite,
            bus=request.getfixturevalue(FIXTURES[bus]) if bus in FIXTURES else None,
            slack=slack_url,
            slack_token=slack.token,
            folder=tmp_path,
        )

    return lot


@pytest.fixture
def lot(request: pytest.FixtureRequest, survey: Survey) -> Lot:
    """The lot of a test's combination."""
    bus, database = request.param
    return survey(bus, database)
