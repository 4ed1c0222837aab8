"""Remembering what came in: events once each, and what could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from incidents.core.delivery import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One event as it is remembered."""

    source: str
    event: str
    type: str
    system: str
    environment: str
    disposition: str  # alert, release, heartbeat
    fingerprint: str | None
    body_hash: str
    body: bytes  # redacted

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.event


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message to be put aside, before it has an id."""

    delivery: Delivery
    reason: str
    field: str
    detail: str
    body: bytes | None
    digest: bytes


class Disposition(StrEnum):
    """What an event turned out to be when it was remembered."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the same id with the same body
    CONFLICT = "conflict"  # the same id with another body


class InboxUnit(Protocol):
    async def take(self, rows: Sequence[InboxRow]) -> list[Disposition]:
        """Remember events, once each; what each of `rows` turned out to be, in their order."""
        ...

    async def put_aside(self, letters: Sequence[Letter]) -> None:
        """Keep what could not be read."""
        ...

    async def forget_marker(self, worker: str) -> None:
        """The batch is done."""
        ...

    async def acquit(self, digests: Sequence[bytes]) -> None:
        """These messages were dealt with, and nobody died of them: they are suspects no more."""
        ...
