"""The service says that it is ready when it is."""

import asyncio
import socket
from pathlib import Path

from incidents.app.service import Service
from incidents.app.settings import Settings
from incidents.app.wiring import build


async def test_whoever_calls_at_the_moment_that_it_says_so_is_let_in(tmp_path: Path) -> None:
    parts = await build(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}", port=0))
    called: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

    def call(port: int) -> None:
        called.set_result(socket.create_connection(("127.0.0.1", port), timeout=5))

    service = Service(parts, ready=call)
    running = asyncio.create_task(service.run())
    try:
        caller = await asyncio.wait_for(called, 60)
        reader, writer = await asyncio.open_connection(sock=caller)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
    finally:
        service.stop()
        await running
        await parts.close()
