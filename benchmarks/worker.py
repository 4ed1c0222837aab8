"""One measured process: the road, or the bare client, until so many events are taken; prints what it took as JSON."""

import asyncio
import json
import resource
import sqlite3
import sys
import time
from pathlib import Path

import aio_pika
import uvloop

from benchmarks.load import Load, content_type
from incidents.adapters.bus import bus_address, open_bus
from incidents.app.logs import configure
from incidents.app.memory import settle
from incidents.app.settings import Settings
from incidents.app.wiring import build
from incidents.core.delivery import Delivery, Origin
from incidents.flow.ports import Taken

_COLUMNS = (
    "source text, event text, type text, system text, environment text, fingerprint text, at text, hash text, body blob"
)


class Meter:
    """Wall and processor time from the first event to the last, and the largest memory."""

    def __init__(self) -> None:
        self._wall: float | None = None
        self._cpu = 0.0

    def start(self) -> None:
        if self._wall is None:
            self._wall, self._cpu = time.perf_counter(), time.process_time()

    def told(self, events: int) -> dict[str, float]:
        wall = time.perf_counter() - (self._wall or 0)
        return {
            "rate": events / wall,
            "cpu_us": 1e6 * (time.process_time() - self._cpu) / events,
            "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


async def bare(url: str, messages: int) -> dict[str, float]:
    """Consume and acknowledge many at once, and nothing else."""
    meter, left, done = Meter(), messages, asyncio.Event()
    connection = await aio_pika.connect(url)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1_000)
    queue = await channel.get_queue("incidents.intake")

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        nonlocal left
        meter.start()
        left -= 1
        if left % 200 == 0:
            await message.ack(multiple=True)
        if left == 0:
            done.set()

    await queue.consume(take)
    await done.wait()
    told = meter.told(messages)
    await connection.close()
    return told


async def road(url: str, events: int, settings: Settings) -> dict[str, float]:
    """The bus adapter, the intake and the database, until every event is committed and answered."""
    parts, meter, left, done = await build(settings, carriers=()), Meter(), events, asyncio.Event()
    settle()
    submit = parts.intake.submit

    def counted(delivery: Delivery) -> asyncio.Future[Taken]:
        meter.start()
        future = submit(delivery)
        future.add_done_callback(answered)
        return future

    def answered(future: asyncio.Future[Taken]) -> None:
        nonlocal left
        taken = future.result()
        left -= taken.accepted + taken.duplicates
        if left <= 0:
            done.set()

    parts.intake.submit = counted  # type: ignore[method-assign]
    running = asyncio.create_task(parts.intake.run())
    bus = open_bus(bus_address(url), parts.intake)
    await bus.start()
    await done.wait()
    told = meter.told(events)
    await bus.stop()
    parts.intake.stop()
    await running
    await parts.close()
    return told


async def within(events: int, settings: Settings) -> dict[str, float]:
    """The intake and the database, without a bus."""
    parts = await build(settings, carriers=())
    running = asyncio.create_task(parts.intake.run())
    deliveries = [
        Delivery(body=body, content_type=content_type(1), origin=Origin.RABBITMQ, position="benchmark")
        for body in Load().messages(events, 1)
    ]
    settle()
    meter = Meter()
    meter.start()
    await asyncio.gather(*[parts.intake.submit(delivery) for delivery in deliveries])
    told = meter.told(events)
    parts.intake.stop()
    await running
    await parts.close()
    return told


def rows_alone(path: Path, events: int) -> dict[str, float]:
    """SQLite alone, as safely: the event rows by executemany, 500 to a transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"pragma journal_mode=wal; pragma synchronous=full; create table events ({_COLUMNS});")
    told = ("ai.drift.measured.v1", "system-1", "production", "f" * 32, "2026", "h" * 64, b"x" * 650)
    rows = [("monitor.example.com/drift", f"{number}", *told) for number in range(events)]
    meter = Meter()
    meter.start()
    for start in range(0, events, 500):
        connection.execute("begin immediate")
        connection.executemany("insert into events values (?,?,?,?,?,?,?,?,?)", rows[start : start + 500])
        connection.execute("commit")
    taken = meter.told(events)
    connection.close()
    return taken


def main() -> None:
    kind, url, events, database = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    configure("error")
    settings = Settings(database_url=database, port=0)
    match kind:
        case "bare":
            told = uvloop.run(bare(url, events))
        case "road":
            told = uvloop.run(road(url, events, settings))
        case "within":
            told = uvloop.run(within(events, settings))
        case _:
            told = rows_alone(Path(database.partition(":///")[2]), events)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
