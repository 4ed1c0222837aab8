"""What a file of connections may hold: targets by name, with the places of their secrets and never a secret."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema
from yarl import URL

from incidents.adapters.files.shape import Duration, Entry, FormatVersion, Name, Slug, Url, refused
from incidents.core.connection import TIMEOUT

RATE = r"([1-9][0-9]{0,4})/([smh])"
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253}):[0-9]{1,5}"
_VARIABLE = "[A-Za-z_][A-Za-z0-9_]*"
_HEADER = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_TAKEN = frozenset(  # HTTP's own, and the one that marks a request
    {
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "idempotency-key",
        "transfer-encoding",
        "upgrade",
    }
)
_ONE_OF_TWO = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})


def _base(url: str) -> str:
    like = "write it like https://mlflow.example.com:5000"
    try:
        parts = URL(url)
    except ValueError:
        raise refused("is no web address", like) from None
    if not parts.host or not parts.port:
        raise refused("is no web address", like)
    if "@" in parts.raw_authority:
        raise refused("holds credentials", "name where they are kept under auth: {basic: {user: ..., password: ...}}")
    if "?" in url or "#" in url:
        raise refused("holds a query or a fragment", "leave it out: each step has its own path and query")
    return url.rstrip("/")


def _rate(text: str) -> str:
    if re.fullmatch(RATE, text):
        return text
    raise refused(f'"{text[:60]}" is not a rate', "write it like 60/m: so many a second (s), minute (m) or hour (h)")


def _host(text: str) -> str:
    if re.fullmatch(_HOST, text):
        return text.lower()
    raise refused(f'"{text[:60]}" is no host and port', "write it like hooks.example.com:443")


def _yes_or_no(given: object) -> object:
    if isinstance(given, str) and given not in {"true", "false"}:
        raise refused("must be true or false")
    return given == "true" if isinstance(given, str) else given


def _variable(text: str) -> str:
    if re.fullmatch(_VARIABLE, text):
        return text
    raise refused("is no name of an environment variable", "write it like MLFLOW_TOKEN")


def _header(text: str) -> str:
    if not re.fullmatch(_HEADER, text):
        raise refused("is no name of a header", "write it like X-Token")
    if text.lower() in _TAKEN:
        raise refused("is not a header for a secret", "use bearer or basic, or the header that the target names")
    return text


def _never_written(given: object) -> object:
    """A secret in the file is refused without being shown."""
    if isinstance(given, str):
        raise refused("must say where the secret is kept", "write {env: NAME} or {file: /run/secrets/NAME}")
    return given


class SecretEntry(Entry):
    """Where a secret is read when it is needed: one of the two."""

    model_config = _ONE_OF_TWO

    env: Annotated[str, Field(max_length=200, examples=["MLFLOW_TOKEN"]), AfterValidator(_variable)] | None = None
    """Name of an environment variable of the service."""
    file: Name | None = None
    """Path of a file that holds nothing else."""


_NEVER_WRITTEN = BeforeValidator(_never_written)
Secret = Annotated[SecretEntry, _NEVER_WRITTEN]


class BasicEntry(Entry):
    user: Secret
    password: Secret


class HeaderEntry(Entry):
    name: Annotated[str, Field(max_length=100, examples=["X-Token"]), AfterValidator(_header)]
    """Name of the header."""
    value: Secret


class AwsEntry(Entry):
    region: Slug
    """Region of the service, such as eu-west-1."""
    service: Slug
    """Name under which requests are signed, such as sagemaker."""
    access_key: Secret
    secret_key: Secret
    session_token: Secret | None = None


class AuthEntry(Entry):
    """How requests are authenticated: one of these."""

    model_config = _ONE_OF_TWO

    bearer: Secret | None = None
    """A token, sent as `Authorization: Bearer`."""
    basic: Annotated[BasicEntry, _NEVER_WRITTEN] | None = None
    """User and password of HTTP."""
    header: Annotated[HeaderEntry, _NEVER_WRITTEN] | None = None
    """A secret in a header of its own."""
    aws: Annotated[AwsEntry, _NEVER_WRITTEN] | None = None
    """Requests are signed with Signature Version 4."""


class ConnectionEntry(Entry):
    url: Annotated[Url, AfterValidator(_base)]
    """Base address: the paths of steps lie below it."""
    auth: Annotated[AuthEntry, _NEVER_WRITTEN] | None = None
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """host:port that may be connected to; only the one of `url` where it is missing."""
    inside: Annotated[bool, BeforeValidator(_yes_or_no), WithJsonSchema({"type": "boolean"})] = False
    """Whether it may lead to this machine or into a private network."""
    rate: Annotated[str, AfterValidator(_rate), Field(examples=["60/m"])] | None = None
    """Most requests of one process in a second, minute or hour."""
    timeout: Duration = TIMEOUT
    """The longest that one request may take, its whole answer included."""
    ca: Name | None = None
    """File of the certificate authorities to trust, instead of those of the system."""


class ConnectionsFile(Entry):
    """The systems that runs of runbooks may change, by the names that the steps use."""

    model_config = ConfigDict(json_schema_extra={"required": ["version"]})

    version: FormatVersion = 1
    """Version of this format."""
    connections: dict[Slug, ConnectionEntry] = Field(default_factory=dict)
    """Connections by name."""
