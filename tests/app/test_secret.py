"""The secret that signs is set, or made once and kept where nobody else reads it."""

import stat
import sys

import pytest

from incidents.app.secret import key_file, secret_of
from incidents.app.settings import Settings
from incidents.core.errors import IncidentsError
from tests.app.desk import Desk


def test_a_secret_is_made_once_beside_an_sqlite_file(desk: Desk) -> None:
    first, again = secret_of(Settings()), secret_of(Settings())
    assert first is not None
    assert len(first) >= 32
    assert first == again
    assert (desk.folder / "incidents.db.key").read_bytes() == first


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_nobody_else_may_read_it(desk: Desk) -> None:
    secret_of(Settings())
    assert stat.S_IMODE((desk.folder / "incidents.db.key").stat().st_mode) == 0o600


def test_what_is_set_is_used_and_nothing_is_made(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_SECRET_KEY", "a long random text of somebody's")
    assert secret_of(Settings()) == b"a long random text of somebody's"
    assert not (desk.folder / "incidents.db.key").exists()


def test_on_postgresql_there_is_none_until_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_DATABASE_URL", "postgresql+asyncpg://db/incidents")
    monkeypatch.delenv("INCIDENTS_SECRET_KEY", raising=False)
    assert (secret_of(Settings()), key_file(Settings())) == (None, None)


def test_an_empty_file_is_no_secret(desk: Desk) -> None:
    desk.write("incidents.db.key", "")
    with pytest.raises(IncidentsError, match="is empty"):
        secret_of(Settings())
