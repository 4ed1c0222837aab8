"""Decides who is let in, before anything of a request is read: the default is nobody."""

import base64
import binascii
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from incidents.adapters.web.doors import WebDoors
from incidents.adapters.web.problem import Problem
from incidents.core.estate import ADMIN, Estate
from incidents.core.fact import Actor, ActorType

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
FORWARDING = ("forwarded", "x-real-ip", "via", "x-client-ip", "cf-connecting-ip", "true-client-ip")
READS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({"/healthz"})
SELF_GUARDED = ("/slack/", "/calendar/")  # every request there carries its own signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who was let in. `fixed`: signed in under their own name, and may not act under another."""

    person: str = ADMIN.id
    fixed: bool = False


class Doorkeeper:
    """The one place that lets requests in; a route cannot forget to ask."""

    def __init__(self, app: ASGIApp, doors: WebDoors) -> None:
        self._app = app
        self._doors = doors
        self._token = doors.token or None  # an empty one would let everybody in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            try:
                scope.setdefault("state", {})["caller"] = self._admit(scope)
            except Problem as problem:
                await problem.answer()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> Caller:
        path, method, headers = scope["path"], scope["method"], Headers(scope=scope)
        if path in OPEN or path.startswith(SELF_GUARDED):
            return Caller()
        if self._token is None:
            _from_this_machine(scope, headers)
            caller, ambient = Caller(), True
        else:
            caller, ambient = self._identified(headers, self._token)
        # A browser adds what it remembers (address or password) to other sites' requests too; a bearer token it cannot.
        if ambient and method not in READS:
            own = None if self._token is None else urlsplit(self._doors.public_url).netloc
            _from_own_pages(headers, own)
        return caller

    def _identified(self, headers: Headers, token: str) -> tuple[Caller, bool]:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), token):
            return Caller(), False
        if scheme.lower() == "basic":
            user, password = _basic(given.strip())
            if _same(password, token):
                return _signed_in(user, self._doors.estate(), headers), True
        raise _unknown_caller(headers, "the token is missing or wrong")


def _same(given: str, token: str) -> bool:
    return compare_digest(given.encode(errors="surrogatepass"), token.encode())


def _basic(given: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return user, password


def _signed_in(user: str, estate: Estate, headers: Headers) -> Caller:
    if user == ADMIN.id:
        return Caller()
    if user in estate.catalog.people:
        return Caller(person=user, fixed=True)
    raise _unknown_caller(headers, "the user name is neither a person of the catalog nor admin")


def _unknown_caller(headers: Headers, why: str) -> Problem:
    in_browser = "text/html" in headers.get("accept", "")
    offer = 'Basic realm="incidents", charset="UTF-8"' if in_browser else 'Bearer realm="incidents"'
    detail = (
        f"{why}; send Authorization: Bearer with the value of INCIDENTS_API_TOKEN, or in a browser your person id "
        "of the catalog (or admin) as user name and the token as password"
    )
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": offer})


def _from_this_machine(scope: Scope, headers: Headers) -> None:
    """Without a token only this machine itself is let in, and nothing that could be somebody else through it."""
    client = scope.get("client")
    if not client or not _is_loopback(client[0]):
        raise _forbidden("not_loopback", "only this machine itself is let in until INCIDENTS_API_TOKEN is set")
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _host(hosts[0]) not in LOOPBACK_HOSTS:
        detail = "the Host header must name 127.0.0.1, localhost or [::1] until INCIDENTS_API_TOKEN is set"
        raise _forbidden("foreign_host", detail)
    found = next((name for name in headers if name in FORWARDING or name.startswith("x-forwarded-")), None)
    if found:
        detail = (
            f"the request came through a proxy ({found}); set INCIDENTS_API_TOKEN to serve others than this machine"
        )
        raise _forbidden("forwarded", detail)


def _from_own_pages(headers: Headers, own: str | None) -> None:
    """A write that a browser sends must come from a page of this service."""
    site = headers.get("sec-fetch-site", "none")
    if site not in {"same-origin", "none"}:
        raise _forbidden("foreign_origin", f"the write was sent by another site's page (Sec-Fetch-Site: {site})")
    hosts = {headers.get("host", "").lower(), (own or "").lower()} - {""}
    for origin in headers.getlist("origin"):
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or parts.netloc.lower() not in hosts:
            raise _forbidden("foreign_origin", "the write was sent by another site's page (Origin)")


def _forbidden(code: str, detail: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, detail, code=code)


def _host(value: str) -> str:
    """The host without its port, as the Host header spells it."""
    name, colon, port = value.strip().lower().rpartition(":")
    return name if colon and (port.isdecimal() or not port) else value.strip().lower()


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found.is_loopback or (mapped is not None and mapped.is_loopback)


def acting(request: Request, doors: WebDoors, named: str | None) -> Actor:
    """The person who acts: the one that is named, else who was let in; refuses unknown and borrowed names."""
    caller: Caller = request.state.caller
    if named is None or named == caller.person:
        return Actor(type=ActorType.PERSON, id=caller.person)
    if caller.fixed:
        raise _forbidden("signed_in", f"you are signed in as {caller.person} and cannot act under another name")
    if named != ADMIN.id and named not in doors.estate().catalog.people:
        detail = "who acts (--as, X-Incidents-As, or `as` in a form) is nobody in the catalog; give a person's id"
        raise Problem(HTTPStatus.BAD_REQUEST, detail, code="unknown_person")
    return Actor(type=ActorType.PERSON, id=named)
