"""Secrets of connections: read when they are needed, and taken out of everything that is told."""

import json
import os
import re
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from incidents.core.connection import Basic, Connection, SecretRef
from incidents.core.redaction import redact

SHORTEST = 6  # letters of a secret: a shorter one cannot be told from other words, so it could not be taken out
_LARGEST = 64 * 1024  # bytes of a file that holds one
_MARK = "<SECRET>"


class NoSecret(Exception):
    """A secret is not there or cannot be used; says which and why, never what it holds."""


def secrets_of(connection: Connection) -> dict[SecretRef, SecretStr]:
    """Every secret of a connection as it is now, or NoSecret for the first that is not well."""
    return {ref: _read(ref, _shortest(connection, ref)) for ref in connection.secrets}


def missing(connection: Connection) -> tuple[str, ...]:
    """What is wrong with the secrets of a connection, in words that hold none of them."""
    found = []
    for ref in connection.secrets:
        try:
            _read(ref, _shortest(connection, ref))
        except NoSecret as wrong:
            found.append(str(wrong))
    return tuple(found)


def _shortest(connection: Connection, ref: SecretRef) -> int:
    """A user's name may be as short as it likes: it is no secret."""
    return 1 if isinstance(connection.auth, Basic) and ref == connection.auth.user else SHORTEST


def _read(ref: SecretRef, shortest: int) -> SecretStr:
    text = _of_file(Path(ref.file)) if ref.file is not None else os.environ.get(ref.env or "", "").strip()
    if not text:
        raise NoSecret(f"{ref} is {'empty' if ref.file is not None else 'not set'}")
    if not text.isprintable() or not text.isascii():
        raise NoSecret(f"{ref} holds characters that no header can carry")
    if len(text) < shortest:
        raise NoSecret(f"{ref} is shorter than {shortest} letters, so it could not be taken out of what is shown")
    return SecretStr(text)


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST).decode().strip()
    except OSError as error:
        raise NoSecret(f"file {path}: {(error.strerror or 'cannot be read').lower()}") from None
    except UnicodeDecodeError:
        raise NoSecret(f"file {path} holds no text") from None


class Scrubber:
    """Takes the secrets of one request out of text and out of JSON values, in every spelling that is usual."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret.get_secret_value())}
        longest_first = sorted((each for each in spellings if len(each) >= SHORTEST), key=len, reverse=True)
        self._found = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """For people: without our secrets, and without what looks like anybody's."""
        return redact(self._without(text))

    def value(self, value: object) -> object:
        """A JSON value without our secrets; all else is kept as it is, since an undo may need it."""
        if isinstance(value, str):
            return self._without(value)
        if isinstance(value, dict):
            return {self._without(str(key)): self.value(inner) for key, inner in value.items()}
        return [self.value(inner) for inner in value] if isinstance(value, list) else value

    def _without(self, text: str) -> str:
        return text if self._found is None else self._found.sub(_MARK, text)


def basic(user: SecretStr, password: SecretStr) -> str:
    """User and password as the header of RFC 7617 has them."""
    return b64encode(f"{user.get_secret_value()}:{password.get_secret_value()}".encode()).decode()


def _spellings(secret: str) -> set[str]:
    encoded = b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], encoded, encoded.rstrip("=")}
