"""How a Kafka cluster is reached, whether it lets us in, and whether the topic is there."""

import asyncio
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from incidents.adapters.bus.address import KafkaAddress
from incidents.adapters.bus.health import BusAway, BusRefused

log = structlog.get_logger(__name__)

TOPIC = "ai.events"
PARTITIONS = 3
ANSWER = 5.0
BROKERS_CHOICE = -1  # the cluster's own default replication factor
TLS_FILES = {"cafile": "ssl.ca.location", "certfile": "ssl.certificate.location", "keyfile": "ssl.key.location"}
REFUSALS = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - confluent's public name for it
        KafkaError._SSL,  # noqa: SLF001 - the same
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
    }
)


def login(address: KafkaAddress) -> dict[str, Any]:
    """Return librdkafka's settings for who we are and how the line is protected."""
    settings: dict[str, Any] = {"security.protocol": address.protocol}
    if address.mechanism is not None:
        settings |= {
            "sasl.mechanism": address.mechanism,
            "sasl.username": address.user,
            "sasl.password": address.password,
        }
    return settings | {TLS_FILES[name]: value for name, value in address.options}


class Cluster:
    """Asks the cluster questions from outside the consumer, which is busy with its own."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._refusal: KafkaError | None = None
        settings: dict[str, Any] = {
            "bootstrap.servers": ",".join(address.servers),
            "client.id": "incidents",
            "log_level": 0,
            "error_cb": self._told,
        }
        self._admin = AdminClient(settings | login(address))

    def _told(self, error: KafkaError) -> None:
        if error.code() in REFUSALS:
            self._refusal = error

    async def topic(self, name: str, *, partitions: int) -> None:
        """Find the topic, or make it and say so; raises `BusAway` or `BusRefused`."""
        if not await self.has(name):
            await asyncio.to_thread(self._create, name, partitions)

    async def has(self, topic: str) -> bool:
        """Return whether the topic is there; raises `BusAway` or `BusRefused`."""
        return await asyncio.to_thread(self._has, topic)

    def _has(self, topic: str) -> bool:
        try:
            found = self._admin.list_topics(topic, timeout=ANSWER).topics[topic]
        except KafkaException as error:
            raise self._answer(error) from error
        if found.error is None:
            return True
        if found.error.code() in {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}:  # noqa: SLF001 - as above
            return False
        raise self._answer(KafkaException(found.error))

    def _create(self, name: str, partitions: int) -> None:
        topic = NewTopic(name, num_partitions=partitions, replication_factor=BROKERS_CHOICE)
        try:
            self._admin.create_topics([topic], operation_timeout=ANSWER, request_timeout=ANSWER)[name].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self._answer(error) from error
            return
        log.info("made the topic, because it was missing", topic=name, partitions=partitions)

    def _answer(self, error: KafkaException) -> BusAway | BusRefused:
        # A refused login shows as a time-out; the reason comes by the error callback, which poll() calls.
        self._admin.poll(0)
        reason: KafkaError = self._refusal or error.args[0]
        if reason.code() in REFUSALS:
            return BusRefused(f"{self._address.shown} refuses: {reason.str()}")
        return BusAway(f"{self._address.shown} is away: {reason.str()}")
