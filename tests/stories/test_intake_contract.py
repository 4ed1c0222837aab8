"""What every road in must keep, on all six combinations of bus and database: each type and mode, once, nothing lost."""

import json
from collections.abc import Sequence

import httpx
import pytest
from sqlalchemy import select

from incidents.adapters.store.tables import conflicts, dead_letters, inbox
from incidents.core.delivery import Delivery
from incidents.core.events import EventType
from tests.make_events import BATCH, Payload, data_for, delivered, delivered_binary, drift_data, published
from tests.stories.conftest import FULL, REST
from tests.stories.street import Lot, Street, street, window

pytestmark = pytest.mark.story
on_all_six = pytest.mark.parametrize("lot", [*FULL, *REST], indirect=True)
SPELLINGS = ("ce-", "CE-", "ce_", "cloudEvents_", "cloudEvents:", "CLOUDEVENTS:")


def a_reading(name: str, **more: object) -> Payload:
    return published(EventType.DRIFT_DETECTED, drift_data(window=window(9, 10)) | more, id=name, time=None)


async def remembered(town: Street) -> dict[str, tuple[str, int, int]]:
    """Type, copies and conflicts of each event, by its id."""
    async with town.parts.database.read() as connection:
        c = inbox.c
        rows = await connection.execute(select(c.event, c.type, c.copies, c.conflicts))
        return {row.event: (row.type, row.copies, row.conflicts) for row in rows}


async def put_aside(town: Street) -> dict[bytes, tuple[str, str]]:
    """Reason and field of each dead letter, by its raw bytes."""
    async with town.parts.database.read() as connection:
        c = dead_letters.c
        rows = await connection.execute(select(c.body, c.reason, c.field))
        return {bytes(row.body): (row.reason, row.field) for row in rows}


def raw(payload: object) -> bytes:
    return json.dumps(payload).encode()


def statuses(answers: Sequence[httpx.Response]) -> list[int]:
    return [answer.status_code for answer in answers]


@on_all_six
async def test_every_type_is_taken_in_every_mode_and_spelling(lot: Lot) -> None:
    # HTTP has no colon in the name of a header.
    spellings = [one for one in SPELLINGS if lot.bus is not None or ":" not in one]
    payloads: dict[str, Payload] = {}

    def told(event_type: EventType, how: str) -> Payload:
        name = f"{how} {event_type}"
        payloads[name] = published(event_type, data_for(event_type), id=name)
        return payloads[name]

    singles: list[Delivery] = []
    for event_type in EventType:
        singles.append(delivered(told(event_type, "structured")))
        singles += [delivered_binary(told(event_type, spelling), prefix=spelling) for spelling in spellings]
    together = [told(event_type, "batch") for event_type in EventType]
    async with street(lot) as town:
        answers = await town.publish([*singles, delivered(together, content_type=BATCH)], events=len(payloads))

        assert {name: found[0] for name, found in (await remembered(town)).items()} == {
            name: payload["type"] for name, payload in payloads.items()
        }
        assert await put_aside(town) == {}
        assert lot.bus is not None or statuses(answers) == [202] * (len(singles) + 1)
        await town.holds_the_promise()


@on_all_six
async def test_the_same_event_counts_once_and_another_body_under_its_id_is_a_conflict(lot: Lot) -> None:
    first, other = a_reading("e-1"), a_reading("e-1", value=0.99)
    binary = delivered_binary(first)
    async with street(lot) as town:
        answers = await town.publish([delivered(first), delivered(first), binary, delivered(other), delivered(other)])

        assert await remembered(town) == {"e-1": (first["type"], 2, 2)}
        async with town.parts.database.read() as connection:
            kept = (await connection.execute(select(conflicts))).all()
        assert [(row.event, b"0.99" in row.body) for row in kept] == [("e-1", True)]
        (alert,) = (await town.http.get("/api/alerts")).json()["items"]
        assert (alert["count"], alert["figures"]) == (1, "psi 0.31, limit 0.1")
        if lot.bus is None:
            counts = [(body["accepted"], body["duplicates"], body["conflicts"]) for body in map(_json, answers)]
            assert counts == [(1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1)]
        await town.holds_the_promise()


def _json(answer: httpx.Response) -> dict[str, int]:
    body: dict[str, int] = answer.json()
    return body


@on_all_six
async def test_what_cannot_be_read_is_put_aside_and_its_neighbours_are_taken(lot: Lot) -> None:
    broken = b'{"specversion": "1.0", "id": '
    wrong = a_reading("wrong", value="high")
    batch = [a_reading("b-1"), wrong, a_reading("b-3")]
    sent = [
        delivered(a_reading("s-1")),
        delivered(broken),
        delivered(a_reading("s-3")),
        delivered(batch, content_type=BATCH),
    ]
    on_bus = lot.bus is not None
    async with street(lot) as town:
        answers = await town.publish(sent, events=6 if on_bus else 4)

        assert sorted(await remembered(town)) == ["b-1", "b-3", "s-1", "s-3"]
        aside = await put_aside(town)
        if on_bus:
            assert {json.loads(body)["id"] for body in aside if body != broken} == {"wrong"}
            assert broken in aside
            assert "data.value" in {field for _, field in aside.values()}
            assert len((await town.http.get("/api/dead-letters")).json()["items"]) == 2
        else:
            assert aside == {}
            assert statuses(answers) == [202, 400, 202, 207]
            (error,) = answers[3].json()["errors"]
            assert (error["index"], error["field"]) == (1, "data.value")
            assert answers[3].json()["accepted"] == 2
        await town.holds_the_promise()


@on_all_six
async def test_a_type_that_nobody_knows_is_refused_by_its_field(lot: Lot) -> None:
    strange = a_reading("strange") | {"type": "ai.weather.measured.v1"}
    sent = [delivered(strange), delivered_binary(strange), delivered(a_reading("known"))]
    on_bus = lot.bus is not None
    async with street(lot) as town:
        answers = await town.publish(sent, events=3 if on_bus else 1)

        assert list(await remembered(town)) == ["known"]
        aside = await put_aside(town)
        if on_bus:
            assert aside.keys() == {raw(strange), raw(strange["data"])}
            assert {field for _, field in aside.values()} == {"type"}
        else:
            assert aside == {}
            assert statuses(answers) == [400, 400, 202]
            assert {answer.json()["errors"][0]["field"] for answer in answers[:2]} == {"type"}
        await town.holds_the_promise()
