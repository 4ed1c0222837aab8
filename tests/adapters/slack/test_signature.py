"""Only what Slack signed comes in, and nothing that is sent makes the check fail in another way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.adapters.slack.signature import AGE, flaw
from tests.adapters.slack.parts import SECRET
from tests.fakes.clicks import sign

NOW = 1_763_726_400.0
BODY = b"payload=%7B%7D"


def told(headers: dict[str, str], body: bytes = BODY, *, secret: str = SECRET) -> str | None:
    return flaw(secret, [headers["X-Slack-Request-Timestamp"]], [headers["X-Slack-Signature"]], body, now=NOW)


@pytest.mark.parametrize("age", [0, -AGE, AGE])
def test_what_slack_signed_within_five_minutes_is_good(age: int) -> None:
    assert told(sign(SECRET, BODY, at=NOW - age)) is None


@pytest.mark.parametrize("age", [-AGE - 1, AGE + 1])
def test_a_signature_of_another_time_names_the_clock(age: int) -> None:
    assert "clock" in str(told(sign(SECRET, BODY, at=NOW - age)))


def test_another_body_another_secret_and_another_time_are_forged() -> None:
    headers = sign(SECRET, BODY, at=NOW)

    assert told(headers, BODY + b" ") == "signed with another secret"
    assert told(headers, secret="other") == "signed with another secret"
    assert told(headers | {"X-Slack-Request-Timestamp": str(int(NOW) + 1)}) == "signed with another secret"


@pytest.mark.parametrize(
    "timestamp",
    ["", "now", "1e9", "-1", "+1763726400", " 1763726400", "1763726400.0", "9" * 5_000, "\u0661\u0662", "0x1"],
)
def test_a_timestamp_that_is_no_plain_number_is_refused(timestamp: str) -> None:
    assert told(sign(SECRET, BODY, at=NOW) | {"X-Slack-Request-Timestamp": timestamp}) == "not signed as Slack signs"


@pytest.mark.parametrize("values", [[], ["v0=a", "v0=a"]])
def test_a_header_that_is_missing_or_doubled_is_refused(values: list[str]) -> None:
    good = sign(SECRET, BODY, at=NOW)
    moment, signature = good["X-Slack-Request-Timestamp"], good["X-Slack-Signature"]

    assert flaw(SECRET, values, [signature], BODY, now=NOW) == "not signed as Slack signs"
    assert flaw(SECRET, [moment], values or [], BODY, now=NOW) == "not signed as Slack signs"
    assert flaw(SECRET, [moment], [signature, signature], BODY, now=NOW) == "not signed as Slack signs"


@given(st.lists(st.text(), max_size=2), st.lists(st.text(), max_size=2), st.binary(max_size=200))
def test_whatever_is_sent_the_check_answers(timestamps: list[str], signatures: list[str], body: bytes) -> None:
    assert flaw(SECRET, timestamps, signatures, body, now=NOW) is not None


@given(st.text(st.characters(codec=None)), st.binary(max_size=50))
def test_any_signature_but_the_right_one_is_refused(signature: str, body: bytes) -> None:
    assert flaw(SECRET, [str(int(NOW))], [signature], body, now=NOW) == "signed with another secret"
