"""What every fake target shares: it is a real server that keeps each call, and refuses what it does not know."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Said = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came over the wire."""

    method: str
    path: str  # as it was sent, with its percent signs
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: Any  # None where there was none

    @property
    def parts(self) -> list[str]:
        return self.path.strip("/").split("/")


@dataclass
class FakeTarget:
    """Answers by `said`, which each family writes: the state it keeps, and what it refuses and how."""

    token: str = "canary-token-7f3a"
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    refused: list[tuple[str, Said]] = field(default_factory=list)

    def said(self, call: Call) -> Said:
        raise NotImplementedError

    def lets_in(self, call: Call) -> bool:
        """Whether the call brought the right credentials."""
        return call.headers.get("authorization") == f"Bearer {self.token}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeTarget"]:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        call = Call(
            method=request.method,
            path=request.rel_url.raw_path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=json.loads(raw) if raw else None,
        )
        self.calls.append(call)
        status, answer = self.said(call) if self.lets_in(call) else (401, {"error": "who are you?"})
        if status >= 400:
            self.refused.append((f"{call.method} {call.path}", (status, answer)))
        if status == 204 or answer is None:
            return web.Response(status=status)
        return web.json_response(answer, status=status)


def is_json(call: Call, kind: str = "application/json") -> bool:
    return call.headers.get("content-type") == kind
