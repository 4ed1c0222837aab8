"""Tells one person why a click did nothing, at the address that Slack gave with the click and nowhere else."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import aiohttp
import structlog

from incidents.adapters.slack.cards import reply

_HOOKS = "https://hooks.slack.com"
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_log = structlog.get_logger(__name__)


def private(text: str, blocks: tuple[Mapping[str, Any], ...] = ()) -> dict[str, object]:
    """An answer that only the asking person sees; `text` is escaped here."""
    said = {"response_type": "ephemeral", "replace_original": False, "text": reply(text).text}
    return said | ({"blocks": list(blocks)} if blocks else {})


class Replies:
    """Posts to a response URL of Slack's own hosts: that address comes with the request and is not to be trusted."""

    def __init__(self, api_url: str) -> None:
        self._origins = {_origin(urlsplit(_HOOKS)), _origin(urlsplit(api_url))}

    def allowed(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            return _origin(parts) in self._origins and parts.username is None and parts.password is None
        except ValueError:
            return False

    async def tell(self, url: str, text: str) -> None:
        """Say `text` to the one who clicked; what cannot be said is logged."""
        if not self.allowed(url):
            _log.warning("slack_reply_not_sent", reason="the reply address is not one of Slack's")
            return
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session,
                session.post(url, json=private(text), allow_redirects=False) as answer,
            ):
                if not answer.ok:
                    _log.warning("slack_reply_not_sent", reason=f"HTTP {answer.status}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _log.warning("slack_reply_not_sent", reason=type(error).__name__)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
