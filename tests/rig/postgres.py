"""PostgreSQL with durable commits, and a database in it for each test."""

import asyncio
import itertools
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.rig.child import LOOPBACK, Child, free_ports, program
from tests.rig.server import Server

DURABLE = ("fsync=on", "synchronous_commit=on", "max_connections=200")


class Postgres(Server):
    name = "PostgreSQL"
    variable = "TEST_POSTGRES_URL"

    _numbers = itertools.count(1)

    def reached_at(self, outside: str) -> str:
        return re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql+asyncpg:", outside)

    def _make(self) -> Child:
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name))
        self._postgres, initdb = program("postgres", *folders), program("initdb", *folders)
        [self._port] = free_ports(1)
        self.url = f"postgresql+asyncpg://incidents@{LOOPBACK}:{self._port}/postgres"
        child = Child("postgres", user="postgres")
        child.run(initdb, "-D", "data", "-U", "incidents", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        return child

    def start(self) -> None:
        options = ["-D", "data", "-h", LOOPBACK, "-p", str(self._port), "-k", str(self.child.folder)]
        for setting in DURABLE:
            options += ["-c", setting]
        # After kill9 its orphaned backends hold the shared memory for a moment, and it refuses to start.
        end = time.monotonic() + 5
        while True:
            try:
                self.child.start(self._postgres, *options, ready=self._answers)
            except RuntimeError:
                if time.monotonic() > end:
                    raise
            else:
                return

    def stop(self) -> None:
        # Its fast shutdown, which ends open sessions; on SIGTERM it would wait for them.
        self.child.stop(signal.SIGINT)

    def fresh(self, *, like: str | None = None) -> str:
        """Make a database, empty or a copy of the one at the URL `like`, and return its URL."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        template = urlsplit(like).path[1:] if like else "template0"
        self.tell(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        self.tell(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def tell(self, statement: str, *, url: str | None = None) -> None:
        """Execute one statement, from a thread of its own: the caller may have a running loop or none."""

        async def execute() -> None:
            connection = await asyncpg.connect((url or self.url).replace("+asyncpg", ""), timeout=10)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as apart:
            apart.submit(asyncio.run, execute()).result()

    def _answers(self) -> bool:
        try:
            self.tell("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True
