"""A raw message as a transport handed it over, before anything in it is believed."""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

Header = tuple[str, bytes | str | None]


class Origin(StrEnum):
    """The door a message came in by."""

    RABBITMQ = "rabbitmq"
    KAFKA = "kafka"
    HTTP = "http"


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One message; only the body's and headers' presence is known, nothing about their content.

    `body` None is a Kafka tombstone. `content_type` is what the transport says; it is looked for in `headers` too.
    `position` names the place for people ("ai.events[0]@12").
    """

    body: bytes | None
    headers: tuple[Header, ...] = ()
    content_type: str | None = None
    origin: Origin
    position: str
    key: bytes | None = None
    _digest: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def digest(self) -> bytes:
        """Sixteen bytes that are the same when the same message comes again; made on first use.

        Headers that begin with x- are left out: RabbitMQ counts deliveries in one, and so changes it each time.
        """
        if self._digest is None:
            self._digest = _digest(self)
        return self._digest


def _digest(delivery: Delivery) -> bytes:
    told = blake2b(digest_size=16)
    for name, value in sorted(delivery.headers, key=repr):
        if name.lower().startswith("x-"):
            continue
        _tell(told, name)
        _tell(told, value)
    _tell(told, delivery.body)
    return told.digest()


def _tell(told: blake2b, part: object) -> None:
    """Add one part with its length, so that no two lists of parts read alike."""
    raw = part if isinstance(part, bytes) else b"\0" if part is None else str(part).encode(errors="surrogatepass")
    told.update(b"%d%d:" % (part is None, len(raw)))
    told.update(raw)
