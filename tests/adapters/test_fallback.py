"""The plain webhook gets the whole page in one request, and its answer is believed no further than it goes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from incidents.adapters.fallback import FallbackCarrier
from incidents.core.effect import EffectKind
from incidents.flow.ports import Message, NotSent, Outcome, Refused, Sent, Unknown
from tests.adapters.slack.parts import a_briefing, a_message


class Receiver:
    """A webhook that answers as it is told and keeps what it got."""

    def __init__(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.headers = headers or {}
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        if self.status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=self.status or 200, headers=self.headers)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Receiver"]:
        app = web.Application()
        app.router.add_post("/hook", self.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield self
        await runner.cleanup()


async def carried(receiver: Receiver, message: Message) -> Outcome:
    async with receiver.running():
        carrier = FallbackCarrier(receiver.url)
        try:
            return await carrier.carry(message)
        finally:
            await carrier.close()


def a_fallback(**said: object) -> Message:
    return a_message(EffectKind.FALLBACK, text="nobody has answered for 15 minutes", **said)


async def test_the_fallback_gets_the_whole_page_with_its_key() -> None:
    receiver = Receiver()

    assert await carried(receiver, a_fallback()) == Sent()

    ((headers, body),) = receiver.got
    assert headers["Idempotency-Key"] == "fallback:INC-7:1"
    said = json.loads(body)
    assert said | {"text": ""} == {
        "key": "fallback:INC-7:1",
        "incident": "INC-7",
        "headline": a_briefing().headline,
        "text": "",
        "severity": "sev3",
        "url": "http://127.0.0.1:8080/incidents/INC-7",
        "why": "nobody has answered for 15 minutes",
    }
    assert "Next: Lee Park at 12:30" in said["text"]
    assert "Runbook: Data drift http://127.0.0.1:8080/runbooks/data-drift" in said["text"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Sent),
        (202, Sent),
        (204, Sent),
        (400, Refused),
        (404, Refused),
        (410, Refused),
        (408, Unknown),
        (425, NotSent),
        (429, NotSent),
        (302, Unknown),
        (500, Unknown),
        (503, Unknown),
        (0, Unknown),
    ],
)
async def test_every_answer_of_the_fallback_means_one_thing(status: int, outcome: type) -> None:
    receiver = Receiver(status, {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else None)

    assert isinstance(await carried(receiver, a_fallback()), outcome)
    assert len(receiver.got) == 1


async def test_the_fallback_is_given_the_patience_it_asks_for() -> None:
    answer = await carried(Receiver(429, {"Retry-After": "7"}), a_fallback())

    assert answer == NotSent("the fallback asks for patience (HTTP 429)", after=timedelta(seconds=7))


async def test_a_fallback_that_is_not_there_was_surely_not_told(unused_tcp_port: int) -> None:
    carrier = FallbackCarrier(f"http://127.0.0.1:{unused_tcp_port}/secret-path")

    answer = await carrier.carry(a_fallback())

    assert answer == NotSent("the fallback cannot be reached")
    assert isinstance(await carrier.find(a_fallback()), Unknown)
    await carrier.close()


async def test_half_a_character_and_a_wild_key_do_not_stop_the_page() -> None:
    receiver = Receiver()
    message = a_fallback(key="page:\r\nX-Evil: 1 \u00e9", briefing=a_briefing(headline="SEV1 \ud800 \x00 drift"))

    assert await carried(receiver, message) == Sent()

    ((headers, body),) = receiver.got
    assert headers["Idempotency-Key"] == "page:%0D%0AX-Evil:%201%20%E9"
    assert "X-Evil" not in headers
    assert json.loads(body)["headline"].startswith("SEV1 ? ")


async def test_a_fallback_that_says_nothing_is_not_waited_for_for_ever() -> None:
    held = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await held.wait()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        carrier = FallbackCarrier(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", timeout=0.2)
        assert await carrier.carry(a_fallback()) == Unknown("the fallback did not answer in time")
        held.set()
        await carrier.close()
