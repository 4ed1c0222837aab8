"""What a target's answer is worth: done for all that is known, surely not done, or nobody knows."""

import asyncio
import base64
import json
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.adapters.targets import HttpTargets
from incidents.core.answer import Answered, NotReached, Unclear
from incidents.core.connection import Basic, Bearer, HeaderAuth, SecretRef
from incidents.core.step import Method
from tests.adapters.targets.ground import SOON, Listener, a_connection, a_request, raw, said, sent

TOKEN = "tok-canary-51f0"


def head(listener: Listener) -> tuple[str, dict[str, str], bytes]:
    (heard,) = listener.heard
    top, _, body = heard.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


async def test_a_request_goes_out_as_the_step_says_with_its_key_and_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TOKEN", TOKEN)
    async with Listener(said(b'{"alias":"champion"}')).running() as target:
        connection = a_connection(f"{target.url}/base", auth=Bearer(token=SecretRef(env="MLFLOW_TOKEN")))
        query = (("name", "a b&c=/d"), ("alias", "ü"))
        request = a_request(path="/models/credit%2Fone/alias", query=query, headers=(("X-Reason", "INC-1"),))
        answer = await sent(connection, request, key="RUN-1:move:1")

    assert answer == Answered(status=200, body={"alias": "champion"}, text='{"alias":"champion"}')
    first, headers, body = head(target)
    assert first == "POST /base/models/credit%2Fone/alias?name=a%20b%26c%3D%2Fd&alias=%C3%BC HTTP/1.1"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["idempotency-key"] == "RUN-1:move:1"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["x-reason"] == "INC-1"
    assert json.loads(body) == {"name": "m"}


async def test_a_step_may_say_in_which_json_it_speaks() -> None:
    async with Listener(said()).running() as target:
        merge = (("content-type", "application/merge-patch+json"),)
        await sent(a_connection(target.url), a_request(Method.PATCH, headers=merge))
    first, headers, _ = head(target)
    assert first == "PATCH /alias HTTP/1.1"
    assert headers["content-type"] == "application/merge-patch+json"


async def test_user_and_password_go_as_http_has_them_and_a_header_as_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LF_PUBLIC", "pk")
    (tmp_path / "lf").write_text("sk-lf-canary\n", encoding="utf-8")
    kept = SecretRef(file=str(tmp_path / "lf"))
    async with Listener(said()).running() as target:
        await sent(a_connection(target.url, auth=Basic(user=SecretRef(env="LF_PUBLIC"), password=kept)))
    assert head(target)[1]["authorization"] == f"Basic {base64.b64encode(b'pk:sk-lf-canary').decode()}"
    async with Listener(said()).running() as target:
        await sent(a_connection(target.url, auth=HeaderAuth(name="X-Token", value=kept)))
    assert head(target)[1]["x-token"] == "sk-lf-canary"


async def test_a_secret_is_read_when_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with Listener(said()).running() as target:
        targets = HttpTargets([a_connection(target.url, auth=Bearer(token=SecretRef(file=str(file))))])
        before = await targets.send(a_request(), within=SOON)
        file.write_text("the-first-one", encoding="utf-8")
        await targets.send(a_request(), within=SOON)
        file.write_text("the-second-one", encoding="utf-8")
        await targets.send(a_request(), within=SOON)
    assert before == NotReached(f"mlflow: file {file}: no such file or directory")
    assert [b"the-first-one" in target.heard[0], b"the-second-one" in target.heard[1]] == [True, True]


@pytest.mark.parametrize(("secret", "why"), [("", "is not set"), ("abc", "is shorter than"), ("a\nb-cdefg", "holds")])
async def test_a_secret_that_cannot_be_used_is_named_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, secret: str, why: str
) -> None:
    monkeypatch.setenv("MLFLOW_TOKEN", secret)
    async with Listener(said()).running() as target:
        answer = await sent(a_connection(target.url, auth=Bearer(token=SecretRef(env="MLFLOW_TOKEN"))))
    assert isinstance(answer, NotReached)
    assert answer.why.startswith(f"mlflow: MLFLOW_TOKEN {why}")
    assert target.accepted == 0


@pytest.mark.parametrize(
    "status", ["200 OK", "204 No Content", "302 Found", "404 Not Found", "409 Conflict", "503 Off"]
)
async def test_every_whole_answer_is_told_as_it_is(status: str) -> None:
    body = b"" if status[:3] == "204" else b"no json"
    async with Listener(said(body, status)).running() as target:
        answer = await sent(a_connection(target.url))
    assert answer == Answered(status=int(status[:3]), body=None, text=body.decode())


async def test_a_target_that_nobody_listens_at_was_surely_not_reached(unused_tcp_port: int) -> None:
    answer = await sent(a_connection(f"http://127.0.0.1:{unused_tcp_port}"))
    assert answer == NotReached("mlflow: it cannot be reached")


async def test_a_name_that_nobody_knows_was_surely_not_reached() -> None:
    answer = await sent(a_connection("http://target.invalid"))
    assert answer == NotReached("mlflow: its name is not known")


async def test_a_connection_that_nobody_set_up_is_not_reached() -> None:
    answer = await HttpTargets().send(a_request(), within=SOON)
    assert answer == NotReached("there is no connection 'mlflow' in INCIDENTS_CONNECTIONS")


@pytest.mark.parametrize("method", list(Method))
async def test_work_whose_answer_is_cut_off_may_be_done_and_is_not_sent_again(method: Method) -> None:
    async with Listener(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")).running() as half:
        cut = await sent(a_connection(half.url), a_request(method))
    async with Listener(raw()).running() as silent:
        none = await sent(a_connection(silent.url), a_request(method))
    assert isinstance(cut, Unclear)
    assert isinstance(none, Unclear)
    assert (len(half.heard), len(silent.heard), silent.accepted) == (1, 1, 1)


async def test_an_answer_that_never_comes_leaves_it_open_whether_it_was_done() -> None:
    async def nothing(_: asyncio.StreamWriter) -> None:
        await target.over.wait()

    target = Listener(nothing)
    async with target.running():
        answer = await sent(a_connection(target.url), within=timedelta(seconds=0.3))
    assert answer == Unclear("mlflow: it did not answer in time")


async def test_a_target_that_takes_no_connection_in_time_was_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as full:  # TLS is spoken to it, and it never answers
        url = f"https://127.0.0.1:{full.getsockname()[1]}"
        answer = await sent(a_connection(url), within=timedelta(seconds=0.3))
    assert answer == NotReached("mlflow: it cannot be reached in time")


async def test_the_connections_patience_is_shorter_than_the_steps() -> None:
    async def nothing(_: asyncio.StreamWriter) -> None:
        await target.over.wait()

    target = Listener(nothing)
    async with target.running():
        answer = await sent(a_connection(target.url, timeout=timedelta(seconds=0.2)), within=timedelta(hours=1))
    assert answer == Unclear("mlflow: it did not answer in time")


async def test_a_request_beyond_the_rate_waits_for_its_turn_or_is_not_sent() -> None:
    async with Listener(said()).running() as target:
        targets = HttpTargets([a_connection(target.url, rate=(2, timedelta(hours=1)))])
        answers = [await targets.send(a_request(), within=timedelta(seconds=5)) for _ in range(2)]
        late = await targets.send(a_request(), within=timedelta(seconds=0.1))
    assert [type(answer) for answer in answers] == [Answered, Answered]
    assert late == NotReached("mlflow: it cannot be reached in time")
    assert target.accepted == 2


def test_the_connections_are_named_without_anything_secret() -> None:
    connection = a_connection("https://mlflow.example.com", auth=Bearer(token=SecretRef(env="MLFLOW_TOKEN")))
    assert HttpTargets([connection]).connections() == {"mlflow": "https://mlflow.example.com"}


async def test_the_probe_asks_for_the_head_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TOKEN", TOKEN)
    async with Listener(said(b"", "401 Unauthorized")).running() as target:
        connection = a_connection(f"{target.url}/base", auth=Bearer(token=SecretRef(env="MLFLOW_TOKEN")))
        answer = await HttpTargets([connection]).probe("mlflow", within=SOON)
    assert answer == Answered(status=401, body=None, text="")
    first, headers, _ = head(target)
    assert first == "HEAD /base/ HTTP/1.1"
    assert "authorization" not in headers
