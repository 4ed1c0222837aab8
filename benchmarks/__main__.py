"""Starts real servers, measures every line of the table several times, and prints medians and ratios."""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import aio_pika
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import inventory, routing
from benchmarks.latency import fake_slack, measure
from benchmarks.load import Load, content_type
from tests.rig import Postgres, RabbitMQ
from tests.rig.child import free_ports

Told = dict[str, float]


def worker(kind: str, url: str, events: int, database: str) -> Told:
    """Run one measured process and read what it took."""
    command = [sys.executable, "-m", "benchmarks.worker", kind, url, str(events), database]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise SystemExit(f"{kind} failed:\n{done.stderr[-2_000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


async def fill(url: str, bodies: list[bytes], kind: str) -> None:
    """Put messages into the queue that the road consumes, and wait until the broker has all of them."""
    connection = await aio_pika.connect(url)
    channel = await connection.channel(publisher_confirms=True)
    exchange = await channel.declare_exchange("ai.events", aio_pika.ExchangeType.TOPIC, durable=True)
    arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 1_000}
    queue = await channel.declare_queue("incidents.intake", durable=True, arguments=arguments)
    await queue.bind(exchange, "ai.#")
    for start in range(0, len(bodies), 1_000):
        part = bodies[start : start + 1_000]
        messages = [aio_pika.Message(body, content_type=kind, delivery_mode=2) for body in part]
        await asyncio.gather(*[exchange.publish(message, "ai.drift.measured.v1") for message in messages])
    await connection.close()


class Bench:
    """Runs each measure so many times and keeps the medians."""

    def __init__(self, runs: int, events: int) -> None:
        self.runs, self.events = runs, events
        self.table = Table("measure", "events/s [min-max]", "CPU us/event", "peak RSS MB", "ratio", "aim")

    def several(self, measured: Callable[[], Told]) -> list[Told]:
        return [measured() for _ in range(self.runs)]

    def row(self, name: str, told: list[Told], against: list[Told] | None = None, aim: str = "") -> None:
        rates = [each["rate"] for each in told]
        ratio = f"{median(rates) / median(each['rate'] for each in against):.2f}" if against else ""
        spread = f"{median(rates):,.0f} [{min(rates):,.0f}-{max(rates):,.0f}]"
        cpu, rss = median(e["cpu_us"] for e in told), max(e["rss_mb"] for e in told)
        self.table.add_row(name, spread, f"{cpu:.0f}", f"{rss:.0f}", ratio, aim)


def rabbit(bench: Bench, broker: RabbitMQ, postgres: Postgres) -> None:
    """RabbitMQ to PostgreSQL, one event to a message and fifty, each against the bare client on the same queue."""

    def filled(kind: str, per_message: int, events: int, database: str) -> Told:
        url = broker.fresh()
        messages = Load().messages(events, per_message)
        asyncio.run(fill(url, messages, content_type(per_message)))
        time.sleep(1)  # the broker settles
        told = worker(kind, url, events if kind == "road" else len(messages), database)
        broker.drop(url)
        return told

    bare = bench.several(lambda: filled("bare", 1, bench.events, "sqlite:///none"))
    bench.row("bare aio-pika, consume and acknowledge", bare)
    one = bench.several(lambda: filled("road", 1, bench.events, postgres.fresh()))
    bench.row("RabbitMQ, 1 per message -> PostgreSQL", one, bare, ">= 0.45")
    fifty = bench.several(lambda: filled("road", 50, 3 * bench.events, postgres.fresh()))
    bench.row("RabbitMQ, 50 per message -> PostgreSQL", fifty, bare, ">= 2.0")


def sqlite(bench: Bench) -> None:
    """In process to SQLite, against the rows of the events alone."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range(1_000))

        def path() -> str:
            return f"sqlite+aiosqlite:///{folder}/{next(numbers)}.db"

        alone = bench.several(lambda: worker("rows", "", bench.events, path()))
        bench.row("sqlite3 executemany of the rows alone", alone)
        within = bench.several(lambda: worker("within", "", bench.events, path()))
        bench.row("in process -> SQLite, synchronous FULL", within, alone, ">= 0.20")


async def pages(broker: RabbitMQ, postgres: Postgres, count: int) -> list[Told]:
    """Publish to page at 200 events a second."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        slack = fake_slack(port, folder)
        try:
            await asyncio.sleep(2)
            return [
                await measure(broker.fresh(), postgres.fresh(), f"http://127.0.0.1:{port}/api/", rate=200, pages=count)
            ]
        finally:
            slack.terminate()
            slack.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each measure; the median is shown")
    parser.add_argument("--events", type=int, default=20_000, help="in one run")
    parser.add_argument("--pages", type=int, default=200, help="whose way to Slack is timed")
    parser.add_argument("--only-pages", action="store_true", help="leave the throughput out")
    asked = parser.parse_args()
    console, bench = Console(width=130), Bench(asked.runs, asked.events)
    broker, postgres = RabbitMQ(), Postgres()
    try:
        if not asked.only_pages:
            with console.status("RabbitMQ to PostgreSQL"):
                rabbit(bench, broker, postgres)
            with console.status("SQLite"):
                sqlite(bench)
            console.print(bench.table)
        with console.status("from publishing to the page"):
            for told in uvloop.run(pages(broker, postgres, asked.pages)):
                console.print(
                    f"publish -> page answered by Slack at {told['rate']:.0f} events/s, {told['pages']:.0f} pages: "
                    f"p50 {told['p50_ms']:.1f} ms, p99 {told['p99_ms']:.1f} ms"
                )
    finally:
        broker.end()
        postgres.end()
    # Last: a child's peak memory is never less than what this process had when it was started.
    console.print(inventory.report(asked.runs))
    console.print(routing.report())


if __name__ == "__main__":
    main()
