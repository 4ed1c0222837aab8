"""MLflow's own server from PyPI, in an environment of its own: a registry of models, their versions and aliases."""

import json
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.rig.child import LOOPBACK, Child, answers, fetch_by, fetched, free_ports
from tests.rig.server import Server

VERSION = "3.17.2"
SLOW = 900.0  # seconds: it brings half of scientific Python with it


class Mlflow(Server):
    """One tracking server on SQLite; each test gives its models names of its own."""

    name = "MLflow"
    variable = "TEST_MLFLOW_URL"

    def _make(self) -> Child:
        self._python = fetched(f"mlflow-{VERSION}", fetch_mlflow) / "venv/bin/python"
        [self._port] = free_ports(1)
        self.url = f"http://{LOOPBACK}:{self._port}"
        return Child("mlflow")

    def start(self) -> None:
        where = ("--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "artifacts")
        listen = ("--host", LOOPBACK, "--port", str(self._port), "--workers", "1")
        # A venv that was moved has no working scripts, only a working Python.
        self.child.start(
            str(self._python),
            *("-m", "mlflow", "server", *where, *listen),
            ready=lambda: answers(self._port, say=b"GET /health HTTP/1.0\r\n\r\n", hear=b"HTTP/1.1 200"),
            env={
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "DO_NOT_TRACK": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            within=180,
        )

    def register(self, model: str, versions: int, *, alias: str, at: int) -> None:
        """Have a model with so many versions, and an alias that serves one of them."""
        self.say("registered-models/create", name=model)
        run = self.say("runs/create", experiment_id="0")["run"]["info"]
        for _ in range(versions):
            source = f"{run['artifact_uri']}/model"
            self.say("model-versions/create", name=model, source=source, run_id=run["run_id"])
        self.say("registered-models/alias", name=model, alias=alias, version=str(at))

    def version(self, model: str, alias: str) -> str:
        """The version that an alias serves now, as the server itself says."""
        found = self._asked(f"registered-models/alias?name={model}&alias={alias}", None)
        return str(found["model_version"]["version"])

    def say(self, path: str, **body: object) -> dict[str, Any]:
        return self._asked(path, json.dumps(body).encode())

    def _asked(self, path: str, body: bytes | None) -> dict[str, Any]:
        line = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        verb = "GET" if body is None else "POST"
        line.request(verb, f"/api/2.0/mlflow/{path}", body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        told: dict[str, Any] = json.load(answer)
        line.close()
        assert answer.status == 200, told
        return told


def fetch_mlflow(folder: Path) -> None:
    fetch_by((sys.executable, "-m", "venv", "venv"), within=folder)
    pip = (str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    fetch_by((*pip, "--only-binary", ":all:", f"mlflow=={VERSION}"), within=folder, patience=SLOW)
