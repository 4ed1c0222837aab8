"""One service in a process of its own, with its database, its Slack and the file that says what Slack took."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import Row, Select, func, select

from incidents.adapters.store.database import Database
from incidents.adapters.store.invariants import check
from incidents.adapters.store.tables import effects, inbox, incidents
from incidents.app.settings import Settings
from tests.fakes.slack import ADA, LEE, TOKEN, Ledger
from tests.rig.child import LOOPBACK, free_ports

SIGNING_SECRET = "a secret between Slack and the household"
KILLED = 137  # what the service's own fault points end with
SOON = 90.0  # seconds within which whatever must come has come, however busy the machine
LEASE_OVER = 30.0  # seconds by which the clock is put on, so that what the dead had leased is free
WAITING = ("due", "leased", "unknown")
SHOWN_ONCE = ("page", "card", "post")
Found = TypeVar("Found")

CATALOG: Mapping[str, Any] = {
    "version": 1,
    "defaults": {"owner": "lee", "channel": "#ai-incidents", "timezone": "UTC"},
    "people": {
        "ada": {"name": "Ada Okoye", "email": "ada@example.com", "slack": ADA},
        "lee": {"name": "Lee Park", "email": "lee@example.com", "slack": LEE},
    },
    "systems": {
        name: {
            "title": name.title(),
            "criticality": "high",
            "channel": channel,
            "owners": {"accountable": "lee", "model": "ada", "operational": "lee", "data": "lee"},
        }
        for name, channel in {"triage-bot": "#ai-incidents", "credit-scoring": "#credit-ml", "old-bot": "#old"}.items()
    },
}


async def until(look: Callable[[], Awaitable[Found]], *, within: float = SOON, why: Callable[[], str] = str) -> Found:
    """What `look` finds as soon as that is something."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not (found := await look()):
        assert loop.time() < end, f"not within {within:.0f} s: {look.__qualname__} {why()}"
        await asyncio.sleep(0.03)
    return found


class Running:
    """A child process that dies with the tests, and what it wrote."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        setpriv = shutil.which("setpriv")
        leash = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [*leash, *command], env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    async def ended(self, *, within: float = SOON) -> int:
        """Wait for its end; what it ended with."""

        async def gone() -> bool:
            return not self.lives

        await until(gone, within=within, why=self.told)
        return self._process.returncode

    def signal(self, by: signal.Signals) -> None:
        self._process.send_signal(by)

    def stop(self) -> None:
        """Ask it to end well."""
        self._process.terminate()

    def kill9(self) -> None:
        if self.lives:
            self._process.kill()
            self._process.wait()

    def told(self) -> str:
        return self._log.read_text(errors="replace")[-3_000:]

    def memory(self) -> float:
        """Its resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class SlackTown:
    """The fake Slack in its own process; its ledger outlives every crash."""

    def __init__(self, folder: Path, *, away: bool = False) -> None:
        self.ledger, self._log = Ledger(folder / "slack.jsonl"), folder / "slack.log"
        [port] = free_ports(1)
        where = ("--port", str(port), "--ledger", str(self.ledger.path))
        self._command = (sys.executable, "-m", "tests.fakes.slack", *where)
        self._running: Running | None = None
        if not away:
            self.come()
        self.url = f"http://{LOOPBACK}:{port}/api/"
        self._control = f"http://{LOOPBACK}:{port}/_control/"

    def come(self) -> None:
        self._running = Running(self._command, self._log, {})

    async def up(self) -> None:
        async def answers() -> bool:
            return await self._told("options", {}) is not None

        await until(answers)

    async def script(self, method: str, *endings: str) -> None:
        await self._told("script", {"method": method, "endings": list(endings)})

    async def _told(self, what: str, said: Mapping[str, Any]) -> object:
        try:
            async with httpx.AsyncClient() as client:
                return (await client.post(self._control + what, json=said)).raise_for_status().json()
        except httpx.TransportError:
            return None

    def posts(self) -> Counter[str]:
        """How often Slack took each message, by its key."""
        return Counter(entry["said"]["metadata"]["event_payload"]["key"] for entry in self.ledger.posts())

    def end(self) -> None:
        if self._running is not None:
            self._running.kill9()


class Household:
    def __init__(self, *, database: str, bus: str | None, slack: SlackTown | None, fallback: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="incidents-household-"))
        (self.folder / "catalog.yaml").write_text(json.dumps(CATALOG))  # which is YAML too
        self.slack = slack
        [self._port] = free_ports(1)
        self.url = f"http://{LOOPBACK}:{self._port}"
        self._database = Database(database, pool=2)
        self._followed: Database | None = None
        self._born: list[Running] = []
        self._env = {
            "INCIDENTS_DATABASE_URL": database,
            "INCIDENTS_BUS_URL": bus or "",
            "INCIDENTS_CATALOG": str(self.folder / "catalog.yaml"),
            "INCIDENTS_PORT": str(self._port),
            "INCIDENTS_SLACK_BOT_TOKEN": TOKEN if slack else "",
            "INCIDENTS_SLACK_API_URL": slack.url if slack else "https://slack.invalid/api/",
            "INCIDENTS_SLACK_SIGNING_SECRET": SIGNING_SECRET if slack else "",
            "INCIDENTS_FALLBACK_URL": fallback or "",
            "NO_PROXY": "127.0.0.1",
        }

    def settings(self) -> Settings:
        """The same settings, for a service in this process."""
        told = {name.removeprefix("INCIDENTS_").lower(): value for name, value in self._env.items() if value}
        return Settings.model_validate(told)

    def start(self, *, fault: str | None = None, offset: float = 0.0, **more: str) -> Running:
        """Start the service; `fault` says where it is to die, `offset` puts its clock on."""
        self._database.shift(timedelta(seconds=offset) - self._database.offset)
        env = self._env | {"INCIDENTS_FAULT_POINT": fault or "", "INCIDENTS_CLOCK_OFFSET": str(offset)} | more
        born = Running(
            (sys.executable, "-m", "incidents", "serve"), self.folder / f"service-{len(self._born)}.log", env
        )
        self._born.append(born)
        return born

    def follow(self, database: Database) -> None:
        """Read by the clock of a service in this process."""
        self._followed = database

    @property
    def newest(self) -> Running:
        """The process that was started last."""
        return self._born[-1]

    async def ready(self) -> None:
        """Wait until the service answers and its bus, if it has one, flows."""
        bus = bool(self._env["INCIDENTS_BUS_URL"])

        async def answers() -> bool:
            try:
                async with httpx.AsyncClient(base_url=self.url) as client:
                    answer = await client.get("/readyz")
            except httpx.TransportError:
                return False
            return answer.is_success and (not bus or any(one["name"] == "bus" for one in answer.json()["checks"]))

        await until(answers, why=self.log)

    async def end(self) -> None:
        for one in self._born:
            one.kill9()
        await self._database.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        return "\n".join(one.told() for one in self._born)

    async def until(self, look: Callable[[], Awaitable[Found]], *, within: float = SOON) -> Found:
        """Wait for something; when it does not come the log says why."""
        return await until(look, within=within, why=self.log)

    # --- what it holds ------------------------------------------------------------------------------------------------

    async def rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        async with self._database.read() as connection:
            return list(await connection.execute(query))

    async def events(self) -> Counter[str]:
        """The ids of the events that are in the inbox."""
        return Counter(row.event for row in await self.rows(select(inbox.c.event)))

    async def at_rest(self, events: int) -> None:
        """Wait until so many events are in the inbox and nothing waits to be carried."""

        async def quiet() -> bool:
            waiting = select(func.count()).select_from(effects).where(effects.c.state.in_(WAITING))
            taken = select(func.count()).select_from(inbox)
            [(there,)], [(left,)] = await self.rows(taken), await self.rows(waiting)
            return bool(there >= events and not left)

        await until(quiet, why=self.log)

    async def agrees_with(self, published: Sequence[str], *, incidents_held: int = 1) -> None:
        """The three ledgers: what was confirmed, what the database holds, what Slack took; and the promise itself."""
        assert await self.events() == Counter(set(published))
        assert len(await self.rows(select(incidents.c.number))) == incidents_held
        wanted = await self.rows(select(effects).where(effects.c.channel == "slack", effects.c.kind.in_(SHOWN_ONCE)))
        assert self.slack is not None
        posts = self.slack.posts()
        assert {row.key for row in wanted if row.state == "sent"} == set(posts)
        for row in wanted:
            most = 2 if row.possible_repeat else 1
            assert row.state == "cancelled" or 1 <= posts[row.key] <= most, (
                row.key,
                row.state,
                row.why,
                posts[row.key],
            )
        cards = [row for row in wanted if row.kind == "card"]
        assert len(cards) == incidents_held
        assert [row for row in wanted if row.kind == "page" and row.state == "sent"]
        await self.keeps_its_promise()

    async def keeps_its_promise(self) -> None:
        if self._followed is not None:
            self._database.shift(self._followed.offset - self._database.offset)
        assert await check(self._database) == []
