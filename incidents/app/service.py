"""The running service: its loops in one task group, started in order and stopped so that nothing is lost."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from incidents.adapters.bus import Bus, bus_address, open_bus
from incidents.app.front import application
from incidents.app.memory import settle
from incidents.app.role import Role
from incidents.app.wiring import Parts
from incidents.core.errors import IncidentsError
from incidents.flow.keeper import Chore
from incidents.flow.listening import Listener
from incidents.flow.reroute import reroute

__all__ = ["BusLost", "Role", "Service", "listen"]

log = structlog.get_logger(__name__)

_DRAIN = 15.0  # seconds for what was taken to be committed and answered


class BusLost(IncidentsError):
    """Nothing is consumed any more: the process ends, so that it is started anew."""


def listen(host: str, port: int) -> socket.socket:
    """A socket to serve on, bound before anything is started, so that an address in use is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would share the port with whoever has it
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
    except OSError as error:
        server.close()
        raise IncidentsError(f"cannot serve on {host}:{port}: {error.strerror}; set INCIDENTS_PORT") from error
    return server


class Service:
    """Runs the parts that a role needs until it is told to stop."""

    def __init__(self, parts: Parts, role: Role = Role.ALL, *, ready: Callable[[int], None] = lambda _: None) -> None:
        self._parts, self._role, self._ready = parts, role, ready
        self._bus: Bus | None = None
        self._calendars: list[asyncio.Task[None]] = []
        self._listener = Listener(parts.store, self._listens)
        self._stopping = asyncio.Event()
        self._server: uvicorn.Server | None = None
        self._socket = listen(parts.settings.host, parts.settings.port)

    def stop(self) -> None:
        """Ask it to end well."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve until stopped: bus first to stop, then what it brought is committed, then the rest."""
        _on_signals(self.stop)
        settle()
        async with asyncio.TaskGroup() as group:
            intake = group.create_task(self._parts.intake.run(), name="intake")
            self._calendars.append(group.create_task(self._parts.calendars.follower.run(), name="changed calendars"))
            loops = [group.create_task(self._parts.keeper.run(self._chores()), name="keeper"), *self._loops(group)]
            loops.append(group.create_task(self._listener.run(), name="listening"))
            served = group.create_task(self._serve(), name="web")
            bus = self._parts.settings.bus_url
            if self._role in {Role.ALL, Role.INTAKE} and bus is not None:
                consuming = group.create_task(self._consume(bus.get_secret_value()), name="bus")
                group.create_task(self._give_up(consuming), name="bus patience")
            await self._stopping.wait()
            await self._end(intake, served, loops)

    def _chores(self) -> tuple[Chore, ...]:
        """What follows when the catalog has changed, done by whoever pages people."""
        parts = self._parts
        if self._role not in {Role.ALL, Role.WORKER}:
            return ()
        return lambda: reroute(parts.store, parts.estate, parts.wake), parts.registrar.tell_due

    def _loops(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        if self._role not in {Role.ALL, Role.WORKER}:
            return []
        loops = [
            group.create_task(courier.run(), name=f"deliver {courier.channel}") for courier in self._parts.couriers
        ]
        self._calendars.append(group.create_task(self._parts.calendars.refresher.run(), name="calendars"))
        loops.append(group.create_task(self._parts.engine.run(), name="runs"))
        return [*loops, group.create_task(self._parts.clock.run(), name="clock")]

    def _listens(self) -> bool:
        """Whether signs of life can reach this process: by its bus, or by HTTP where there is none."""
        if self._parts.settings.bus_url is None:
            return True
        return self._bus is not None and self._bus.healthy().ok

    async def _end(
        self, intake: "asyncio.Task[None]", served: "asyncio.Task[None]", loops: list["asyncio.Task[None]"]
    ) -> None:
        if self._bus is not None:
            await self._bus.stop()
        if self._server is not None:
            self._server.should_exit = True
        await asyncio.wait([served], timeout=_DRAIN)
        self._parts.intake.stop()
        for courier in self._parts.couriers:
            courier.stop()
        self._listener.stop()
        self._parts.engine.stop()
        self._parts.clock.stop()
        self._parts.keeper.stop()
        for task in self._calendars:  # a calendar that is being fetched is fetched again at the next start
            task.cancel()
        _, late = await asyncio.wait([intake, *loops], timeout=_DRAIN)
        for task in late:  # what they had leased or not committed is found again at the next start
            log.warning("a loop did not end in time", loop=task.get_name())
            task.cancel()

    async def _serve(self) -> None:
        app = application(self._parts, bus=lambda: self._bus)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5, lifespan="off"
        )
        self._server = _Server(config)
        port = self._socket.getsockname()[1]
        if self._parts.lock is not None:
            self._parts.lock.tell(self._parts.settings.local_url(port))
        self._socket.listen(config.backlog)  # whoever is told that it is ready may come before the server looks
        self._ready(port)
        await self._server.serve(sockets=[self._socket])

    async def _give_up(self, consuming: "asyncio.Task[None]") -> None:
        """A stop ends the patience with a broker that has not answered yet."""
        await self._stopping.wait()
        consuming.cancel()

    async def _consume(self, url: str) -> None:
        self._bus = open_bus(bus_address(url), self._parts.intake)
        await self._bus.start()
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), 1.0)
            except TimeoutError:
                health = self._bus.healthy()
                if health.stuck:
                    raise BusLost(f"only a restart helps: {health.reason}") from None


class _Server(uvicorn.Server):
    """Leaves signals to the service, which stops things in their order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(name, stop)
        except (NotImplementedError, RuntimeError):  # Windows, or not the main thread
            return
