"""From the moment an event is published to the moment Slack has answered its page, under a steady load of readings."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

from pydantic import SecretStr

from benchmarks.load import Load, content_type
from incidents.adapters.bus import Message, Publisher, bus_address, open_bus, open_publisher
from incidents.adapters.slack import SlackApi, SlackCarrier
from incidents.app.memory import settle
from incidents.app.settings import Settings
from incidents.app.wiring import build
from incidents.core.effect import EffectKind
from incidents.flow.ports import Message as Carried
from incidents.flow.ports import Outcome
from tests.fakes.slack import CHANNEL, TOKEN

_CATALOG = """
version: 1
defaults: {owner: ada, timezone: UTC}
people: {ada: {name: Ada, slack: U01ADA00000}}
systems:
"""
_OWNERS = "{accountable: ada, model: ada, operational: ada, data: ada, governance: ada}"
_SYSTEM = "  pager-%d: {title: Pager %d, criticality: critical, owners: " + _OWNERS + "}\n"


class _Timed(SlackCarrier):
    """Slack's carrier, with the moment of each page's answer noted."""

    def __init__(self, api: SlackApi) -> None:
        super().__init__(api)
        self.answered: dict[str, float] = {}
        self._more = asyncio.Event()

    async def all_answered(self, pages: int) -> None:
        while len(self.answered) < pages:
            await self._more.wait()
            self._more.clear()

    async def carry(self, message: Carried) -> Outcome:
        outcome = await super().carry(message)
        if message.kind is EffectKind.PAGE:
            self.answered[message.about.system] = time.perf_counter()
            self._more.set()
        return outcome


async def measure(bus_url: str, database_url: str, slack_url: str, *, rate: int, pages: int) -> dict[str, float]:
    """Milliseconds at p50 and p99 for `pages` pages, ten a second, among `rate` events a second."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.yaml"
        catalog.write_text(_CATALOG + "".join(_SYSTEM % (n, n) for n in range(pages)) + "".join(
            f"  system-{n}: {{title: System {n}}}\n" for n in range(200)
        ))  # fmt: skip
        settings = Settings(
            database_url=database_url,
            bus_url=SecretStr(bus_url),
            catalog=catalog,
            port=0,
            slack_bot_token=SecretStr(TOKEN),
            slack_api_url=slack_url,
            slack_channel=CHANNEL,
        )
        return await _measured(settings, bus_url, rate, pages)


async def _measured(settings: Settings, bus_url: str, rate: int, pages: int) -> dict[str, float]:
    api = SlackApi(TOKEN, settings.slack_api_url)
    carrier = _Timed(api)
    parts = await build(settings, carriers=(carrier,))
    settle()
    bus = open_bus(bus_address(bus_url), parts.intake)
    loops = [asyncio.create_task(parts.intake.run()), *(asyncio.create_task(c.run()) for c in parts.couriers)]
    await bus.start()
    publisher = open_publisher(bus_address(bus_url))
    await publisher.start()
    published = await _publish(publisher, rate, pages)
    async with asyncio.timeout(60):
        await carrier.all_answered(pages)
    await publisher.stop()
    await bus.stop()
    parts.intake.stop()
    for courier in parts.couriers:
        courier.stop()
    await asyncio.gather(*loops)
    await carrier.close()
    await parts.close()
    waits = [1e3 * (carrier.answered[name] - at) for name, at in published.items()]
    cuts = quantiles(waits, n=100)
    return {"p50_ms": cuts[49], "p99_ms": cuts[98], "pages": pages, "rate": rate}


async def _publish(publisher: Publisher, rate: int, pages: int) -> dict[str, float]:
    """Steadily: every tenth of a second one event that pages, and its share of readings in limit."""
    load, published, start = Load(), {}, time.perf_counter()
    for page in range(pages):
        share = [load.event(value=0.05) for _ in range(rate // 10 - 1)]
        events = [*share, load.event(system=f"pager-{page}", value=0.9) | {"type": "ai.drift.detected.v1"}]
        events[-1]["data"] = {**events[-1]["data"], "performance": "degraded"}  # type: ignore[dict-item]
        kind = content_type(1)
        messages = [
            Message(body=json.dumps(e).encode(), content_type=kind, type=str(e["type"]), key="k") for e in events
        ]
        await asyncio.sleep(max(0.0, start + page / 10 - time.perf_counter()))
        published[f"Pager {page}"] = time.perf_counter()
        await publisher.publish(messages)
    return published


def _message(event: dict[str, object]) -> Message:
    return Message(body=json.dumps(event).encode(), content_type=content_type(1), type=str(event["type"]), key="k")


def fake_slack(port: int, folder: str) -> "subprocess.Popen[bytes]":
    """The tests' strict Slack, in a process of its own."""
    command = [sys.executable, "-m", "tests.fakes.slack", "--port", str(port), "--ledger", f"{folder}/slack.ledger"]
    return subprocess.Popen(command)
