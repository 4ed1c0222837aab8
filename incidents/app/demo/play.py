"""Starts the service on a temporary database, plays the story on it, and leaves it running or ends."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from incidents.app import terminal
from incidents.app.cli.reading import lines
from incidents.app.demo.registry import Registry
from incidents.app.demo.stage import Stage, WentWrong, settings_for
from incidents.app.demo.story import MAIN, tell
from incidents.app.demo.voice import QuietCarrier, Voice
from incidents.app.service import Service
from incidents.app.settings import Settings
from incidents.app.wiring import Parts, build

_PAUSE = 1.1  # seconds between two lines


async def play(*, once: bool) -> bool:
    """Whether the story came out; without `once` the web page stays until it is stopped."""
    with TemporaryDirectory(prefix="incidents-demo-", ignore_cleanup_errors=True) as folder:
        async with Registry().serving() as registry:
            return await _with(Path(folder), registry, once=once)


async def _with(folder: Path, registry: str, *, once: bool) -> bool:
    settings, wanted = settings_for(folder, registry)
    voice = Voice(terminal.console())
    voice.head("One prompt release, three kinds of trouble, one incident. Nothing leaves this machine.")
    if not wanted:
        voice.head("The usual port is taken, so another one is used.")
    voice.head(f"Web page: {settings.url}", "")
    parts = await build(settings, carriers=(QuietCarrier(voice),), every=0.2)
    try:
        return await _played(parts, settings, voice, once=once)
    finally:
        await parts.close()


async def _played(parts: Parts, settings: Settings, voice: Voice, *, once: bool) -> bool:
    ready = asyncio.Event()
    service = Service(parts, ready=lambda _: ready.set())
    running = asyncio.create_task(service.run())
    story = asyncio.create_task(_story(parts, settings, voice, ready, pause=0.0 if once else _PAUSE))
    try:
        await asyncio.wait([running, story], return_when=asyncio.FIRST_COMPLETED)
        if not story.done():  # stopped in the middle
            return True
        came_out = story.result()
        if not once and came_out:
            voice.head("", *_invitation(settings.url))
            await running
        return came_out
    finally:
        story.cancel()
        service.stop()
        await running


async def _story(parts: Parts, settings: Settings, voice: Voice, ready: asyncio.Event, *, pause: float) -> bool:
    await ready.wait()
    async with httpx.AsyncClient(base_url=settings.url, trust_env=False, timeout=30) as client:
        stage = Stage(parts=parts, client=client, voice=voice, pause=pause)
        try:
            facts = await tell(stage)
        except WentWrong as wrong:
            terminal.complain(f"The story did not come out: {wrong}")
            return False
    if not pause:
        voice.head("", f"{MAIN}, from its opening to its closure (UTC):")
        terminal.write(*lines(facts))
    return True


def _invitation(url: str) -> list[str]:
    return [
        f"The web page stays at {url}; Ctrl-C ends it. From another terminal:",
        f"  incidents list --url {url}",
        f"  incidents timeline {MAIN} --url {url}",
        f"  incidents ack INC-2 --as priya --url {url}",
    ]
