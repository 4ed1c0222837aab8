"""Runs the service until it is told to stop."""

import asyncio

from incidents.app import logs
from incidents.app.service import Service
from incidents.app.settings import Settings
from incidents.app.wiring import build


async def serve() -> None:
    logs.configure("info")
    parts = await build(Settings())
    try:
        await Service(parts).run()
    finally:
        await parts.close()


if __name__ == "__main__":
    asyncio.run(serve())
