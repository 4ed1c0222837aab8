"""The secret that signs what the service gives out: set, or made once and kept beside an SQLite file."""

import os
from pathlib import Path
from secrets import token_urlsafe

from incidents.app.settings import Settings
from incidents.core.errors import IncidentsError

_BYTES = 32


def secret_of(settings: Settings) -> bytes | None:
    """INCIDENTS_SECRET_KEY, else the one kept beside the SQLite file, made where there is none; None on PostgreSQL."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    file = key_file(settings)
    return None if file is None else _kept(file)


def key_file(settings: Settings) -> Path | None:
    """Where the secret of an SQLite database is kept."""
    database = settings.database_file
    return None if database is None else database.with_name(f"{database.name}.key")


def _kept(file: Path) -> bytes:
    """The secret in `file`; whoever has the database's lock makes it, whole or not at all."""
    try:
        if not file.exists():
            _make(file)
        secret = file.read_bytes().strip()
    except OSError as error:
        raise IncidentsError(f"{file}: {error.strerror}; let this user read and write it") from error
    if not secret:
        raise IncidentsError(f"{file} is empty: remove it, and a new secret is made")
    return secret


def _make(file: Path) -> None:
    made = file.with_name(f"{file.name}.new")
    made.unlink(missing_ok=True)
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(token_urlsafe(_BYTES))
        stream.flush()
        os.fsync(handle)
    made.replace(file)
