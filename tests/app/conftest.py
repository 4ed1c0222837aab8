"""An empty desk, where nothing is set."""

import os
from pathlib import Path

import pytest

from tests.app.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in [name for name in os.environ if name.startswith("INCIDENTS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


@pytest.fixture
def kept(desk: Desk) -> Desk:
    """A desk with an empty database."""
    assert desk.type("db", "upgrade").code == 0
    return desk
