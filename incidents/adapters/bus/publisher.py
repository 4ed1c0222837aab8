"""What the service publishes, and what it may count on when a publisher returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: `type` routes it on RabbitMQ, `key` (the AI system) orders it on Kafka."""

    body: bytes
    content_type: str
    type: str
    key: str | None = None


class Publisher(Protocol):
    async def start(self) -> None:
        """Connect, or raise `BusAway` or `BusRefused`."""
        ...

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when the broker has every message safe; raises `BusAway` when it may not: publish them all again."""
        ...

    async def stop(self) -> None: ...
