"""Takes in what a target answers, within limits, and believes it no further than it goes."""

from aiohttp import ClientResponse

from incidents.adapters.targets.secrets import Scrubber
from incidents.core import strict_json
from incidents.core.answer import Answered, Unclear

MOST_BYTES = 256 * 1024
_MOST_TEXT = 2_000  # characters that are kept for people
_SWITCHING = 101


async def taken(answer: ClientResponse, scrubber: Scrubber) -> Answered | Unclear:
    """What was answered; an answer that cannot be read whole counts for its status only where that is a refusal."""
    if answer.status == _SWITCHING:
        return Unclear("it wants to go on in another protocol, which was not asked for")
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        return _unread(answer, "it answers in a compression that was not asked for")
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            return _unread(answer, f"its answer is larger than {MOST_BYTES // 1024} KiB")
    text = body.decode(errors="replace")
    return Answered(status=answer.status, body=scrubber.value(_json(text)), text=scrubber.text(_shown(text)))


def _unread(answer: ClientResponse, why: str) -> Answered | Unclear:
    refused = 400 <= answer.status < 500  # noqa: PLR2004 - HTTP's own classes
    return Answered(status=answer.status, body=None, text=why) if refused else Unclear(f"{why} (HTTP {answer.status})")


def _json(text: str) -> object:
    """The value, or None where it is no JSON that means one thing."""
    try:
        value, _ = strict_json.read(text)
    except strict_json.NotJson:
        return None
    return value if strict_json.first_flaw(value, "") is None else None


def _shown(text: str) -> str:
    """One line of it, without what a terminal would obey."""
    kept = "".join(char if char.isprintable() else " " for char in text[: 2 * _MOST_TEXT])
    return " ".join(kept.split())[:_MOST_TEXT]
