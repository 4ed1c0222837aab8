"""The real servers the tests run against, each a child process with its own folder and ports."""

from tests.rig.child import Missing
from tests.rig.kafka import Kafka
from tests.rig.mlflow import Mlflow
from tests.rig.postgres import Postgres
from tests.rig.rabbit import RabbitMQ
from tests.rig.server import Server
from tests.rig.slack import Slack

__all__ = ["Kafka", "Missing", "Mlflow", "Postgres", "RabbitMQ", "Server", "Slack"]
