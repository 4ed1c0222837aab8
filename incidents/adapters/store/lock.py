"""One process for each SQLite file: a lock beside it, which names the address of who holds it."""

import json
import os
import sys
from pathlib import Path
from typing import IO, Any

from incidents.core.errors import IncidentsError

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[Any]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Held(IncidentsError):
    """Another process works on this file; `url` is where it answers, if it said so."""

    def __init__(self, url: str | None, pid: int | None) -> None:
        who = f"another process{f' (pid {pid})' if pid else ''}"
        what = f"serves this database, at {url}" if url else "works on this database: try again when it is done"
        super().__init__(f"{who} {what}")
        self.url = url
        self.pid = pid


class FileLock:
    """Held for as long as the process lives; a crash frees it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.lock")
        self._told = database.with_name(f"{database.name}.service")
        self._file: IO[Any] | None = None

    def take(self, url: str | None = None) -> None:
        """Take the lock, or raise Held. `url` tells others where this process answers."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+b")
        try:
            _take(file)
        except OSError:
            file.close()
            raise self._held() from None
        self._file = file
        self.tell(url)

    def tell(self, url: str | None) -> None:
        """Tell others where this process answers, once it does."""
        self._told.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")

    def free(self) -> None:
        """Let others have it."""
        if self._file is not None:
            self._told.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _held(self) -> Held:
        try:
            told = json.loads(self._told.read_text(encoding="utf-8"))
            return Held(told.get("url"), told.get("pid"))
        except (OSError, ValueError):
            return Held(None, None)
