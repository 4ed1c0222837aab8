"""Too much at once: copies, readings, fingerprints, workers, people. One incident, one page, one order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, func, select

from incidents.adapters.store.database import Database
from incidents.adapters.store.tables import alerts, facts, inbox
from incidents.app.wiring import build
from incidents.core.delivery import Delivery
from incidents.core.events import EventType
from tests.fakes.slack import ADA, LEE, TOKEN, FakeSlack
from tests.fakes.slack_workspace import User
from tests.make_events import Payload, delivered, drift_data, hallucination_data, published
from tests.stories.conftest import combination
from tests.stories.street import (
    SYSTEMS,
    Lot,
    Street,
    catalog_of,
    eventually,
    monday,
    serving,
    settings_of,
    street,
    window,
)
from tests.stories.wires import batched

pytestmark = pytest.mark.story
COPIES = 10_000


def on(*combinations: tuple[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("lot", [combination(*one) for one in combinations], indirect=True)


def very_bad(start: float, end: float) -> Payload:
    return hallucination_data(system="triage-bot", flagged=22, sampled=120) | {"window": window(start, end)}


# --- copies ---------------------------------------------------------------------------------------------------------


@on(("rabbitmq", "postgresql"), ("http", "sqlite"))
async def test_ten_thousand_copies_of_one_event_are_one_row_one_incident_and_one_page(lot: Lot) -> None:
    async with street(lot) as town:
        told = town.event(EventType.HALLUCINATION_MEASURED, very_bad(9, 10))
        copies = [delivered(told)] * COPIES if lot.bus else batched([told] * COPIES)
        answers = await town.publish(copies, events=COPIES)

        async with town.parts.database.read() as connection:
            rows = (await connection.execute(select(inbox.c.event, inbox.c.copies, inbox.c.conflicts))).all()
        assert [tuple(row) for row in rows] == [(told["id"], COPIES - 1, 0)]
        assert sum(answer.json()["duplicates"] for answer in answers) == (0 if lot.bus else COPIES - 1)
        (alert,) = (await town.incident())["alerts"]
        assert (alert["count"], alert["copies"], alert["conflicts"]) == (1, COPIES - 1, 0)  # as people see it
        assert len(await town.incidents()) == 1
        assert len(await town.slack.pages("ada")) == 1
        await town.holds_the_promise()


# --- readings -------------------------------------------------------------------------------------------------------


@contextmanager
def statements(database: Database) -> Iterator[Counter[str]]:
    """Counts what is sent to the database while it is watched, by its first words."""
    sent: Counter[str] = Counter()

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401  (as SQLAlchemy calls it)
        sent[" ".join(statement.split()[:3])] += 1

    engines = {id(engine): engine.sync_engine for engine in (database.writer, database.reader)}
    for engine in engines.values():
        event.listen(engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        for engine in engines.values():
            event.remove(engine, "before_cursor_execute", before)


def readings(first: int, count: int) -> list[Delivery]:
    """Second after second of one bad metric, each a window of its own."""
    begin = monday(6)
    found = []
    for second in range(first, first + count):
        start, end = begin + timedelta(seconds=second), begin + timedelta(seconds=second + 1)
        told = {"start": start.isoformat(), "end": end.isoformat()}
        data = drift_data(system="credit-scoring", window=told)
        found.append(delivered(published(EventType.DRIFT_MEASURED, data, id=f"r-{second}", time=None)))
    return found


@on(("http", "postgresql"), ("http", "sqlite"))
async def test_ten_thousand_readings_of_one_fingerprint_cost_the_same_few_statements_a_batch(lot: Lot) -> None:
    catalog = catalog_of({"ada": ADA, "lee": LEE, "priya": "U0PRIYA0000"}, SYSTEMS)
    parts = await build(settings_of(lot, catalog, begins=monday(10)))
    working = asyncio.create_task(parts.intake.run())

    async def take(first: int, count: int) -> Counter[str]:
        with statements(parts.database) as sent:
            before = parts.intake.batches
            taken = await asyncio.gather(*(parts.intake.submit(one) for one in readings(first, count)))
            assert sum(one.accepted for one in taken) == count
            assert parts.intake.batches == before + 1
        heard = sent.pop("insert into monitors", 0)
        assert heard <= 1, sent  # that its monitor lives is written down once a minute, however many readings say so
        return sent

    async def told() -> tuple[int, int]:
        async with parts.database.read() as connection:
            written = (await connection.execute(select(func.count()).select_from(facts))).scalar_one()
        ((view,), _) = await parts.shelf.alerts(())
        return written, view.sighting.count

    try:
        await take(0, 1)
        opened, _ = await told()
        small = await take(1, 50)
        large = [await take(51 + 500 * batch, 500) for batch in range(19)]
        await take(51 + 500 * 19, COPIES - 51 - 500 * 19)

        assert all(batch == small for batch in large), (small, large)
        assert small.total() <= 12, small
        assert await told() == (opened, COPIES)
    finally:
        parts.intake.stop()
        await working
        await parts.close()


# --- fingerprints ---------------------------------------------------------------------------------------------------


@on(("rabbitmq", "postgresql"))
async def test_two_workers_in_one_storm_open_one_incident_and_fold_its_facts(lot: Lot) -> None:
    storm = 2_000
    async with street(lot) as town, serving(town.parts.settings) as (second, _):
        told = [
            drift_data(system="rag-assistant", feature=f"f{number}", window=window(9, 10)) for number in range(storm)
        ]
        await town.publish([delivered(town.event(EventType.DRIFT_DETECTED, data)) for data in told])

        (incident,) = await town.incidents()
        async with town.parts.database.read() as connection:
            firing = select(alerts.c.incident, alerts.c.state, func.count()).group_by(alerts.c.incident, alerts.c.state)
            found = [tuple(row) for row in await connection.execute(firing)]
        assert found == [(int(incident["id"].removeprefix("INC-")), "firing", storm)]
        assert min(town.parts.intake.batches, second.intake.batches) > 0

        lines = await town.timeline()
        at = [datetime.fromisoformat(line["at"]) for line in lines if line["kind"] in {"alert_joined", "alerts_folded"}]
        kinds = Counter(line["kind"] for line in lines)
        minutes = (max(at) - min(at)) // timedelta(minutes=1) + 1  # one, but on a very busy machine
        assert 20 <= kinds["alert_joined"] <= 20 * minutes
        assert 1 <= kinds["alerts_folded"] <= minutes
        assert len(await town.slack.pages("priya")) == 1
        await town.holds_the_promise()


# --- people ---------------------------------------------------------------------------------------------------------


def crowd(count: int) -> dict[str, str]:
    """People of the catalog with their Slack ids."""
    return {f"p{number}": f"U9{number:09d}" for number in range(count)}


@asynccontextmanager
async def crowded_street(lot: Lot, people: dict[str, str]) -> AsyncIterator[tuple[Street, FakeSlack]]:
    """A street on which many more people live, with a Slack that takes what is said to those who click."""
    async with FakeSlack(lot.folder / "slack.jsonl").running() as slack:
        for key, user in people.items():
            slack.workspace.add(User(id=user, name=key, email=f"{key}@example.com"))
        known = {"ada": ADA, "lee": LEE, "priya": "U0PRIYA0000"}
        slack.workspace.add(User(id="U0PRIYA0000", name="priya"))
        theirs = replace(lot, slack=slack.url, slack_token=TOKEN, people=known | people)
        async with street(theirs, others=people) as town:
            yield town, slack


@on(("http", "postgresql"), ("http", "sqlite"))
async def test_fifty_people_acknowledge_at_once_and_one_has_it(lot: Lot) -> None:
    people = crowd(50)
    async with crowded_street(lot, people) as (town, slack):
        await town.tell(EventType.HALLUCINATION_MEASURED, very_bad(9, 10))
        incident = await town.first()
        by_api, by_click = list(people)[:25], list(people)[25:]

        answers = await asyncio.gather(
            *(town.act(person, "acknowledge", incident) for person in by_api),
            *(town.click(person, "acknowledge", incident, response_url=slack.hook) for person in by_click),
        )

        winner = (await town.incident())["acknowledged_by"]
        assert winner in people
        refused = [answer for answer in answers[:25] if answer.status_code != httpx.codes.OK]
        assert len(refused) == 25 - (winner in by_api)
        assert {answer.status_code for answer in refused} == {409}
        assert {answer.json()["code"] for answer in refused} == {"already_done"}
        assert {answer.json()["detail"] for answer in refused} == {"the incident is already acknowledged"}
        assert all(answer.is_success for answer in answers[25:])

        async def all_told() -> bool:
            return len(slack.replies()) == 25 - (winner in by_click)

        await eventually(all_told)
        assert set(slack.replies()) == {f"{incident}: the incident is already acknowledged."}
        assert (await town.kinds()).count("acknowledged") == 1
        await town.holds_the_promise()


@on(("http", "postgresql"), ("http", "sqlite"))
async def test_an_answer_and_the_timer_in_the_same_moment_leave_one_order_a_hundred_times(lot: Lot) -> None:
    orders: Counter[str] = Counter()
    async with street(lot) as town:
        for wave in range(10):
            raced = await ten_opened(town, wave)
            town.parts.store.shift(timedelta(minutes=15))
            answers = [acknowledged(town, one, after=3 * wave * place) for place, one in enumerate(raced)]
            await asyncio.gather(town.parts.clock.tick(), *answers)
            await town.quiet()

            for incident in raced:
                orders[await order_of(town, incident)] += 1
            await asyncio.gather(*(town.act("ada", "resolve", incident, reason="false_positive") for incident in raced))
            await town.holds_the_promise()
    assert orders.total() == 100
    assert len(orders) > 1, orders  # else nothing raced


async def ten_opened(town: Street, wave: int) -> list[str]:
    """Ten incidents, each in an environment of its own, of which Ada is paged at once."""
    now = await town.parts.store.now()
    told = {"start": (now - timedelta(hours=1)).isoformat(), "end": now.isoformat()}
    places = {f"stage-{wave}-{number}" for number in range(10)}
    bad = [very_bad(9, 10) | {"environment": place, "window": told} for place in sorted(places)]
    events = [town.event(EventType.HALLUCINATION_MEASURED, data) for data in bad]
    await town.publish(batched(events), events=len(events))
    return [one["id"] for one in await town.incidents(status="triggered")]


async def acknowledged(town: Street, incident: str, *, after: int) -> None:
    """Ada acknowledges; `after` so many questions to the database, so that not all go the same way."""
    for _ in range(after):
        await town.parts.store.now()
    answer = await town.http.post(f"/api/incidents/{incident}/acknowledge", headers={"X-Incidents-As": "ada"})
    assert answer.is_success, answer.text


async def order_of(town: Street, incident: str) -> str:
    """What became of the page that was due in the moment of the answer: never made, cancelled, or sent before it."""
    whole, kinds = await town.incident(incident), await town.kinds(incident)
    assert (whole["status"], whole["acknowledged_by"]) == ("acknowledged", "ada")
    assert kinds.count("acknowledged") == 1
    pages = [effect["state"] for effect in whole["effects"] if effect["key"].startswith(f"page:{incident}:1:1:")]
    assert len(pages) == kinds.count("escalated") <= 1
    assert kinds.count("paged") == 1 + pages.count("sent")
    assert set(pages) <= {"sent", "cancelled"}
    return pages[0] if pages else "never made"
