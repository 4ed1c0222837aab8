"""What carries effects out: the message, and what may become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from incidents.core.briefing import Briefing
from incidents.core.effect import Channel, EffectKind
from incidents.core.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """Where a message lies at its channel: for Slack the channel id and the message's ts."""

    channel: str
    ts: str
    why: str = ""  # of a page that was sent: why this person was asked, which a refresh must not take away
    approval: Mapping[str, object] = field(default_factory=dict)  # of one that was sent: what its effect says
    url: str = ""  # of an approval: where its run can be seen
    ended: str = ""  # of an approval: how its run stands, since nobody is asked about it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One effect, ready to be carried. `key` is written into the message, so that it can be found again."""

    key: str
    kind: EffectKind
    incident: str | None = None  # None for a notice
    briefing: Briefing | None = None
    person: Person | None = None  # of a page or a notice
    place: str | None = None  # of a card or a post: a channel's name or id
    title: str = ""  # of a notice
    text: str = ""  # of a post: its line; of a page: why this person is asked; of a notice: its lines
    url: str = ""  # of a notice: where more can be read
    thread: MessageRef | None = None  # of a post: the card it stands under
    refs: tuple[MessageRef, ...] = ()  # of a refresh: the messages to bring up to date
    possible_repeat: bool = False
    attempted_at: datetime | None = None  # when the attempt began that is now asked about
    data: Mapping[str, object] = field(default_factory=dict)  # of an event or an approval: all that its effect says

    @property
    def about(self) -> Briefing:
        """What people see of its incident; every message has one but a notice and an event."""
        if self.briefing is None:
            raise TypeError(f"{self.key} is about no incident")
        return self.briefing


@dataclass(frozen=True, slots=True)
class Sent:
    """Accepted at the other end."""

    ref: MessageRef | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not accepted, for now: try again."""

    why: str
    after: timedelta | None = None  # the other end asks for this much patience


@dataclass(frozen=True, slots=True)
class Refused:
    """Will never be accepted; `absent` where it is the person who cannot be reached."""

    why: str
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps accepted: ask before sending again."""

    why: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """The other end has looked and does not have it."""


Outcome = Sent | NotSent | Refused | Unknown
Finding = Sent | NotThere | Unknown


class Carrier(Protocol):
    """Carries the effects of one channel; never raises for what the other end does."""

    channel: Channel

    async def carry(self, message: Message) -> Outcome: ...

    async def find(self, message: Message) -> Finding:
        """Whether a message whose fate is unknown did arrive."""
        ...
