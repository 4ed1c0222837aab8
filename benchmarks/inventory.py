"""How long the largest inventory that we promise takes to be read, judged and applied, as a person waits for it."""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from tests.make_inventory import an_inventory

AIM = 3.0  # seconds
AIM_TO_APPLY = 10.0


def validated(folder: Path) -> tuple[float, float]:
    """Seconds of `incidents validate` from its start to its answer, and of the processor within them."""
    return timed("validate", "--catalog", str(folder))


def timed(*words: str, env: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Seconds of a command from its start to its answer, and of the processor within them."""
    began, spent = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-m", "incidents", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]} refused:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - spent
    return time.perf_counter() - began, used


def applied(folder: Path) -> tuple[float, float]:
    """The same of `incidents catalog apply` to an empty SQLite database: planned, shown and kept."""
    with tempfile.TemporaryDirectory() as name:
        env = os.environ | {"INCIDENTS_DATABASE_URL": f"sqlite+aiosqlite:///{name}/incidents.db"}
        subprocess.run([sys.executable, "-m", "incidents", "db", "upgrade"], env=env, capture_output=True, check=True)
        return timed("catalog", "apply", "--yes", "--catalog", str(folder), env=env)


def report(runs: int, *, systems: int = 5_000, people: int = 500, schedules: int = 200) -> str:
    """A line for each command: the median of so many runs, against the aim."""
    size = f"{systems:,} systems, {people:,} people, {schedules:,} schedules"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in an_inventory(systems=systems, people=people, schedules=schedules).items():
            (folder / file).write_text(text, encoding="utf-8")
        lines = []
        for command, measured, aim in (("validate", validated, AIM), ("catalog apply", applied, AIM_TO_APPLY)):
            taken, used = zip(*(measured(folder) for _ in range(runs)), strict=True)
            spread = (
                f"{median(taken):.2f} s [{min(taken):.2f}-{max(taken):.2f}], {median(used):.2f} s of them computing"
            )
            lines.append(f"{command} {size}: {spread} (aim < {aim:.0f} s)")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inventory", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="the median is shown")
    print(report(parser.parse_args().runs))
