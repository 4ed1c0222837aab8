"""The whole flow over a real store, with carriers that a test tells what the other end does."""
# ruff: noqa: ANN401 - an event's data is whatever its story needs

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from incidents.adapters.store.answers import KeptAnswers
from incidents.adapters.store.database import Database
from incidents.adapters.store.invariants import check
from incidents.adapters.store.schema import upgrade
from incidents.adapters.store.shelf import Shelf
from incidents.adapters.store.silence_shelf import SilenceShelf
from incidents.adapters.store.store import Store
from incidents.adapters.store.task_shelf import TaskShelf
from incidents.core.delivery import Delivery, Origin
from incidents.core.effect import Channel
from incidents.core.errors import StoreAway
from incidents.core.estate import Estate
from incidents.core.events import EventType
from incidents.core.fact import Fact, FactKind
from incidents.core.incident import Action, Incident
from incidents.core.plan import Plan
from incidents.core.response import Ask
from incidents.flow.deliver import Courier
from incidents.flow.intake import Intake
from incidents.flow.letters import Letters
from incidents.flow.ports import Finding, Message, MessageRef, NotThere, Outcome, PlanRequest, Sent, Taken
from incidents.flow.respond import Responder
from incidents.flow.runs import Runs
from incidents.flow.silences import Silences
from incidents.flow.tasks import Tasks
from incidents.flow.tick import Clock
from tests.make import NOON, an_estate, by
from tests.make_events import delivered, published, report_data
from tests.make_runs import a_plan

MIGRATIONS = Path(__file__).parents[2] / "migrations"
# Who is at work must not depend on when the tests run; one offset for all, so that two processes agree.
TO_NOON = NOON - datetime.now(UTC)
SOON = 60.0


class Postman:
    """Carries to a place in memory: remembers every message, and answers as it is told to, key by key."""

    def __init__(self, channel: Channel = Channel.SLACK) -> None:
        self.channel = channel
        self.carried: list[Message] = []
        self.asked: list[Message] = []
        self.answers: dict[str, list[Outcome | Exception]] = {}  # to messages whose key begins so
        self.findings: dict[str, list[Finding]] = {}

    async def carry(self, message: Message) -> Outcome:
        self.carried.append(message)
        answer = _next(self.answers, message.key) or Sent(MessageRef(channel="C1", ts=f"{len(self.carried)}.0"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find(self, message: Message) -> Finding:
        self.asked.append(message)
        return _next(self.findings, message.key) or NotThere()

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.carried]

    def pages(self) -> list[str]:
        """Who was asked, in the order in which they were."""
        return [message.person.id for message in self.carried if message.person and message.key.startswith("page:")]


def _next(told: Mapping[str, list[Any]], key: str) -> Any:
    answers = next((answers for start, answers in told.items() if key.startswith(start) and answers), None)
    return answers.pop(0) if answers else None


class Settled:
    """Plans what a test has settled on, whatever is wanted."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.settled = plan or a_plan(system="triage-bot")

    async def plan(self, wanted: PlanRequest) -> Plan:
        return replace(self.settled, incident=wanted.incident)


class Troubled(Store):
    """The real store on a database that can be taken away, and that can be told of to have lost races."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.away = False
        self.tries = 0
        self.fails: list[Exception | None] = []  # by the next transactions, after their work and before their commit

    async def mark(self, worker: str, digests: Sequence[bytes], *, solo: bool) -> dict[bytes, int]:
        if self.away:
            raise StoreAway("the disk is gone")
        return await super().mark(worker, digests, solo=solo)

    @asynccontextmanager
    async def unit(self, turn: Any) -> AsyncIterator[Any]:
        self.tries += 1
        if self.away:
            raise StoreAway("the disk is gone")
        async with super().unit(turn) as unit:
            yield unit
            if self.fails and (error := self.fails.pop(0)) is not None:
                raise error


@dataclass
class House:
    """What one process holds."""

    database: Database
    estate: Estate
    store: Troubled
    shelf: Shelf
    intake: Intake
    responder: Responder
    clock: Clock
    letters: Letters
    silences: Silences
    tasks: Tasks
    runs: Runs
    planner: Settled
    made: list[str] = field(default_factory=list)

    async def publish(self, *payloads: Mapping[str, Any] | bytes, origin: Origin = Origin.RABBITMQ) -> list[Taken]:
        """Hand messages to the intake together, and work until all are answered."""
        futures = [self.intake.submit(message(payload, origin=origin)) for payload in payloads]
        return await self.answered(*futures)

    async def answered(self, *futures: "asyncio.Future[Taken]") -> list[Taken]:
        running = asyncio.create_task(self.intake.run())
        try:
            async with asyncio.timeout(SOON):
                return list(await asyncio.gather(*futures))
        finally:
            self.intake.stop()
            await running
            self.intake._stopping.clear()  # noqa: SLF001  (a process runs it once; a test in turns)

    async def act(self, action: Action, incident: str = "INC-1", *, who: str = "priya", **asked: Any) -> Incident:
        once = asked.pop("once", None)
        return await self.responder.act(Ask(incident=incident, action=action, by=by(who), **asked), once=once)

    def courier(self, postman: Postman) -> Courier:
        return Courier(self.store, lambda: self.estate, postman, self.shelf, made=self.made.extend)

    async def carry(self, *postmen: "Postman") -> None:
        """Deliver whatever is ready."""
        for postman in postmen:
            while await self.courier(postman).round():
                pass

    async def timeline(self, incident: str = "INC-1") -> list[Fact]:
        return [chained.fact for chained in (await self.shelf.incident(incident)).facts]

    async def said(self, kind: FactKind, incident: str = "INC-1") -> list[str]:
        return [fact.text for fact in await self.timeline(incident) if fact.kind is kind]

    async def incident(self, incident: str = "INC-1") -> Incident:
        return (await self.shelf.incident(incident)).incident

    async def effects(self) -> dict[str, str]:
        return {row.key: row.state for row in await self.found("select key, state from effects order by id")}

    async def found(self, sql: str, **values: Any) -> list[Any]:
        async with self.database.read() as connection:
            return list((await connection.execute(text(sql), values)).all())

    async def now(self) -> datetime:
        return await self.store.now()

    async def is_well(self) -> None:
        """The promise holds on the data."""
        broken = await check(self.database)
        assert not broken, broken


async def open_house(url: str, estate: Estate | None = None, planner: "Settled | None" = None) -> House:
    """A house on a Wednesday after noon."""
    database = Database(url)
    await upgrade(database, MIGRATIONS)
    store, known = Troubled(database), estate or an_estate()
    store.shift(TO_NOON)
    planner = planner or Settled()
    house: House

    def now_estate() -> Estate:
        return house.estate

    made: list[str] = []
    shelf = Shelf(database, now_estate)
    intake = Intake(store, now_estate, worker="worker 1", made=made.extend)
    house = House(
        database=database,
        estate=known,
        store=store,
        shelf=shelf,
        intake=intake,
        responder=Responder(store, now_estate, made.extend),
        clock=Clock(store, now_estate, made.extend),
        letters=Letters(shelf, KeptAnswers(database), intake),
        silences=Silences(store, SilenceShelf(database), now_estate, made.extend),
        tasks=Tasks(store, TaskShelf(database), now_estate, made.extend),
        runs=Runs(store, planner, now_estate, made.extend),
        planner=planner,
        made=made,
    )
    return house


def message(payload: Mapping[str, Any] | bytes, *, origin: Origin = Origin.RABBITMQ) -> Delivery:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return delivered(body, origin=origin, position="incidents.intake")


def harm(id_: str = "harm-1", system: str = "triage-bot", **data: Any) -> dict[str, Any]:
    """Confirmed harm: SEV2, asked about at any hour."""
    return published(EventType.REPORT_FILED, report_data(system=system, **data), id=id_, time=None)


def drift(
    id_: str, now: datetime, *, value: float = 0.31, system: str = "credit-scoring", **more: Any
) -> dict[str, Any]:
    """A monitor claims drift over the last hour."""
    window = {"start": (now - timedelta(hours=1)).isoformat(), "end": now.isoformat()}
    data = {"system": system, "metric": "psi", "value": value, "threshold": 0.1, "window": window, **more}
    return published(EventType.DRIFT_DETECTED, data, id=id_, time=now.isoformat())
