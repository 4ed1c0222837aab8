"""Secrets go to their target and nowhere else: not into what is told, kept, logged or shown."""

import base64
import json
import logging
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from incidents.adapters.targets import HttpTargets
from incidents.adapters.targets.outgoing import outgoing
from incidents.core.answer import Answered, NotReached, Unclear
from incidents.core.connection import Auth, AwsAuth, Basic, Bearer, HeaderAuth, SecretRef
from tests.adapters.targets.ground import SOON, Listener, a_connection, a_request, raw, said

CANARY = 'ca"nary/s3cret+ 9f1'
USER = "pk-canary-user"
AUTHS: list[Auth] = [
    Bearer(token=SecretRef(env="CANARY")),
    Basic(user=SecretRef(env="CANARY_USER"), password=SecretRef(env="CANARY")),
    HeaderAuth(name="X-Token", value=SecretRef(env="CANARY")),
    AwsAuth(
        region="eu-west-1",
        service="sagemaker",
        access_key=SecretRef(env="CANARY_USER"),
        secret_key=SecretRef(env="CANARY"),
        session_token=SecretRef(env="CANARY"),
    ),
]
PAIR = base64.b64encode(f"{USER}:{CANARY}".encode()).decode()
SPELLINGS = [CANARY, quote(CANARY), quote(CANARY, safe=""), json.dumps(CANARY)[1:-1], PAIR]
SPELLINGS.append(base64.b64encode(CANARY.encode()).decode())


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    monkeypatch.setenv("CANARY_USER", USER)


def clean(told: object) -> bool:
    return not any(spelling in str(told) or spelling in repr(told) for spelling in SPELLINGS)


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
async def test_a_target_that_says_everything_back_tells_no_secret(
    auth: Auth, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.dumps({"heard": SPELLINGS, CANARY: {"version": 3}, "deep": [[{"x": f"<{CANARY}>"}]]}).encode()
    answers = [
        said(echo),
        said(b"no json: " + "  ".join(SPELLINGS).encode(), "403 Forbidden"),
        said(b"", "302 Found", f"Location: http://evil.example/?{quote(CANARY)}\r\n"),
        raw(b"HTTP/1.1 200 " + quote(CANARY).encode() + b"\r\nContent-Length: 9\r\n\r\n{"),
        raw(CANARY.encode()),
        raw(),
    ]
    told: list[object] = []
    for answer in answers:
        async with Listener(answer).running() as target:
            targets = HttpTargets([a_connection(target.url, auth=auth)])
            told += [await targets.send(a_request(), within=SOON, key="RUN-1:a:1"), targets, targets.connections()]
        assert any(spelling.encode() in heard for spelling in SPELLINGS for heard in target.heard)
    assert clean(told)
    assert isinstance(told[0], Answered)
    assert "<SECRET>" in str(told[0].body)
    assert isinstance(told[0].body, dict)
    assert told[0].body["<SECRET>"] == {"version": 3}
    assert clean(caplog.text + "".join(capfd.readouterr()))


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
async def test_no_failure_tells_a_secret(auth: Auth, unused_tcp_port: int) -> None:
    urls = [f"http://127.0.0.1:{unused_tcp_port}", "http://target.invalid", "http://169.254.169.254", "https://[::1]:1"]
    for url in urls:
        targets = HttpTargets([a_connection(url, auth=auth)])
        answer = await targets.send(a_request(), within=SOON)
        assert isinstance(answer, NotReached | Unclear)
        assert clean(answer)


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
def test_a_request_on_its_way_shows_nothing_of_itself(auth: Auth) -> None:
    out = outgoing(a_connection("https://t.example", auth=auth), a_request(), None, datetime(2026, 11, 18, tzinfo=UTC))
    assert (repr(out), str(out)) == ("Outgoing(POST)", "Outgoing(POST)")
    assert clean(a_connection("https://t.example", auth=auth))


async def test_what_looks_like_anybodys_secret_is_not_shown_and_is_kept_for_the_undo() -> None:
    told = {"token": "xoxb-1234567890-canary", "key": "AKIAIOSFODNN7EXAMPLE", "mail": "ada@example.com"}
    async with Listener(said(json.dumps(told).encode())).running() as target:
        answer = await HttpTargets([a_connection(target.url)]).send(a_request(), within=SOON)
    assert isinstance(answer, Answered)
    assert answer.body == told
    assert not any(secret in answer.text for secret in told.values())


async def test_a_short_user_is_no_secret_and_its_word_stays_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_USER", "adm")
    async with Listener(said(b'{"role":"administrator"}')).running() as target:
        targets = HttpTargets([a_connection(target.url, auth=AUTHS[1])])
        answer = await targets.send(a_request(), within=SOON)
        assert targets.missing("mlflow") == ()
    assert answer == Answered(status=200, body={"role": "administrator"}, text='{"role":"administrator"}')


def test_every_secret_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CANARY")
    monkeypatch.delenv("CANARY_USER")
    targets = HttpTargets([a_connection("https://t.example", auth=AUTHS[1])])
    assert targets.missing("mlflow") == ("CANARY_USER is not set", "CANARY is not set")
