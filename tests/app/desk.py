"""An operator's desk: an empty folder, the commands typed in it, and services started beside it."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner

from incidents.app.cli.program import app


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was printed
        return json.loads(self.out)


@dataclass(slots=True)
class Desk:
    """`type` runs a command in this process; `run` and `serving` start one of its own."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def type(self, *words: str, given: str | None = None, **settings: str) -> Said:
        """Type a command; settings by their names without the prefix."""
        try:
            result = CliRunner().invoke(app, words, input=given, env=self._environment(settings), prog_name="incidents")
        finally:  # a command silences its process
            logging.disable(logging.NOTSET)
            structlog.reset_defaults()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def run(self, *words: str, **settings: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "incidents", *words],
            cwd=self.folder,
            env=os.environ | self._environment(settings),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def serving(self, **settings: str) -> Iterator[str]:
        """A service in this folder on a free port; gives its address."""
        environment = os.environ | self._environment({"PORT": "0"} | settings)
        with subprocess.Popen(
            [sys.executable, "-m", "incidents", "serve"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().split(" at ")[1].split()[0]
            finally:
                process.terminate()
                process.communicate(timeout=90)

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        return {f"INCIDENTS_{name}": value for name, value in (self.settings | settings).items()}
