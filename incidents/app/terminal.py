"""What people read on a terminal: words from events are shown as text, whatever they hold."""

import json
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_PIPED = 200  # columns where nobody looks: programs want whole words


def plain(text: object) -> str:
    """`text` on one line, without a character that moves the cursor, changes a colour or turns the direction."""
    return " ".join(_shown(str(text)).split())


def indented(line: object) -> str:
    """As `plain`, with the spaces that the line begins with: Markdown and YAML mean something by them."""
    text = _shown(str(line))
    return " " * (len(text) - len(text.lstrip())) + plain(text)


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def console(*, stderr: bool = False) -> "Console":
    """A console that takes no word for markup; wide where it is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    found = Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False)
    return found if stream.isatty() else Console(file=stream, markup=False, highlight=False, emoji=False, width=_PIPED)


def write(*lines: object) -> None:
    """Lines to standard output, each as text."""
    _to(sys.stdout, lines)


def complain(*lines: object) -> None:
    """Lines to standard error, each as text."""
    _to(sys.stderr, lines)


def _to(stream: TextIO, lines: Iterable[object]) -> None:
    encoding = stream.encoding or "utf-8"
    text = "".join(f"{_shown(str(line)).rstrip()}\n" for line in lines)
    stream.write(text.encode(encoding, errors="replace").decode(encoding))
    stream.flush()


def write_json(value: object) -> None:
    """JSON to standard output; escaped to ASCII, so that it too cannot steer a terminal."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
    sys.stdout.flush()


def short(length: timedelta) -> str:
    """The largest unit that fits: 45s, 12m, 3h, 2d."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def moment(text: str | None) -> str:
    """A time of the API as people read it, in UTC to the second."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}" if text else ""
