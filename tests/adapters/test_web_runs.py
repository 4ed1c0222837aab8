"""Runs through the API: planned, asked for, approved by somebody else, answered, listed; refused in words that help."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from incidents.core.errors import NotAllowed
from incidents.core.run import RunStatus, StepRun, StepState
from tests.adapters.web_calls import a_front, get, post, problem
from tests.fakes.front import Front
from tests.fakes.runs import BY_HAND, CHOOSE, VERIFY, a_plan, a_run, a_step, running
from tests.fakes.told import LEE, NOW, minutes

WANTED = {"runbook": "rollback-mlflow-alias", "parameters": {"model": "credit", "percent": 5, "dry": False}}
PLAN, ASK = "/api/incidents/INC-1/plan", "/api/incidents/INC-1/runs"
RISK = "Art. 73(6): tell the authority before you change what it must look at."


def approval(front: Front, run: str = "RUN-1", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {"plan": front.runs.held[run].hash, **more}


async def test_a_plan_says_word_for_word_what_would_be_done_and_how_it_is_taken_back() -> None:
    front = a_front()
    plan = (await post(front, PLAN, WANTED)).json()
    assert plan["hash"] == front.runs.planned.hash
    assert dict(front.runs.wanted[0].parameters) == WANTED["parameters"]
    move, verify = plan["steps"]
    assert (move["request"]["method"], move["request"]["connection"]) == ("POST", "mlflow")
    assert move["request"]["body"] == {"name": "credit", "alias": "champion", "version": "1"}
    assert move["undo"]["body"]["version"] == "2"
    assert move["prior"] == {"version": "2"}
    assert "Taken back by POST /api/2.0/mlflow/registered-models/alias to mlflow." in move["does"]
    assert (verify["type"], verify["request"]) == ("verify", None)
    assert plan["rollback"] | {"deployed_at": None} == {
        "kind": "model",
        "name": "credit",
        "version": "2",
        "to": "1",
        "deployed_at": None,
    }
    assert plan["approval"]["text"] == "One owner of the system, other than who asked"
    assert front.runs.held == {}, "nothing is kept"


@pytest.mark.parametrize("code", ["no_connection", "target", "template", "parameter", "not_runnable", "no_rollback"])
async def test_what_cannot_be_planned_says_why(code: str) -> None:
    front = a_front()
    front.runs.refusal = NotAllowed(code, "it is so")
    for path in (PLAN, ASK):
        told = problem(await post(front, path, WANTED, X_Incidents_As="ada"), 409)
        assert (told["code"], told["detail"]) == (code, "it is so")


async def test_a_run_is_asked_for_and_approved_by_somebody_else() -> None:
    front = a_front()
    said = WANTED | {"plan": front.runs.planned.hash, "note": "Version 2 drifts."}
    answer = await post(front, ASK, said, X_Incidents_As="ada")
    assert (answer.status_code, answer.headers["location"]) == (201, "/api/runs/RUN-1")
    asked = answer.json()
    assert (asked["status"], asked["requested_by"]["id"], asked["note"]) == ("proposed", "ada", "Version 2 drifts.")
    assert asked["waits_for"].startswith("the approval of one owner of the system, other than who asked, until ")
    assert asked["planned"]["hash"] == asked["plan"]

    own = problem(await post(front, "/api/runs/RUN-1/approve", approval(front), X_Incidents_As="ada"), 409)
    assert own["code"] == "same_person"
    approved = await post(front, "/api/runs/RUN-1/approve", approval(front, note="Go."), X_Incidents_As="lee")
    assert approved.json()["status"] == "running"
    (given,) = approved.json()["approvals"]
    assert (given["by"], given["note"], given["plan"]) == ("lee", "Go.", asked["plan"])


async def test_a_token_that_names_nobody_can_neither_ask_nor_approve() -> None:
    front = a_front()
    front.runs.hold(a_run())
    token, bearer = "a-long-and-secret-token", {"Authorization": "Bearer a-long-and-secret-token"}
    async with front.browser(token=token, headers=bearer, client="192.0.2.7") as program:
        for path, body in ((ASK, WANTED), ("/api/runs/RUN-1/approve", approval(front))):
            assert problem(await program.post(path, json=body), 409)["code"] == "no_person"
    assert front.runs.held["RUN-1"].status is RunStatus.PROPOSED


@pytest.mark.parametrize(
    ("run", "body", "code"),
    [
        (a_run(), {"plan": "b" * 64}, "changed"),
        (a_run(plan=a_plan(warning=RISK)), {}, "warning"),
        (a_run(expires_at=NOW - minutes(1)), {}, "expired"),
        (running(), {}, "already_done"),
        (a_run(status=RunStatus.REJECTED), {}, "not_allowed"),
    ],
)
async def test_an_approval_that_cannot_be_given_says_why(run: Any, body: dict[str, Any], code: str) -> None:  # noqa: ANN401
    front = a_front()
    front.runs.hold(run)
    said = approval(front) | body
    assert problem(await post(front, "/api/runs/RUN-1/approve", said, X_Incidents_As="lee"), 409)["code"] == code


async def test_the_warning_of_a_high_risk_system_is_answered_by_both() -> None:
    front = a_front()
    front.runs.planned = a_plan(warning=RISK)
    assert problem(await post(front, ASK, WANTED, X_Incidents_As="ada"), 409)["code"] == "warning"
    asked = (await post(front, ASK, WANTED | {"warned": True}, X_Incidents_As="ada")).json()
    assert (asked["warned"], asked["planned"]["warning"]) == ("ada", RISK)
    said = approval(front, warned=True)
    assert (await post(front, "/api/runs/RUN-1/approve", said, X_Incidents_As="lee")).status_code == 200


async def test_one_run_at_a_time_changes_a_system() -> None:
    front = a_front()
    front.runs.hold(running(), a_run(2))
    said = approval(front, "RUN-2")
    assert problem(await post(front, "/api/runs/RUN-2/approve", said, X_Incidents_As="lee"), 409)["code"] == "one_runs"


@pytest.mark.parametrize(
    ("run", "deed", "status"),
    [(a_run(), "reject", "rejected"), (a_run(), "cancel", "cancelled"), (running(), "cancel", "undoing")],
)
async def test_a_run_is_rejected_or_cancelled_with_a_word(run: Any, deed: str, status: str) -> None:  # noqa: ANN401
    front = a_front()
    front.runs.hold(run)
    path = f"/api/runs/RUN-1/{deed}"
    told = (await post(front, path, {"note": "Not now."}, X_Incidents_As="lee")).json()
    assert (told["status"], told["why"]) == (status, "Not now.")
    assert (await post(front, path, X_Incidents_As="lee")).status_code == 409


async def test_a_person_says_what_came_of_a_step() -> None:
    front = a_front()
    plan = a_plan(a_step(), BY_HAND, CHOOSE, VERIFY)
    states = (
        StepRun(id="move", state=StepState.UNKNOWN, touched=True),
        StepRun(id="tell", state=StepState.WAITING),
        StepRun(id="choose", state=StepState.WAITING),
    )
    front.runs.hold(running(*states, plan=plan))
    shown = (await get(front, "/api/runs/RUN-1")).json()
    assert [step["state"] for step in shown["steps"]] == ["unknown", "waiting", "waiting", "pending"]
    assert [list(step["answers"]) for step in shown["steps"]] == [
        ["done", "failed", "retry"],
        ["done", "failed"],
        ["retrain", "wait"],
        [],
    ]
    assert shown["waits_for"] == "somebody to look whether “Point champion of credit to version 1” was done"
    for step, answer in (("move", "retry"), ("tell", "done"), ("choose", "wait")):
        said = {"step": step, "answer": answer, "note": "I looked."}
        assert (await post(front, "/api/runs/RUN-1/answer", said, X_Incidents_As="lee")).status_code == 200
    wrong = {"step": "verify", "answer": "done"}
    assert problem(await post(front, "/api/runs/RUN-1/answer", wrong, X_Incidents_As="lee"), 409)["code"] == "not_asked"


async def test_under_one_key_a_run_is_asked_for_once() -> None:
    front = a_front()
    answers = [await post(front, ASK, WANTED, X_Incidents_As="ada", Idempotency_Key="k") for _ in range(2)]
    assert [answer.json()["id"] for answer in answers] == ["RUN-1", "RUN-1"]
    assert answers[1].headers["idempotent-replayed"] == "true"
    other = await post(front, ASK, WANTED | {"note": "x"}, X_Incidents_As="ada", Idempotency_Key="k")
    assert problem(other, 422)["code"] == "key_reused"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (PLAN, {}, "runbook"),
        (PLAN, {"runbook": "x", "parameters": {"a": {"b": 1}}}, "parameters.a"),
        (PLAN, {"runbook": "x", "parameters": {"a": "x" * 2001}}, "parameters.a"),
        (PLAN, {"runbook": "x", "force": True}, "force"),
        (ASK, WANTED | {"plan": "short"}, "plan"),
        (ASK, WANTED | {"warned": "yes"}, "warned"),
        ("/api/runs/RUN-1/approve", {}, "plan"),
        ("/api/runs/RUN-1/answer", {"step": "move"}, "answer"),
        ("/api/runs/RUN-1/reject", {"note": "a\x00b"}, "note"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_its_field(path: str, body: dict[str, Any], field: str) -> None:
    told = problem(await post(a_front(), path, body, X_Incidents_As="ada"), 400)
    assert told["errors"][0]["field"].startswith(field)


async def test_runs_are_listed_newest_first_with_filters_and_pages() -> None:
    front = a_front()
    other = a_plan(incident="INC-2", system="rag-assistant", runbook="cost-cache")
    front.runs.hold(running(), a_run(2, plan=other), a_run(3, status=RunStatus.UNDONE, ended_at=NOW))
    for query, found in (
        ("", ["RUN-3", "RUN-2", "RUN-1"]),
        ("?status=running&status=undone", ["RUN-3", "RUN-1"]),
        ("?incident=INC-2", ["RUN-2"]),
        ("?system=credit-scoring", ["RUN-3", "RUN-1"]),
        ("?runbook=cost-cache", ["RUN-2"]),
    ):
        assert [run["id"] for run in (await get(front, f"/api/runs{query}")).json()["items"]] == found
    first = (await get(front, "/api/runs?limit=2")).json()
    rest = (await get(front, f"/api/runs?limit=2&cursor={first['next']}")).json()
    assert ([run["id"] for run in rest["items"]], rest["next"]) == (["RUN-1"], None)
    for query, field in (("status=odd", "status"), ("cursor=zzz", "cursor"), ("incident=1", "incident")):
        assert problem(await get(front, f"/api/runs?{query}"), 400)["errors"][0]["field"] == field


@pytest.mark.parametrize("run", ["RUN-9", "RUN-0", "1", "INC-1", "RUN-1%00"])
async def test_what_is_no_run_is_not_found(run: str) -> None:
    problem(await get(a_front(), f"/api/runs/{run}"), 404)
    problem(await post(a_front(), f"/api/runs/{run}/reject", X_Incidents_As="lee"), 404)


async def test_the_api_publishes_an_example_of_each_body_that_it_takes() -> None:
    paths = (await get(a_front(), "/openapi.json")).json()["paths"]
    for path in ("incidents/{incident}/plan", "incidents/{incident}/runs", "runs/{run}/approve", "runs/{run}/answer"):
        body = paths[f"/api/{path}"]["post"]["requestBody"]["content"]["application/json"]
        assert body["schema"]["examples"], path
        assert "409" in paths[f"/api/{path}"]["post"]["responses"]


async def test_progress_is_told_in_the_words_of_the_step() -> None:
    front = a_front()
    moved = StepRun(id="move", state=StepState.DONE, began_at=NOW, ended_at=NOW, said="answered 200", touched=True)
    seen = StepRun(id="verify", state=StepState.WAITING, said="verification 2 of 4, next window 06:00")
    front.runs.hold(replace(running(moved, seen), requested_by=LEE))
    (listed,) = (await get(front, "/api/runs")).json()["items"]
    assert listed["waits_for"] == "verification 2 of 4, next window 06:00"
    assert listed["steps"][0]["said"] == "answered 200"


async def test_an_auditor_reads_the_kept_evidence_and_can_check_its_hash() -> None:
    front = a_front()
    kept = b'{"incident":{"id":"INC-1"},"run":"RUN-1"}'
    front.runs.kept["RUN-1"] = kept
    front.runs.hold(a_run(evidence=sha256(kept).hexdigest()), a_run(2))
    answer = await get(front, "/api/runs/RUN-1/evidence")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    told = (await get(front, "/api/runs/RUN-1")).json()["evidence"]
    assert sha256(answer.content).hexdigest() == told
    assert answer.headers["etag"] == f'"{told}"'
    assert answer.json()["run"] == "RUN-1"
    assert "no evidence was kept" in problem(await get(front, "/api/runs/RUN-2/evidence"), 404)["detail"]
    assert problem(await get(front, "/api/runs/x/evidence"), 404)["detail"].endswith("ids read RUN-1")
