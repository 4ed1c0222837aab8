"""How long the largest inventory that we promise takes to be read and judged, as a person waits for it."""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.make_inventory import an_inventory

AIM = 3.0  # seconds


def validated(folder: Path) -> tuple[float, float]:
    """Seconds of `incidents validate` from its start to its answer, and of the processor within them."""
    began, spent = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-m", "incidents", "validate", "--catalog", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"validate refused:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - spent
    return time.perf_counter() - began, used


def report(runs: int, *, systems: int = 5_000, people: int = 500, schedules: int = 200) -> str:
    """One line: the median of so many runs, against the aim."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in an_inventory(systems=systems, people=people, schedules=schedules).items():
            (folder / file).write_text(text, encoding="utf-8")
        taken, used = zip(*(validated(folder) for _ in range(runs)), strict=True)
    size = f"{systems:,} systems, {people:,} people, {schedules:,} schedules"
    spread = f"{median(taken):.2f} s [{min(taken):.2f}-{max(taken):.2f}], {median(used):.2f} s of them computing"
    return f"validate {size}: {spread} (aim < {AIM:.0f} s)"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inventory", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="the median is shown")
    print(report(parser.parse_args().runs))
