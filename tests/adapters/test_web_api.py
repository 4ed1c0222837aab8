"""The JSON API: lists, one incident, actions, and what refusals look like."""

import pytest

from incidents.core.alert import AlertState
from incidents.core.incident import Action
from incidents.flow.ports import SystemView
from tests.adapters.web_calls import FINGERPRINT, a_front, get, ids, post, problem
from tests.fakes.told import ADA, a_view, an_alert


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["INC-3", "INC-2", "INC-1"]),
        ("status=triggered", ["INC-2", "INC-1"]),
        ("status=triggered&status=closed", ["INC-3", "INC-2", "INC-1"]),
        ("severity=sev1", ["INC-2"]),
        ("system=credit-scoring&environment=production", ["INC-1"]),
        ("kind=hallucination", ["INC-2"]),
        ("owner=lee", ["INC-3"]),
        ("q=rag", ["INC-2"]),
        ("q=", ["INC-3", "INC-2", "INC-1"]),
    ],
)
async def test_the_list_is_filtered_and_a_repeated_filter_means_any(query: str, found: list[str]) -> None:
    assert ids(await get(a_front(), f"/api/incidents?{query}")) == found


async def test_the_list_is_turned_page_by_page() -> None:
    front, seen, path = a_front(), [], "/api/incidents?limit=1"
    while path:
        answer = await get(front, path)
        seen += ids(answer)
        following = answer.json()["next"]
        path = f"/api/incidents?limit=1&cursor={following}" if following else ""
    assert seen == ["INC-3", "INC-2", "INC-1"]


@pytest.mark.parametrize(
    ("query", "field", "names"),
    [
        ("status=burning", "status", "acknowledged"),
        ("severity=SEV9", "severity", "sev1"),
        ("kind=weather", "kind", "cost_anomaly"),
        ("limit=201", "limit", "200"),
        ("limit=0", "limit", "1"),
        ("limit=many", "limit", "integer"),
        ("sev=sev1", "sev", "not a known field"),
        ("cursor=mine", "cursor", "none that this list has given"),
        ("system=%00", "system", "pattern"),
    ],
)
async def test_a_filter_that_means_nothing_is_refused_naming_what_would(query: str, field: str, names: str) -> None:
    told = problem(await get(a_front(), f"/api/incidents?{query}"), 400)
    assert told["errors"][0]["field"].startswith(field)
    assert names in told["detail"]


async def test_the_timeline_has_its_published_shape() -> None:
    body = (await get(a_front(), "/api/incidents/INC-1/timeline")).json()
    assert body["incident"] == "INC-1"
    last = body["facts"][-1]
    assert {
        "seq": 2,
        "kind": "note",
        "by": {"type": "person", "id": "ada"},
        "text": "Looking.",
        "data": {},
    }.items() <= (last.items())
    assert last["at"] == "2026-11-20T09:30:00Z"


async def test_one_incident_says_what_may_be_done_to_it() -> None:
    body = (await get(a_front(), "/api/incidents/INC-1")).json()
    assert "acknowledge" in body["actions"]
    assert "close" not in body["actions"]
    assert body["alerts"][0]["figures"] == "0.31, limit 0.1"
    assert (await get(a_front(), "/api/incidents/INC-3")).json()["actions"] == []


@pytest.mark.parametrize("path", ["INC-9", "INC-0", "nothing", "INC-1%00", "INC-1/nowhere", "INC-9/timeline"])
async def test_what_is_not_there_is_said_to_be_missing(path: str) -> None:
    problem(await get(a_front(), f"/api/incidents/{path}"), 404)


async def test_alerts_are_listed_by_state() -> None:
    front = a_front()
    front.world.alerts_["w"] = a_view(an_alert(2, state=AlertState.WATCHING, incident=None))
    assert [item["state"] for item in (await get(front, "/api/alerts?state=watching")).json()["items"]] == ["watching"]
    assert len((await get(front, "/api/alerts")).json()["items"]) == 2
    assert "flapping" in problem(await get(front, "/api/alerts?state=dead"), 400)["detail"]


async def test_systems_are_listed() -> None:
    front = a_front()
    front.world.systems_ = [
        SystemView(system="x", environment="staging", title="X", registered=False, criticality="medium")
    ]
    assert (await get(front, "/api/systems")).json()["items"][0]["system"] == "x"


async def test_reading_while_the_database_is_away_asks_to_come_back() -> None:
    front = a_front()
    front.world.away = True
    for path in ("/api/incidents", "/api/incidents/INC-1", "/api/alerts", "/api/systems", "/api/dead-letters"):
        answer = await get(front, path)
        assert problem(answer, 503)["code"] == "database_away"
        assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("action", "body", "asked"),
    [
        ("acknowledge", None, {}),
        ("acknowledge", {}, {}),
        ("escalate", {"note": "Not mine"}, {"note": "Not mine"}),
        ("snooze", {"minutes": 60}, {"minutes": 60}),
        ("snooze", {"minutes": 1440, "note": "Later"}, {"minutes": 1440, "note": "Later"}),
        ("hand-over", {"to": "lee", "note": "Yours"}, {"to": "lee", "note": "Yours"}),
        ("mitigate", {}, {}),
        ("resolve", {"reason": "fixed", "note": "Rolled back"}, {"reason": "fixed", "note": "Rolled back"}),
        ("resolve", {"reason": "duplicate", "of": "INC-2"}, {"reason": "duplicate", "of": "INC-2"}),
        ("note", {"note": " Looking. "}, {"note": "Looking."}),
        ("assign", {"to": "ada"}, {"to": "ada"}),
        ("severity", {"to": "sev2", "reason": "Worse"}, {"to": "sev2", "note": "Worse"}),
        ("waive", {"alert": FINGERPRINT, "reason": "Gone"}, {"alert": FINGERPRINT, "note": "Gone"}),
        ("merge", {"into": "INC-2"}, {"to": "INC-2"}),
    ],
)
async def test_an_action_asks_for_what_its_body_says(action: str, body: object, asked: dict[str, object]) -> None:
    front = a_front()
    answer = await post(front, f"/api/incidents/INC-1/{action}", body, X_Incidents_As="ada")
    assert answer.status_code == 200, answer.text
    (ask,) = front.world.asked
    assert (ask.incident, ask.action, ask.by) == ("INC-1", Action(action.replace("-", "_")), ADA)
    told = {name: getattr(ask, name) for name in ("note", "reason", "of", "to", "alert", "minutes")}
    assert {name: value for name, value in told.items() if value is not None} == asked


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("snooze", {}, "minutes"),
        ("snooze", {"minutes": 0}, "minutes"),
        ("snooze", {"minutes": 1441}, "minutes"),
        ("snooze", {"minutes": 1.5}, "minutes"),
        ("snooze", {"minutes": True}, "minutes"),
        ("snooze", {"minutes": "an hour"}, "minutes"),
        ("hand-over", {}, "to"),
        ("hand-over", {"to": "zoe"}, "to"),
        ("resolve", {}, "reason"),
        ("resolve", None, "body"),
        ("resolve", {"reason": "bored"}, "reason"),
        ("resolve", {"reason": "duplicate"}, "of"),
        ("resolve", {"reason": "fixed", "of": "INC-2"}, "of"),
        ("resolve", {"reason": "duplicate", "of": "2"}, "of"),
        ("resolve", {"reason": "fixed", "because": "x"}, "because"),
        ("resolve", {"reason": 7}, "reason"),
        ("note", {}, "note"),
        ("note", {"note": "  "}, "note"),
        ("note", {"note": 5}, "note"),
        ("note", {"note": "a\u0000b"}, "note"),
        ("note", {"note": "x" * 2001}, "note"),
        ("severity", {"to": "sev5", "reason": "x"}, "to"),
        ("severity", {"to": "sev1"}, "reason"),
        ("assign", {"to": "mallory"}, "to"),
        ("waive", {"alert": FINGERPRINT}, "reason"),
        ("merge", {"into": "everything"}, "into"),
        ("acknowledge", {"now": True}, "now"),
        ("acknowledge", [], "body"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_by_field_and_does_nothing(action: str, body: object, field: str) -> None:
    front = a_front()
    told = problem(await post(front, f"/api/incidents/INC-1/{action}", body), 400)
    assert told["errors"][0]["field"] == field
    assert front.world.asked == []


@pytest.mark.parametrize("body", [b"{", b'{"note": NaN}', b"[" * 60_000, b'{"note":"\xff"}', b'{"note":"\\ud800"}'])
async def test_json_that_cannot_be_trusted_is_refused(body: bytes) -> None:
    async with a_front().browser() as browser:
        answer = await browser.post(
            "/api/incidents/INC-1/note", content=body, headers={"content-type": "application/json"}
        )
    problem(answer, 400)


@pytest.mark.parametrize("told", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_json_under_another_name_is_refused(told: str | None) -> None:
    headers = {"content-type": told} if told else {}
    async with a_front().browser() as browser:
        answer = await browser.post("/api/incidents/INC-1/note", content=b'{"note": "x"}', headers=headers)
    assert "application/json" in problem(answer, 415)["detail"]


async def test_a_body_larger_than_a_form_is_refused_with_the_limit() -> None:
    told = problem(await post(a_front(), "/api/incidents/INC-1/note", {"note": "x" * 70_000}), 413)
    assert "65,536 bytes" in told["detail"]


async def test_what_is_done_already_or_not_allowed_is_a_conflict_that_says_why() -> None:
    front = a_front()
    await post(front, "/api/incidents/INC-1/acknowledge")
    again = problem(await post(front, "/api/incidents/INC-1/acknowledge"), 409)
    assert (again["code"], again["detail"]) == ("already_done", "the incident is already acknowledged")
    assert problem(await post(front, "/api/incidents/INC-3/note", {"note": "x"}), 409)["code"] == "closed"
    await post(front, "/api/incidents/INC-1/resolve", {"reason": "fixed"})
    unverified = problem(await post(front, "/api/incidents/INC-1/close"), 409)
    assert unverified["code"] == "not_verified"
    assert "psi" in unverified["detail"]


async def test_an_incident_is_opened_by_hand() -> None:
    front = a_front()
    body = {"system": "credit-scoring", "title": "Wrong limits", "severity": "sev2", "kind": "report"}
    answer = await post(front, "/api/incidents", body)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/incidents/INC-4"
    assert answer.json()["severity"] == "sev2"
    assert problem(await post(front, "/api/incidents", {"title": "x"}), 400)["errors"][0]["field"] == "system"
    assert "unknown_system" not in problem(await post(front, "/api/incidents", body | {"kind": "x"}), 400)["detail"]
