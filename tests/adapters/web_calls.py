"""Calls on the API of a front with three incidents, and the shape of every refusal."""

from typing import Any

import httpx

from incidents.core.fact import FactKind
from incidents.core.incident import Status
from incidents.core.severity import Severity
from tests.fakes.front import Front
from tests.fakes.told import ADA, a_fact, a_view, an_incident

FINGERPRINT = f"{1:032x}"


def a_front() -> Front:
    front = Front()
    front.world.hold(an_incident(1), a_view(), facts=[a_fact(FactKind.NOTE, "Looking.", by=ADA)])
    front.world.hold(an_incident(2, severity=Severity.SEV1, kinds=("hallucination",), system="rag-assistant"))
    front.world.hold(an_incident(3, status=Status.CLOSED, assignee="lee", environment="staging"))
    return front


async def get(front: Front, path: str) -> httpx.Response:
    async with front.browser() as browser:
        return await browser.get(path)


async def post(front: Front, path: str, body: Any = None, **headers: str) -> httpx.Response:  # noqa: ANN401 - any JSON
    async with front.browser() as browser:
        return await browser.post(path, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told.keys() == {"type", "title", "status", "detail", "code", "errors"}
    assert told["status"] == status
    return told
