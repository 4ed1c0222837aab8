"""People in Slack: they click, fill forms and type commands, and Slack signs what it sends, in the published shapes."""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.fakes.slack import CHANNEL

FORM = "application/x-www-form-urlencoded"
_NUMBERS = count(1)
_TEAM = {"id": "T0FAKE", "domain": "fake"}


def sign(secret: str, body: bytes, *, at: float | None = None) -> dict[str, str]:
    """The two headers that Slack signs a body with."""
    moment = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={digest}"}


def block_actions(
    *,
    user: str,
    action: str,
    value: str,
    trigger: str = "",
    response_url: str = "",
    channel: str = CHANNEL,
    message_ts: str = "1763706000.000100",
) -> dict[str, Any]:
    """One pressed button of a message."""
    pressed = {
        "type": "button",
        "action_id": action,
        "block_id": "b1",
        "text": {"type": "plain_text", "text": action.title(), "emoji": False},
        "value": value,
        "action_ts": f"{1763706000 + next(_NUMBERS)}.000200",
    }
    return {
        "type": "block_actions",
        "user": _person(user),
        "api_app_id": "A0FAKE",
        "token": "not-used",
        "container": {"type": "message", "message_ts": message_ts, "channel_id": channel, "is_ephemeral": False},
        "trigger_id": trigger or f"{next(_NUMBERS)}.1.fake",
        "team": _TEAM,
        "channel": {"id": channel, "name": "ai-incidents"},
        "message": {"type": "message", "ts": message_ts, "text": "SEV2", "user": "U0BOT", "blocks": []},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [pressed],
    }


def view_submission(*, user: str, view: Mapping[str, Any], filled: Mapping[str, str]) -> dict[str, Any]:
    """One filled form: the view as it was opened, with a value for each field that was filled in."""
    return {
        "type": "view_submission",
        "team": _TEAM,
        "user": _person(user),
        "api_app_id": "A0FAKE",
        "token": "not-used",
        "trigger_id": f"{next(_NUMBERS)}.2.fake",
        "view": {
            **view,
            "team_id": "T0FAKE",
            "state": {"values": {block["block_id"]: _entered(block, filled) for block in _inputs(view)}},
            "previous_view_id": None,
            "root_view_id": view["id"],
            "app_id": "A0FAKE",
            "external_id": "",
            "app_installed_team_id": "T0FAKE",
            "bot_id": "B0BOT",
        },
        "response_urls": [],
    }


def _inputs(view: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [block for block in view["blocks"] if block["type"] == "input"]


def _person(user: str) -> dict[str, str]:
    return {"id": user, "username": user.lower(), "name": user.lower(), "team_id": "T0FAKE"}


def _entered(block: Mapping[str, Any], filled: Mapping[str, str]) -> dict[str, Any]:
    element = block["element"]
    value = filled.get(block["block_id"])
    if element["type"] == "checkboxes":
        ticked = [one for one in element["options"] if one["value"] == value]
        return {element["action_id"]: {"type": "checkboxes", "selected_options": ticked}}
    if element["type"] == "static_select":
        chosen = next((one for one in element["options"] if one["value"] == value), None)
        return {element["action_id"]: {"type": "static_select", "selected_option": chosen}}
    return {element["action_id"]: {"type": "plain_text_input", "value": value}}


@dataclass(slots=True)
class Clicks:
    """Sends what people do to our doors, signed with `secret`."""

    doors: httpx.AsyncClient
    secret: str
    sent: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    async def click(self, user: str, action: str, value: str, **said: str) -> httpx.Response:
        return await self._interaction(block_actions(user=user, action=action, value=value, **said))

    async def submit(self, user: str, view: Mapping[str, Any], **filled: str) -> httpx.Response:
        return await self._interaction(view_submission(user=user, view=view, filled=filled))

    async def command(self, user: str, text: str = "") -> httpx.Response:
        said = {"token": "not-used", "team_id": "T0FAKE", "channel_id": CHANNEL, "user_id": user}
        said |= {"command": "/incidents", "text": text, "trigger_id": "1.2.fake", "response_url": ""}
        return await self.send("commands", urlencode(said).encode())

    async def event(self, said: Mapping[str, Any]) -> httpx.Response:
        return await self.send("events", json.dumps(said).encode(), content_type="application/json")

    async def send(
        self, door: str, body: bytes, *, at: float | None = None, content_type: str = FORM
    ) -> httpx.Response:
        headers = {"Content-Type": content_type, **sign(self.secret, body, at=at)}
        self.sent.append((door, body, headers))
        return await self.again()

    async def again(self) -> httpx.Response:
        """The last request once more, to the byte."""
        door, body, headers = self.sent[-1]
        return await self.doors.post(f"/slack/{door}", content=body, headers=headers)

    async def _interaction(self, payload: Mapping[str, Any]) -> httpx.Response:
        return await self.send("interactions", urlencode({"payload": json.dumps(payload)}).encode())
