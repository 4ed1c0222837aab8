"""Fresh parts for each test: a migrated database, a virtual host or topic, and a Slack with a ledger."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incidents.adapters.files import shipped
from incidents.adapters.store.database import Database
from incidents.adapters.store.schema import upgrade
from tests.faults.household import Household, SlackTown
from tests.faults.roads import HttpRoad, KafkaRoad, RabbitRoad, Road
from tests.rig import Kafka, Postgres, RabbitMQ

RABBIT_ON_POSTGRES = pytest.param(
    ("rabbitmq", "postgresql"), id="rabbitmq-postgresql", marks=[pytest.mark.rabbit, pytest.mark.postgres]
)
KAFKA_ON_POSTGRES = pytest.param(
    ("kafka", "postgresql"), id="kafka-postgresql", marks=[pytest.mark.kafka, pytest.mark.postgres]
)
HTTP_ON_SQLITE = pytest.param(("http", "sqlite"), id="http-sqlite")
HOUSES = [RABBIT_ON_POSTGRES, KAFKA_ON_POSTGRES, HTTP_ON_SQLITE]
BUSES = [RABBIT_ON_POSTGRES, KAFKA_ON_POSTGRES]

Pair = tuple[Household, Road]


def migrated(url: str) -> None:
    async def up() -> None:
        database = Database(url)
        try:
            await upgrade(database, shipped("migrations"))
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, up()).result()


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> Iterator[str]:
    url = postgres.fresh()
    migrated(url)
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "incidents.db"
    migrated(f"sqlite+aiosqlite:///{file}")
    return file


@pytest.fixture
def fresh_postgres(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    url = postgres.fresh(like=postgres_template)
    yield url
    postgres.drop(url)


@pytest.fixture
def fresh_sqlite(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'incidents.db')}"


@pytest.fixture
def slack_town(tmp_path: Path) -> Iterator[SlackTown]:
    town = SlackTown(tmp_path)
    yield town
    town.end()


@pytest.fixture
def rabbit_road(rabbitmq: RabbitMQ) -> Iterator[RabbitRoad]:
    url = rabbitmq.fresh()
    yield RabbitRoad(url)
    rabbitmq.drop(url)


@pytest.fixture
def kafka_road(kafka: Kafka) -> Iterator[KafkaRoad]:
    road = KafkaRoad(kafka)
    road.forget()
    yield road
    road.forget()


@pytest.fixture
async def house(request: pytest.FixtureRequest, slack_town: SlackTown) -> AsyncIterator[Pair]:
    """A household on the bus and the database that the test names, and the road to it."""
    bus, database = request.param
    url: str = request.getfixturevalue({"postgresql": "fresh_postgres", "sqlite": "fresh_sqlite"}[database])
    road: Road | None = None
    if bus != "http":
        road = request.getfixturevalue({"rabbitmq": "rabbit_road", "kafka": "kafka_road"}[bus])
    household = Household(database=url, bus=road.bus_url if road else None, slack=slack_town)
    yield household, road or HttpRoad(household.url)
    await household.end()
