"""RabbitMQ as one node with its own name service, and a virtual host in it for each test."""

import asyncio
import itertools
import os
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aio_pika

from tests.rig.child import LOOPBACK, Child, answers, free_ports, program
from tests.rig.server import Server

GREETING = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01\x00\x00"  # what a broker that is up answers with
QUEUES = ("incidents.intake",)
EXCHANGES = ("ai.events", "ai.incidents")


class RabbitMQ(Server):
    name = "RabbitMQ"
    variable = "TEST_RABBITMQ_URL"

    _numbers = itertools.count(1)

    def _make(self) -> Child:
        # The distribution's wrapper insists on its own user and home; the script under it does not.
        self._server = program("rabbitmq-server", Path("/usr/lib/rabbitmq/bin"))
        self._epmd, self._erl_call = program("epmd"), program("erl_call")
        self._port, self._node_port, self._names_port = free_ports(3)
        self._cookie = secrets.token_hex(16)
        self.url = f"amqp://guest:guest@{LOOPBACK}:{self._port}/"
        self._name_service = Child("epmd", user="rabbitmq")
        return self._with_cookie(Child("rabbitmq", user="rabbitmq"))

    def _with_cookie(self, child: Child) -> Child:
        cookie = child.folder / ".erlang.cookie"
        cookie.write_text(self._cookie)
        cookie.chmod(0o400)
        child.own(cookie)
        return child

    def start(self) -> None:
        # The node would start a name service that outlives it; ours is a child like any other.
        if not answers(self._names_port):
            listen = ("-port", str(self._names_port), "-address", LOOPBACK)
            self._name_service.start(self._epmd, *listen, ready=lambda: answers(self._names_port))
        self.child.start(self._server, ready=self._answers, env=self._environment())

    def kill9(self) -> None:
        child = self.child
        # For half a second after a queue is declared this broker keeps the queue's name in memory only, and a
        # queue without its name never elects a leader again. Messages are left to their own luck.
        self._tell("lists:foreach(fun dets:sync/1, dets:all())")
        child.kill9()

    def end(self) -> None:
        super().end()
        if hasattr(self, "_name_service"):
            self._name_service.remove()

    def fresh(self) -> str:
        """Return the URL of a virtual host nobody has used, or of a broker rid of the product's names."""
        if self.is_outside:
            with ThreadPoolExecutor(1) as apart:
                apart.submit(asyncio.run, self._forget()).result()
            return self.url
        host = f"test{next(self._numbers)}"
        self._tell(f'rabbit_vhost:add(<<"{host}">>, <<"rig">>)')
        self._tell(
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{host}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"rig">>)'
        )
        return f"{self.url}{host}"

    def drop(self, url: str) -> None:
        """Remove the virtual host at `url` with all that is in it."""
        if not self.is_outside:
            self._tell(f'rabbit_vhost:delete(<<"{url.rpartition("/")[2]}">>, <<"rig">>)')

    def _environment(self) -> dict[str, str]:
        home = self.child.folder
        return {
            "HOME": str(home),
            "ERL_EPMD_PORT": str(self._names_port),
            "RABBITMQ_NODENAME": f"rig{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_CONFIG_FILE": str(home / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "none"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -noinput",
            # Then the script becomes the node, and the child's pid is the node's.
            "RABBITMQ_ALLOW_INPUT": "1",
        }

    def _answers(self) -> bool:
        return answers(self._port, say=GREETING, hear=METHOD_FRAME)

    def _tell(self, erlang: str) -> None:
        """Evaluate Erlang in the node: its own tool for this takes a second each time."""
        told = subprocess.run(
            [self._erl_call, "-c", self._cookie, "-address", f"localhost:{self._node_port}", "-e"],
            input=f"{erlang}.\n",
            env={**os.environ, "HOME": str(self.child.folder)},
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        if not told.stdout.startswith("{ok, ok}"):
            raise RuntimeError(f"{erlang}: {told.stdout}")

    async def _forget(self) -> None:
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            for queue in QUEUES:
                await channel.queue_delete(queue)
            for exchange in EXCHANGES:
                await channel.exchange_delete(exchange)
