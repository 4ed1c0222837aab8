"""Reads a bus URL into an address; passwords stay out of every repr, error and log line."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from incidents.core.errors import IncidentsError

AMQP = {"amqp": 5672, "amqps": 5671}
KAFKA = {
    "kafka": "plaintext",
    "kafka+ssl": "ssl",
    "kafka+sasl_ssl": "sasl_ssl",
    "kafka+sasl_plaintext": "sasl_plaintext",
}
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
RABBIT_OPTIONS = ("auth", "cafile", "capath", "certfile", "keyfile", "heartbeat", "name", "no_verify_ssl")
KAFKA_OPTIONS = ("mechanism", "cafile", "certfile", "keyfile")
KAFKA_PORT = 9092
# What does not parse may be part of a password with an unescaped character, so it is not repeated.
ESCAPE = "The bus URL needs host:port, and %-escapes for @ : / # ? in a user or password."
LAST_PORT = 65_535
HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d+))?")


class BadAddress(IncidentsError):
    """A bus URL that cannot be used as it is written; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitAddress:
    """Where a RabbitMQ broker is; `url` holds the password, `shown` does not."""

    url: str = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAddress:
    """Where a Kafka cluster is and how to be let in."""

    servers: tuple[str, ...]
    protocol: str = "plaintext"
    mechanism: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    options: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        return f"kafka at {', '.join(self.servers)}"


BusAddress = RabbitAddress | KafkaAddress


def bus_address(url: str) -> BusAddress:
    """Return the address that a bus URL names, or say what is wrong with it."""
    scheme, _, rest = url.strip().partition("://")
    if not rest:
        scheme = ""
    try:
        # The underscore of sasl_ssl is none of a scheme's characters, so the scheme is read apart.
        parts = urlsplit(f"//{rest}")._replace(scheme=scheme.lower())
    except ValueError:
        raise BadAddress(ESCAPE) from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise BadAddress(ESCAPE)
    if parts.scheme in AMQP:
        return _rabbit(parts)
    if parts.scheme in KAFKA:
        return _kafka(parts)
    begins = f"begins with {parts.scheme}://" if parts.scheme else "names no scheme"
    known = ", ".join(f"{scheme}://" for scheme in (*AMQP, *KAFKA))
    raise BadAddress(f"The bus URL {begins}; it must begin with one of {known}.")


def _rabbit(parts: SplitResult) -> RabbitAddress:
    _options(parts, RABBIT_OPTIONS)
    (server,) = _servers(parts, AMQP[parts.scheme], at_most=1)
    shown = f"{parts.scheme}://{server}{parts.path}"
    return RabbitAddress(url=parts.geturl(), shown=shown)


def _kafka(parts: SplitResult) -> KafkaAddress:
    options = _options(parts, KAFKA_OPTIONS)
    if parts.path.strip("/"):
        raise BadAddress(f"A Kafka URL has no path, but this one has {parts.path!r}; the topic is fixed.")
    protocol = KAFKA[parts.scheme]
    mechanism = options.pop("mechanism", None)
    user, password = _who(parts)
    if protocol.startswith("sasl"):
        mechanism = (mechanism or "PLAIN").upper()
        if mechanism not in MECHANISMS:
            raise BadAddress(f"The mechanism {mechanism!r} is not known: use one of {', '.join(MECHANISMS)}.")
        if user is None or password is None:
            raise BadAddress(
                f"{parts.scheme}:// needs a user and a password: {parts.scheme}://user:password@host:9092."
            )
    elif user is not None or mechanism is not None:
        raise BadAddress(f"{parts.scheme}:// takes no user or mechanism: use kafka+sasl_ssl:// to log in.")
    return KafkaAddress(
        servers=_servers(parts, KAFKA_PORT),
        protocol=protocol,
        mechanism=mechanism,
        user=user,
        password=password,
        options=tuple(options.items()),
    )


def _servers(parts: SplitResult, port: int, *, at_most: int | None = None) -> tuple[str, ...]:
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if at_most is not None and len(hosts) > at_most:
        raise BadAddress(f"{parts.scheme}:// takes one host, but this URL names {len(hosts)}.")
    return tuple(_server(host.strip(), port) for host in hosts)


def _server(text: str, default_port: int) -> str:
    found = HOST_AND_PORT.fullmatch(text)
    if found is None:
        raise BadAddress(ESCAPE)
    port = int(found["port"] or default_port)
    if not 0 < port <= LAST_PORT:
        raise BadAddress(f"The port {port} of {found['host']} is not between 1 and {LAST_PORT}.")
    return f"{found['host']}:{port}"


def _who(parts: SplitResult) -> tuple[str | None, str | None]:
    if "@" not in parts.netloc:
        return None, None
    user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    return unquote(user), unquote(password) if colon else None


def _options(parts: SplitResult, known: tuple[str, ...]) -> dict[str, str]:
    if parts.fragment:
        raise BadAddress("The bus URL has a # in it and needs none.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in known:
            raise BadAddress(f"The option {name!r} of the bus URL is not known: use {', '.join(known)}.")
    return options
