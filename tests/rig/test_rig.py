"""Every real part starts, answers, and keeps after a power cut what it said it had."""

import aio_pika
import asyncpg
import pytest
from confluent_kafka import Consumer, Producer
from slack_sdk.web.async_client import AsyncWebClient

from tests.rig import Kafka, Mlflow, Postgres, RabbitMQ, Slack


async def test_postgres_keeps_a_committed_row_through_a_power_cut(postgres: Postgres, postgres_url: str) -> None:
    postgres.tell("CREATE TABLE fact (said text)", url=postgres_url)
    postgres.tell("INSERT INTO fact VALUES ('opened')", url=postgres_url)

    postgres.kill9()
    postgres.start()

    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    assert await connection.fetchval("SELECT said FROM fact") == "opened"
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await connection.close()


async def test_a_fresh_database_may_be_a_copy_of_a_prepared_one(postgres: Postgres, postgres_url: str) -> None:
    postgres.tell("CREATE TABLE prepared AS SELECT 42 AS answer", url=postgres_url)

    copy = postgres.fresh(like=postgres_url)

    connection = await asyncpg.connect(copy.replace("+asyncpg", ""))
    assert await connection.fetchval("SELECT answer FROM prepared") == 42
    await connection.close()
    postgres.drop(copy)


async def test_rabbitmq_keeps_a_confirmed_message_through_a_power_cut(rabbitmq: RabbitMQ, rabbitmq_url: str) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"opened", delivery_mode=2), routing_key=queue.name)

    rabbitmq.kill9()
    rabbitmq.start()

    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("kept")
        message = await queue.get(timeout=10)
        assert message is not None
        assert message.body == b"opened"
        await message.ack()


async def test_one_virtual_host_does_not_see_the_queues_of_another(rabbitmq: RabbitMQ, rabbitmq_url: str) -> None:
    if rabbitmq.is_outside:
        pytest.skip("a broker that is not ours has one virtual host for all tests")
    other = rabbitmq.fresh()
    async with await aio_pika.connect(rabbitmq_url) as connection:
        await (await connection.channel()).declare_queue("mine")
    async with await aio_pika.connect(other) as connection:
        channel = await connection.channel()
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await channel.get_queue("mine")
    rabbitmq.drop(other)


def test_kafka_keeps_an_acknowledged_message_through_a_power_cut(kafka: Kafka, kafka_url: str) -> None:
    assert kafka_url.endswith(kafka.bootstrap)
    kafka.make_topic("kept")
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all"})
    producer.produce("kept", b"opened")
    assert producer.flush(10) == 0

    kafka.kill9()
    kafka.start()

    assert read(kafka, "kept") == b"opened"


def test_fresh_kafka_has_no_topic_and_no_group_left(kafka: Kafka) -> None:
    kafka.make_topic("left")
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce("left", b"over")
    producer.flush(10)
    assert read(kafka, "left") == b"over"

    kafka.fresh()

    assert kafka.topics() == set()
    assert kafka.groups() == set()


def test_fresh_kafka_does_not_wait_for_a_member_that_died(kafka: Kafka) -> None:
    kafka.make_topic("held")
    holder = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "held", "session.timeout.ms": 45000})
    holder.subscribe(["held"])
    while not holder.assignment():
        holder.poll(0.1)

    kafka.fresh()

    assert kafka.groups() == set()
    holder.close()


async def test_the_emulator_keeps_a_post_with_its_metadata_until_it_restarts(slack: Slack, slack_url: str) -> None:
    client = AsyncWebClient(token=slack.token, base_url=slack_url)
    said = {"event_type": "page", "event_payload": {"incident": "INC-1"}}

    posted = await client.chat_postMessage(channel="ai-incidents", text="SEV2", metadata=said)

    asked = {"channel": posted["channel"], "include_all_metadata": "true"}
    history = await client.api_call("conversations.history", data=asked)
    assert history["messages"][0]["metadata"] == said

    slack.restart()

    found = await client.api_call("conversations.list", data={})
    channel = next(one["id"] for one in found["channels"] if one["name"] == "ai-incidents")
    assert (await client.api_call("conversations.history", data={"channel": channel}))["messages"] == []


async def test_the_emulator_knows_people_by_their_addresses(slack: Slack, slack_url: str) -> None:
    slack.fresh(people=["nurse"])
    client = AsyncWebClient(token=slack.token, base_url=slack_url)

    found = await client.api_call("users.lookupByEmail", data={"email": "nurse@example.com"})
    opened = await client.api_call("conversations.open", data={"users": found["user"]["id"]})

    assert opened["channel"]["id"].startswith("D")


def read(kafka: Kafka, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    message = consumer.poll(20)
    while message is not None and message.error():
        message = consumer.poll(20)
    consumer.close()
    return message.value() if message else None


def test_mlflow_keeps_an_alias_through_a_power_cut(mlflow: Mlflow) -> None:
    mlflow.register("kept", 2, alias="champion", at=2)
    mlflow.say("registered-models/alias", name="kept", alias="champion", version="1")

    mlflow.kill9()
    mlflow.start()

    assert mlflow.version("kept", "champion") == "1"
