"""Two strict targets that keep a ledger of what they did: a model registry and a switchboard of features.

They refuse what the real ones would refuse, and may be told to do the work and cut the line, or to be away.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from incidents.core.answer import Answer, Answered, NotReached, Unclear
from incidents.core.step import Method, Request
from tests.make_runs import MLFLOW

_FEATURE = "/api/admin/projects/p/features/f/environments/production"


class Works:
    """`endings` are taken in order, one for each request that alters something; then all goes well."""

    def __init__(self, *endings: str, ledger: Path | None = None, knows_keys: bool = True) -> None:
        self._endings, self._file, self._knows_keys = list(endings), ledger, knows_keys
        self._kept: list[dict[str, Any]] = []
        self.asked = 0
        self.sent: list[str] = []
        self.keys: list[str | None] = []

    def connections(self) -> Mapping[str, str]:
        return {"mlflow": "http://mlflow.test", "unleash": "http://unleash.test"}

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """What was really done, in its order."""
        if self._file is None:
            return self._kept
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []

    @property
    def done(self) -> list[str]:
        return [entry["did"] for entry in self.ledger]

    @property
    def version(self) -> str:
        """Where the alias points: to version 2 until it is moved."""
        moved = [entry["did"] for entry in self.ledger if entry["did"].startswith("alias ")]
        return moved[-1].removeprefix("alias ") if moved else "2"

    async def send(self, request: Request, *, within: timedelta, key: str | None = None) -> Answer:
        if not within:
            return NotReached("no time was left")
        if request.method is Method.GET:
            self.asked += 1
            return self._read(request)
        self.sent.append(f"{request.method} {request.path}")
        self.keys.append(key)
        if self._file is not None:
            with self._file.with_suffix(".received").open("a") as file:
                file.write(f"{key}\n")
        ending = self._endings.pop(0) if self._endings else "well"
        if ending == "away":
            return NotReached("nobody listens")
        if ending == "lost":
            return Unclear("the request was cut off on its way")
        if ending == "refuse":
            return Answered(status=403, body={"error": "not yours"}, text='{"error": "not yours"}')
        answer = self._write(request, key)
        return Unclear("the connection broke before an answer came") if ending == "cut" else answer

    def _read(self, request: Request) -> Answer:
        if request.connection != "mlflow" or request.path != MLFLOW:
            return Answered(status=404, body=None)
        if dict(request.query) != {"name": "credit", "alias": "champion"}:
            return Answered(status=400, body={"error_code": "INVALID_PARAMETER_VALUE"})
        return Answered(status=200, body={"model_version": {"name": "credit", "version": self.version}})

    def _write(self, request: Request, key: str | None) -> Answer:
        if request.connection == "mlflow":
            did = self._alias(request)
        else:
            turns = {f"{_FEATURE}/{turn}": f"feature {turn}" for turn in ("on", "off")}
            did = turns.get(request.path) if request.method is Method.POST and request.body is None else None
        if did is None:
            return Answered(status=400, body={"error": "malformed"}, text="malformed")
        if not (self._knows_keys and key is not None and any(entry["key"] == key for entry in self.ledger)):
            self._note({"did": did, "key": key})
        return Answered(status=200, body={})

    def _alias(self, request: Request) -> str | None:
        said = request.body
        if request.method is not Method.POST or request.path != MLFLOW or not isinstance(said, Mapping):
            return None
        if set(said) != {"name", "alias", "version"} or not all(isinstance(value, str) for value in said.values()):
            return None
        return f"alias {said['version']}"

    def _note(self, entry: dict[str, Any]) -> None:
        if self._file is None:
            self._kept.append(entry)
            return
        with self._file.open("a") as file:
            file.write(json.dumps(entry) + "\n")
