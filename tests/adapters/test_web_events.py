"""What `POST /events` answers: the whole table, over the real decoder."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from incidents.core.cloudevents import MAX_BODY
from incidents.core.errors import StoreAway
from incidents.flow.ports import Taken
from tests.fakes.front import Front

ONE = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def an_event(number: int = 1, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any attribute
    data = {"system": "credit-scoring", "metric": "psi", "value": 0.31, "threshold": 0.1}
    event = {"specversion": "1.0", "id": f"e{number}", "source": "m", "type": "ai.drift.detected.v1", "data": data}
    return event | more


async def told(front: Front, body: object, headers: dict[str, str]) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with front.browser() as browser:
        return await browser.post("/events", content=content, headers=headers)


def refused(answer: httpx.Response, status: int, field: str) -> dict[str, Any]:
    """The problem of a refusal, of the shape that every refusal has."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert field in problem["detail"]
    return problem


async def test_a_single_event_is_taken() -> None:
    answer = await told(Front(), an_event(), ONE)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "duplicates": 0, "conflicts": 0, "errors": []}


async def test_the_release_in_the_readme_is_taken() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    assert "release.deployed" in example
    assert (await told(Front(), example.encode(), ONE)).status_code == 202


async def test_sent_again_it_counts_as_a_duplicate_and_with_another_body_as_a_conflict() -> None:
    front = Front()
    await told(front, an_event(), ONE)
    assert (await told(front, an_event(), ONE)).json()["duplicates"] == 1
    other = an_event(time="2026-11-20T09:00:00Z")
    assert (await told(front, other, ONE)).json()["conflicts"] == 1


async def test_a_binary_event_keeps_its_attributes_and_nothing_of_the_transport() -> None:
    front = Front()
    headers = {f"ce-{name}": value for name, value in an_event().items() if isinstance(value, str)}
    more = {"content-type": "application/json", "traceparent": "00-1-2-01", "user-agent": "monitor/1"}
    answer = await told(front, an_event()["data"], headers | more)
    assert answer.status_code == 202
    assert {name for name, _ in front.intake.deliveries[0].headers} == set(headers)


async def test_one_bad_event_is_refused_with_its_field() -> None:
    problem = refused(await told(Front(), an_event(type="ai.drift.guessed.v1"), ONE), 400, "type")
    assert problem["errors"][0]["index"] == 0
    assert problem["errors"][0]["field"] == "type"


async def test_a_bad_event_in_a_batch_does_not_keep_the_good_ones_out() -> None:
    answer = await told(Front(), [an_event(1), an_event(2, data={"system": "x"}), an_event(3)], BATCH)
    assert answer.status_code == 207
    body = answer.json()
    assert body["accepted"] == 2
    assert {error["index"] for error in body["errors"]} == {1}


async def test_a_batch_of_one_bad_event_is_answered_as_a_batch() -> None:
    answer = await told(Front(), [an_event(type="nonsense")], BATCH)
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "field"),
    [
        ([], BATCH, 400, "batch"),
        (an_event(), BATCH, 400, "array"),
        (b"[{]", BATCH, 400, "body"),
        (b"", ONE, 400, "body"),
        (b"{", ONE, 400, "body"),
        (b'{"specversion": NaN}', ONE, 400, "specversion"),
        (b"[" * 100_000, ONE, 400, "body"),
        ([an_event(n) for n in range(1001)], BATCH, 413, "1000"),
        (b" " * (MAX_BODY + 1), ONE, 413, "1,048,576 bytes"),
        (an_event(), {"content-type": "text/plain"}, 415, "content-type"),
        (an_event(), {"content-type": "application/json"}, 415, "content-type"),
        (gzip.compress(b"{}"), ONE | {"content-encoding": "gzip"}, 415, "content-encoding"),
    ],
    ids=lambda value: value if isinstance(value, str | int) else None,
)
async def test_what_cannot_be_read_is_refused_by_name(
    body: object, headers: dict[str, str], status: int, field: str
) -> None:
    refused(await told(Front(), body, headers), status, field)


async def test_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    front = Front()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    async with front.browser() as browser:
        answer = await browser.post("/events", content=endless(), headers=ONE)
    refused(answer, 413, "1,048,576 bytes")
    assert front.intake.deliveries == []


async def test_while_the_database_is_away_the_sender_is_asked_to_come_back() -> None:
    front = Front()
    front.intake.error = StoreAway("away")
    answer = await told(front, an_event(), ONE)
    refused(answer, 503, "database")
    assert answer.headers["retry-after"] == "5"


async def test_the_answer_comes_after_the_commit_and_not_before() -> None:
    front = Front()
    front.intake.held = True
    asking = asyncio.create_task(told(front, an_event(), ONE))
    await front.intake.arrived.wait()
    assert not asking.done()
    front.intake.waiting[0].set_result(Taken(accepted=1))
    assert (await asking).status_code == 202


async def test_a_sender_that_gives_up_leaves_the_event_with_the_intake() -> None:
    front = Front()
    front.intake.held = True
    asking = asyncio.create_task(told(front, an_event(), ONE))
    await front.intake.arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not front.intake.waiting[0].cancelled()


async def test_an_intake_that_stops_is_told_as_such() -> None:
    front = Front()
    front.intake.held = True
    asking = asyncio.create_task(told(front, an_event(), ONE))
    await front.intake.arrived.wait()
    front.intake.waiting[0].cancel()
    assert (await asking).status_code == 503
