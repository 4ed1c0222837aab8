"""A server that keeps a calendar, on loopback: it answers as it is told, and lies where it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CalendarServer:
    """Serves `body` under an ETag; `answer`, where it is set, answers instead."""

    def __init__(self, body: bytes = b"") -> None:
        self.body = body
        self.etag: str | None = '"1"'
        self.answer: Answer | None = None
        self.asked: list[dict[str, str]] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["CalendarServer"]:
        app = web.Application()
        app.router.add_get("/{any:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/private-7f3a/oncall.ics"
        yield self
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.asked.append({"path": request.path, **request.headers})
        if self.answer is not None:
            return await self.answer(request)
        if self.etag is not None and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304)
        headers = {"ETag": self.etag} if self.etag is not None else {}
        return web.Response(body=self.body, headers=headers, content_type="text/calendar")


def status(code: int, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers=headers)

    return answer


def redirect(to: str) -> Answer:
    return status(302, Location=to)


def promised(length: int, body: bytes) -> Answer:
    """Say that `length` bytes come, send `body` and hang up."""

    async def answer(request: web.Request) -> web.StreamResponse:
        wire = request.transport
        assert wire is not None
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (length, body))
        wire.close()
        return web.Response()

    return answer


def endless() -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        while True:
            await stream.write(b"BEGIN:VEVENT\r\n" * 5_000)

    return answer


def silent() -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    return answer
