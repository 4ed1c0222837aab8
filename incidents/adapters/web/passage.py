"""What every request and answer passes through: a hard cap on bodies, and headers that keep browsers safe."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from incidents.adapters.web.problem import Problem, bad_field
from incidents.core.cloudevents import MAX_BODY

MAX_FORM = 64 * 1024  # everything but events: forms and small JSON
EVENTS = frozenset({"/events", "/api/explain", "/explain"})  # addresses that take events
CATALOGS = frozenset({"/api/catalog/plan", "/api/catalog/apply"})  # addresses that take whole catalogs
MAX_CATALOG = 16 * MAX_BODY
MAX_DRAINED = 8 * MAX_BODY  # read and thrown away, so that a client which sends before it listens hears the answer
MAX_HELD = 256 * MAX_BODY  # of all requests together
PATIENCE = 30.0  # seconds for a whole body

SAFE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers then send "Origin: null" with our own forms, which must be told from other sites'.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class SafeHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)


class WholeBody:
    """Reads each body whole, under a cap and a time limit, whatever its headers claim; then lets the request in."""

    def __init__(self, app: ASGIApp, *, room: int = MAX_HELD, patience: float = PATIENCE) -> None:
        self._app = app
        self._room = room
        self._patience = patience
        self._held = 0  # bytes of bodies in memory, arriving or at work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        limit = _limit(scope["path"])
        most = _most(Headers(scope=scope), limit)
        self._held += most
        try:
            await self._take(scope, receive, send, limit)
        finally:
            self._held -= most

    async def _take(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        try:
            if self._held > self._room:
                raise _busy(self._room)
            body = await _read(scope, receive, limit, self._patience)
        except Problem as problem:
            await problem.answer()(scope, receive, send)
            return
        except ClientDisconnect:
            return
        await self._app(scope, _given(body, receive), send)


def _limit(path: str) -> int:
    if path in CATALOGS:
        return MAX_CATALOG
    return MAX_BODY if path in EVENTS or path.startswith("/slack/") else MAX_FORM


def _most(headers: Headers, limit: int) -> int:
    """The most that this body can come to: servers let no more through than Content-Length says."""
    told = headers.get("content-length", "")
    return min(int(told), limit) if told.isascii() and told.isdecimal() and len(told) < len(str(limit)) + 2 else limit


def _busy(room: int) -> Problem:
    detail = f"bodies of {room:,} bytes are at work already; try again in a second"
    headers = {"Retry-After": "1", "Connection": "close"}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, code="busy", headers=headers)


async def _read(scope: Scope, receive: Receive, limit: int, patience: float) -> bytes:
    headers = Headers(scope=scope)
    if "content-length" in headers and "transfer-encoding" in headers:
        raise bad_field("content-length", "stands beside transfer-encoding; only one of them can be true")
    coding = headers.get("content-encoding", "identity")
    if coding.strip().lower() not in {"", "identity"}:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "content-encoding: compressed bodies are not taken; send the body as it is",
            code="compressed",
        )
    try:
        async with asyncio.timeout(patience):
            body = await _up_to(limit, receive)
    except TimeoutError:
        detail = f"the body did not arrive within {patience:g} seconds"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail, headers={"Connection": "close"}) from None
    if len(body) > limit:
        detail = f"body: is larger than {limit:,} bytes; send less at once"
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, code="too_large", headers={"Connection": "close"})
    return body


async def _up_to(limit: int, receive: Receive) -> bytes:
    """The body, or more than `limit` bytes of it. A Content-Length that lies is the server's to notice."""
    body, seen, more = bytearray(), 0, True
    while more and seen <= max(MAX_DRAINED, limit):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        seen += len(chunk)
        if len(body) <= limit:
            body += chunk[: limit + 1 - len(body)]
        more = message.get("more_body", False)
    return bytes(body)


def _given(body: bytes, receive: Receive) -> Receive:
    told = False

    async def give() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
