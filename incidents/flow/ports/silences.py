"""Silences: how people make, end and see them, and what one transaction needs to keep one order with firing alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from incidents.core.alert import Alert, Sighting
from incidents.core.fact import Actor
from incidents.core.silence import Amount, Matcher, Silence, SilenceState
from incidents.flow.ports.reader import AlertView


@dataclass(frozen=True, slots=True, kw_only=True)
class Silencing:
    """A silence that somebody asks for: from now on where `starts_at` is None; until `ends_at`, else for `lasting`."""

    matchers: tuple[Matcher, ...]
    reason: str
    by: Actor
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    lasting: timedelta | None = None
    planned: Amount | None = None  # cost only, up to this much in one window


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceView:
    """A silence as people see it: where it stands, and how many alerts it mutes just now."""

    silence: Silence
    state: SilenceState
    muted: int


class SilenceDesk(Protocol):
    """What people do with silences, behind every door."""

    async def make(self, wanted: Silencing) -> SilenceView:
        """Be quiet about something from now on, or from a later moment; NotAllowed with what is wrong with it."""
        ...

    async def preview(self, wanted: Silencing) -> Sequence[AlertView]:
        """The burning alerts that it would mute now; it is not made. NotAllowed as for making it."""
        ...

    async def end(self, silence: str, *, by: Actor) -> Silence:
        """End it early: whatever still burns is looked at anew at once. NotFound, or NotAllowed when it is over."""
        ...

    async def list(
        self, states: tuple[SilenceState, ...] = (), *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[SilenceView], str | None]:
        """Newest first, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        ...


class SilencesUnit(Protocol):
    """Silences inside one transaction."""

    async def alone(self) -> None:
        """Let every transaction in which alerts fire end first, and the next ones begin after this one."""
        ...

    async def add(self, silence: Silence, *, begun: bool) -> Silence:
        """Keep a new one; it comes back with its id."""
        ...

    async def one(self, silence: str) -> Silence:
        """Lock one and load it, or raise NotFound."""
        ...

    async def shorten(self, silence: Silence) -> None:
        """Save when it ends and who ended it."""
        ...

    async def due(self) -> Sequence[Silence]:
        """Those whose time has come since they were made, and that are not said to have begun yet."""
        ...

    async def begin(self, silences: Sequence[Silence]) -> None:
        """Note that these have begun."""
        ...

    async def heard(self) -> dict[str, tuple[Alert, Sighting]]:
        """Every alert that people are asked about, by fingerprint."""
        ...

    async def muted_by(self, by: str) -> dict[str, tuple[Alert, Sighting]]:
        """Every alert that this mutes, by fingerprint."""
        ...
