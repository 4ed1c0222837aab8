"""Slack's Web API over one HTTP session: one call is one request, and whatever comes back is judged by one table."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from incidents.adapters.slack.answers import PATIENCE, Trouble, judge
from incidents.flow.ports import NotSent, Unknown

API_URL = "https://slack.com/api/"
TIMEOUT = 10.0  # seconds for one effect; shorter than a lease, or two workers would send it
_TOO_MANY = 429
_BROKEN = 500
_SECONDS = re.compile("[0-9]{1,6}")


class SlackSaidNo(Exception):
    """A call that did not end well: what that means for a message, and Slack's own word for it where it gave one."""

    def __init__(self, trouble: Trouble, code: str = "") -> None:
        super().__init__(trouble.why)
        self.trouble = trouble
        self.code = code


class SlackApi:
    """Calls Slack's Web API; opened by its first call, closed by `close`."""

    def __init__(self, token: str, url: str = API_URL, *, timeout: float = TIMEOUT) -> None:
        self._token = token
        self._timeout = timeout
        self.url = url if url.endswith("/") else f"{url}/"
        self._client: AsyncWebClient | None = None
        self._session: aiohttp.ClientSession | None = None

    async def write(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Call a method that takes JSON; the answer, or SlackSaidNo."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._answered(method, {"json": given})

    async def read(self, method: str, **arguments: str) -> Mapping[str, Any]:
        """Call a method that takes a form, as those do that only read."""
        return await self._answered(method, {"data": arguments})

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = self._client = None

    async def _answered(self, method: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = await self._opened().api_call(method, **body)
        except SlackApiError as error:
            raise _judged(error) from None  # its text repeats the whole answer
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise SlackSaidNo(NotSent("Slack cannot be reached")) from error
        except TimeoutError as error:
            raise SlackSaidNo(Unknown("Slack did not answer in time")) from error
        except (aiohttp.ClientError, OSError) as error:
            raise SlackSaidNo(Unknown("the connection to Slack broke")) from error
        # What the library makes of an answer that is no JSON object.
        except (SlackClientError, ValueError, TypeError, AttributeError) as error:
            raise SlackSaidNo(Unknown("Slack's answer cannot be read")) from error
        return answer.data if isinstance(answer.data, dict) else {}

    def _opened(self) -> AsyncWebClient:
        if self._client is None:
            # A new connection for each call: one that was kept may be closed at the other end just as a message is
            # written to it, and then nobody knows whether it arrived.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=self._timeout / 2),
                trust_env=True,
            )
            # Without retry handlers: the library would post again after a reset, and Slack would show it twice.
            self._client = AsyncWebClient(
                token=self._token, base_url=self.url, session=self._session, retry_handlers=[]
            )
            self._client.proxy = None  # the session finds the proxy, and the hosts that need none
        return self._client


def told(answer: Mapping[str, Any], *path: str) -> str:
    """The text at `path` of an answer, or SlackSaidNo where Slack left it out."""
    found: object = answer
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, str):
        raise SlackSaidNo(Unknown("Slack's answer cannot be read"))
    return found


def _judged(error: SlackApiError) -> SlackSaidNo:
    response = error.response
    status = getattr(response, "status_code", None)
    data = getattr(response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if status == _TOO_MANY:
        return SlackSaidNo(judge("ratelimited", _patience(response.headers)), "ratelimited")
    if not code or not isinstance(status, int) or status >= _BROKEN:
        return SlackSaidNo(Unknown("Slack is in trouble or its answer cannot be read"))
    return SlackSaidNo(judge(code, _patience(response.headers)), code)


def _patience(headers: Mapping[str, str]) -> timedelta:
    """What Slack asks for in Retry-After, within reason."""
    said = headers.get("Retry-After", "")
    return timedelta(seconds=min(int(said), 3_600)) if _SECONDS.fullmatch(said) else PATIENCE
