"""Fetches calendars from where they are kept, and has each read in a process that may come to nothing."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any

import aiohttp
from yarl import URL

from incidents.adapters.network import OutsideOnly, is_inside
from incidents.core.feed import entry_of
from incidents.flow.ports.calendars import Fetched, NoCalendar, Understood

MOST_BYTES = 1024 * 1024
_PATIENCE = 15.0  # seconds for one calendar, with all that it redirects to
_READING = 20.0  # seconds for a text to be read, longer than the processor time that it may use
_HOPS = 3
_LONGEST_ETAG = 200
_OK, _NOT_MODIFIED = 200, 304
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "incidents"}
_PASSED_ON = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TZ")  # of the environment, to the process that reads


class WebFeeds:
    """Calendars over http and https; one text is read at a time, so that readers cannot take every core."""

    def __init__(self, *, patience: float = _PATIENCE, reading: float = _READING) -> None:
        self._patience, self._reading = patience, reading
        self._one = asyncio.Semaphore(1)

    async def fetch(self, url: str, etag: str | None) -> Fetched:
        """What the address gives now; NoCalendar, in words that do not hold the address, which may be secret."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._follow(_address(url), etag)
        except TimeoutError:
            raise NoCalendar(f"it did not answer in {self._patience:.0f} s") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NoCalendar("it cannot be reached") from None
        except aiohttp.ClientPayloadError:
            raise NoCalendar("its answer breaks off before its end") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoCalendar(f"its answer cannot be read ({type(error).__name__})") from None

    async def _follow(self, address: URL, etag: str | None) -> Fetched:
        free = await is_inside(address.host or "")  # who names an address inside may be led about there
        headers = _HEADERS | ({"If-None-Match": etag} if etag else {})
        for hop in range(_HOPS + 1):
            connector = aiohttp.TCPConnector(force_close=True, resolver=None if free or hop == 0 else OutsideOnly())
            async with (
                aiohttp.ClientSession(connector=connector, trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as web,
                web.get(address, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status not in _REDIRECTS:
                    return await _taken(answer, asked=etag)
                address = _led(address, answer.headers.get("Location", ""))
            if not free and await is_inside(address.host or ""):
                raise NoCalendar("it redirects to an address inside this network")
        raise NoCalendar(f"it redirects more than {_HOPS} times")

    async def understand(self, body: bytes, start: datetime, end: datetime) -> Understood:
        """The events of a calendar between two moments, or NoCalendar.

        A thread cannot be stopped, and a rule of recurrence can keep one busy for days: so a process of its own reads
        the text, with limits on time and memory, and without the settings and secrets of this one.
        """
        asked = json.dumps([start.isoformat(), end.isoformat()]).encode()
        async with self._one:
            told = await self._told(asked + b"\n" + body)
        if "refused" in told:
            raise NoCalendar(told["refused"])
        entries = tuple(entry_of(doc) for doc in told["entries"])
        return Understood(entries=entries, left_out=tuple(told["left_out"]))

    async def _told(self, asked: bytes) -> dict[str, Any]:
        reader = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "incidents.adapters.calendar.expand",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=reader_environment(),
        )
        try:
            async with asyncio.timeout(self._reading):
                told, _ = await reader.communicate(asked)
        except TimeoutError:
            raise NoCalendar(f"reading it takes longer than {self._reading:.0f} s") from None
        finally:
            if reader.returncode is None:
                with suppress(ProcessLookupError):
                    reader.kill()
                await reader.wait()
        if reader.returncode != 0:
            raise NoCalendar("reading it fails, or takes too much time or memory")
        found: dict[str, Any] = json.loads(told)
        return found


def reader_environment() -> dict[str, str]:
    """What the process that reads knows of this one's surroundings: where Python's modules are, and no secret."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


async def _taken(answer: aiohttp.ClientResponse, *, asked: str | None) -> Fetched:
    if answer.status == _NOT_MODIFIED and asked:
        return Fetched(body=None, etag=asked)
    if answer.status != _OK:
        raise NoCalendar(f"it answers HTTP {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoCalendar("it answers in a compression that was not asked for")
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            raise NoCalendar("it is larger than 1 MiB")
    etag = answer.headers.get("ETag", "")
    keep = 0 < len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable()
    return Fetched(body=bytes(body), etag=etag if keep else None)


def _address(url: str) -> URL:
    address = URL(url)
    if address.scheme in {"webcal", "webcals"}:  # what calendar programs call https
        address = address.with_scheme("https")
    if address.scheme not in {"http", "https"} or not address.host:
        raise NoCalendar("its address is no http, https or webcal URL")
    return address


def _led(before: URL, location: str) -> URL:
    """Where a redirect leads to; never from https to less."""
    after = before.join(URL(location)) if location else None
    if after is None or after.scheme not in {"http", "https"} or not after.host:
        raise NoCalendar("it redirects to nowhere that can be asked")
    if before.scheme == "https" and after.scheme != "https":
        raise NoCalendar("it redirects from https to http")
    return after
