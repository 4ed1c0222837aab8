"""The service in this process, so that its clock can be put on, and a receiver for its fallback webhook."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from aiohttp import web
from sqlalchemy import func, select

from incidents.adapters.store.tables import effects
from incidents.app.service import Service
from incidents.app.wiring import Parts, build
from incidents.core.delivery import Delivery
from tests.faults.household import WAITING, Household, until


class Webhook:
    """What the fallback notifier told, by the key of the page."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        said = await request.json()
        self.told[said["key"]] += 1
        return web.Response(text="ok")

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Webhook"]:
        app = web.Application()
        app.router.add_post("/fallback", self.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/fallback"
            yield self
        finally:
            await runner.cleanup()


class Indoors:
    """A running service and what can be done to it."""

    def __init__(self, household: Household, parts: Parts, http: httpx.AsyncClient) -> None:
        self.household, self.parts, self.http = household, parts, http

    async def take(self, *messages: Delivery) -> None:
        for one in messages:
            answer = await self.http.post(
                "/events", content=one.body or b"", headers={"content-type": one.content_type or ""}
            )
            assert answer.status_code == 202, answer.text

    async def wind(self, seconds: float) -> None:
        """Put the clock on, and let everything happen that is due by then."""
        self.parts.store.shift(timedelta(seconds=seconds))
        await self.parts.clock.tick()

    async def waiting(self) -> Sequence[str]:
        """The keys of the effects that are not yet done."""
        query = select(effects.c.key).where(effects.c.state.in_(WAITING)).order_by(effects.c.id)
        return [row.key for row in await self.household.rows(query)]

    async def quiet(self) -> None:
        """Wait until nothing waits to be carried."""

        async def nothing() -> bool:
            return not await self.waiting()

        await until(nothing)

    async def count(self, *, state: str, kind: str) -> int:
        query = select(func.count()).select_from(effects).where(effects.c.state == state, effects.c.kind == kind)
        [(found,)] = await self.household.rows(query)
        return int(found)


@asynccontextmanager
async def indoors(household: Household) -> AsyncIterator[Indoors]:
    """The household's service, running here."""
    parts = await build(household.settings())
    household.follow(parts.database)
    ready = asyncio.Event()
    service = Service(parts, ready=lambda _: ready.set())
    running = asyncio.create_task(service.run())
    try:
        await asyncio.wait([running, asyncio.ensure_future(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        async with httpx.AsyncClient(base_url=household.url, timeout=30) as http:
            yield Indoors(household, parts, http)
    finally:
        service.stop()
        await running
        await parts.close()
