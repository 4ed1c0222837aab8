"""A service's doors over a world in memory, and a browser to knock on them."""
# ruff: noqa: ANN401 - a builder takes any field of what it builds

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from incidents.adapters.web import Answer, Begun, Claim, Conflict, Go, Health, InFlight, Replay, WebDoors, build
from incidents.core.cloudevents import decode
from incidents.core.coverage import Seen
from incidents.core.delivery import Delivery
from incidents.core.feed import Copy
from incidents.flow.ports import Taken
from tests.fakes.chores import Chores
from tests.fakes.hush import Hush
from tests.fakes.reading import World
from tests.fakes.rota import a_desk, personal_turns
from tests.fakes.runs import Runs
from tests.fakes.told import NOW


@dataclass(slots=True)
class FrontIntake:
    """Decodes as the real intake does and remembers every event; `held`: the commit has not come yet."""

    error: Exception | None = None
    held: bool = False
    deliveries: list[Delivery] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: list["asyncio.Future[Taken]"] = field(default_factory=list)
    seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def submit(self, delivery: Delivery, /) -> "asyncio.Future[Taken]":
        self.deliveries.append(delivery)
        self.arrived.set()
        future: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        if self.held:
            self.waiting.append(future)
        elif self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(self._take(delivery))
        return future

    def _take(self, delivery: Delivery) -> Taken:
        decoded, counts = decode(delivery), {"accepted": 0, "duplicates": 0, "conflicts": 0}
        for event in decoded.events:
            before = self.seen.get((event.source, event.id))
            self.seen.setdefault((event.source, event.id), event.body_hash)
            same = before == event.body_hash
            counts["accepted" if before is None else "duplicates" if same else "conflicts"] += 1
        return Taken(**counts, errors=decoded.refusals)


@dataclass(slots=True)
class FrontAnswers:
    """Idempotency keys in a dictionary."""

    kept: dict[Claim, tuple[str, Answer | None]] = field(default_factory=dict)

    async def begin(self, claim: Claim, body_hash: str) -> Begun:
        if claim not in self.kept:
            self.kept[claim] = body_hash, None
            return Go()
        before, answer = self.kept[claim]
        if before != body_hash:
            return Conflict()
        return InFlight() if answer is None else Replay(answer)

    async def finish(self, claim: Claim, answer: Answer | None) -> None:
        body_hash, _ = self.kept.pop(claim)
        if answer is not None:
            self.kept[claim] = body_hash, answer


@dataclass(slots=True)
class Front:
    world: World = field(default_factory=World)
    intake: FrontIntake = field(default_factory=FrontIntake)
    hush: Hush = field(default_factory=Hush)
    runs: Runs = field(default_factory=Runs)
    chores: Chores = field(init=False)
    answers: FrontAnswers = field(default_factory=FrontAnswers)
    parts: list[Health] = field(default_factory=lambda: [Health(name="database", ok=True, why="answers")])

    copies: list[Copy] = field(default_factory=list)  # of calendars kept elsewhere
    secret: bytes | None = b"secret"

    seen_: Seen = field(default_factory=lambda: Seen(now=NOW))

    async def seen(self, over: timedelta | None = None) -> Seen:
        assert over is None or over > timedelta()
        return self.seen_

    async def ready(self) -> list[Health]:
        return self.parts

    def __post_init__(self) -> None:
        self.chores = Chores(self.world)

    def doors(self, **more: Any) -> WebDoors:
        given = WebDoors(
            intake=self.intake,
            respond=self.world,
            open_incident=self.world.open_incident,
            reader=self.world,
            witness=self,
            dead_letters=self.world,
            explain=self.world,
            catalog=self.world,
            on_call=a_desk(lambda: self.world.estate, NOW, *self.copies),
            personal=personal_turns(lambda: self.world.estate, NOW, self.secret),
            silences=self.hush,
            runs=self.runs,
            desk=self.runs,
            tasks=self.chores,
            answers=self.answers,
            estate=lambda: self.world.estate,
            ready=self.ready,
            alive=lambda: Health(name="process", ok=True, why="lives"),
            metrics=CollectorRegistry(),
        )
        return replace(given, **more)

    def browser(
        self, *, client: str = "127.0.0.1", base: str = "http://127.0.0.1:8080", headers: Any = None, **more: Any
    ) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(build(self.doors(**more)), raise_app_exceptions=False, client=(client, 40_000))
        return httpx.AsyncClient(transport=transport, base_url=base, headers=headers)
