"""Shows pages, cards, posts and notices on a terminal, for when no Slack is configured."""

import sys
from collections.abc import Callable, Iterator

from incidents.core.effect import Channel, EffectKind
from incidents.flow.ports import Finding, Message, NotSent, Outcome, Sent, Unknown


def to_stdout(text: str) -> None:
    """Write what the terminal's encoding can show."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors="replace").decode(encoding))
    sys.stdout.flush()


class ConsoleCarrier:
    """Words from events are stripped of everything that a terminal would obey."""

    channel = Channel.CONSOLE

    def __init__(self, write: Callable[[str], object] = to_stdout) -> None:
        self._write = write

    async def carry(self, message: Message) -> Outcome:
        lines = list(_lines(message))
        try:
            if lines:
                self._write("\n".join([*lines, ""]))
        except (OSError, ValueError):  # a closed file is a ValueError
            return NotSent("the console is closed")
        return Sent()

    async def find(self, message: Message) -> Finding:  # noqa: ARG002 - nothing in it would help
        """A console does not remember."""
        return Unknown("nobody can say what a console has shown")


def _lines(message: Message) -> Iterator[str]:
    match message.kind:
        case EffectKind.POST:
            yield f"{message.about.incident}: {_seen(message.text)}{_repeat(message)}"
        case EffectKind.REFRESH | EffectKind.EVENT:
            return
        case EffectKind.NOTICE | EffectKind.APPROVAL:
            yield ""
            yield f"{_title(message)}: {_seen(message.title)}{_repeat(message)}"
            yield from (f"  {_seen(line)}" for line in message.text.splitlines())
            told = (("Why", "note"), ("Until", "until"), ("To be answered first", "warning"))
            yield from (
                f"  {label}: {_seen(str(message.data[name]))}" for label, name in told if message.data.get(name)
            )
            yield f"  {_seen(message.url)}"
        case EffectKind.PAGE | EffectKind.CARD | EffectKind.FALLBACK:
            briefing = message.about
            yield ""
            yield f"{_title(message)}{_repeat(message)}"
            yield f"  {_seen(briefing.headline)}"
            if message.text:
                yield f"  Why: {_seen(message.text)}"
            yield from (f"  {_seen(line.label)}: {_seen(line.text)}" for line in briefing.lines)
            yield from (f"  Runbook: {_seen(runbook.title)} {_seen(runbook.url)}" for runbook in briefing.runbooks)
            yield f"  {briefing.incident} {briefing.status} {_seen(briefing.url)}"


def _title(message: Message) -> str:
    whom = f" {_seen(message.person.name)}" if message.person else f" {_seen(message.place)}" if message.place else ""
    return f"{message.kind.value.upper()}{whom}"


def _repeat(message: Message) -> str:
    return " (may be a repeat)" if message.possible_repeat else ""


def _seen(text: str) -> str:
    """`text` on one line, without a character that moves the cursor, changes a colour or turns the direction."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
