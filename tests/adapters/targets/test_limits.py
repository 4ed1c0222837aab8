"""Whatever a target answers costs little memory, ends in time, and is read no further than it is needed."""

import asyncio
import gzip
import resource
from datetime import timedelta
from functools import cache

import pytest

from incidents.adapters.targets.incoming import MOST_BYTES
from incidents.core.answer import Answered, Unclear
from tests.adapters.targets.ground import Answer, Listener, a_connection, raw, said, sent

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"
A_LITTLE = timedelta(seconds=0.4)


class Flood:
    """Sends for as long as anybody takes it, and keeps count."""

    def __init__(self, head: bytes, part: bytes, most: int) -> None:
        self._head, self._part, self._most = head, part, most
        self.sent = 0

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        writer.write(self._head)
        while self.sent < self._most:
            writer.write(self._part)
            await writer.drain()
            self.sent += len(self._part)


@cache
def bomb() -> bytes:
    return gzip.compress(b"\0" * 64 * MIB, compresslevel=1)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize(
    "head", [HEAD + b"Content-Length: 10737418240\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"]
)
async def test_ten_gigabytes_are_read_to_the_limit_and_no_further(head: bytes) -> None:
    part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n" if b"chunked" in head else b"x" * 0x10000
    flood, before = Flood(head, part, 10 * 1024 * MIB), peak()
    async with Listener(flood).running() as target:
        answer = await sent(a_connection(target.url))
    assert answer == Unclear("mlflow: its answer is larger than 256 KiB (HTTP 200)")
    assert flood.sent < 64 * MIB  # what the buffers of two sockets hold, and never the whole
    assert peak() - before < 64 * MIB


async def test_an_answer_of_just_the_limit_is_read() -> None:
    async with Listener(said(b'"' + b"x" * (MOST_BYTES - 2) + b'"')).running() as target:
        answer = await sent(a_connection(target.url))
    assert isinstance(answer, Answered)
    assert answer.body == "x" * (MOST_BYTES - 2)
    assert len(answer.text) == 2_000


async def test_a_refusal_is_believed_however_long_it_goes_on_about_it() -> None:
    async with Listener(said(b"x" * 2 * MOST_BYTES, "404 Not Found")).running() as target:
        answer = await sent(a_connection(target.url))
    assert answer == Answered(status=404, body=None, text="its answer is larger than 256 KiB")


@pytest.mark.parametrize(
    "head", [b"", HEAD, HEAD + b"Content-Length: 100000\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
async def test_an_answer_that_drips_is_given_up_in_time(head: bytes) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not target.over.is_set():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" if head.startswith(b"HTTP/1.1 100") else b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    target = Listener(drip)
    async with target.running():
        answer = await sent(a_connection(target.url), within=A_LITTLE)
    assert isinstance(answer, Unclear)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip"])
async def test_a_compression_that_nobody_asked_for_is_not_unpacked(coding: str) -> None:
    async with Listener(said(bomb(), headers=f"Content-Encoding: {coding}\r\n")).running() as target:
        before = peak()
        answer = await sent(a_connection(target.url))
    assert answer == Unclear("mlflow: it answers in a compression that was not asked for (HTTP 200)")
    assert peak() - before < 32 * MIB
    assert b"Accept-Encoding: identity\r\n" in target.heard[0]


async def test_a_thousand_redirects_are_one() -> None:
    def onward(count: int) -> Answer:
        return said(b"", "307 Temporary Redirect", f"Location: /{count}\r\n")

    async with Listener(onward(1)).running() as target:
        answer = await sent(a_connection(target.url))
    assert answer == Answered(status=307, body=None, text="")
    assert target.accepted == 1


async def test_another_protocol_is_not_spoken() -> None:
    switch = raw(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello")
    async with Listener(switch).running() as target:
        answer = await sent(a_connection(target.url))
    assert answer == Unclear("mlflow: it wants to go on in another protocol, which was not asked for")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\0" * 1000,
    ],
)
async def test_what_is_no_http_leaves_it_open_whether_it_was_done(answer: bytes) -> None:
    async with Listener(raw(answer)).running() as target:
        assert isinstance(await sent(a_connection(target.url)), Unclear)


@pytest.mark.parametrize(
    "body", [b"{", b'{"a":1,"a":2}', b"[" * 5_000, b"1e999", b"NaN", b'"\\ud800"', b"\xff\xfe", b"9" * 5_000]
)
async def test_a_body_that_has_no_one_meaning_has_none(body: bytes) -> None:
    async with Listener(said(body)).running() as target:
        answer = await sent(a_connection(target.url))
    assert isinstance(answer, Answered)
    assert answer.body is None


async def test_what_a_target_says_is_one_line_that_no_terminal_obeys() -> None:
    async with Listener(said(b"no\r\n\x1b[31mroute\x00\xe2\x80\xae", "400 Bad")).running() as target:
        answer = await sent(a_connection(target.url))
    assert answer == Answered(status=400, body=None, text="no [31mroute")
