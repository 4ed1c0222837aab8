"""Every statement of the road finds its rows by an index, however much is kept."""
# ruff: noqa: ANN401, S608 - what a driver is given has any type, and the statements are made here

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Integer, Table, event
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store.columns import Json, Moment
from incidents.adapters.store.cursors import cursor_of
from incidents.adapters.store.database import Database
from incidents.adapters.store.shelf import Shelf
from incidents.adapters.store.store import Store
from incidents.adapters.store.tables import metadata
from incidents.core.decision import Decision
from incidents.core.effect import Channel, EffectState
from incidents.core.estate import Estate
from incidents.core.incident import Change
from incidents.core.monitors import Sign
from incidents.core.run import RunStatus
from incidents.core.silence import Matcher, Silence, Trait
from incidents.core.task import Task, TaskKind
from incidents.flow.ports import QuietTelling, Result, RunQuery, Turn
from tests.adapters.store.kept import CREDIT, RAG, a_letter, a_request, a_row, a_sighting, an_alert, an_effect
from tests.make import NOON, an_incident, by, minutes
from tests.make_runs import a_run

MANY = 10_000
LARGE = {
    "alerts",
    "incidents",
    "inbox",
    "effects",
    "facts",
    "systems",
    "releases",
    "monitors",
    "silences",
    "tasks",
    "runs",
}
Statements = list[tuple[str, Any]]

_FILL: dict[str, dict[str, str]] = {
    "systems": {"system": "'system ' || n", "environment": "'production'", "known": "true"},
    "inbox": {"id": "n + 1000", "source": "'/m'", "event": "'e' || n", "fingerprint": "'f' || n"},
    "alerts": {"fingerprint": "'f' || n", "system": "'system ' || (n % 500)", "state": "'clear'", "incident": "n + 9"},
    "incidents": {"number": "n + 1000", "system": "'system ' || n", "status": "'closed'"},
    "facts": {"incident": "n", "seq": "1"},
    "effects": {"id": "n + 1000", "key": "'k' || n", "channel": "'slack'", "incident": "n + 9", "state": "'sent'"},
    "releases": {"system": "'system ' || n", "environment": "'production'"},
    "tasks": {"number": "n + 1000", "incident": "n + 9", "system": "'system ' || n", "state": "'done'"},
    "silences": {"id": "n + 1000", "begun": "true"},
    "runs": {
        "number": "n + 1000",
        "incident": "n + 9",
        "system": "'system ' || n",
        "environment": "'production'",
        "runbook": "'runbook ' || n",
        "status": "'succeeded'",
    },
    "monitors": {"system": "'system ' || n", "environment": "'production'", "monitor": "'drift'"},
}


def _any(column: Column[Any]) -> str:
    """A value that means nothing, for a column that its index does not look at."""
    if column.nullable:
        return "null"
    match column.type:
        case Moment():
            return ":now"
        case Json():
            return "'{}'"
        case Boolean():
            return "false"
        case Integer():
            return "0"
        case _:
            return "'x'"


async def _fill(connection: AsyncConnection, table: Table, known: dict[str, str]) -> None:
    names = ", ".join(column.name for column in table.columns)
    values = ", ".join(known.get(column.name, _any(column)) for column in table.columns)
    if connection.dialect.name == "sqlite":
        series = f"with recursive c(n) as (select 1 union all select n + 1 from c where n < {MANY})"
        statement = f"insert into {table.name} ({names}) {series} select {values} from c"
        now = "'2026-11-18T12:00:00.000000Z'"
    else:
        statement = f"insert into {table.name} ({names}) select {values} from generate_series(1, {MANY}) n"
        now = "timestamptz '2026-11-18 12:00Z'"
    await connection.exec_driver_sql(statement.replace(":now", now))


@pytest.fixture
async def full(store: Store) -> Store:
    """A store with ten thousand rows in every table that grows."""
    async with store.database.write(Turn.PEOPLE) as connection:
        for table, values in _FILL.items():
            await _fill(connection, metadata.tables[table], values)
    async with store.database.write(Turn.PEOPLE) as connection:
        await connection.exec_driver_sql("analyze")
    return store


@contextmanager
def heard(database: Database) -> Iterator[Statements]:
    """The statements that reach the driver, with their parameters."""
    statements: Statements = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:  # noqa: FBT001
        statements.append((statement, parameters))

    engines = {database.writer.sync_engine, database.reader.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", hear)


async def scanned(connection: AsyncConnection, statement: str, parameters: Any) -> set[str]:
    """The large tables that the database would read from end to end for a statement."""
    if connection.dialect.name == "sqlite":
        rows = (await connection.exec_driver_sql(f"explain query plan {statement}", parameters)).all()
        steps = [row.detail.split() for row in rows]
        whole = {step[1] for step in steps if step[0] == "SCAN" and "INDEX" not in step}
        return whole & (LARGE | {"o", "newer", "card", "post", "sent", "other"})
    plan = (await connection.exec_driver_sql(f"explain (format json) {statement}", parameters)).scalar_one()
    return set(_scans(json.loads(plan) if isinstance(plan, str) else plan)) & LARGE


def _scans(plan: Any) -> Iterator[str]:
    if isinstance(plan, list):
        for one in plan:
            yield from _scans(one)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for value in plan.values():
            yield from _scans(value)


async def the_road(store: Store) -> None:
    """Each statement that intake, and then people, time and couriers send, at least once."""
    alerts = [an_alert(f"m{n}", incident="INC-1") for n in range(20)]
    sightings = {alert.fingerprint: a_sighting() for alert in alerts}
    incident = an_incident(system="credit-scoring", wake_at=NOON)
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.take([a_row(f"new {n}") for n in range(50)] + [a_row("new 1"), a_row("new 2", body=b"x")])
        await unit.inbox.put_aside([a_letter()])
        await unit.monitors.hear(
            [Sign(key=(*CREDIT, f"monitor {n}"), at=unit.now, late_at=unit.now) for n in range(20)]
        )
        await unit.board.see({CREDIT: True, RAG: True, ("stranger", "production"): False}, limit=5)
        await unit.board.alerts(sightings)
        await unit.board.scenes([a_request(CREDIT, *alerts, depends_on=("a", "b")), a_request(RAG)])
        await unit.board.new_ids(3)
        page = an_effect(key="page")
        decision = Decision(incidents=(incident,), alerts=tuple(alerts), sightings=sightings, effects=(page,))
        await unit.board.save([decision], {})
        await unit.board.save_releases(CREDIT, [Change(kind="model", name="m", version="2", deployed_at=NOON)])
    async with store.unit(Turn.INTAKE) as unit:
        quiet = [QuietTelling(fingerprint=key, version=1, sighting=s, tellings=1) for key, s in sightings.items()]
        await unit.board.count_quiet(quiet)
        await unit.board.scenes([a_request(CREDIT, *alerts)])
    await the_road_on(store)


def a_silence(now: datetime) -> Silence:
    matchers = (Matcher(field=Trait.SYSTEM, value="credit-scoring"),)
    until = now + minutes(5)
    return Silence(id="", matchers=matchers, starts_at=now, ends_at=until, reason="load test", by="priya", made_at=now)


async def the_road_on(store: Store) -> None:
    async with store.unit(Turn.PEOPLE) as unit:
        await unit.board.clicked("click", "INC-1")
        held, _ = await unit.board.incident("INC-1")
        await unit.board.gathering_at(CREDIT)
        await unit.board.save([Decision(incidents=(replace(held, version=2),))], {})
    async with store.unit(Turn.PAGES) as unit:
        watches = await unit.monitors.hold(await unit.monitors.due(100))
        assert len(watches) == 20
        await unit.monitors.settle(watches)
        await unit.board.due_alerts(100)
        assert await unit.board.strangers() + await unit.board.asking()
        await unit.board.due_incidents(100)
        await unit.outbox.stuck_pages(minutes(1))
    async with store.unit(Turn.PAGES) as unit:
        claimed = await unit.outbox.claim(Channel.SLACK, limit=20, lease=timedelta(seconds=25))
        await unit.outbox.claim_notices(Channel.SLACK, limit=20, lease=timedelta(seconds=25))
        assert [one.key for one in claimed] == ["page"]
        await unit.outbox.refs(["INC-1"])
        await unit.outbox.settle([Result(claimed=one, state=EffectState.SENT) for one in claimed])
    async with store.unit(Turn.PEOPLE) as unit:
        await unit.silences.alone()
        made = await unit.silences.add(a_silence(unit.now), begun=False)
        assert await unit.silences.due() == [made]
        await unit.silences.begin([made])
        await unit.silences.shorten(await unit.silences.one(made.id))
        await unit.silences.heard()
        await unit.silences.muted_by("silence:1")
        await unit.board.others(["INC-1"], set())
    async with store.unit(Turn.PAGES) as unit:
        await unit.ledger.seal()


async def the_road_of_runs(store: Store) -> None:
    """Each statement that people, time and the engine send about runs, at least once."""
    async with store.unit(Turn.PEOPLE) as unit:
        kept = await unit.runs.add(a_run(expires_at=unit.now - minutes(1)))
        assert await unit.runs.incident_of(kept.id) == "INC-1"
        held = await unit.runs.one(kept.id)
        await unit.runs.of("INC-1")
        await unit.runs.active_at(("rag-assistant", "production"))
        assert await unit.runs.expired(100) == [(kept.id, "INC-1")]
        await unit.runs.keep(kept.id, {"a": 1})
        await unit.runs.save(replace(held, status=RunStatus.RUNNING, ready_at=unit.now))
    async with store.unit(Turn.PAGES) as unit:
        [(claimed, lease)] = await unit.runs.claim(limit=10, lease=timedelta(seconds=60))
        await unit.runs.save(claimed, lease=lease)
    shelf = Shelf(store.database, Estate)
    await shelf.run(kept.id)
    await shelf.evidence(kept.id)
    await shelf.outcomes(["rollback-mlflow-alias"])
    for query in (
        RunQuery(incident="INC-1"),
        RunQuery(status=(RunStatus.RUNNING,)),
        RunQuery(system=("rag-assistant",)),
        RunQuery(runbook=("rollback-mlflow-alias",)),
        RunQuery(system=("rag-assistant",), cursor=cursor_of("100000")),
    ):
        assert [run.id for run in (await shelf.runs(query))[0]] == [kept.id]


def a_task(now: datetime) -> Task:
    return Task(
        id="",
        incident="INC-1",
        system="credit-scoring",
        kind=TaskKind.FOLLOW_UP,
        title="Watch the index",
        by=by("priya"),
        at=now,
        due_at=now,
        remind_at=now,
    )


async def the_road_of_tasks(store: Store) -> None:
    async with store.unit(Turn.PEOPLE) as unit:
        task = await unit.tasks.add(a_task(unit.now))
        assert await unit.tasks.due(100) == [(task.id, "INC-1")]
        assert await unit.tasks.incident_of(task.id) == "INC-1"
        assert await unit.tasks.of("INC-1") == [task]
        await unit.tasks.save(await unit.tasks.one(task.id))
        await unit.outbox.withdraw(["page", "other"], "done")
    async with store.unit(Turn.INTAKE) as unit:
        scenes = await unit.board.scenes([a_request(CREDIT)])
        assert [one.task.id for one in scenes[CREDIT].unfinished] == [task.id]


async def test_no_statement_about_runs_reads_a_table_from_end_to_end(full: Store) -> None:
    with heard(full.database) as statements:
        await the_road_of_runs(full)
    assert await whole_reads(full, statements) == []


async def test_no_statement_of_the_road_reads_a_table_from_end_to_end(full: Store) -> None:
    with heard(full.database) as statements:
        await the_road(full)
        await the_road_of_tasks(full)
    assert await whole_reads(full, statements) == []


async def whole_reads(full: Store, statements: Statements) -> list[tuple[list[str], str]]:
    """The statements for which a large table would be read from end to end."""
    found = []
    async with full.database.writer.connect() as connection:
        for statement, parameters in statements:
            if statement.split()[0].lower() not in {"select", "insert", "update", "delete"}:
                continue
            whole = await scanned(connection, statement, parameters)
            if whole:
                found.append((sorted(whole), statement))
    return found


async def test_a_whole_read_of_a_table_would_be_noticed(full: Store) -> None:
    async with full.database.writer.connect() as connection:
        assert await scanned(connection, "select * from alerts where kind = 'x'", ()) == {"alerts"}


async def statements_of(store: Store, many: int) -> int:
    with heard(store.database) as statements:
        async with store.unit(Turn.INTAKE) as unit:
            await unit.inbox.take([a_row(f"{many} {n}") for n in range(many)])
            places = [(f"{many} {n}", "production") for n in range(many)]
            await unit.board.see(dict.fromkeys(places, True), limit=1)
            alerts = [an_alert("psi", place, incident=None) for place in places]
            requests = [a_request(place, alert) for place, alert in zip(places, alerts, strict=True)]
            await unit.board.scenes(requests)
            ids = await unit.board.new_ids(many)
            decisions = [
                Decision(
                    incidents=(an_incident(id=number, system=alert.system),),
                    alerts=(alert,),
                    sightings={alert.fingerprint: a_sighting()},
                    effects=(an_effect(incident=number),),
                )
                for number, alert in zip(ids, alerts, strict=True)
            ]
            await unit.board.save(decisions, {})
    return len(statements)


async def test_a_batch_of_hundreds_takes_as_many_statements_as_one_of_two(store: Store) -> None:
    assert await statements_of(store, 2) == await statements_of(store, 300)
