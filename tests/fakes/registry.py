"""A registry of models as MLflow documents it: the alias of one model, read and moved; anything else is refused."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web

from incidents.core.connection import Bearer, Connection, SecretRef

PATH = "/api/2.0/mlflow/registered-models/alias"
_WANTED = {"name", "alias", "version"}


class Registry:
    """Holds which version each alias of `credit` serves, and every request that it took."""

    def __init__(self, token: str | None = None) -> None:
        self.serves, self.versions = {"champion": "2"}, {"1", "2"}
        self.ledger: list[tuple[str, str]] = []  # (method, the version said or served)
        self.says: dict[str, object] | None = None  # instead of the documented answer to a question
        self.url = ""
        self._token = token

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Registry"]:
        app = web.Application()
        app.router.add_route("GET", PATH, self._read)
        app.router.add_route("POST", PATH, self._move)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}"
            yield self
        finally:
            await runner.cleanup()

    def connection(self, name: str = "mlflow", variable: str = "") -> Connection:
        auth = Bearer(token=SecretRef(env=variable)) if variable else None
        return Connection(name=name, url=self.url, inside=True, auth=auth)

    async def _read(self, request: web.Request) -> web.Response:
        refused = self._stranger(request)
        if refused is not None or set(request.query) != {"name", "alias"}:
            return refused or _error("INVALID_PARAMETER_VALUE", HTTPStatus.BAD_REQUEST)
        version = self.serves.get(request.query["alias"]) if request.query["name"] == "credit" else None
        if version is None:
            return _error("RESOURCE_DOES_NOT_EXIST", HTTPStatus.NOT_FOUND)
        self.ledger.append(("GET", version))
        return web.json_response(self.says or {"model_version": {"name": "credit", "version": version}})

    async def _move(self, request: web.Request) -> web.Response:
        refused = self._stranger(request)
        if refused is not None:
            return refused
        said = json.loads(await request.text())
        texts = isinstance(said, dict) and set(said) == _WANTED and all(isinstance(each, str) for each in said.values())
        if request.content_type != "application/json" or not texts or said["version"] not in self.versions:
            return _error("INVALID_PARAMETER_VALUE", HTTPStatus.BAD_REQUEST)
        self.serves[said["alias"]] = said["version"]
        self.ledger.append(("POST", said["version"]))
        return web.json_response({})

    def _stranger(self, request: web.Request) -> web.Response | None:
        wanted = f"Bearer {self._token}" if self._token else None
        if request.headers.get("Authorization") != wanted:
            return _error("UNAUTHENTICATED", HTTPStatus.UNAUTHORIZED)
        return None


def _error(code: str, status: HTTPStatus) -> web.Response:
    return web.json_response({"error_code": code}, status=status)
