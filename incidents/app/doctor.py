"""Looks at everything that the service leans on, changes nothing, and says what to do about what is wrong."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alembic.script import ScriptDirectory
from sqlalchemy import text

from incidents.adapters.bus import BadAddress, BusAway, BusRefused, bus_address, open_publisher
from incidents.adapters.files import FilesRefused, cross_check, read_catalog, shipped
from incidents.adapters.slack.api import SlackApi, SlackSaidNo
from incidents.adapters.store.database import Database
from incidents.adapters.store.lock import FileLock, Held
from incidents.adapters.store.schema import version
from incidents.app.drafts import working_hours
from incidents.app.finding import Finding
from incidents.app.finding import fail as _fail
from incidents.app.finding import ok as _ok
from incidents.app.finding import warn as _warn
from incidents.app.on_call import examine_secret, examine_turns
from incidents.app.revisions import examine_revisions
from incidents.app.settings import LOOPBACK, Settings
from incidents.app.wiring import read_base
from incidents.core.catalog import Catalog
from incidents.core.errors import StoreAway

_SOUND_SQLITE = (3, 51, 3)  # before it, a checkpoint during a write could corrupt a WAL file (sqlite.org/wal.html)
_SKEW = timedelta(seconds=2)
_PATIENCE = 10.0  # seconds for each answer
_PAGES = 10  # of Slack's list of channels
_POSTGRES = {"fsync": "on", "full_page_writes": "on"}  # without them a power cut takes what was answered


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, the database first."""
    stored = [finding async for finding in _database(settings)]
    return [
        *stored,
        *_files(settings, applied=any(finding.what == "catalog" for finding in stored)),
        *[finding async for finding in _bus(settings)],
        *[finding async for finding in _slack(settings)],
        *[finding async for finding in _fallback(settings)],
        *_door(settings),
        *examine_secret(settings),
    ]


# --- database -------------------------------------------------------------------------------------------------------


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    file = settings.database_file
    if file is not None:
        for finding in _sqlite(file):
            yield finding
        if not file.exists():
            return
    database = Database(settings.database_url)
    try:
        async for finding in _opened(settings, database):
            yield finding
    except (StoreAway, OSError) as away:
        words = str(away).splitlines()[0]
        yield _fail("database", f"cannot be reached: {words}", "check INCIDENTS_DATABASE_URL, and that it is running")
    finally:
        await database.close()


def _sqlite(file: Path) -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < _SOUND_SQLITE:
        words = f"SQLite {sqlite3.sqlite_version}: a rare race in its write-ahead log was mended in 3.51.3"
        yield _warn("sqlite", words, "keep back-ups, or use PostgreSQL, until Python brings a newer SQLite")
    else:
        yield _ok("sqlite", f"SQLite {sqlite3.sqlite_version}")
    if not file.exists():
        yield _warn("database", f"{file} does not exist yet", "`incidents serve` or `incidents db upgrade` makes it")
        return
    lock = FileLock(file)
    try:
        lock.take()
        lock.free()
    except Held as held:
        yield _ok("service", str(held))
    except OSError as error:
        yield _fail("database", f"{file}: {error.strerror}", "let this user write the file and its folder")
    else:
        yield _warn("service", "no service runs on this file", "start `incidents serve`")


async def _opened(settings: Settings, database: Database) -> AsyncIterator[Finding]:
    async with database.read() as connection:
        before = time.time()
        now = await database.now(connection)
        if database.sqlite:
            mode = (await connection.execute(text("pragma journal_mode"))).scalar_one()
            yield _ok("database", f"journal mode {mode}; every commit is flushed to disk (synchronous FULL)")
        else:
            yield _ok("database", f"PostgreSQL {(await connection.execute(text('show server_version'))).scalar_one()}")
            for name, wanted in _POSTGRES.items():
                found = (await connection.execute(text(f"show {name}"))).scalar_one()
                if found != wanted:
                    words = f"{name} is {found}: a power cut loses what was answered"
                    yield _fail("database", words, f"set {name} = {wanted}")
        skew = timedelta(seconds=now.timestamp() - (before + time.time()) / 2)
    if abs(skew) > _SKEW:
        words = f"the database's clock is {skew.total_seconds():+.1f} s from this machine's"
        yield _warn("clock", words, "synchronise both clocks (NTP): windows and pages go by the database's")
    else:
        yield _ok("clock", "the database's clock is this machine's")
    newest = ScriptDirectory(str(shipped("migrations"))).get_current_head()
    known = await version(database)
    yield _schema(known, newest or "")
    if known == newest:
        async for finding in examine_revisions(settings, database):
            yield finding
        for finding in await examine_turns(settings, database):
            yield finding


def _schema(found: str | None, wanted: str) -> Finding:
    if found == wanted:
        return _ok("schema", f"at {found}, the newest")
    return _warn("schema", f"at {found or 'nothing'}; this program brings {wanted}", "run `incidents db upgrade`")


# --- files ----------------------------------------------------------------------------------------------------------


def _files(settings: Settings, *, applied: bool) -> Iterator[Finding]:
    """Policy, runbooks, and the catalog's file, where one is set or none was `applied` either."""
    try:
        base, shelf = read_base(settings)
        hours = working_hours(base.policy)
        catalog = read_catalog(settings.catalog, working=hours) if settings.catalog else Catalog()
    except FilesRefused as refused:
        for problem in refused.problems:
            yield _fail("files", str(problem), "mend the file; `incidents validate` checks it")
        return
    for problem in (*shelf.problems, *cross_check(catalog, base.policy, shelf.runbooks)):
        yield _warn("files", str(problem), "mend the file; `incidents validate` checks it")
    if settings.catalog is None and not applied:
        advice = "set INCIDENTS_CATALOG to a file that names systems, people and owners"
        yield _warn("files", "there is no catalog: nobody owns anything, and the local admin is asked", advice)
        return
    counts = f"{len(catalog.systems)} systems, {len(catalog.people)} people, " if settings.catalog else ""
    yield _ok("files", f"{counts}{len(base.runbooks)} runbooks; policy {base.policy.version}")


# --- bus, Slack, fallback -------------------------------------------------------------------------------------------


async def _bus(settings: Settings) -> AsyncIterator[Finding]:
    if settings.bus_url is None:
        yield _ok("bus", "none is set; events come by HTTP")
        return
    try:
        address = bus_address(settings.bus_url.get_secret_value())
    except BadAddress as error:
        yield _fail("bus", str(error), "mend INCIDENTS_BUS_URL")
        return
    publisher = open_publisher(address)
    try:
        async with asyncio.timeout(_PATIENCE):
            await publisher.start()
        yield _ok("bus", f"{address.shown} answers")
    except (BusAway, BusRefused) as error:
        yield _fail("bus", str(error), "check the broker and INCIDENTS_BUS_URL")
    except TimeoutError:
        yield _fail("bus", f"{address.shown} did not answer in {_PATIENCE:.0f} s", "check the broker and the network")
    finally:
        await publisher.stop()


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    if settings.slack_bot_token is None:
        yield _warn("slack", "is not set up: pages go to the console", "set INCIDENTS_SLACK_BOT_TOKEN")
        return
    if settings.slack_signing_secret is None:
        advice = "set INCIDENTS_SLACK_SIGNING_SECRET"
        yield _fail("slack", "buttons cannot work: nothing tells Slack's clicks from others'", advice)
    api = SlackApi(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    try:
        who = await api.read("auth.test")
        yield _ok("slack", f"the token is good: {who.get('user')} in {who.get('team')}")
        yield await _channel(api, settings)
    except SlackSaidNo as no:
        advice = "check INCIDENTS_SLACK_BOT_TOKEN, its scopes, and the way to slack.com"
        yield _fail("slack", f"{no}{f' ({no.code})' if no.code else ''}", advice)
    finally:
        await api.close()


async def _channel(api: SlackApi, settings: Settings) -> Finding:
    wanted = settings.slack_channel
    if not wanted:
        with suppress(FilesRefused):
            wanted = read_catalog(settings.catalog).default_channel if settings.catalog else None
    if not wanted:
        return _warn("slack", "no channel is set", "set INCIDENTS_SLACK_CHANNEL, or defaults.channel in the catalog")
    found = await _find_channel(api, wanted.removeprefix("#"))
    if found is None:
        advice = "make it, or invite the bot where it is private"
        return _fail("slack", f"the bot sees no channel {wanted}", advice)
    if found.get("is_member") is False:
        return _warn("slack", f"the bot is not in {wanted}", f"say /invite with the bot's name in {wanted}")
    return _ok("slack", f"the bot sees {wanted}")


async def _find_channel(api: SlackApi, wanted: str) -> Mapping[str, Any] | None:
    cursor = ""
    for _ in range(_PAGES):
        asked = {"limit": "1000", "exclude_archived": "true", "types": "public_channel,private_channel"}
        page = await api.read("conversations.list", **asked, **({"cursor": cursor} if cursor else {}))
        for channel in page.get("channels") or ():
            if wanted in {channel.get("id"), channel.get("name")}:
                found: Mapping[str, Any] = channel
                return found
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return None


async def _fallback(settings: Settings) -> AsyncIterator[Finding]:
    if settings.fallback_url is None:
        if settings.slack_bot_token is not None:
            advice = "set INCIDENTS_FALLBACK_URL to a webhook that does not depend on Slack"
            yield _warn("fallback", "none is set: when Slack is away, pages reach only the console", advice)
        return
    parts = urlsplit(settings.fallback_url.get_secret_value())
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        yield _ok("fallback", f"{host}:{port} can be reached (nothing was sent)")
    except (OSError, TimeoutError) as error:
        yield _fail("fallback", f"{host}:{port} cannot be reached: {error}", "check INCIDENTS_FALLBACK_URL")


# --- who is let in --------------------------------------------------------------------------------------------------


def _door(settings: Settings) -> Iterator[Finding]:
    if settings.api_token is not None:
        yield _ok("door", f"listens on {settings.host}:{settings.port}; the token lets in")
        if settings.host not in LOOPBACK and not settings.url.startswith("https://"):
            advice = "put TLS in front, and set INCIDENTS_PUBLIC_URL to its https address"
            yield _warn("door", f"{settings.url} sends the token in clear", advice)
        return
    words = f"listens on {settings.host}:{settings.port}; without a token this machine only is let in, as local admin"
    yield _ok("door", words)
    if settings.public_url is not None and urlsplit(settings.public_url).hostname not in LOOPBACK:
        advice = "set INCIDENTS_API_TOKEN; requests through a proxy are refused without it"
        yield _warn("door", f"{settings.public_url} will be refused", advice)
