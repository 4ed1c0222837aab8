"""A strict Slack that can be told to misbehave, as a real HTTP server with a ledger file that outlives a crash.

Run it on its own with `python -m tests.fakes.slack --port PORT --ledger FILE`. Its workspace, its scripts and its
options are set through `/_control`; a script says for each coming call of a method how it ends: "ok", "hang", "reset",
"429:30", "error:CODE", "500", "503", "html", "truncate", "cut", "list", and "store_then_" before any of them.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.mrkdwn import Reach, reach_of_message
from tests.fakes.slack_workspace import READING, Conversation, Refuse, User, Workspace

TOKEN = "xoxb-fake"
ADA = "U01ADA00000"
LEE = "U02LEE00000"
GONE = "U03GONE0000"
CHANNEL = "C0INCIDENTS"
ARCHIVED = "C0ARCHIVED0"
PRIVATE = "C0PRIVATE00"


class Ledger:
    """What the workspace took, one JSON line each, on disk before it is answered."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, entry: Mapping[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def calls(self, method: str) -> list[dict[str, Any]]:
        """Every call of `method`, taken or not."""
        return [entry for entry in self.entries() if entry["method"] == method]

    def posts(self, key: str | None = None) -> list[dict[str, Any]]:
        """The messages that Slack took, all or those of one key."""
        taken = [entry for entry in self.calls("chat.postMessage") if entry["stored"]]
        return [entry for entry in taken if key in (None, _key(entry))]

    def reached(self) -> Reach:
        """Whom and what all that was taken would call and link to."""
        found = Reach()
        for entry in self.entries():
            if entry["stored"] and entry["method"] in ("chat.postMessage", "chat.update", "response_url"):
                found += reach_of_message(entry["said"])
        return found


class FakeSlack:
    def __init__(self, ledger: Path, *, token: str = TOKEN) -> None:
        self.workspace = Workspace()
        self.ledger = Ledger(ledger)
        self._token = token
        self._scripts: dict[str, deque[str]] = {}
        self.url = ""
        _furnish(self.workspace)

    def script(self, method: str, *endings: str) -> None:
        """How the next calls of `method` end, one after the other; then all is well again."""
        self._scripts.setdefault(method, deque()).extend(endings)

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["FakeSlack"]:
        app = web.Application(client_max_size=1 << 22)
        app.router.add_post("/api/{method}", self._call)
        app.router.add_post("/_control/{what}", self._control)
        app.router.add_post("/hooks/{name}", self._hook)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
            yield self
        finally:
            await runner.cleanup()

    @property
    def hook(self) -> str:
        """A response URL of this workspace."""
        return self.url.replace("/api/", "/hooks/reply")

    def replies(self) -> list[str]:
        """What was said to response URLs."""
        return [str(entry["said"]["text"]) for entry in self.ledger.calls("response_url")]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        script = self._scripts.get(method)
        ending = script.popleft() if script else "ok"
        stores = ending == "ok" or ending.startswith("store_then_")
        said: dict[str, Any] = {}
        try:
            said = await self._said(request, method)
            answer = {"ok": True, **self.workspace.call(method, said)} if stores else {"ok": True}
        except Refuse as refused:
            answer = {"ok": False, "error": refused.code, "response_metadata": {"messages": list(refused.details)}}
        stored = stores and answer["ok"] is True
        self.ledger.write({"method": method, "said": said, "stored": stored, "ending": ending, "answer": answer})
        return await _ended(request, ending.removeprefix("store_then_"), answer)

    async def _said(self, request: web.Request, method: str) -> dict[str, Any]:
        if request.headers.get("Authorization", "") != f"Bearer {self._token}":
            raise Refuse("invalid_auth" if "Authorization" in request.headers else "not_authed")
        if request.content_type == "application/json":
            if method in READING:
                raise Refuse("invalid_arguments", "this method takes a form")
            return _object(await request.json())
        if request.content_type == "application/x-www-form-urlencoded":
            return {name: str(value) for name, value in (await request.post()).items() if name != "token"}
        raise Refuse("invalid_post_type")

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        self.ledger.write({"method": "response_url", "said": await request.json(), "stored": True, "ending": "ok"})
        return web.Response(text="ok")

    async def _control(self, request: web.Request) -> web.StreamResponse:
        said = await request.json() if request.can_read_body else {}
        answer: dict[str, Any] = {}
        match request.match_info["what"]:
            case "script":
                self.script(said["method"], *said["endings"])
            case "user":
                self.workspace.add(User(**said))
            case "channel":
                self.workspace.add(Conversation(**said))
            case "deactivate":
                self.workspace.users[said["user"]].deleted = True
            case "delete":
                channel = self.workspace.channels[said["channel"]]
                channel.messages = [one for one in channel.messages if one["ts"] != said["ts"]]
            case "options":
                for name, value in said.items():
                    setattr(self.workspace, name, value)
            case "trigger":
                answer = {"trigger_id": self.workspace.new_trigger()}
            case "views":
                answer = {"views": self.workspace.views}
            case what:
                raise web.HTTPNotFound(text=f"no control {what}")
        return web.json_response(answer)


def _key(entry: Mapping[str, Any]) -> object:
    return entry["said"].get("metadata", {}).get("event_payload", {}).get("key")


def _object(said: object) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise Refuse("invalid_json")
    return said


def _furnish(workspace: Workspace) -> None:
    workspace.add(User(id="U0BOT", name="incidents", is_bot=True))
    workspace.add(User(id=ADA, name="ada", email="ada@example.com"))
    workspace.add(User(id=LEE, name="lee", email="lee@example.com"))
    workspace.add(User(id=GONE, name="priya", email="priya@example.com", deleted=True))
    workspace.add(Conversation(id=CHANNEL, name="ai-incidents"))
    workspace.add(Conversation(id="C0CREDITML0", name="credit-ml"))
    workspace.add(Conversation(id=ARCHIVED, name="old", archived=True))
    workspace.add(Conversation(id=PRIVATE, name="secret", bot_is_in=False))


async def _ended(request: web.Request, ending: str, answer: dict[str, Any]) -> web.StreamResponse:
    """Answer as scripted; what was stored stays stored."""
    if ending == "hang":
        await asyncio.Event().wait()
    if ending == "cut":
        return await _cut(request, json.dumps(answer).encode())
    if ending == "reset":
        _reset(request)
        ending = "ok"  # said into a line that is gone
    return _written(*ending.partition(":")[::2], answer)


def _written(name: str, detail: str, answer: dict[str, Any]) -> web.Response:
    said = json.dumps(answer)
    patience = {"Retry-After": detail} if name == "429" and detail else {}
    status, kind, text = {
        "ok": (200, "application/json", said),
        "truncate": (200, "application/json", said[:-9]),
        "html": (200, "text/html", "<html><body>Down for maintenance</body></html>"),
        "list": (200, "application/json", f"[{said}]"),
        "error": (200, "application/json", json.dumps({"ok": False, "error": detail})),
        "429": (429, "application/json", json.dumps({"ok": False, "error": "ratelimited"})),
        "500": (500, "application/json", json.dumps({"ok": False, "error": detail or "internal_error"})),
        "503": (503, "text/html", "<html><body>Service unavailable</body></html>"),
    }[name]
    return web.Response(status=status, content_type=kind, text=text, headers=patience)


def _reset(request: web.Request) -> None:
    transport = request.transport
    assert transport is not None
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise a whole answer, send half of it, and go."""
    response = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _reset(request)
    return response


async def serve(port: int, ledger: Path) -> None:
    async with FakeSlack(ledger).running(port) as slack:
        sys.stdout.write(f"{slack.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    given = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port, given.ledger))


if __name__ == "__main__":
    main()
