"""What may be set, and what is refused at start."""
# ruff: noqa: S104 - nothing listens here

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from incidents.app.settings import Settings

pytestmark = pytest.mark.usefixtures("desk")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
        ("postgresql://u:p@h/x", "postgresql+asyncpg://u:p@h/x"),
        ("postgres://u:p@h/x", "postgresql+asyncpg://u:p@h/x"),
        ("postgresql+asyncpg://u:p@h/x", "postgresql+asyncpg://u:p@h/x"),
    ],
)
def test_the_asynchronous_driver_is_named_where_a_url_names_none(given: str, used: str) -> None:
    assert Settings(database_url=given).database_url == used


@pytest.mark.parametrize("given", ["mysql://h/x", "no url", "postgresql+psycopg2://h/x"])
def test_other_databases_are_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        Settings(database_url=given)


def test_only_a_token_lets_it_listen_on_more_than_loopback() -> None:
    with pytest.raises(ValidationError, match="INCIDENTS_API_TOKEN"):
        Settings(host="0.0.0.0")
    assert Settings(host="0.0.0.0", api_token=SecretStr("t")).host == "0.0.0.0"


@pytest.mark.parametrize(
    ("host", "public", "url", "local"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8080", "http://127.0.0.1:9"),
        ("::1", None, "http://[::1]:8080", "http://[::1]:9"),
        ("0.0.0.0", "https://x.example/", "https://x.example", "http://127.0.0.1:9"),
        ("::", None, "http://[::]:8080", "http://[::1]:9"),
    ],
)
def test_people_and_this_machine_each_have_an_address(host: str, public: str | None, url: str, local: str) -> None:
    settings = Settings(host=host, public_url=public, api_token=SecretStr("t"))
    assert settings.url == url
    assert settings.local_url(9) == local


def test_secrets_are_in_no_repr() -> None:
    names = ("bus_url", "slack_bot_token", "slack_signing_secret", "slack_app_token", "fallback_url", "api_token")
    secrets: dict[str, Any] = dict.fromkeys(names, SecretStr("secret-word"))
    settings = Settings(**secrets)
    assert "secret-word" not in repr(settings)


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_BUS_URL", "")
    assert Settings().bus_url is None


def test_the_database_file_is_known_for_sqlite_only() -> None:
    file = Settings(database_url="sqlite:////srv/a.db?x=1").database_file
    assert file is not None
    assert file.as_posix() == "/srv/a.db"
    assert Settings(database_url="postgresql://u:p@h/x").database_file is None


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="must name a file"):
        Settings(database_url="sqlite://")
