"""Tells what happens in a line each, and shows pages and posts as the people of the demo get them."""

from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from incidents.app import terminal
from incidents.core.effect import Channel, EffectKind
from incidents.flow.ports import Finding, Message, Outcome, Sent, Unknown

_STYLES = {"page": "bold red", "post": "dim", "incident": "bold", "reading": "cyan", "release": "magenta"}
_PERSON = "green"
_LABEL = 9


class Voice:
    """Lines with the time of the story in front; long ones wrap under their beginning."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self.at: datetime | None = None

    def say(self, label: str, text: str) -> None:
        """One thing that happens."""
        clock = f"{self.at.astimezone():%a %H:%M}" if self.at else ""
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(width=9, no_wrap=True)
        row.add_column(width=_LABEL, no_wrap=True, overflow="ellipsis")
        row.add_column(overflow="fold")
        style = _STYLES.get(label, _PERSON)
        row.add_row(Text(clock, style="dim"), Text(label, style=style), Text(terminal.plain(text)))
        self._screen.print(row)

    def head(self, *lines: str) -> None:
        """Words of the demo itself, outside its time."""
        for line in lines:
            self._screen.print(Text(line))


class QuietCarrier:
    """The console's channel: a page and its reason on two lines, a post on one, a refresh on none."""

    channel = Channel.CONSOLE

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    async def carry(self, message: Message) -> Outcome:
        match message.kind:
            case EffectKind.PAGE | EffectKind.FALLBACK:
                whom = message.person.name if message.person else "the fallback"
                self._voice.say("page", f"to {whom}: {message.about.headline}")
                self._voice.say("", f"why: {message.text}")
            case EffectKind.CARD:
                self._voice.say("post", f"{message.place or 'channel'}: {message.about.headline}")
            case EffectKind.POST:
                self._voice.say("post", f"{message.place or 'channel'}: {message.text}")
            case EffectKind.NOTICE | EffectKind.APPROVAL:
                self._voice.say(
                    message.kind.value, f"to {message.person.name if message.person else 'nobody'}: {message.text}"
                )
            case EffectKind.REFRESH | EffectKind.EVENT:
                pass
        return Sent()

    async def find(self, message: Message) -> Finding:  # noqa: ARG002 - nothing in it would help
        """A terminal does not remember."""
        return Unknown("nobody can say what a terminal has shown")
