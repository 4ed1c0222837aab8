"""The demo's target: a small registry of prompts on this machine, which answers MLflow's calls for aliases."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from incidents.app.service import listen

PROMPT, ALIAS = "support-answers", "production"
_PATH = "/api/2.0/mlflow/registered-models/alias"


class _Alias(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    alias: str
    version: str


@dataclass(slots=True)
class Registry:
    """Prompts with their versions, and which one each alias serves."""

    versions: dict[str, tuple[str, ...]] = field(default_factory=lambda: {PROMPT: ("41", "42")})
    serves: dict[tuple[str, str], str] = field(default_factory=lambda: {(PROMPT, ALIAS): "42"})

    def application(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.get(_PATH)
        def look(name: Annotated[str, Query()], alias: Annotated[str, Query()]) -> JSONResponse:
            version = self.serves.get((name, alias))
            if version is None:
                return _refused("INVALID_PARAMETER_VALUE", f"Registered model alias {alias} not found.", 400)
            return JSONResponse({"model_version": {"name": name, "version": version, "aliases": [alias]}})

        @app.post(_PATH)
        def move(asked: _Alias) -> JSONResponse:
            if asked.version not in self.versions.get(asked.name, ()):
                said = f"Model Version (name={asked.name}, version={asked.version}) not found"
                return _refused("RESOURCE_DOES_NOT_EXIST", said, 404)
            self.serves[asked.name, asked.alias] = asked.version
            return JSONResponse({})

        @app.exception_handler(RequestValidationError)
        def wrong(_: Request, error: RequestValidationError) -> JSONResponse:
            return _refused("INVALID_PARAMETER_VALUE", str(error.errors()[0]["msg"]), 400)

        return app

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """It runs for as long as the block does; gives its address."""
        found = listen("127.0.0.1", 0)
        found.listen()
        server = _Server(uvicorn.Config(self.application(), log_config=None, access_log=False, lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[found]))
        try:
            yield f"http://127.0.0.1:{found.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


class _Server(uvicorn.Server):
    """Leaves signals to the demo."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _refused(code: str, message: str, status: int) -> JSONResponse:
    return JSONResponse({"error_code": code, "message": message}, status)
