"""What the coverage audit is told: names, monitors, who cannot be reached, and how long answers took."""

from datetime import timedelta

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.adapters.store.witness import Witnesses
from incidents.core.coverage import Response, Seen
from incidents.core.estate import UNKNOWN_SYSTEMS
from incidents.core.fact import FactKind
from incidents.core.incident import Resolution, Status
from incidents.core.monitors import Sign
from incidents.flow.ports import Turn
from tests.adapters.store.kept import RAG, a_fact, opened
from tests.make import hours, minutes

QUARTER = timedelta(days=90)


@pytest.fixture
def witness(database: Database) -> Witnesses:
    return Witnesses(database)


async def seen(witness: Witnesses) -> Seen:
    return await witness.seen(QUARTER)


async def test_an_empty_store_has_seen_nothing(witness: Witnesses) -> None:
    found = await seen(witness)
    assert (list(found.watches), list(found.names), dict(found.unreachable), list(found.responses)) == ([], [], {}, [])


async def test_names_come_with_when_they_were_first_seen_and_their_open_incidents(
    store: Store, witness: Witnesses
) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        await unit.board.see({RAG: True, ("shadow", "staging"): False, (UNKNOWN_SYSTEMS, "production"): True}, limit=9)
        at = unit.now
    await opened(store, system=RAG[0], environment=RAG[1])
    names = {(name.system, name.environment): name for name in (await seen(witness)).names}
    assert set(names) == {RAG, ("shadow", "staging")}
    assert (names[RAG].open_incidents, names["shadow", "staging"].open_incidents) == (1, 0)
    assert names[RAG].first_seen_at == at


async def test_monitors_and_people_are_as_they_were_last_heard_of(store: Store, witness: Witnesses) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        await unit.monitors.hear([Sign(key=(*RAG, "nightly"), every=minutes(5), at=unit.now)])
    async with store.unit(Turn.PAGES) as unit:
        await unit.outbox.skip("kim", "is deactivated in Slack", unit.now + hours(1))
    store.shift(hours(2))  # what Slack said last stands until it takes a message again
    found = await seen(witness)
    assert [watch.key for watch in found.watches] == [(*RAG, "nightly")]
    assert dict(found.unreachable) == {"kim": "is deactivated in Slack"}


async def test_answers_are_measured_by_the_first_fact_that_tells_of_them(store: Store, witness: Witnesses) -> None:
    now = await store.now()
    at = now - hours(1)
    facts = [
        a_fact(FactKind.OPENED, at=at),
        a_fact(FactKind.ACKNOWLEDGED, at=at + minutes(4)),
        a_fact(FactKind.MITIGATED, at=at + minutes(30)),
        a_fact(FactKind.REOPENED, at=at + minutes(31)),
        a_fact(FactKind.ACKNOWLEDGED, at=at + minutes(40)),
        a_fact(FactKind.RESOLVED, at=at + minutes(50)),
    ]
    began = (("hallucination", at - minutes(7)),)
    await opened(store, facts=facts, opened_at=at, began=began, acknowledged_at=at + minutes(40))
    assert (await seen(witness)).responses == [
        Response(detected=minutes(7), acknowledged=minutes(4), mitigated=minutes(30))
    ]


async def test_an_incident_that_nobody_has_answered_counts_without_a_time(store: Store, witness: Witnesses) -> None:
    await opened(store, facts=[a_fact()], opened_at=await store.now())
    assert (await seen(witness)).responses == [Response()]
    assert not (await witness.seen()).responses  # nobody asked for them


@pytest.mark.parametrize("reason", [Resolution.FALSE_POSITIVE, Resolution.DUPLICATE, Resolution.MONITOR_FAULT])
async def test_what_was_no_trouble_is_not_measured(store: Store, witness: Witnesses, reason: Resolution) -> None:
    at = await store.now()
    await opened(store, facts=[a_fact()], opened_at=at, status=Status.RESOLVED, resolution=reason, gathering=False)
    assert (await seen(witness)).responses == []


async def test_neither_is_trouble_with_the_inventory_nor_what_is_long_ago(store: Store, witness: Witnesses) -> None:
    at = await store.now()
    await opened(store, facts=[a_fact()], opened_at=at, kinds=("monitor_silent",))
    assert (await seen(witness)).responses == []
    await opened(store, id="INC-2", system="other", facts=[a_fact(incident="INC-2")], opened_at=at - timedelta(days=91))
    assert (await seen(witness)).responses == []
