"""Effects: what the world must now do, one outbox row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EffectKind(StrEnum):
    PAGE = "page"  # ask one person to look now
    CARD = "card"  # the incident's message in its channel, posted once
    POST = "post"  # one line under the card
    REFRESH = "refresh"  # bring the card and the pages up to date
    FALLBACK = "fallback"  # the plain webhook, for when Slack cannot deliver or nobody answers
    NOTICE = "notice"  # tell one person something that is about no incident
    APPROVAL = "approval"  # ask one person to approve a run
    EVENT = "event"  # tell other systems, on the bus


class Channel(StrEnum):
    SLACK = "slack"
    CONSOLE = "console"
    WEBHOOK = "webhook"
    BUS = "bus"


class EffectState(StrEnum):
    """due -> leased -> sent | refused | unknown | due (not sent); unknown is asked about, never sent blindly."""

    DUE = "due"
    LEASED = "leased"
    UNKNOWN = "unknown"
    SENT = "sent"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`key` is unique: the same effect is never made twice."""

    key: str
    kind: EffectKind
    channel: Channel
    incident: str | None  # None for a notice
    due_at: datetime
    target: str | None = None  # a person id for a page or a notice, a channel name for a card or a post
    data: Mapping[str, object] = field(default_factory=dict)  # JSON values only
