"""Signatures are those of AWS's own examples: the vectors of its test suite, and the one of its documentation."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from yarl import URL

from incidents.adapters.targets.aws import signed
from incidents.adapters.targets.outgoing import outgoing
from incidents.core.connection import AwsAuth, SecretRef
from incidents.core.step import Method, Request
from tests.adapters.targets.ground import a_connection

KEYS = (SecretStr("AKIDEXAMPLE"), SecretStr("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
THEN = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


def signature(
    method: str, url: str, query: tuple[tuple[str, str], ...] = (), *, service: str = "service", **more: str
) -> str:
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    made = signed(
        method=method,
        url=URL(url, encoded=True),
        query=query,
        headers=headers,
        body=b"",
        scope=("us-east-1", service),
        keys=KEYS,
        now=THEN,
    )
    assert made["X-Amz-Date"] == "20150830T123600Z"
    return made["Authorization"]


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", (), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/", (("Param1", "value1"),), "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        (
            "GET",
            "/",
            (("Param2", "value2"), ("Param1", "value1")),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_the_vectors_of_the_test_suite(
    method: str, path: str, query: tuple[tuple[str, str], ...], expected: str
) -> None:
    assert signature(method, f"https://example.amazonaws.com{path}", query) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={expected}"
    )


def test_the_example_of_the_documentation() -> None:
    query = (("Action", "ListUsers"), ("Version", "2010-05-08"))
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    found = signature("GET", "https://iam.amazonaws.com/", query, service="iam", Content_Type=kind)
    assert found.endswith(
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_everything_that_is_sent_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AK", KEYS[0].get_secret_value())
    monkeypatch.setenv("SK", KEYS[1].get_secret_value())
    monkeypatch.setenv("ST", "session-token-canary")
    auth = AwsAuth(
        region="eu-west-1",
        service="sagemaker",
        access_key=SecretRef(env="AK"),
        secret_key=SecretRef(env="SK"),
        session_token=SecretRef(env="ST"),
    )
    connection = a_connection("https://api.sagemaker.eu-west-1.amazonaws.com", auth=auth)
    target = ("X-Amz-Target", "SageMaker.UpdateEndpoint")
    kind = ("Content-Type", "application/x-amz-json-1.1")

    def made(name: str) -> dict[str, str]:
        request = Request(connection="mlflow", method=Method.POST, headers=(target, kind), body={"EndpointName": name})
        return outgoing(connection, request, "RUN-1:step:1", THEN).headers

    headers = made("a")
    assert (
        "SignedHeaders=accept;accept-encoding;content-type;host;idempotency-key;user-agent;x-amz-date;"
        "x-amz-security-token;x-amz-target,"
    ) in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "session-token-canary"
    assert KEYS[1].get_secret_value() not in repr(headers)
    assert made("a") == headers
    assert made("b")["Authorization"] != headers["Authorization"]
