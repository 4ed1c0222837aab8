"""Slack's Web API as a third party emulates it: it keeps posts, people and views, and sends no clicks."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.rig.child import LOOPBACK, Child, answers, fetch_by, fetched, free_ports, program
from tests.rig.server import Server

VERSION = "0.10.0"
TOKEN = "xoxb-rig"
PEOPLE = ("ada", "lee", "priya", "sam")
CHANNELS = ("ai-incidents", "credit-ml")


class Slack(Server):
    """The emulator; it keeps everything in memory, so a restart empties it."""

    name = "Slack emulator"
    variable = "TEST_SLACK_URL"

    token = TOKEN

    def reached_at(self, outside: str) -> str:
        return f"{outside.rstrip('/').removesuffix('/api')}/api/"

    def _make(self) -> Child:
        self._node = program("node")
        self._program = fetched(f"emulate-{VERSION}", fetch_emulator) / "node_modules/emulate/dist/index.js"
        [self._port] = free_ports(1)
        self.url = f"http://{LOOPBACK}:{self._port}/api/"
        child = Child("slack")
        self._seed(child, PEOPLE, CHANNELS)
        return child

    def _seed(self, child: Child, people: Sequence[str], channels: Sequence[str]) -> None:
        # A person's id is the emulator's to choose: look it up by the address, as the product does.
        users = [{"name": name, "real_name": name.title(), "email": f"{name}@example.com"} for name in people]
        seed = {"users": users, "channels": [{"name": name} for name in channels]}
        (child.folder / "seed.json").write_text(json.dumps({"slack": seed}))

    def start(self) -> None:
        arguments = ("start", "--service", "slack", "--port", str(self._port), "--seed", "seed.json")
        self.child.start(self._node, str(self._program), *arguments, ready=lambda: answers(self._port))

    def fresh(self, *, people: Sequence[str] = PEOPLE, channels: Sequence[str] = CHANNELS) -> str:
        """Return the URL of an emulator that knows these people and channels and holds no message.

        One that is not ours is taken as it is, if it need only know the usual people and channels.
        """
        if not self.is_outside or (people, channels) != (PEOPLE, CHANNELS):
            self._seed(self.child, people, channels)
            self.kill9()
            self.start()
        return self.url


def fetch_emulator(folder: Path) -> None:
    fetch_by((program("npm"), "install", "--no-audit", "--no-fund", f"emulate@{VERSION}"), within=folder)
