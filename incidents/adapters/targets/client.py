"""Sends one request to a target, each over a connection of its own, and says how far it surely got."""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import aiohttp
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver
from yarl import URL

from incidents.adapters.network import Forbidden, Guard
from incidents.adapters.targets.incoming import taken
from incidents.adapters.targets.outgoing import Outgoing, Unsendable, outgoing
from incidents.adapters.targets.rate import Turns
from incidents.adapters.targets.secrets import NoSecret, Scrubber, missing
from incidents.core.answer import Answered, NotReached, Unclear
from incidents.core.connection import Connection
from incidents.core.step import Request

_LARGEST_HEADER = 16 * 1024
_ONCE = "a request is sent once"


class HttpTargets:
    """The connections of the settings; no proxy of the environment, no redirect, no cookie, no second try."""

    def __init__(
        self,
        connections: Iterable[Connection] = (),
        *,
        names: AbstractResolver | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connections = {connection.name: connection for connection in connections}
        self._names, self._now = names, now
        self._turns: dict[str, Turns] = {}

    async def send(
        self, request: Request, *, within: timedelta, key: str | None = None
    ) -> Answered | NotReached | Unclear:
        """One request, tried once; an address that may not be connected to, or a missing secret, is not reached."""
        connection = self._connections.get(request.connection)
        if connection is None:
            return NotReached(f"there is no connection {request.connection!r} in INCIDENTS_CONNECTIONS")
        return await self._tried(connection, lambda: outgoing(connection, request, key, self._now()), within)

    async def probe(self, name: str, *, within: timedelta) -> Answered | NotReached | Unclear:
        """Whether a target answers at all, asked for the head of its base address without any credentials."""
        connection = self._connections[name]
        base = URL(f"{connection.url.rstrip('/')}/")
        head = Outgoing(method="HEAD", url=base, headers={"User-Agent": "incidents"}, body=None, secrets=())
        return await self._tried(connection, lambda: head, within)

    async def _tried(
        self, connection: Connection, made: Callable[[], Outgoing], within: timedelta
    ) -> Answered | NotReached | Unclear:
        attempt = _Attempt(connection, self._names or ThreadedResolver())
        try:
            async with asyncio.timeout(min(within, connection.timeout).total_seconds()):
                await self._turn(connection).take()
                return await attempt.carry(made())
        except (Unsendable, NoSecret) as why:
            return NotReached(f"{connection.name}: {why}")
        except TimeoutError:
            return attempt.failed("it did not answer in time", "it cannot be reached in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return attempt.failed("the connection to it broke before its whole answer was there", _why(error))

    def connections(self) -> Mapping[str, str]:
        return {name: connection.url for name, connection in self._connections.items()}

    def missing(self, name: str) -> tuple[str, ...]:
        """What is wrong with the secrets of a connection, in words that hold none."""
        return missing(self._connections[name])

    def _turn(self, connection: Connection) -> Turns:
        return self._turns.setdefault(connection.name, Turns(connection, asyncio.get_running_loop().time))


class _Attempt:
    """One request on its way: `left` once there is a connection, for from then on it may have been read."""

    def __init__(self, connection: Connection, names: AbstractResolver) -> None:
        self._connection, self.left = connection, False
        self._guard = Guard(names, inside=connection.inside)

    async def carry(self, out: Outgoing) -> Answered | Unclear:
        watch = aiohttp.TraceConfig()
        watch.on_connection_create_start.append(self._begins)
        watch.on_connection_create_end.append(self._connected)
        connector = aiohttp.TCPConnector(
            force_close=True,
            use_dns_cache=False,
            resolver=self._guard,
            socket_factory=self._guard.socket,
            ssl=ssl.create_default_context(cafile=self._connection.ca) if out.url.scheme == "https" else True,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                max_line_size=_LARGEST_HEADER,
                max_field_size=_LARGEST_HEADER,
                trace_configs=[watch],
            ) as web,
            web.request(out.method, out.url, headers=out.headers, data=out.body, allow_redirects=False) as answer,
        ):
            told = await taken(answer, Scrubber(out.secrets))
        return Unclear(f"{self._connection.name}: {told.why}") if isinstance(told, Unclear) else told

    def failed(self, after: str, before: str) -> NotReached | Unclear:
        """What a failure means: before there was a connection nothing was done, afterwards nobody knows."""
        name = self._connection.name
        return Unclear(f"{name}: {after}") if self.left else NotReached(f"{name}: {before}")

    async def _begins(self, *_: object) -> None:
        """The library tries again by itself where a connection breaks; that is not its to decide."""
        if self.left:
            raise aiohttp.ClientConnectionError(_ONCE)

    async def _connected(self, _: aiohttp.ClientSession, __: SimpleNamespace, ___: object) -> None:
        self.left = True


def _why(error: Exception) -> str:
    """Why there was no connection, without anything that the other end said."""
    reason = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(reason, Forbidden):
        return str(reason)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not good for its name"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "no TLS connection can be made"
    if isinstance(reason, FileNotFoundError):
        return "the file of its certificate authorities is not there"
    return "it cannot be reached"
