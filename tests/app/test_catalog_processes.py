"""Real processes on one database: what one applies the others adopt, handovers are told once, a kill leaves a whole."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest
from sqlalchemy import Row, select

from incidents.adapters.store.database import Database
from incidents.adapters.store.tables import effects
from incidents.core.events import EventType
from tests.app.desk import Desk
from tests.flow.office import CATALOG, with_handover
from tests.make_events import STRUCTURED, published, report_data

SOON = 60.0  # seconds, however busy the machine
KILLED = 137
Found = TypeVar("Found")


def eventually(look: Callable[[], Found]) -> Found:
    """What `look` finds as soon as that is something."""
    end = time.monotonic() + SOON
    while not (found := look()):
        assert time.monotonic() < end, "still not there"
        time.sleep(0.1)
    return found


def apply(url: str, text: str) -> int:
    answer = httpx.post(
        f"{url}/api/catalog/apply", json={"files": [{"name": "catalog.yaml", "text": text}]}, timeout=40
    )
    assert answer.is_success, answer.text
    return int(answer.json()["revision"]["number"])


def revision(url: str) -> int:
    running = httpx.get(f"{url}/api/catalog", timeout=40).json()["revision"]
    return int(running["number"]) if running else 0


def changes(url: str, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{url}/api/catalog/changes", params=query, timeout=40).json()["items"]
    return found


def notices(url: str) -> dict[str, Row[Any]]:
    async def read() -> dict[str, Row[Any]]:
        database = Database(url)
        try:
            async with database.read() as connection:
                rows = await connection.execute(select(effects).where(effects.c.kind == "notice"))
                return {row.key: row for row in rows}
        finally:
            await database.close()

    return asyncio.run(read())


@pytest.mark.postgres
def test_what_one_process_applies_another_adopts_and_finds_the_owner_of_a_stranger(
    desk: Desk, postgres_url: str
) -> None:
    stranger = CATALOG.replace("  bot:", "  other-bot:")
    with desk.serving(DATABASE_URL=postgres_url) as one, desk.serving(DATABASE_URL=postgres_url) as other:
        apply(one, stranger)
        eventually(lambda: revision(other) == 1)
        event = published(EventType.REPORT_FILED, report_data(system="bot"), id="harm", time=None)
        sent = httpx.post(f"{other}/events", json=event, headers={"Content-Type": STRUCTURED}, timeout=40)
        assert sent.status_code == 202
        incident = eventually(lambda: httpx.get(f"{one}/api/incidents", timeout=40).json()["items"])[0]
        assert incident["system"] == "bot"

        apply(one, CATALOG)

        eventually(lambda: revision(other) == 2)
        timeline = f"{other}/api/incidents/{incident['id']}/timeline"
        told = eventually(
            lambda: [fact for fact in httpx.get(timeline, timeout=40).json()["facts"] if fact["kind"] == "rerouted"]
        )
        assert [fact["text"] for fact in told] == ["bot is Support bot: its owners are asked now"]
        assert "Support bot" in httpx.get(f"{other}/systems", timeout=40).text


@pytest.mark.postgres
def test_a_handover_is_told_once_when_announced_and_once_when_due_by_two_processes(
    desk: Desk, postgres_url: str
) -> None:
    settings = {"DATABASE_URL": postgres_url}
    with desk.serving(**settings) as one, desk.serving(**settings) as other:
        apply(one, CATALOG)
        apply(one, with_handover(datetime.now(UTC) + timedelta(hours=1)))
        eventually(lambda: revision(other) == 2)

    settings["CLOCK_OFFSET"] = "7200"
    with desk.serving(**settings) as one, desk.serving(**settings) as other:
        due = eventually(lambda: changes(one, kind="handover_due"))
        eventually(lambda: revision(one) == revision(other) == 3)
        eventually(lambda: {row.state for row in notices(postgres_url).values()} == {"sent"})
        assert httpx.get(f"{other}/api/systems", timeout=40).json()["items"][0]["owners"]["operational"] == "acme-ops"

    assert len(due) == 1
    sent = notices(postgres_url)
    assert set(sent) == {"notice:2:ada", "notice:2:kim", "notice:3:ada", "notice:3:kim"}
    assert {row.attempts for row in sent.values()} == {1}
    assert desk.type("check-invariants", **settings).out == "Nothing is broken.\n"


@pytest.mark.parametrize(("point", "revisions"), [("catalog.saved", 0), ("catalog.committed", 1)])
def test_a_process_killed_while_it_applies_leaves_all_of_it_or_nothing(kept: Desk, point: str, revisions: int) -> None:
    handed = with_handover(datetime.now(UTC) + timedelta(hours=1))
    kept.write("catalog.yaml", handed)

    killed = kept.run("catalog", "apply", "--yes", "--catalog", "catalog.yaml", FAULT_POINT=f"{point}:1")

    assert killed.code == KILLED
    history = kept.type("catalog", "history", "--json").json["items"]
    assert {item["revision"] for item in history} == set(range(1, revisions + 1))
    told = notices(f"sqlite+aiosqlite:///{kept.folder}/incidents.db")
    assert set(told) == ({"notice:1:ada", "notice:1:kim"} if revisions else set())
    kept.type("catalog", "apply", "--yes", "--catalog", "catalog.yaml")
    assert set(notices(f"sqlite+aiosqlite:///{kept.folder}/incidents.db")) == {"notice:1:ada", "notice:1:kim"}
    assert kept.type("check-invariants").out == "Nothing is broken.\n"
