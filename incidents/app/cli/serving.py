"""`serve` and `demo`: the commands that run until they are stopped."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.role import Role
from incidents.core.errors import IncidentsError
from incidents.core.figures import counted

if TYPE_CHECKING:
    from incidents.app.settings import Settings
    from incidents.app.wiring import Parts

_PATIENCE = 5.0  # seconds for a command that has the file just now


def serve(
    role: Annotated[
        Role, typer.Option(help="What this process does; several need PostgreSQL, each with a port of its own.")
    ] = Role.ALL,
) -> None:
    """Run the service: take events in, page people, serve the web page and the API.

    Everything is set by INCIDENTS_* variables; with none set it is one process with an SQLite file, events come by
    HTTP, and pages go to this terminal and the web page.
    """
    from incidents.app import logs

    settings = session.settings()
    logs.configure(settings.log_level)
    _check(settings, role)
    with contextlib.suppress(KeyboardInterrupt), loop_runner() as runner:
        runner.run(_serve(settings, role))


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Do not wait: play it on a shifted clock, print the timeline and end.")
    ] = False,
) -> None:
    """Play a whole incident in a temporary database, and leave its web page running.

    One prompt release, three kinds of trouble: readings, one incident, pages, an answer, a rollback, and the proof in
    the numbers until it is closed. Nothing leaves this machine.
    """
    from incidents.app.demo import play

    session.quiet()
    with contextlib.suppress(KeyboardInterrupt), loop_runner() as runner:
        if not runner.run(play(once=once)):
            raise typer.Exit(session.REFUSED)


def loop_runner() -> asyncio.Runner:
    """A runner on uvloop where there is one."""
    if sys.platform == "win32":
        return asyncio.Runner()
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def _check(settings: "Settings", role: Role) -> None:
    """Refuse what cannot work before anything is opened."""
    from incidents.adapters.bus import BadAddress, bus_address

    if settings.database_file is not None and role is not Role.ALL:
        terminal.complain("On SQLite one process does everything: leave --role out, or set a PostgreSQL DATABASE_URL.")
        raise typer.Exit(session.USAGE)
    if settings.bus_url is None:
        return
    try:
        bus_address(settings.bus_url.get_secret_value())
    except BadAddress as error:
        terminal.complain(f"INCIDENTS_BUS_URL: {error}")
        raise typer.Exit(session.USAGE) from None


async def _serve(settings: "Settings", role: Role) -> None:
    from incidents.app.service import Service, listen

    if settings.port == 0:  # links need the number before the first one is made
        with contextlib.closing(listen(settings.host, 0)) as found:
            settings = settings.model_copy(update={"port": found.getsockname()[1]})
    parts = await patiently(settings)
    try:
        service = Service(parts, role, ready=lambda _: terminal.write(*_banner(parts, role)))
        with only_ours():
            await service.run()
    finally:
        await parts.close()


async def patiently(settings: "Settings") -> "Parts":
    """The parts; a command that has the SQLite file for a moment is waited for."""
    from incidents.adapters.store.lock import Held
    from incidents.app.wiring import build

    async with asyncio.timeout(None) as limit:
        limit.reschedule(asyncio.get_running_loop().time() + _PATIENCE)
        while True:
            try:
                parts = await build(settings)
            except Held as held:
                if held.url is not None or limit.expired():
                    raise
                await asyncio.sleep(0.1)
            else:
                limit.reschedule(None)
                return parts


@contextlib.contextmanager
def only_ours() -> Iterator[None]:
    """What a task group raises, as the one error of ours that it holds; else as it is."""
    try:
        yield
    except* IncidentsError as group:
        raise _first(group) from None


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _banner(parts: "Parts", role: Role) -> list[str]:
    """Where it is found, where pages go, and what it stands on; no secret."""
    from importlib.metadata import version

    from incidents.adapters.bus import bus_address

    settings, estate = parts.settings, parts.estate
    bus = f"HTTP and {bus_address(settings.bus_url.get_secret_value()).shown}" if settings.bus_url else "HTTP"
    slack = f"Slack, {settings.slack_channel or estate.catalog.default_channel or 'to each owner'}"
    fallback = ", else the fallback" if settings.fallback_url else ""
    let_in = "who has the token" if settings.api_token else "this machine only"
    does = "" if role is Role.ALL else f", role {role}"
    running = parts.keeper.running.revision
    catalog = f"catalog revision {running.number}, {counted(len(estate.catalog.systems), 'system')}" if running else ""
    known = catalog or "no catalog: any system is taken"
    return [
        f"incidents {version('incidents')} at {settings.url} (for {let_in}{does})",
        f"  events    {bus}, as CloudEvents at {settings.url}/events",
        f"  pages     {slack if settings.slack_bot_token else 'this terminal and the web page'}{fallback}",
        f"  database  {parts.database.url.render_as_string(hide_password=True)}",
        f"  files     {known}; policy {estate.policy.version}; {len(estate.runbooks)} runbooks",
        *([f"  LOOK      {estate.trouble}"] if estate.trouble else []),
    ]
