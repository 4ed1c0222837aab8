"""Effects on their way out: leased with a fencing token, and settled where the lease still holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from incidents.core.effect import Channel, EffectKind
from incidents.flow.ports.carrier import MessageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An effect leased to this worker; `lease` fences every later update."""

    id: int
    lease: str
    key: str
    kind: EffectKind
    channel: Channel
    incident: str | None  # None for a notice
    target: str | None
    data: Mapping[str, object]
    due_at: datetime
    made_at: datetime
    attempts: int
    attempted_at: datetime | None
    asked: int
    possible_repeat: bool
    unknown: bool  # its fate must be asked about first


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a claimed effect."""

    claimed: Claimed
    state: str  # an EffectState
    why: str = ""
    ref: MessageRef | None = None
    due_at: datetime | None = None  # when to try or ask again
    possible_repeat: bool = False
    asked: int = 0  # how often its fate was asked about


class OutboxUnit(Protocol):
    async def claim(self, channel: Channel, *, limit: int, lease: timedelta) -> list[Claimed]:
        """Lease due effects, and those whose lease ran out or whose fate is unknown; pages are re-checked here."""
        ...

    async def claim_notices(self, channel: Channel, *, limit: int, lease: timedelta) -> list[Claimed]:
        """Lease what is due and about no incident, in the same way."""
        ...

    async def stuck_pages(self, older_than: timedelta) -> list[Claimed]:
        """Pages that Slack has not taken for so long, and that no fallback stands in for yet."""
        ...

    async def refs(self, incidents: Sequence[str]) -> dict[str, list[tuple[str, MessageRef]]]:
        """The messages of each incident that were sent: (effect key, where it lies); the card is first."""
        ...

    async def settle(self, results: Sequence[Result]) -> list[Result]:
        """Save results where the lease still holds; the ones that were saved."""
        ...

    async def withdraw(self, keys: Sequence[str], why: str) -> None:
        """Take back what nobody has begun to send."""
        ...

    async def skip(self, person: str, why: str, until: datetime) -> None:
        """Remember that a person cannot be reached."""
        ...

    async def reached(self, persons: Sequence[str]) -> None:
        """Forget that these could not be reached."""
        ...
