"""Child processes: run under the right user, waited for until they answer, ended by pid, never outliving the run."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"


class Missing(Exception):
    """This machine cannot run a real part; says which and why."""


def program(name: str, *folders: Path) -> str:
    """Return where `name` is, looking in `folders` before PATH."""
    found = next((str(folder / name) for folder in folders if (folder / name).exists()), None) or shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed")
    return found


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody listens on: all are held until the last is found."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]


def answers(port: int, *, say: bytes = b"", hear: bytes = b"") -> bool:
    """Say `say` to a port of this machine and hear an answer that begins with `hear`."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as line:
            line.sendall(say)
            return not hear or line.recv(len(hear)) == hear
    except OSError:
        return False


def fetched(name: str, fetch: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache outside the repository, filled by `fetch` the first time."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "incidents-rig"
    whole = root / name
    if not whole.exists():
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as half:
            fetch(Path(half))
            # Two runs may fetch at once: the first one's folder stays.
            with contextlib.suppress(OSError):
                Path(half).rename(whole)
            Path(half).mkdir(exist_ok=True)
    return whole


def fetch_by(command: Sequence[str], *, within: Path, patience: float = 300) -> None:
    """Run a package tool in a folder for so many seconds, or say that what it fetches is missing and why."""
    done = subprocess.run(command, cwd=within, check=False, capture_output=True, text=True, timeout=patience)
    if done.returncode:
        raise Missing(f"{Path(command[0]).name} could not fetch it: {(done.stdout + done.stderr).strip()[-300:]}")


class Child:
    """One server process, the folder it lives in, and the user it runs as when the tests run as root."""

    def __init__(self, name: str, *, user: str | None = None) -> None:
        self.name = name
        self.user = user if user and os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"incidents-{name}-"))
        self.own(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    def own(self, path: Path) -> Path:
        """Give `path` to the user the server runs as."""
        if self.user:
            known = pwd.getpwnam(self.user)
            os.chown(path, known.pw_uid, known.pw_gid)
        return path

    def run(self, *command: str) -> None:
        """Run one of the server's own tools to its end, as the server's user."""
        done = subprocess.run(
            self._as_user(command), cwd=self.folder, check=False, capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            self.remove()
            raise RuntimeError(f"{self.name}: {' '.join(command)}: {done.stdout}{done.stderr}")

    def start(
        self, *command: str, ready: Callable[[], bool], env: Mapping[str, str] | None = None, within: float = 60
    ) -> None:
        """Start the server and return when it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._as_user(command),
                cwd=self.folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + within
        while not ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill9()
                raise RuntimeError(f"{self.name} did not start:\n{self.log()[-2000:]}")
            time.sleep(0.02)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ask the server to end, and end it when it does not."""
        if self._process is not None:
            self._process.send_signal(by)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
            self.kill9()

    def kill9(self) -> None:
        """End the server as a power cut would; a child not waited for would keep its pid and stop a restart."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # with whatever it has started itself
            self._process.wait()
            self._process = None

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def remove(self) -> None:
        self.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_user(self, command: Sequence[str]) -> list[str]:
        # setpriv sets the death signal after the change of user, which would clear it. Where there is no
        # setpriv an interrupted run still ends its children; a killed one does not.
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            return list(command)
        change = [f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"] if self.user else []
        return [setpriv, "--pdeathsig", "KILL", *change, *command]
