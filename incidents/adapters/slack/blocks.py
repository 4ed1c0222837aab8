"""The parts that every message is made of; words from outside enter them escaped, and addresses cannot leave theirs."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from incidents.adapters.slack.escape import clean, escape
from incidents.adapters.slack.limits import URL, Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message for Slack: its blocks, and the plain text that notifications show."""

    text: str
    blocks: tuple[Block, ...]


def mrkdwn(text: str) -> Block:
    """A mrkdwn object of escaped text. `verbatim`, or Slack makes links and mentions of bare words."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain_text(text: str) -> Block:
    """A plain_text object, in which Slack acts on nothing."""
    return {"type": "plain_text", "text": text, "emoji": False}


def section(text: Block) -> Block:
    return {"type": "section", "text": text}


def context(text: Block) -> Block:
    return {"type": "context", "elements": [text]}


def button(action: str, title: str) -> Block:
    return {"type": "button", "action_id": action, "text": plain_text(title)}


def link(url: str, title: str, limit: int) -> str:
    """A link in mrkdwn to one of our own addresses; only its title where the address is no web address."""
    return f"<{address(url)}|{escape(title, limit)}>" if address(url) else escape(title, limit)


def address(url: str) -> str:
    """The URL in a form that cannot leave its place in a link, or nothing where it is no web address."""
    safe = quote(clean(url), safe="%/:=&?~#+!$,;'@()*[]")
    try:
        parts = urlsplit(safe)
    except ValueError:
        return ""
    return safe if parts.scheme in {"http", "https"} and parts.hostname and len(safe) <= URL else ""
