"""Where the demo plays: its settings, its clock, and its calls to the real service over HTTP."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from incidents.app.demo.monitors import Payload
from incidents.app.demo.voice import Voice
from incidents.app.service import listen
from incidents.app.settings import Settings
from incidents.app.wiring import Parts
from incidents.core.errors import IncidentsError
from incidents.core.transport import BATCH

HOST = "127.0.0.1"
BEGINS_AGO = timedelta(hours=11)  # the story ends at the present time
_PATIENCE = 15.0  # seconds for what must follow from what was done


class WentWrong(IncidentsError):
    """The service did not do what the story says that it does."""


def settings_for(folder: Path, registry: str) -> tuple[Settings, bool]:
    """Settings of a service that touches nothing around it but a port; and whether that is the wanted one.

    What it may reach is the registry at that address, and nothing else.
    """
    wanted = Settings(host=HOST, **_NOTHING)
    port = _free(wanted.port)
    made = wanted.model_copy(
        update={
            "database_url": f"sqlite+aiosqlite:///{(folder / 'demo.db').as_posix()}",
            "catalog": Path(__file__).with_name("catalog.yaml"),
            "connections": _connections(folder / "connections.yaml", registry),
            "port": port,
            "clock_offset": -BEGINS_AGO.total_seconds(),
        }
    )
    return made, wanted.port in {0, port}


def _connections(file: Path, registry: str) -> Path:
    told = {"version": 1, "connections": {"mlflow": {"url": registry, "inside": True}}}
    file.write_text(json.dumps(told))  # which is YAML too
    return file


# Said outright, so that the environment cannot say otherwise: nobody real is paged.
_NOTHING: dict[str, Any] = {
    "database_url": "sqlite+aiosqlite:///demo.db",
    "bus_url": None,
    "catalog": None,
    "connections": None,
    "policy": None,
    "runbooks": None,
    "public_url": None,
    "slack_bot_token": None,
    "slack_signing_secret": None,
    "slack_app_token": None,
    "slack_channel": None,
    "slack_api_url": "https://slack.com/api/",
    "fallback_url": None,
    "api_token": None,
    "secret_key": None,
    "log_level": "error",
    "fault_point": None,
}


def _free(port: int) -> int:
    try:
        with contextlib.closing(listen(HOST, port)) as found:
            return int(found.getsockname()[1])
    except IncidentsError:
        with contextlib.closing(listen(HOST, 0)) as found:
            return int(found.getsockname()[1])


@dataclass(slots=True, kw_only=True)
class Stage:
    """Everything that the story may do."""

    parts: Parts
    client: httpx.AsyncClient
    voice: Voice
    pause: float  # seconds between two lines, for somebody who reads along

    async def breathe(self) -> None:
        self.voice.at = await self.parts.store.now()
        await asyncio.sleep(self.pause)

    async def say(self, label: str, text: str) -> None:
        await self.breathe()
        self.voice.say(label, text)

    async def wait(self, **length: float) -> None:
        """Let time pass on the shifted clock; whatever is due then is done."""
        self.parts.store.shift(timedelta(**length))
        self.voice.at = await self.parts.store.now()
        await self.parts.clock.tick()

    async def publish(self, *events: Payload) -> None:
        """Send events through the front door, as any monitor does."""
        answer = await self.client.post("/events", json=list(events), headers={"Content-Type": BATCH})
        if answer.status_code != httpx.codes.ACCEPTED:
            raise WentWrong(f"events were refused: {answer.text}")

    async def act(self, person: str, incident: str, action: str, **said: str) -> dict[str, Any]:
        """Do what a person does to an incident, through the API."""
        return await self.ask(person, f"/api/incidents/{incident}/{action}", **said)

    async def ask(self, person: str, path: str, **said: str) -> dict[str, Any]:
        """Ask for something through the API; what it answered."""
        answer = await self.client.post(path, json=said, headers={"X-Incidents-As": person})
        if answer.is_error:
            raise WentWrong(f"{path} was refused: {answer.text}")
        told: dict[str, Any] = answer.json()
        return told

    async def incident(self, incident: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"/api/incidents/{incident}")).json()
        return found

    async def facts(self, incident: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.client.get(f"/api/incidents/{incident}/timeline")).json()["facts"]
        return found

    async def until(
        self, what: str, incident: str, is_so: Callable[[list[dict[str, Any]]], bool]
    ) -> list[dict[str, Any]]:
        """The timeline once it says so; WentWrong where it never does."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            facts = await self.facts(incident) if await self._there(incident) else []
            if facts and is_so(facts):
                return facts
            await asyncio.sleep(0.05)
        raise WentWrong(f"{incident} was never {what}")

    async def _there(self, incident: str) -> bool:
        return (await self.client.get(f"/api/incidents/{incident}")).is_success
