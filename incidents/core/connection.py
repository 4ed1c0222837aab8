"""A connection to a system that runs may change: where it is, how it is authenticated, and how much is asked of it."""

from dataclasses import dataclass
from datetime import timedelta

TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """Where a secret is read when it is needed; the secret itself is nowhere in here. One of the two is set."""

    env: str | None = None  # name of an environment variable
    file: str | None = None  # path of a file

    def __str__(self) -> str:
        return self.env if self.env is not None else f"file {self.file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    token: SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    user: SecretRef
    password: SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderAuth:
    name: str
    value: SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAuth:
    """Requests are signed as AWS wants it (Signature Version 4)."""

    region: str
    service: str
    access_key: SecretRef
    secret_key: SecretRef
    session_token: SecretRef | None = None


Auth = Bearer | Basic | HeaderAuth | AwsAuth


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What the operator says of one target."""

    name: str
    url: str  # base address, without a slash at its end
    auth: Auth | None = None
    hosts: tuple[str, ...] = ()  # host:port that may be connected to; empty: only the one of `url`
    inside: bool = False  # it may lead to an address inside the network
    rate: tuple[int, timedelta] | None = None  # so many requests in such a time
    timeout: timedelta = TIMEOUT  # the longest that one request may take
    ca: str | None = None  # file of the certificate authorities to trust instead of the system's

    @property
    def secrets(self) -> tuple[SecretRef, ...]:
        """Everything that has to be read before a request can be sent."""
        match self.auth:
            case None:
                return ()
            case Bearer(token=token):
                return (token,)
            case Basic(user=user, password=password):
                return (user, password)
            case HeaderAuth(value=value):
                return (value,)
            case AwsAuth(access_key=access, secret_key=secret, session_token=session):
                return (access, secret, *([session] if session is not None else []))
