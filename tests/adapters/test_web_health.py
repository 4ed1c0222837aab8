"""Health, numbers, the published description and errors that nobody foresaw."""

from datetime import timedelta

from incidents.core.fact import FactKind
from incidents.core.incident import Action, Status
from tests.adapters.web_calls import a_front, get, post, problem
from tests.fakes.told import NOW, an_incident


async def test_readiness_names_the_part_that_is_ill() -> None:
    front = a_front()
    assert (await get(front, "/readyz")).json() == {"checks": [{"name": "database", "ok": True, "reason": "answers"}]}
    front.parts = [*front.parts, type(front.parts[0])(name="bus", ok=False, why="RabbitMQ is away for 40 s")]
    told = problem(await get(front, "/readyz"), 503)
    assert told["detail"] == "bus: RabbitMQ is away for 40 s"


async def test_the_numbers_are_given_to_prometheus_even_while_the_database_is_away() -> None:
    front = a_front()
    text = (await get(front, "/metrics")).text
    assert 'incidents_incidents{status="triggered"} 2.0' in text
    assert "incidents_database_up 1.0" in text
    front.world.away = True
    assert "incidents_database_up 0.0" in (await get(front, "/metrics")).text


async def test_an_unforeseen_error_tells_nothing_of_the_inside() -> None:
    front = a_front()
    front.world.lines = None  # type: ignore[assignment]
    answer = await get(front, "/api/incidents/INC-1")
    told = problem(answer, 500)
    assert "NoneType" not in told["detail"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_another_method_is_refused_naming_the_right_one() -> None:
    assert "GET" in problem(await post(a_front(), "/api/systems"), 405)["detail"]


async def test_the_description_names_every_refusal_and_every_closed_list() -> None:
    described = (await get(a_front(), "/openapi.json")).json()
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            refusals = {code: answer for code, answer in told["responses"].items() if code[0] not in "23"}
            assert "default" in refusals, (path, method)
            for answer in refusals.values():
                assert list(answer["content"]) == ["application/problem+json"], (path, method)
    shapes = described["components"]["schemas"]
    assert set(shapes["FactKind"]["enum"]) == set(FactKind)
    assert set(shapes["Action"]["enum"]) == set(Action)
    assert set(shapes["Status"]["enum"]) == set(Status)
    assert not {
        path
        for path in described["paths"]
        if not path.startswith(("/api", "/events", "/healthz", "/readyz", "/m", "/schemas"))
    }


async def test_moments_are_told_in_utc() -> None:
    front = a_front()
    front.world.hold(an_incident(4, opened_at=NOW - timedelta(microseconds=1)))
    assert (await get(front, "/api/incidents/INC-4")).json()["opened_at"] == "2026-11-20T09:29:59.999999Z"
