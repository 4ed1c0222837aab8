"""Looks in Slack for a message whose fate is unknown, by the key that was written into it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from incidents.adapters.slack.api import SlackApi, SlackSaidNo, told
from incidents.core.effect import EffectKind
from incidents.flow.ports import Finding, Message, MessageRef, NotThere, Refused, Sent, Unknown

_EARLIER = timedelta(seconds=5)  # Slack's clock may be behind ours
_PAGES = 5
_PER_PAGE = 200
_ID = re.compile("[CDG][A-Z0-9]{7,}")


@dataclass(slots=True)
class MessageSearch:
    """Reads a channel or a thread back; remembers which name is which channel."""

    api: SlackApi
    _names: dict[str, str] = field(default_factory=dict)

    def learn(self, name: str, channel: str) -> None:
        """Slack said that `name` is `channel`."""
        self._names[name] = channel

    async def channel(self, place: str) -> str:
        """The id of a channel that may be given by its name; history is read by id only."""
        if not _ID.fullmatch(place) and place not in self._names:
            await self._list()
        found = place if _ID.fullmatch(place) else self._names.get(place)
        if found is None:
            raise SlackSaidNo(Refused(f"Slack lists no channel #{place}"))
        return found

    async def find(self, message: Message, channel: str, marker: str) -> Finding:
        """Sent where it is there, NotThere where all that was said since the attempt was read, else Unknown."""
        method, asked = _question(message, channel)
        for _ in range(_PAGES):
            answer = await self.api.read(method, **asked)
            for one in _each(answer, "messages"):
                if _is_it(one, message.key, marker):
                    return Sent(MessageRef(channel=channel, ts=told(one, "ts")))
            if not answer.get("has_more"):
                return NotThere()
            asked["cursor"] = told(answer, "response_metadata", "next_cursor")
        return Unknown("too much was said in the channel since")

    async def _list(self) -> None:
        asked = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": str(_PER_PAGE)}
        for _ in range(_PAGES):
            answer = await self.api.read("conversations.list", **asked)
            for one in _each(answer, "channels"):
                self.learn(told(one, "name"), told(one, "id"))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            asked["cursor"] = str(cursor)


def _each(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise SlackSaidNo(Unknown("Slack's answer cannot be read"))
    return found


def _question(message: Message, channel: str) -> tuple[str, dict[str, str]]:
    asked = {"channel": channel, "include_all_metadata": "true", "limit": str(_PER_PAGE)}
    if message.attempted_at is not None:
        asked["oldest"] = f"{(message.attempted_at - _EARLIER).timestamp():.6f}"
    if message.thread is not None and message.kind is EffectKind.POST:
        return "conversations.replies", asked | {"ts": message.thread.ts}
    return "conversations.history", asked


def _is_it(one: Mapping[str, Any], key: str, marker: str) -> bool:
    match one.get("metadata"):
        case {"event_payload": {"key": found}} if found == key:
            return True
    return any(isinstance(block, Mapping) and block.get("block_id") == marker for block in one.get("blocks") or ())
