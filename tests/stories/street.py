"""A street with the whole service in it: real servers, the people who live there, and a clock that is wound on.

Every story begins on a Monday at ten, or at the hour that it names, whatever day it is told on.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import func, select

from incidents.adapters.slack.modals import form
from incidents.adapters.store.invariants import check
from incidents.adapters.store.tables import dead_letters, inbox
from incidents.app.service import Service
from incidents.app.settings import Settings
from incidents.app.wiring import Parts, build
from incidents.core.delivery import Delivery
from incidents.core.events import EventType
from incidents.core.incident import Action
from tests.fakes.clicks import Clicks
from tests.make_events import STRUCTURED, Payload, delivered, published
from tests.stories.wires import HttpWire, KafkaWire, RabbitWire, Wire

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
SIGNING_SECRET = "a secret between Slack and the street"
SOON = 60.0  # seconds within which everything that is to happen has happened, however busy the machine
Found = TypeVar("Found")
Message = Mapping[str, Any]


async def eventually(look: Callable[[], Awaitable[Found]], *, within: float = SOON) -> Found:
    """What `look` finds as soon as that is something; polls, and gives up after a bound."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not (found := await look()):
        assert loop.time() < end, f"still not there after {within:.0f} s: {look}"
        await asyncio.sleep(0.02)
    return found


def monday(hour: float) -> datetime:
    """Monday at that hour; 26.5 is Tuesday at half past two in the morning."""
    return MONDAY + timedelta(hours=hour)


def window(start: float, end: float) -> dict[str, str]:
    """The window of a reading, from hour to hour of that Monday."""
    return {"start": monday(start).isoformat(), "end": monday(end).isoformat()}


@dataclass(frozen=True, kw_only=True)
class Lot:
    """The servers that a street is built on."""

    database: str
    bus: str | None
    slack: str
    slack_token: str
    folder: Path
    connections: Path | None = None  # what runs may reach
    people: Mapping[str, str] | None = None  # Slack's ids of people, where it does not tell them by e-mail address


def catalog_of(
    slack_ids: Mapping[str, str], systems: Mapping[str, Any], others: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Four people, of whom Sam is known by his e-mail address alone, the systems that they own, and `others`."""
    people = {key: {"name": name, "email": f"{key}@example.com"} for key, name in NAMES.items()}
    for key in set(people) - {"sam"}:
        people[key]["slack"] = slack_ids[key]
    people |= {key: {"name": key.title(), "slack": user} for key, user in others.items()}
    owners = {"accountable": "lee", "model": "ada", "operational": "sam", "data": "priya"}
    return {
        "version": 1,
        "defaults": {"owner": "lee", "channel": "#ai-incidents", "timezone": "UTC"},
        "people": people,
        "systems": {key: {"owners": owners, **told} for key, told in systems.items()},
    }


NAMES = {"ada": "Ada Okoye", "lee": "Lee Park", "priya": "Priya Nair", "sam": "Sam Reed"}
SYSTEMS: Mapping[str, Any] = {
    "rag-assistant": {"title": "RAG assistant"},
    "triage-bot": {"title": "Triage bot", "criticality": "critical"},
    "support-bot": {"title": "Support bot"},
    "credit-scoring": {"title": "Credit scoring", "risk_class": "high", "channel": "#credit-ml"},
}


def settings_of(lot: Lot, catalog: Mapping[str, Any], *, begins: datetime) -> Settings:
    file = lot.folder / "catalog.yaml"
    file.write_text(json.dumps(catalog))  # which is YAML too
    return Settings(
        connections=lot.connections,
        database_url=lot.database,
        bus_url=SecretStr(lot.bus) if lot.bus else None,
        catalog=file,
        policy=None,
        runbooks=None,
        host="127.0.0.1",
        port=0,
        public_url="http://127.0.0.1:8080",
        slack_bot_token=SecretStr(lot.slack_token),
        slack_signing_secret=SecretStr(SIGNING_SECRET),
        slack_app_token=None,
        slack_channel=None,
        slack_api_url=lot.slack,
        fallback_url=None,
        api_token=None,
        secret_key=None,
        fault_point=None,
        clock_offset=(begins - datetime.now(UTC)).total_seconds(),
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Parts, str]]:
    """The service, running in this process; its parts, and where its web application is."""
    parts = await build(settings)
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    service = Service(parts, ready=port.set_result)
    running = asyncio.create_task(service.run())
    try:
        waiting: list[asyncio.Future[Any]] = [running, port]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield parts, f"http://127.0.0.1:{await port}"
    finally:
        service.stop()
        try:
            await running
        finally:
            await parts.close()


class Workspace:
    """Slack as its people see it, read back through its own API."""

    def __init__(self, client: AsyncWebClient, ids: Mapping[str, str], channels: Mapping[str, str]) -> None:
        self._client, self.ids, self._channels = client, ids, channels

    @classmethod
    async def visit(cls, lot: Lot) -> "Workspace":
        client = AsyncWebClient(token=lot.slack_token, base_url=lot.slack)
        channels = (await client.api_call("conversations.list", data={"limit": "200"}))["channels"]
        ids = lot.people or {name: await _id_of(client, name) for name in NAMES}
        return cls(client, ids, {one["name"]: one["id"] for one in channels})

    async def cards(self, channel: str = "ai-incidents") -> list[Message]:
        """The messages of a channel, the oldest first."""
        return await self._history(self._channels[channel])

    async def pages(self, person: str) -> list[Message]:
        """The direct messages that the bot sent to a person, the oldest first."""
        return await self._history(await self.direct(person))

    async def direct(self, person: str) -> str:
        opened = await self._client.api_call("conversations.open", json={"users": self.ids[person]})
        return str(opened["channel"]["id"])

    async def lines(self, card: Message, channel: str = "ai-incidents") -> list[str]:
        """What stands under a card."""
        asked = {"channel": self._channels[channel], "ts": card["ts"], "limit": "200"}
        answer = await self._client.api_call("conversations.replies", data=asked)
        return [one["text"] for one in answer["messages"] if one["ts"] != card["ts"]]

    async def _history(self, channel: str) -> list[Message]:
        asked = {"channel": channel, "include_all_metadata": "true", "limit": "200"}
        answer = await self._client.api_call("conversations.history", data=asked)
        return sorted(answer["messages"], key=lambda one: str(one["ts"]))

    async def trigger(self, person: str) -> str:
        """What Slack sends along with a click of this person, so that a form can be opened."""
        made = await self._client.api_call("views.generateTriggerId", data={"user_id": self.ids[person]})
        return str(made["trigger_id"])


async def _id_of(client: AsyncWebClient, name: str) -> str:
    found = await client.api_call("users.lookupByEmail", data={"email": f"{name}@example.com"})
    return str(found["user"]["id"])


def buttons(message: Message) -> set[str]:
    """The actions that a message offers now."""
    rows = [block for block in message.get("blocks", ()) if block["type"] == "actions"]
    return {str(element["action_id"]) for row in rows for element in row["elements"]}


def shown(message: Message) -> str:
    """All words of a message."""
    return json.dumps([message.get("text"), message.get("blocks")], ensure_ascii=False)


@dataclass
class Street:
    """One running service with its wire, its Slack and its people."""

    parts: Parts
    wire: Wire
    http: httpx.AsyncClient
    slack: Workspace
    clicks: Clicks
    sent: int = 0  # events that were published, each of which the service must remember
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    # --- monitors -----------------------------------------------------------------------------------------------------

    def event(self, event_type: EventType, data: Payload, **attributes: object) -> Payload:
        """What a monitor publishes, under an id of its own."""
        return published(event_type, data, id=f"m-{next(self._ids)}", time=None, **attributes)

    async def tell(self, event_type: EventType, data: Payload, **attributes: object) -> None:
        """A monitor publishes one event; returns when the service has taken it and done what follows at once."""
        await self.publish([delivered(self.event(event_type, data, **attributes), content_type=STRUCTURED)])

    async def publish(self, deliveries: Sequence[Delivery], *, events: int | None = None) -> list[httpx.Response]:
        """Send messages and wait until all that is in them has been remembered."""
        answers = await self.wire.send(deliveries)
        self.sent += len(deliveries) if events is None else events
        await self.taken()
        await self.quiet()
        return answers

    async def taken(self) -> None:
        async def all_there() -> bool:
            return await self.remembered() >= self.sent

        await eventually(all_there)

    async def remembered(self) -> int:
        """Events taken, each copy counted, and messages put aside."""
        async with self.parts.database.read() as connection:
            events = select(func.coalesce(func.sum(1 + inbox.c.copies + inbox.c.conflicts), 0))
            aside = select(func.coalesce(func.sum(1 + dead_letters.c.copies), 0))
            return int((await connection.execute(events)).scalar_one()) + int(
                (await connection.execute(aside)).scalar_one()
            )

    # --- time ---------------------------------------------------------------------------------------------------------

    async def quiet(self) -> None:
        """Wait until everything that is due has been carried; nobody need wait for the couriers' next look."""

        async def nothing_due() -> bool:
            self.parts.wake(courier.channel for courier in self.parts.couriers)
            return (await self.parts.shelf.numbers()).oldest_due is None

        await eventually(nothing_due)

    async def wind(self, hour: float) -> None:
        """Let it be that hour of the Monday, and everything happen that is due by then."""
        await self.quiet()
        ahead = monday(hour) - await self.parts.store.now()
        assert ahead > timedelta(0), f"it is later than {monday(hour)} already"
        self.parts.store.shift(ahead)
        await self.parts.clock.tick()
        await self.quiet()

    # --- people -------------------------------------------------------------------------------------------------------

    async def click(self, person: str, action: str, incident: str | None = None, **said: str) -> httpx.Response:
        """Somebody presses a button in Slack."""
        answer = await self.clicks.click(self.slack.ids[person], action, incident or await self.first(), **said)
        await self.quiet()
        return answer

    async def fill(self, person: str, action: Action, incident: str, **filled: str) -> httpx.Response:
        """Somebody opens a form in Slack by its button, and sends it."""
        opened = await self.click(person, action, incident, trigger=await self.slack.trigger(person))
        assert opened.is_success
        view = {**form(action, incident), "type": "modal", "id": f"V{next(self._ids)}", "hash": "1763706000.fill"}
        answer = await self.clicks.submit(self.slack.ids[person], view, **filled)
        await self.quiet()
        return answer

    async def act(self, person: str, action: str, incident: str, **said: str) -> httpx.Response:
        """Somebody acts through the API."""
        to = f"/api/incidents/{incident}/{action}"
        answer = await self.http.post(to, json=said, headers={"X-Incidents-As": person})
        await self.quiet()
        return answer

    async def incidents(self, **query: str) -> list[dict[str, Any]]:
        """The incidents as the API lists them, the oldest first."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            asked = query | {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = (await self.http.get("/api/incidents", params=asked)).raise_for_status().json()
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return found[::-1]

    async def first(self) -> str:
        """The id of the first incident: numbers may have gaps."""
        return str((await self.incidents())[0]["id"])

    async def incident(self, incident: str | None = None) -> dict[str, Any]:
        """One incident whole; the first, if none is named."""
        answer = await self.http.get(f"/api/incidents/{incident or await self.first()}")
        whole: dict[str, Any] = answer.raise_for_status().json()
        return whole

    async def timeline(self, incident: str | None = None) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/api/incidents/{incident or await self.first()}/timeline")
        facts: list[dict[str, Any]] = answer.raise_for_status().json()["facts"]
        return facts

    async def kinds(self, incident: str | None = None) -> list[str]:
        return [fact["kind"] for fact in await self.timeline(incident)]

    async def holds_the_promise(self) -> None:
        """What must hold at any moment holds."""
        await self.quiet()
        broken = await check(self.parts.database)
        assert not broken, broken


def wire_of(lot: Lot, http: httpx.AsyncClient) -> Wire:
    if lot.bus is None:
        return HttpWire(http)
    return KafkaWire(lot.bus) if lot.bus.startswith("kafka") else RabbitWire(lot.bus)


async def bus_is_up(http: httpx.AsyncClient) -> None:
    """Wait until the service consumes what is published."""

    async def consumes() -> bool:
        answer = await http.get("/readyz")
        return answer.is_success and any(part["name"] == "bus" for part in answer.json()["checks"])

    await eventually(consumes)


def caller(url: str) -> httpx.AsyncClient:
    """A client with a new connection for each call: the server may close an idle one just as it is written to."""
    return httpx.AsyncClient(base_url=url, timeout=SOON, limits=httpx.Limits(max_keepalive_connections=0))


@asynccontextmanager
async def street(
    lot: Lot,
    *,
    begins: float = 10,
    systems: Mapping[str, Any] = SYSTEMS,
    others: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Street]:
    """A street on these servers, on Monday at the hour `begins`."""
    workspace = await Workspace.visit(lot)
    settings = settings_of(lot, catalog_of(workspace.ids, systems, others), begins=monday(begins))
    async with serving(settings) as (parts, url), caller(url) as http:
        if lot.bus is not None:
            await bus_is_up(http)
        yield Street(parts, wire_of(lot, http), http, workspace, Clicks(http, SIGNING_SECRET))
