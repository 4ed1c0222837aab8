"""The three addresses that Slack calls: signed or refused, read after that, answered within three seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from incidents.adapters.slack import payloads
from incidents.adapters.slack.api import SlackApi
from incidents.adapters.slack.clicks import Clicks
from incidents.adapters.slack.once import LIMIT
from incidents.adapters.slack.payloads import BlockActions, Malformed
from incidents.adapters.slack.queries import Queries
from incidents.adapters.slack.replies import Replies, private
from incidents.adapters.slack.runs import RunClicks
from incidents.adapters.slack.signature import flaw
from incidents.core.errors import StoreAway
from incidents.core.fact import Actor
from incidents.flow.ports import Respond, RunDesk, RunReader

MOST_BYTES = 1 << 20
_log = structlog.get_logger(__name__)


class TurnedAway(Exception):
    """A request that goes no further, with the status and the line that its sender gets."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def doors(  # noqa: PLR0913  (what it works with, handed over by one caller)
    *,
    respond: Respond,
    runs: RunDesk,
    run_reader: RunReader,
    queries: Queries,
    people: Callable[[str], Actor],
    api: SlackApi,
    signing_secret: str | None,
    public_url: str,
) -> APIRouter:
    """Slack's addresses. Without a signing secret they exist and let nobody in."""
    if not signing_secret:
        _log.warning("slack_doors_closed", reason="SLACK_SIGNING_SECRET is not set, so no click can be believed")
    run_clicks = RunClicks(desk=runs, reader=run_reader, people=people, api=api, public_url=public_url)
    clicks = Clicks(respond=respond, people=people, api=api, public_url=public_url, runs=run_clicks)
    slack = _Doors(clicks, queries, Replies(api.url), signing_secret)
    router = APIRouter(include_in_schema=False)
    for name, handle in (("interactions", slack.interaction), ("commands", slack.command), ("events", slack.event)):
        router.add_api_route(f"/slack/{name}", slack.door(handle), methods=["POST"])
    return router


class _Doors:
    def __init__(self, clicks: Clicks, queries: Queries, replies: Replies, secret: str | None) -> None:
        self._clicks = clicks
        self._queries = queries
        self._replies = replies
        self._secret = secret

    def door(self, handle: Callable[[bytes], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """`handle` behind the checks that come before any reading."""

        async def enter(request: Request) -> Response:
            try:
                return await handle(await self._signed(request))
            except TurnedAway as turned:
                _log.warning("slack_turned_away", path=request.url.path, reason=str(turned))
                return PlainTextResponse(str(turned), turned.status)
            except Malformed as bad:
                _log.warning("slack_malformed", path=request.url.path, reason=str(bad))
                return PlainTextResponse(str(bad), 400)

        return enter

    async def interaction(self, body: bytes) -> Response:
        said = payloads.interaction(body)
        if said is None:
            return Response()
        if isinstance(said, BlockActions) and self._clicks.takes_long(said):
            return Response(background=BackgroundTask(self._later, said))
        if isinstance(said, BlockActions):
            why = await self._clicks.pressed(said)
            # After the answer: Slack counts the seconds until then.
            return Response(background=BackgroundTask(self._replies.tell, said.response_url, why) if why else None)
        errors = await self._clicks.submitted(said)
        return JSONResponse({"response_action": "errors", "errors": errors}) if errors else Response()

    async def _later(self, said: BlockActions) -> None:
        """Slack has its answer: its person hears what came of it."""
        await self._replies.tell(said.response_url, await self._clicks.later(said))

    async def command(self, body: bytes) -> Response:
        said = payloads.command(body)
        try:
            async with asyncio.timeout(LIMIT):
                return JSONResponse(await self._queries.answer(said.text, said.user_id))
        except (StoreAway, TimeoutError):
            return JSONResponse(private(f"The list cannot be read now; try again or use the web page {self._home}"))

    async def event(self, body: bytes) -> Response:
        said = payloads.happened(body)
        if said.type == "url_verification" and said.challenge is not None:
            return JSONResponse({"challenge": said.challenge})
        return Response()

    @property
    def _home(self) -> str:
        return self._clicks.public_url

    async def _signed(self, request: Request) -> bytes:
        if not self._secret:
            raise TurnedAway(401, "Slack is not configured here: SLACK_SIGNING_SECRET is not set")
        body = await _body(request)
        timestamps = request.headers.getlist("x-slack-request-timestamp")
        signatures = request.headers.getlist("x-slack-signature")
        # The wall clock: Slack has signed by its own, and knows nothing of the database's.
        wrong = flaw(self._secret, timestamps, signatures, body, now=time.time())
        if wrong:
            raise TurnedAway(401, wrong)
        return body


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MOST_BYTES:
                raise TurnedAway(413, "the body is over 1 MiB")
            parts.append(part)
    except ClientDisconnect:
        raise TurnedAway(400, "the sender went away") from None
    return b"".join(parts)
