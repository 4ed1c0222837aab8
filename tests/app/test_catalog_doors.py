"""The catalog through the API and on its page: plans, refusals with their lines, who was first, and the history."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from incidents.adapters.web.passage import MAX_CATALOG
from incidents.app.front import application
from incidents.app.settings import Settings
from incidents.app.wiring import Parts, build
from tests.app.test_cli_catalog import CATALOG
from tests.flow.office import with_handover


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    parts = await build(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"))
    yield parts
    await parts.close()


@pytest.fixture
async def calls(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(parts), raise_app_exceptions=False, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def files(text: str = CATALOG, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a body may hold
    return {"files": [{"name": "catalog.yaml", "text": text}], **more}


async def test_a_plan_is_what_applying_then_does(calls: httpx.AsyncClient) -> None:
    planned = (await calls.post("/api/catalog/plan", json=files())).json()
    assert (await calls.get("/api/catalog")).json()["revision"] is None

    applied = (await calls.post("/api/catalog/apply", json=files(expected=0, note="the first"))).json()

    assert applied["changes"] == planned["changes"]
    assert applied["revision"]["number"] == 1
    running = (await calls.get("/api/catalog")).json()
    assert running["revision"] == applied["revision"]
    assert (running["revision"]["by"]["id"], running["revision"]["note"]) == ("admin", "the first")
    assert running["counts"] == {"systems": 1, "people": 2, "teams": 0, "schedules": 0}
    assert "Support bot" in (await calls.get("/systems")).text


async def test_a_wrong_catalog_is_a_problem_with_file_line_and_suggestion(calls: httpx.AsyncClient) -> None:
    await calls.post("/api/catalog/apply", json=files())

    for path in ("plan", "apply"):
        answer = await calls.post(f"/api/catalog/{path}", json=files(CATALOG.replace("model: ada", "model: adda")))
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == "catalog_refused"
        assert problem["errors"] == [
            {
                "file": "catalog.yaml",
                "line": 7,
                "where": "systems.bot.owners.model",
                "detail": problem["errors"][0]["detail"],
                "suggestion": 'did you mean "ada"?',
            }
        ]
        assert "catalog.yaml:7" in problem["detail"]
    assert (await calls.get("/api/catalog")).json()["revision"]["number"] == 1


async def test_whoever_comes_second_is_told_who_was_first(calls: httpx.AsyncClient) -> None:
    await calls.post("/api/catalog/apply", json=files())
    await calls.post(
        "/api/catalog/apply", json=files(CATALOG.replace("high", "low"), expected=1), headers={"X-Incidents-As": "ada"}
    )

    late = await calls.post("/api/catalog/apply", json=files(CATALOG.replace("high", "critical"), expected=1))

    assert late.status_code == 409
    assert late.json()["code"] == "catalog_changed"
    assert "revision 2 was applied by Ada Okoye" in late.json()["detail"]


async def test_a_key_makes_applying_happen_once(calls: httpx.AsyncClient) -> None:
    first = await calls.post("/api/catalog/apply", json=files(), headers={"Idempotency-Key": "k"})
    again = await calls.post("/api/catalog/apply", json=files(), headers={"Idempotency-Key": "k"})

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_the_history_is_filtered_and_paged(calls: httpx.AsyncClient) -> None:
    await calls.post("/api/catalog/apply", json=files())
    await calls.post("/api/catalog/apply", json=files(CATALOG.replace("high", "low")))

    async def texts(**query: Any) -> list[str]:  # noqa: ANN401 - any filter
        answer = (await calls.get("/api/catalog/changes", params=query)).json()
        return [item["text"] for item in answer["items"]]

    assert await texts(section="systems", entry="bot") == [
        "System bot: criticality is low, was high",
        "System bot is new",
    ]
    assert await texts(kind="changed") == ["System bot: criticality is low, was high"]
    assert await texts(revision=1, section="people") == ["Person ada is new", "Person lee is new"]
    page = (await calls.get("/api/catalog/changes", params={"limit": 3})).json()
    rest = (await calls.get("/api/catalog/changes", params={"limit": 3, "cursor": page["next"]})).json()
    assert len(page["items"]) + len(rest["items"]) == 5
    assert rest["next"] is None
    assert (await calls.get("/api/catalog/changes", params={"cursor": "nonsense"})).status_code == 400
    assert (await calls.get("/api/catalog/changes", params={"kind": "nonsense"})).status_code == 400


async def test_whole_catalogs_are_taken_and_not_more(calls: httpx.AsyncClient) -> None:
    padding = "# " + "x" * 900_000 + "\n"
    many = [{"name": f"{number}.yaml", "text": padding} for number in range(9)]
    large = {"files": [*many, {"name": "catalog.yaml", "text": CATALOG}]}
    assert (await calls.post("/api/catalog/plan", json=large)).status_code == 200

    too_large = await calls.post("/api/catalog/plan", json=files("x" * (MAX_CATALOG + 1)))
    assert too_large.status_code == 413
    one = await calls.post("/api/catalog/plan", json=files("# " + "x" * 1_100_000))
    assert one.json()["errors"][0]["detail"] == "larger than 1 MiB"
    elsewhere = await calls.post("/api/incidents", json={"system": "x", "title": "y" * 100_000})
    assert elsewhere.status_code == 413


@pytest.mark.parametrize("body", [{}, {"files": []}, {"files": [{"name": "a"}]}, {"files": [{"name": "", "text": ""}]}])
async def test_a_body_that_holds_no_files_is_refused_by_its_field(calls: httpx.AsyncClient, body: Any) -> None:  # noqa: ANN401
    answer = await calls.post("/api/catalog/plan", json=body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("files")


async def test_the_page_shows_what_runs_what_lies_ahead_and_what_changed(
    calls: httpx.AsyncClient, parts: Parts
) -> None:
    assert "Nothing has changed yet." in (await calls.get("/catalog")).text
    await calls.post("/api/catalog/apply", json=files(with_handover(await parts.store.now() + timedelta(days=3))))

    shown = (await calls.get("/catalog")).text

    assert "Revision 1, applied by the local admin" in shown
    assert "Handovers ahead" in shown
    assert "Support bot: operational ownership passes from ops to acme-ops (Acme Ltd) on " in shown
    assert "<b>handover announced</b>" in shown
    ahead = (await calls.get("/api/catalog")).json()["handovers"]
    assert [(each["role"], each["before"], each["after"]) for each in ahead] == [("operational", "ops", "acme-ops")]
    told = (await calls.get("/api/catalog/changes", params={"revision": 1})).json()["notices"]
    assert [(each["target"], each["state"]) for each in told] == [("ada", "due"), ("kim", "due")]
    assert "<b>Kim Rao</b> by console: due" in (await calls.get("/catalog", params={"revision": 1})).text
    people = (await calls.get("/catalog", params={"section": "people", "kind": "", "entry": ""})).text
    assert "Person ada is new" in people
    assert "System bot is new" not in people
    assert "Nothing of that kind has changed." in (await calls.get("/catalog", params={"entry": "nobody"})).text
    assert (await calls.get("/catalog", params={"cursor": "nonsense"})).status_code == 400


async def test_words_of_a_catalog_are_shown_as_text(calls: httpx.AsyncClient) -> None:
    hostile = CATALOG.replace("Support bot", "<script>alert(1)</script>")
    await calls.post("/api/catalog/apply", json=files(hostile, note="<script>alert(2)</script>"))

    shown = (await calls.get("/catalog")).text

    assert "<script>" not in shown
    assert "&lt;script&gt;alert(2)" in shown


async def test_what_is_wrong_with_the_files_at_the_start_is_shown_on_every_page(
    calls: httpx.AsyncClient, parts: Parts
) -> None:
    await calls.post("/api/catalog/apply", json=files())
    await parts.keeper.begin(parts.keeper.running.draft, "INCIDENTS_CATALOG is refused: catalog.yaml:3: <oops>")

    assert "INCIDENTS_CATALOG is refused: catalog.yaml:3: &lt;oops&gt;" in (await calls.get("/")).text
    assert (await calls.get("/api/catalog")).json()["trouble"].startswith("INCIDENTS_CATALOG is refused")
