"""What an operator may set, read from the environment once and refused at start where it makes no sense."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class Settings(BaseSettings):
    """Every setting is `INCIDENTS_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="INCIDENTS_", frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str = "sqlite+aiosqlite:///incidents.db"
    bus_url: SecretStr | None = None
    catalog: Path | None = None
    policy: Path | None = None
    runbooks: Path | None = None
    connections: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    public_url: str | None = None
    slack_bot_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_channel: str | None = None
    slack_api_url: str = "https://slack.com/api/"
    fallback_url: SecretStr | None = None
    api_token: SecretStr | None = None
    secret_key: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    fault_point: str | None = None  # for tests: where the process is to die
    clock_offset: float = 0.0  # for tests: seconds by which the database's clock is shifted

    @field_validator("database_url")
    @classmethod
    def _driver(cls, value: str) -> str:
        """Name the asynchronous driver where a URL names none."""
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(value)
        except ArgumentError as error:
            raise ValueError("is no database URL, for instance postgresql+asyncpg://user:pass@host/name") from error
        known = _DRIVERS.get(url.drivername, url.drivername)
        if known not in _DRIVERS.values():
            raise ValueError(f"{url.drivername} is not supported; use sqlite+aiosqlite or postgresql+asyncpg")
        if known.startswith("sqlite") and url.database in {None, "", ":memory:"}:
            raise ValueError("must name a file: a database in memory is gone with the process")
        return url.set(drivername=known).render_as_string(hide_password=False)

    @field_validator("public_url", "slack_api_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc):
            raise ValueError("must be an http or https URL")
        return value

    @model_validator(mode="after")
    def _guarded(self) -> "Settings":
        """Without a token only loopback is let in, so nothing else may be listened on."""
        if self.api_token is None and self.host not in LOOPBACK:
            raise ValueError(f"HOST is {self.host}: set INCIDENTS_API_TOKEN before listening on more than loopback")
        return self

    @property
    def url(self) -> str:
        """Where people find the web pages, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        kind, _, rest = self.database_url.partition(":///")
        path = rest.partition("?")[0]
        return Path(path) if kind.startswith("sqlite") and path not in {"", ":memory:"} else None

    def local_url(self, port: int) -> str:
        """Where other processes of this machine find the service."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not listened on
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
