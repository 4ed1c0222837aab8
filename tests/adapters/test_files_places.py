"""Where the shipped files are found: in the checkout, and in an installed wheel."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import incidents
from incidents.adapters.files import shipped

CHECKOUT = Path(incidents.__file__).parent.parent
LOOK = """
import json
from incidents.adapters.files import read_policy, read_runbooks, shipped
print(json.dumps({
    "runbooks": str(shipped("runbooks")),
    "migrations": str(shipped("migrations")),
    "ids": sorted(runbook.id for runbook in read_runbooks(None).runbooks),
    "policy": read_policy(None).version,
}))
"""


def test_a_checkout_uses_its_own_folders() -> None:
    assert shipped("runbooks") == CHECKOUT / "runbooks"
    assert shipped("migrations") == CHECKOUT / "migrations"


def test_a_wheel_carries_the_shipped_files_and_finds_them(tmp_path: Path) -> None:
    wheels, installed = tmp_path / "wheels", tmp_path / "installed"
    build = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*build, "--wheel-dir", str(wheels), str(CHECKOUT)], check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(installed)
        held = set(archive.namelist())

    environment = {**os.environ, "PYTHONPATH": str(installed)}
    looked = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )

    found = json.loads(looked.stdout)
    assert found["runbooks"] == str(installed / "incidents" / "_data" / "runbooks")
    assert found["ids"] == sorted(file.stem for file in (CHECKOUT / "runbooks").glob("*.md"))
    assert found["policy"] == "2026-11-1"
    versions = [file.relative_to(CHECKOUT) for file in (CHECKOUT / "migrations").rglob("*.py")]
    assert {f"incidents/_data/{file.as_posix()}" for file in versions} <= held
