"""The HTTP API as the commands call it: over the network where a service runs, else the same application in here."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from incidents.adapters.store.lock import FileLock, Held
from incidents.app.settings import Settings
from incidents.core.errors import IncidentsError

if TYPE_CHECKING:
    from incidents.app.wiring import Parts

_PATIENCE = 30.0  # seconds that a command waits for another one on the same SQLite file
_ANSWER = 40.0  # seconds; the service itself gives up on its database earlier
_ANSWERED_BY = {  # what whoever typed can do about it here
    "warning": " (answer yes with --warned)",
    "no_person": " (with --as PERSON)",
}
Query = Sequence[tuple[str, str | int]]
Answer = dict[str, Any]


class Refused(IncidentsError):
    """The service said no; `problem` is its whole answer."""

    def __init__(self, problem: Mapping[str, Any], status: int) -> None:
        said = str(problem.get("detail") or problem.get("title") or f"refused with status {status}")
        super().__init__(said + _ANSWERED_BY.get(str(problem.get("code")), ""))
        self.problem = dict(problem)
        self.status = status


class Unreachable(IncidentsError):
    """No service answers where one should, or there is nothing to work on."""


@dataclass(slots=True)
class Api:
    """Calls the API and waits for its answers."""

    client: httpx.AsyncClient
    runner: asyncio.Runner
    where: str
    alone: bool  # no service runs on the SQLite file: what is set in motion here waits for one

    def get(self, path: str, query: Query = ()) -> Answer:
        return self._call(self.client.build_request("GET", path, params=list(query)))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Answer:
        said = None if body is None else {name: value for name, value in body.items() if value is not None}
        return self._call(self.client.build_request("POST", path, json=said))

    def send(self, path: str, body: bytes, content_type: str) -> Answer:
        return self._call(self.client.build_request("POST", path, content=body, headers={"Content-Type": content_type}))

    def _call(self, request: httpx.Request) -> Answer:
        """The JSON of the answer; Refused or Unreachable where it is none that was hoped for."""
        try:
            answer = self.runner.run(self.client.send(request))
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(
                f"nothing answers at {self.where} ({_why(error)}): is `incidents serve` running?"
            ) from error
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Unreachable(f"what answers at {self.where} is no incidents service (status {answer.status_code})")
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise Refused(said, answer.status_code)
        return said


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


@contextmanager
def opened(settings: Settings, *, url: str | None = None, by: str | None = None) -> Iterator[Api]:
    """The API at `url`, else of the service on the same database, else of PUBLIC_URL, else in this process."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(_api(stack, runner, settings, url=url, by=by))
        finally:
            runner.run(stack.aclose())


async def _api(
    stack: AsyncExitStack, runner: asyncio.Runner, settings: Settings, *, url: str | None, by: str | None
) -> Api:
    file, told = settings.database_file, "database_url" in settings.model_fields_set
    alone = False
    if url is None and (settings.public_url is None or (file is not None and told)):
        found = await _parts(settings)
        if not isinstance(found, str):
            transport = await _in_here(stack, found)
            alone = file is not None
            client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=_headers(settings, by))
            await stack.enter_async_context(client)
            return Api(client, runner, "this process", alone)
        url = found
    where = (url or settings.url).rstrip("/")
    client = httpx.AsyncClient(
        base_url=where, headers=_headers(settings, by), timeout=_ANSWER, trust_env=not _is_loopback(where)
    )
    await stack.enter_async_context(client)
    return Api(client, runner, where, alone)


def _headers(settings: Settings, by: str | None) -> dict[str, str]:
    headers = {"X-Incidents-As": by} if by else {}
    token = settings.api_token
    return headers | ({"Authorization": f"Bearer {token.get_secret_value()}"} if token else {})


def _is_loopback(url: str) -> bool:
    """Proxies are for what lies outside this machine."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


async def _parts(settings: Settings) -> "Parts | str":
    """The parts of a service that is not started, or the address of the one that has the file."""
    file = settings.database_file
    if file is not None and not file.exists():
        raise Unreachable(
            f"there is no database {file}, and no service is named: start `incidents serve`, or give --url"
        )
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            if file is not None:  # before anything large is imported: mostly a service has it
                _try(FileLock(file))
            from incidents.app.wiring import build

            return await build(settings, applies=False)
        except Held as held:
            if held.url is not None:
                return held.url
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.05)


def _try(lock: FileLock) -> None:
    lock.take()
    lock.free()


async def _in_here(stack: AsyncExitStack, parts: "Parts") -> httpx.ASGITransport:
    """The web application over the parts; its intake runs, since a dead letter may be sent through it again."""
    from incidents.app.front import application

    stack.push_async_callback(parts.close)
    intake = asyncio.get_running_loop().create_task(parts.intake.run())

    async def end() -> None:
        parts.intake.stop()
        await intake

    stack.push_async_callback(end)
    return httpx.ASGITransport(application(parts), raise_app_exceptions=False, client=("127.0.0.1", 1))
