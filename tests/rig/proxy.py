"""A TCP proxy in front of a server, which can lose the answer to a request that the server has carried out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from tests.rig.child import LOOPBACK

CHUNK = 1 << 16


class Proxy:
    """Passes octets on; `loses` is asked by its number whether the answer to a request that holds `said` is lost."""

    def __init__(self, port: int, *, said: bytes) -> None:
        self._target, self._said = port, said
        self.loses: Callable[[int], bool] = lambda _: False
        self._numbers = count(1)
        self._lines: set[asyncio.Task[None]] = set()
        self.port = 0
        self.lost = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for line in self._lines:
                line.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection(LOOPBACK, self._target)
        answers = asyncio.create_task(_pass(far, back))
        task = asyncio.current_task()
        if task is not None:
            self._lines.add(task)
            task.add_done_callback(self._lines.discard)
        try:
            with contextlib.suppress(ConnectionError):
                await self._ask(near, forth, far, answers)
        finally:
            answers.cancel()
            for line in (back, forth):
                line.transport.abort()

    async def _ask(
        self,
        near: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
        far: asyncio.StreamReader,
        answers: "asyncio.Task[None]",
    ) -> None:
        """Pass requests on until the line ends, or until one whose answer is to be lost has been answered."""
        while said := await near.read(CHUNK):
            cut = self._said in said and self.loses(next(self._numbers))
            if cut:
                answers.cancel()
                await asyncio.wait([answers])
            forth.write(said)
            await forth.drain()
            if cut:
                await far.read(CHUNK)
                self.lost += 1
                return


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while said := await source.read(CHUNK):
            sink.write(said)
            await sink.drain()
        sink.close()
