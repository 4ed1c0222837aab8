"""Makes of a step's request what goes over the wire: an address that cannot leave its connection, headers and body."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, unquote, urlencode

from pydantic import SecretStr
from yarl import URL

from incidents.adapters.targets.aws import signed
from incidents.adapters.targets.secrets import basic, secrets_of
from incidents.core.connection import Auth, AwsAuth, Basic, Bearer, Connection, HeaderAuth, SecretRef
from incidents.core.step import Request

Query = tuple[tuple[str, str], ...]

_PATH = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,2000}")
_LONGEST_URL = 8_000
_MOST_BODY = 256 * 1024
_OURS = {  # what the connection itself says, or HTTP
    *("authorization", "connection", "content-encoding", "content-length", "cookie", "expect", "host"),
    *("idempotency-key", "keep-alive", "origin", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "via", "x-amz-date", "x-amz-security-token"),
}


class Unsendable(Exception):
    """A request that is refused before anything is sent; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request as it is sent; it holds secrets, so it says nothing of itself."""

    method: str
    url: URL
    headers: dict[str, str]
    body: bytes | None
    secrets: tuple[SecretStr, ...]

    def __repr__(self) -> str:
        return f"Outgoing({self.method})"


def outgoing(connection: Connection, request: Request, key: str | None, now: datetime) -> Outgoing:
    """The request with its credentials; Unsendable or NoSecret where it cannot be sent as it is."""
    url = address(connection, request)
    body = None if request.body is None else _body(request.body)
    headers = _headers(connection, request, with_body=body is not None)
    if key is not None:
        headers["Idempotency-Key"] = quote(key, safe="!#$&'*+-.^_`|~:;=,/@()")
    secrets = secrets_of(connection)
    unsigned = Outgoing(
        method=request.method.value, url=url, headers=headers, body=body, secrets=_hidden(connection, secrets)
    )
    given = _credentials(connection.auth, unsigned, request.query, secrets, now)
    return replace(unsigned, headers=headers | given)


def address(connection: Connection, request: Request) -> URL:
    """Where the request goes: below the connection's base address, whatever was filled into its path."""
    path = request.path
    if not _PATH.fullmatch(path):
        raise Unsendable("its path is no path below the connection's address, with every value percent-encoded")
    if any(unquote(part) in {".", ".."} for part in path.split("/")):
        raise Unsendable("its path climbs by . or ..")
    query = urlencode(request.query, quote_via=quote, safe="")
    base = URL(connection.url)
    raw = f"{str(base).rstrip('/')}{path}{f'?{query}' if query else ''}"
    if len(raw) > _LONGEST_URL:
        raise Unsendable(f"its address is longer than {_LONGEST_URL} characters")
    url = URL(raw, encoded=True)
    if (url.scheme, url.host, url.port, url.user) != (base.scheme, base.host, base.port, None):
        raise Unsendable("its path leads away from the connection's address")
    host = f"[{url.host}]:{url.port}" if ":" in (url.host or "") else f"{url.host}:{url.port}"
    if connection.hosts and host not in connection.hosts:
        raise Unsendable(f"{host} is not among the hosts of the connection")
    return url


def _body(value: object) -> bytes:
    try:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError):
        raise Unsendable("its body is no JSON") from None
    if len(body) > _MOST_BODY:
        raise Unsendable("its body is larger than 256 KiB")
    return body


def _headers(connection: Connection, request: Request, *, with_body: bool) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "incidents"}
    if with_body:
        headers["Content-Type"] = "application/json"
    own = {connection.auth.name.lower()} if isinstance(connection.auth, HeaderAuth) else set[str]()
    for name, value in request.headers:
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise Unsendable(f"its header {name[:60]!r} holds what no header can")
        if name.lower() in _OURS | own:
            raise Unsendable(f"its header {name} is the connection's to set")
        taken = next((known for known in headers if known.lower() == name.lower()), name)
        headers[taken] = value
    headers["Accept-Encoding"] = "identity"
    return headers


def _hidden(connection: Connection, secrets: Mapping[SecretRef, SecretStr]) -> tuple[SecretStr, ...]:
    """What must not be told: each secret, and user and password as they go over the wire."""
    auth = connection.auth
    pair = (SecretStr(basic(secrets[auth.user], secrets[auth.password])),) if isinstance(auth, Basic) else ()
    return (*secrets.values(), *pair)


def _credentials(
    auth: Auth | None, unsigned: Outgoing, query: Query, secrets: Mapping[SecretRef, SecretStr], now: datetime
) -> dict[str, str]:
    match auth:
        case None:
            return {}
        case Bearer(token=token):
            return {"Authorization": f"Bearer {secrets[token].get_secret_value()}"}
        case Basic(user=user, password=password):
            return {"Authorization": f"Basic {basic(secrets[user], secrets[password])}"}
        case HeaderAuth(name=name, value=value):
            return {name: secrets[value].get_secret_value()}
        case AwsAuth():
            return _signature(auth, unsigned, query, secrets, now)


def _signature(
    auth: AwsAuth, unsigned: Outgoing, query: Query, secrets: Mapping[SecretRef, SecretStr], now: datetime
) -> dict[str, str]:
    token = auth.session_token
    session = {} if token is None else {"X-Amz-Security-Token": secrets[token].get_secret_value()}
    return session | signed(
        method=unsigned.method,
        url=unsigned.url,
        query=query,
        headers=unsigned.headers | session,
        body=unsigned.body or b"",
        scope=(auth.region, auth.service),
        keys=(secrets[auth.access_key], secrets[auth.secret_key]),
        now=now,
    )
