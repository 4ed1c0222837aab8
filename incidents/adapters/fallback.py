"""Posts a page to a plain webhook, for when Slack cannot deliver or nobody answers; it shares nothing with Slack."""

import re
from datetime import timedelta

import aiohttp

from incidents.core.briefing import Briefing
from incidents.core.effect import Channel
from incidents.flow.ports import Finding, Message, NotSent, Outcome, Refused, Sent, Unknown

_TIMEOUT = 10.0
_PATIENCE = timedelta(seconds=30)
_DOUBTFUL = 408  # the other end gave up while it was reading
_LATER = frozenset({425, 429})
_SECONDS = re.compile("[0-9]{1,6}")


class FallbackCarrier:
    """Every message carries its key as Idempotency-Key: a receiver that honours it may be sent to twice."""

    channel = Channel.WEBHOOK

    def __init__(self, url: str, *, timeout: float = _TIMEOUT) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=timeout / 2)
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, message: Message) -> Outcome:
        try:
            async with self._opened().post(
                self._url, json=_body(message), headers={"Idempotency-Key": _header(message.key)}, allow_redirects=False
            ) as answer:
                return _judged(answer.status, answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return NotSent("the fallback cannot be reached")
        except TimeoutError:
            return Unknown("the fallback did not answer in time")
        except (aiohttp.ClientError, OSError):
            return Unknown("the connection to the fallback broke")

    async def find(self, message: Message) -> Finding:  # noqa: ARG002 - nothing in it would help
        """A webhook cannot be asked what it has."""
        return Unknown("the fallback cannot say what it has received")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A new connection each time: one that was kept may be closed at the other end while a page is written.
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=True)
        return self._session


def _judged(status: int, retry_after: str) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own classes
        return Sent()
    if status in _LATER:
        patience = timedelta(seconds=min(int(retry_after), 3_600)) if _SECONDS.fullmatch(retry_after) else _PATIENCE
        return NotSent(f"the fallback asks for patience (HTTP {status})", after=patience)
    if 400 <= status < 500 and status != _DOUBTFUL:  # noqa: PLR2004 - HTTP's own classes
        return Refused(f"the fallback refuses the message (HTTP {status})")
    return Unknown(f"the fallback answered HTTP {status}")


def _body(message: Message) -> dict[str, str]:
    briefing = message.about
    return {
        "key": message.key,
        "incident": briefing.incident,
        "headline": _shown(briefing.headline),
        "text": _shown(_text(briefing)),
        "severity": briefing.severity.value,
        "url": briefing.url,
        "why": _shown(message.text),
    }


def _text(briefing: Briefing) -> str:
    runbooks = [f"Runbook: {runbook.title} {runbook.url}" for runbook in briefing.runbooks]
    return "\n".join([briefing.headline, *(f"{line.label}: {line.text}" for line in briefing.lines), *runbooks])


def _shown(text: str) -> str:
    """Text that every JSON reader takes: half a character becomes a question mark."""
    return text.encode(errors="replace").decode()


def _header(key: str) -> str:
    """The key as a header takes it, whatever is in it."""
    return re.sub(r"[^\x21-\x7e]", lambda found: f"%{ord(found[0]):02X}", key)
