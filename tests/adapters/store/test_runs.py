"""Runs as they are kept and read: pages in order, filters, what came of a runbook's runs, one active for a system."""
# ruff: noqa: ANN401 - a builder takes any field of what it builds

import asyncio
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.shelf import Shelf
from incidents.adapters.store.store import Store
from incidents.core.errors import NotFound, Stale
from incidents.core.run import Run, RunStatus
from incidents.flow.ports import Outcomes, RunQuery, Turn
from tests.adapters.store.kept import opened, told
from tests.make import NOON, minutes
from tests.make_runs import a_plan, a_run


async def kept(store: Store, *runs: Run) -> list[Run]:
    async with store.unit(Turn.PEOPLE) as unit:
        return [await unit.runs.add(run) for run in runs]


def of(system: str = "rag-assistant", runbook: str = "rollback", **more: Any) -> Run:
    incident = more.pop("incident", "INC-1")
    return a_run(plan=a_plan(system=system, runbook=runbook, incident=incident), **more)


async def ids(shelf: Shelf, **query: Any) -> list[str]:
    found, _ = await shelf.runs(RunQuery(**query))
    return [run.id for run in found]


async def test_pages_follow_each_other_newest_first_and_miss_nothing(store: Store, shelf: Shelf) -> None:
    made = await kept(store, *(of(status=RunStatus.EXPIRED) for _ in range(5)))
    found: list[str] = []
    cursor = None
    for many in (2, 2, 1):
        page, cursor = await shelf.runs(RunQuery(limit=2, cursor=cursor))
        assert len(page) == many
        found += [run.id for run in page]
        await kept(store, of(status=RunStatus.EXPIRED))  # what comes meanwhile moves no page
    assert (found, cursor) == ([run.id for run in reversed(made)], None)
    with pytest.raises(ValueError, match=r"."):
        await shelf.runs(RunQuery(cursor="nonsense!"))


async def test_each_filter_finds_its_own(store: Store, shelf: Shelf) -> None:
    await kept(
        store,
        of("credit-scoring", status=RunStatus.RUNNING),
        of("rag-assistant", "flag-off", status=RunStatus.SUCCEEDED),
        of("rag-assistant", incident="INC-2"),
    )
    assert await ids(shelf, incident="INC-1") == ["RUN-2", "RUN-1"]
    assert await ids(shelf, incident="no incident") == []
    assert await ids(shelf, system=("rag-assistant",)) == ["RUN-3", "RUN-2"]
    assert await ids(shelf, runbook=("flag-off", "none")) == ["RUN-2"]
    assert await ids(shelf, status=(RunStatus.RUNNING, RunStatus.PROPOSED)) == ["RUN-3", "RUN-1"]
    assert await ids(shelf, status=(RunStatus.RUNNING,), system=("rag-assistant",)) == []


async def test_a_run_comes_back_as_it_was_kept(store: Store, shelf: Shelf) -> None:
    [run] = await kept(store, a_run())
    assert await shelf.run("run-1") == run
    assert run.hash == a_run().hash, "the hash that people approve outlives the database"
    async with store.unit(Turn.PEOPLE) as unit:
        assert await unit.runs.incident_of("RUN-1") == "INC-1"
        for name in ("RUN-2", "x"):
            with pytest.raises(NotFound):
                await unit.runs.incident_of(name)


async def test_outcomes_count_what_had_begun_and_is_over(store: Store, shelf: Shelf) -> None:
    def over(status: RunStatus, took: float, runbook: str = "rollback") -> Run:
        return of(runbook=runbook, status=status, started_at=NOON, ended_at=NOON + minutes(took))

    await kept(
        store,
        over(RunStatus.SUCCEEDED, 4),
        over(RunStatus.SUCCEEDED, 8),
        over(RunStatus.SUCCEEDED, 60),
        over(RunStatus.UNDONE, 1),
        over(RunStatus.SUCCEEDED, 1, "another"),
        of(status=RunStatus.RUNNING, started_at=NOON),
        of(status=RunStatus.EXPIRED, ended_at=NOON),
    )
    found = await shelf.outcomes(["rollback", "never"])
    assert found["rollback"] == Outcomes(runs=4, succeeded=3, median=timedelta(minutes=8))
    assert found["never"] == Outcomes(runs=0, succeeded=0, median=None)


async def test_a_snapshot_is_kept_once_and_proves_itself(store: Store, shelf: Shelf) -> None:
    await kept(store, a_run())
    async with store.unit(Turn.PEOPLE) as unit:
        first = await unit.runs.keep("RUN-1", {"at": NOON, "b": [1, 2]})
        assert await unit.runs.keep("RUN-1", {"something": "else"}) == first
    digest, body = await shelf.evidence("RUN-1")
    assert digest == first == sha256(body).hexdigest()
    assert b'"b":[1,2]' in body
    with pytest.raises(NotFound):
        await shelf.evidence("RUN-2")


async def test_two_runs_of_a_system_cannot_both_be_active(store: Store) -> None:
    one, two = await kept(store, of(), of())

    async def begins(run: Run) -> Run:
        async with store.unit(Turn.PEOPLE) as unit:
            return await unit.runs.save(replace(run, status=RunStatus.RUNNING))

    came = await asyncio.gather(begins(one), begins(two), return_exceptions=True)
    assert {type(each) for each in came} == {Run, Stale}
    async with store.unit(Turn.PEOPLE) as unit:
        assert await unit.runs.active_at(("rag-assistant", "production")) in {"RUN-1", "RUN-2"}


async def test_a_proposal_expires_by_the_database_s_clock_and_nothing_else_does(
    store: Store, database: Database
) -> None:
    await opened(store)
    async with store.unit(Turn.PEOPLE) as unit:
        now = unit.now
    await kept(
        store,
        of(expires_at=now - minutes(1)),
        of(expires_at=now + minutes(30)),
        of(expires_at=now - minutes(1), status=RunStatus.RUNNING),
    )
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.runs.expired(10) == [("RUN-1", "INC-1")]
    assert [row.n for row in await told(database, "select count(*) as n from runs where expires_at is not null")] == [2]
