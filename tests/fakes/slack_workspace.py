"""A Slack workspace in memory: people, channels, messages, views, and what each call of the Web API does to them."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes import block_kit

Arguments = Mapping[str, Any]
Answer = dict[str, Any]
TRIGGER_LIFE = 3.0


class Refuse(Exception):
    """Slack answers ok:false with this code."""

    def __init__(self, code: str, *details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(slots=True, kw_only=True)
class User:
    id: str
    name: str
    email: str | None = None
    deleted: bool = False
    is_bot: bool = False


@dataclass(slots=True, kw_only=True)
class Conversation:
    id: str
    name: str = ""
    bot_is_in: bool = True
    archived: bool = False
    user: str | None = None  # of a direct message
    messages: list[Answer] = field(default_factory=list)  # oldest first


@dataclass(slots=True)
class Workspace:
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Conversation] = field(default_factory=dict)
    triggers: dict[str, float] = field(default_factory=dict)  # when each was made
    used_triggers: set[str] = field(default_factory=set)
    views: list[Answer] = field(default_factory=list)
    keeps_metadata: bool = True
    history_limit: int = 999
    _last: float = 0.0
    _count: int = 0

    def add(self, one: User | Conversation) -> None:
        if isinstance(one, User):
            self.users[one.id] = one
        else:
            self.channels[one.id] = one

    def new_trigger(self) -> str:
        trigger = f"{self._next()}.{self._next()}.fake"
        self.triggers[trigger] = time.time()
        return trigger

    def call(self, method: str, said: Arguments) -> Answer:
        """Do what `method` does, or Refuse."""
        handle = _METHODS.get(method)
        if handle is None:
            raise Refuse("unknown_method")
        return handle(self, said)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _ts(self) -> str:
        self._last = max(time.time(), self._last + 0.000001)
        return f"{self._last:.6f}"

    def _writable(self, said: Arguments) -> Conversation:
        name = _str(said, "channel")
        found = self.channels.get(name) or next(
            (one for one in self.channels.values() if one.name and name in (one.name, f"#{one.name}")), None
        )
        if found is None:
            raise Refuse("channel_not_found")
        if found.archived:
            raise Refuse("is_archived")
        if not found.bot_is_in:
            raise Refuse("not_in_channel")
        return found

    def _readable(self, said: Arguments) -> Conversation:
        found = self.channels.get(_str(said, "channel"))
        if found is None:
            raise Refuse("channel_not_found")
        if not found.bot_is_in:
            raise Refuse("not_in_channel")
        return found

    def post(self, said: Arguments) -> Answer:
        _only(said, _WRITTEN | {"thread_ts", "metadata", "unfurl_links", "unfurl_media"})
        channel = self._writable(said)
        message = {"type": "message", "user": "U0BOT", "bot_id": "B0BOT", **_content(said)}
        if "thread_ts" in said:
            thread = _str(said, "thread_ts")
            if not any(one["ts"] == thread for one in channel.messages):
                raise Refuse("thread_not_found")
            message["thread_ts"] = thread
        if "metadata" in said:
            message["metadata"] = _metadata(said["metadata"])
        message["ts"] = self._ts()
        channel.messages.append(message)
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def update(self, said: Arguments) -> Answer:
        _only(said, _WRITTEN | {"ts", "metadata"})
        channel = self._readable(said)
        found = next((one for one in channel.messages if one["ts"] == _str(said, "ts")), None)
        if found is None:
            raise Refuse("message_not_found")
        if found["user"] != "U0BOT":
            raise Refuse("cant_update_message")
        found.update(_content(said))
        return {"channel": channel.id, "ts": found["ts"], "text": found["text"], "message": found}

    def history(self, said: Arguments) -> Answer:
        _only(said, _PAGED | {"channel", "oldest", "latest", "include_all_metadata", "inclusive"})
        channel = self._readable(said)
        told = [one for one in channel.messages if one.get("thread_ts") in (None, one["ts"])]
        return self._told(said, list(reversed(told)))

    def replies(self, said: Arguments) -> Answer:
        _only(said, _PAGED | {"channel", "ts", "oldest", "latest", "include_all_metadata", "inclusive"})
        channel = self._readable(said)
        thread = _str(said, "ts")
        if not any(one["ts"] == thread for one in channel.messages):
            raise Refuse("thread_not_found")
        return self._told(said, [one for one in channel.messages if thread in (one["ts"], one.get("thread_ts"))])

    def _told(self, said: Arguments, messages: list[Answer]) -> Answer:
        oldest = float(said.get("oldest", "0"))
        told = [one for one in messages if float(one["ts"]) > oldest]
        with_metadata = self.keeps_metadata and said.get("include_all_metadata") in ("true", "1")
        shown, paging = self._page(said, told)
        without = shown if with_metadata else [{k: v for k, v in one.items() if k != "metadata"} for one in shown]
        return {"messages": without, "has_more": bool(paging), "response_metadata": {"next_cursor": paging}}

    def _page(self, said: Arguments, items: list[Answer]) -> tuple[list[Answer], str]:
        limit = min(int(said.get("limit", "100")), self.history_limit)
        start = int(said.get("cursor") or 0)
        more = start + limit < len(items)
        return items[start : start + limit], str(start + limit) if more else ""

    def list(self, said: Arguments) -> Answer:
        _only(said, _PAGED | {"types", "exclude_archived"})
        found = [one for one in self.channels.values() if one.user is None]
        shown, cursor = self._page(said, [{"id": one.id, "name": one.name} for one in found])
        return {"channels": shown, "response_metadata": {"next_cursor": cursor}}

    def open(self, said: Arguments) -> Answer:
        _only(said, {"users"})
        user = _str(said, "users")
        if user not in self.users:
            raise Refuse("user_not_found")
        if self.users[user].is_bot:
            raise Refuse("cannot_dm_bot")
        found = next((one for one in self.channels.values() if one.user == user), None)
        # A deactivated user's channel opens, and takes messages that nobody reads.
        if found is None:
            found = Conversation(id=f"D{self._next():09d}", user=user)
            self.add(found)
        return {"channel": {"id": found.id}}

    def user(self, said: Arguments) -> Answer:
        _only(said, {"user"})
        found = self.users.get(_str(said, "user"))
        if found is None:
            raise Refuse("user_not_found")
        return {"user": {"id": found.id, "name": found.name, "deleted": found.deleted, "is_bot": found.is_bot}}

    def user_by_email(self, said: Arguments) -> Answer:
        _only(said, {"email"})
        email = _str(said, "email")
        found = next((one for one in self.users.values() if one.email == email and not one.deleted), None)
        if found is None:
            raise Refuse("users_not_found")
        return {"user": {"id": found.id, "name": found.name, "deleted": False}}

    def open_view(self, said: Arguments) -> Answer:
        _only(said, {"trigger_id", "view"})
        trigger = _str(said, "trigger_id")
        if trigger not in self.triggers:
            raise Refuse("invalid_trigger_id")
        if trigger in self.used_triggers:
            raise Refuse("exchanged_trigger_id")
        if time.time() - self.triggers[trigger] > TRIGGER_LIFE:
            raise Refuse("expired_trigger_id")
        flaws = block_kit.view_flaws(said.get("view"))
        if flaws:
            raise Refuse("invalid_arguments", *flaws)
        self.used_triggers.add(trigger)
        view = {**said["view"], "id": f"V{self._next():09d}", "hash": f"{self._next()}.hash"}
        self.views.append(view)
        return {"view": view}

    def who_am_i(self, said: Arguments) -> Answer:
        _only(said, set())
        return {"team": "Fake", "team_id": "T0FAKE", "user": "incidents", "user_id": "U0BOT", "bot_id": "B0BOT"}


_WRITTEN = {"channel", "text", "blocks", "parse", "link_names"}
_PAGED = {"limit", "cursor"}
_METHODS: dict[str, Callable[[Workspace, Arguments], Answer]] = {
    "auth.test": Workspace.who_am_i,
    "chat.postMessage": Workspace.post,
    "chat.update": Workspace.update,
    "conversations.history": Workspace.history,
    "conversations.list": Workspace.list,
    "conversations.open": Workspace.open,
    "conversations.replies": Workspace.replies,
    "users.info": Workspace.user,
    "users.lookupByEmail": Workspace.user_by_email,
    "views.open": Workspace.open_view,
}
READING = frozenset(
    {"conversations.history", "conversations.list", "conversations.replies", "users.info", "users.lookupByEmail"}
)


def _str(said: Arguments, name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise Refuse("invalid_arguments", f"{name} must be a string")
    return value


def _only(said: Arguments, known: set[str]) -> None:
    """Refuse what Slack would overlook: a misspelt argument."""
    unknown = set(said) - known
    if unknown:
        raise Refuse("invalid_arguments", *sorted(f"unknown argument {name}" for name in unknown))


def _content(said: Arguments) -> Answer:
    text = said.get("text", "")
    blocks = said.get("blocks", [])
    if not isinstance(text, str):
        raise Refuse("invalid_arguments", "text must be a string")
    if not text and not blocks:
        raise Refuse("no_text")
    if len(text) > 40_000:
        raise Refuse("msg_too_long")
    if block_kit.flaws(blocks):
        raise Refuse("invalid_blocks", *block_kit.flaws(blocks))
    if block_kit.too_long(blocks):
        raise Refuse("msg_blocks_too_long")
    return {"text": text, "blocks": json.loads(json.dumps(blocks))}


def _metadata(said: object) -> Answer:
    match said:
        case {"event_type": str(name), "event_payload": dict(payload), **rest} if not rest:
            if not name.replace("_", "").isalnum() or not all(isinstance(one, str) for one in payload.values()):
                raise Refuse("invalid_metadata_schema")
            if len(json.dumps(payload)) > 8_000:
                raise Refuse("metadata_too_large")
            return {"event_type": name, "event_payload": dict(payload)}
        case _:
            raise Refuse("invalid_metadata_format")
