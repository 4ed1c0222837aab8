"""What a message would make Slack do: whom it calls and where it points. Reads as Slack reads, not as we write."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_SPAN = re.compile(r"<([^<>\n]*)>")
_BARE_LINK = re.compile(r"\b(?:https?://|mailto:|www\.)\S+|\b[a-z0-9-]+\.(?:com|org|net|example|io)\b", re.IGNORECASE)
_BARE_NAME = re.compile(r"(?<!\w)[@#][a-z][a-z0-9._-]*", re.IGNORECASE)
_CALLS = ("!channel", "!here", "!everyone", "!subteam", "@", "#")


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything in a text that Slack would act on."""

    mentions: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    def __add__(self, other: "Reach") -> "Reach":
        return Reach(self.mentions + other.mentions, self.links + other.links)

    def foreign(self, home: set[str]) -> tuple[str, ...]:
        return tuple(link for link in self.links if urlsplit(link).hostname not in home)


def reach(text: str, *, auto: bool) -> Reach:
    """Read mrkdwn; with `auto`, also the bare names and addresses that Slack turns into mentions and links."""
    spans = [span[1] for span in _SPAN.finditer(text)]
    mentions = [span for span in spans if span.startswith(_CALLS)]
    links = [span.split("|")[0] for span in spans if not span.startswith(("!", *_CALLS))]
    if auto:
        rest = html.unescape(_SPAN.sub(" ", text))
        mentions += _BARE_NAME.findall(rest)
        links += _BARE_LINK.findall(rest)
    return Reach(tuple(mentions), tuple(links))


def reach_of_message(said: Mapping[str, object]) -> Reach:
    """Read a whole message: its text by `parse` and `link_names`, each text object by `type` and `verbatim`."""
    auto = said.get("parse") != "none" or said.get("link_names") not in (False, None, "false", "0")
    found = reach(str(said.get("text") or ""), auto=auto)
    for thing in _objects(said.get("blocks")):
        if thing.get("type") == "mrkdwn":
            found += reach(str(thing["text"]), auto=thing.get("verbatim") is not True)
        if thing.get("type") == "button" and "url" in thing:
            found += Reach(links=(str(thing["url"]),))
    return found


def shown(text: str) -> str:
    """What a reader sees where nothing is acted upon."""
    return html.unescape(text)


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, Mapping):
        yield value
        for part in value.values():
            yield from _objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part)
