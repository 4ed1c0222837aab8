"""Where the files that ship with the program lie."""

from pathlib import Path
from typing import Literal

import incidents


def shipped(name: Literal["runbooks", "migrations"]) -> Path:
    """The shipped folder `name`: inside an installed wheel, else at the top of the checkout."""
    package = Path(incidents.__file__).parent
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name
