"""Real servers, started when first asked for and ended with the run; what was not covered is said at the end."""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest

from tests.rig import Kafka, Missing, Mlflow, Postgres, RabbitMQ, Server, Slack
from tests.rig.schema import brought_up_to_date

REQUIRED = os.environ.get("INCIDENTS_REQUIRE_REAL") == "1"
HELPERS = ("adapters", "app", "core", "fakes", "faults", "flow", "make", "make_events", "make_inventory", "stories")
STREET = {"postgres": "postgres", "rabbitmq": "rabbit", "kafka": "kafka", "slack": "emulator"}
MARKERS = {**STREET, "mlflow": "mlflow"}
Part = TypeVar("Part", bound=Server)
NOT_COVERED = pytest.StashKey[Counter[str]]()

pytest.register_assert_rewrite(*(f"tests.{part}" for part in HELPERS))  # so that a helper too shows what it compared


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOT_COVERED] = Counter()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        used = [marker for part, marker in MARKERS.items() if part in getattr(item, "fixturenames", ())]
        for marker in (*used, *(["story"] if {*STREET.values()} <= {*used} else [])):
            item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    try:
        return (yield)
    except Missing as missing:
        raise not_covered(item, missing) from missing


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    try:
        return (yield)
    except Missing as missing:
        raise not_covered(item, missing) from missing


def not_covered(item: pytest.Item, missing: Missing) -> BaseException:
    item.config.stash[NOT_COVERED][str(missing)] += 1
    return pytest.fail.Exception(str(missing)) if REQUIRED else pytest.skip.Exception(str(missing))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    yield  # these lines come after pytest's own
    for reason, tests in sorted(config.stash[NOT_COVERED].items()):
        terminalreporter.write_line(f"Not covered on this machine ({tests} tests): {reason}", yellow=True)


def started(part: type[Part]) -> Iterator[Part]:
    server = part()
    yield server
    server.end()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    yield from started(Postgres)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    yield from started(RabbitMQ)


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    yield from started(Kafka)


@pytest.fixture(scope="session")
def slack() -> Iterator[Slack]:
    yield from started(Slack)


@pytest.fixture(scope="session")
def mlflow() -> Iterator[Mlflow]:
    yield from started(Mlflow)


@pytest.fixture(scope="session")
def upgraded_postgres(postgres: Postgres) -> Iterator[str]:
    """Give the URL of a database that others are copied from."""
    url = brought_up_to_date(postgres.fresh())
    yield url
    postgres.drop(url)


@pytest.fixture
def pg_url(postgres: Postgres, upgraded_postgres: str) -> Iterator[str]:
    """Give the URL of a PostgreSQL database whose schema is up to date."""
    url = postgres.fresh(like=upgraded_postgres)
    yield url
    postgres.drop(url)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Give the URL of an empty database."""
    url = postgres.fresh()
    yield url
    postgres.drop(url)


@pytest.fixture
def rabbitmq_url(rabbitmq: RabbitMQ) -> Iterator[str]:
    """Give the URL of an unused virtual host."""
    url = rabbitmq.fresh()
    yield url
    rabbitmq.drop(url)


@pytest.fixture
def kafka_url(kafka: Kafka) -> str:
    """Give the URL of a broker without topics and groups."""
    return kafka.fresh()


@pytest.fixture
def slack_url(slack: Slack) -> str:
    """Give the Web API URL of an emulator that holds no message."""
    return slack.fresh()
