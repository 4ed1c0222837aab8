"""Servers on loopback that say what they are told to, and keep count of who came."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from incidents.adapters.targets import HttpTargets
from incidents.core.answer import Answered, NotReached, Unclear
from incidents.core.connection import Auth, Connection
from incidents.core.step import Method, Request

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
SOON = timedelta(seconds=20)  # long enough for any machine; nothing waits for it to pass


class Listener:
    """Counts who connects, and keeps every byte of a request before it answers."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.accepted = 0
        self.heard: list[bytes] = []
        self.port = 0
        self.over = asyncio.Event()  # whatever still waits is let go
        self._talks = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1", **how: object) -> AsyncIterator["Listener"]:
        server = await asyncio.start_server(self._take, host, 0, **how)  # type: ignore[arg-type]
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.over.set()
            server.close()
            await asyncio.gather(*self._talks)
            await server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            self.heard.append(head + await reader.readexactly(length))
            await self.answer(writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def said(body: bytes = b"{}", status: str = "200 OK", headers: str = "") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
        await writer.drain()

    return answer


def raw(*parts: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return answer


class Names(AbstractResolver):
    """A resolver that answers each lookup as the next entry says, the last one for ever, and counts them."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        addresses = self._answers[min(len(self.asked), len(self._answers) - 1)]
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


class Sockets:
    """Makes sockets for addresses on this machine only, and keeps which address each was wanted for."""

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def __call__(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        self.wanted.append(str(address[0]))
        if not str(address[0]).startswith("127."):
            raise OSError(101, "Network is unreachable")
        return socket.socket(family, kind, protocol)


def a_connection(url: str, *, inside: bool = True, auth: Auth | None = None, **said: object) -> Connection:
    return Connection(name="mlflow", url=url, inside=inside, auth=auth, **said)  # type: ignore[arg-type]


def a_request(method: Method = Method.POST, path: str = "/alias", **said: object) -> Request:
    body = {"name": "m"} if method in {Method.POST, Method.PUT, Method.PATCH} else None
    return Request(**{"connection": "mlflow", "method": method, "path": path, "body": body} | said)  # type: ignore[arg-type]


async def sent(
    connection: Connection, request: Request | None = None, *, within: timedelta = SOON, key: str | None = None
) -> Answered | NotReached | Unclear:
    return await HttpTargets([connection]).send(request or a_request(), within=within, key=key)
