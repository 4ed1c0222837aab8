"""Bodies are read whole under a cap, a time limit and a common room, whatever their headers claim."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import httpx
from starlette.types import Receive, Scope, Send

from incidents.adapters.web.passage import MAX_FORM, WholeBody


class Echo:
    """Answers with the size of the body that it was given; `gate` keeps it at work."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        assert message["more_body"] is False
        self.entered.set()
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % len(message["body"])})


def browser(app: WholeBody) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def parts(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield b"x" * size


async def test_a_body_in_pieces_is_given_whole() -> None:
    async with browser(WholeBody(Echo())) as client:
        assert (await client.post("/api/x", content=parts(10, 20, 30))).text == "60"
        assert (await client.post("/api/x", content=parts(MAX_FORM))).text == str(MAX_FORM)


async def test_one_byte_too_many_is_too_many() -> None:
    async with browser(WholeBody(Echo())) as client:
        answer = await client.post("/api/x", content=parts(MAX_FORM, 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_two_headers_that_say_how_the_body_ends_cannot_both_be_true() -> None:
    headers = {"content-length": "2", "transfer-encoding": "chunked"}
    async with browser(WholeBody(Echo())) as client:
        answer = await client.post("/events", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "content-length")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with browser(WholeBody(Echo(), patience=0.01)) as client:
        answer = await client.post("/events", content=slow())
    assert answer.status_code == 408


async def test_when_too_much_is_at_work_the_next_has_to_come_back() -> None:
    echo = Echo()
    echo.gate.clear()
    async with browser(WholeBody(echo, room=100)) as client:
        first = asyncio.create_task(client.post("/events", content=b"x" * 80))
        await echo.entered.wait()
        answer = await client.post("/events", content=b"x" * 30)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        echo.gate.set()
        assert (await first).text == "80"
        assert (await client.post("/events", content=b"x" * 30)).text == "30"


async def test_a_length_that_is_no_number_counts_as_the_most() -> None:
    lies: Iterable[str] = ("-1", "1e9", "99999999999999999999", "x")
    async with browser(WholeBody(Echo(), room=1000)) as client:
        for lie in lies:
            answer = await client.post("/events", content=b"{}", headers={"content-length": lie})
            assert answer.status_code == 503


async def test_a_sender_that_leaves_is_not_answered() -> None:
    sent: list[object] = []

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/events", "headers": []}
    await WholeBody(Echo())(scope, gone, send)
    assert sent == []
