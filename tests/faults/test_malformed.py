"""What no reader should trust, over both buses and by HTTP: put aside with its octets, its neighbours taken."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from incidents.adapters.store.tables import dead_letters, inbox
from incidents.core.delivery import Delivery, Header
from incidents.core.events import EventType
from tests.faults.conftest import BUSES, HTTP_ON_SQLITE, Pair
from tests.faults.household import Household
from tests.faults.roads import HttpRoad, KafkaRoad, Road, consumed
from tests.make_events import BATCH, STRUCTURED, delivered, drift_data, heartbeat_data, published

GOOD = json.dumps(published(id="bad", time=None)).encode()
DATA = json.dumps(drift_data()).encode()
BIG = GOOD.replace(b"credit-scoring", b"x" * (2 << 20))
ROUNDS = 200
BIG_EVERY = 10  # rounds
GROWTH = 200  # MB at most while all of them pass


def message(body: bytes | None, content_type: str | None = STRUCTURED, *headers: Header) -> Delivery:
    made = delivered(body or b"", content_type=content_type, headers=headers)
    made.body = body
    return made


def binary(event_id: bytes | None) -> Delivery:
    told = {"ce_specversion": b"1.0", "ce_id": event_id, "ce_source": b"//m", "ce_type": b"ai.drift.measured.v1"}
    return message(DATA, "application/json", *told.items())


# What is sent, the reason that it is put aside with on a bus, and how HTTP answers.
BAD: Mapping[str, tuple[Delivery, str, int]] = {
    "no JSON": (message(b'{"specversion" "1.0"}'), "malformed", 400),
    "a number in words": (message(GOOD.replace(b"0.31", b'"high"')), "invalid", 400),
    "an unknown type": (message(GOOD.replace(b"measured", b"guessed")), "unknown_type", 400),
    "not a number": (message(GOOD.replace(b"0.31", b"NaN")), "malformed", 400),
    "no finite number": (message(GOOD.replace(b"0.31", b"1e999")), "invalid", 400),
    "an escaped NUL": (message(GOOD.replace(b"credit-", b"credit\\u0000")), "malformed", 400),
    "a NUL": (message(GOOD.replace(b"credit-", b"credit\0")), "malformed", 400),
    "half a character": (message(GOOD.replace(b"credit-", b"credit\\ud800")), "malformed", 400),
    "not UTF-8": (message(GOOD.replace(b"credit-", b"credit\xff")), "malformed", 400),
    "a deep list": (message(b"[" * 100_000), "malformed", 400),
    "a deep object": (message(b'{"a":' * 100_000), "malformed", 400),
    "5,000 digits": (message(GOOD.replace(b"0.31", b"9" * 5_000)), "malformed", 400),
    "an image": (message(b"\x89PNG\r\n\x1a\n", "image/png"), "malformed", 415),
    "a null header": (binary(None), "bad_headers", 400),
    "a header that is not UTF-8": (binary(b"\xff\xfe"), "bad_headers", 400),
    "nothing": (message(b""), "malformed", 400),
    "an empty batch": (message(b"[]", BATCH), "empty_batch", 400),
    "2 MB": (message(BIG), "too_large", 413),
}
TOMBSTONE = message(None)  # only Kafka has it
# What another reader might stumble over, and this one takes: headers that mean nothing here.
ODD = delivered(
    published(EventType.HEARTBEAT, heartbeat_data(), id="odd", time=None), headers=(("trace", None), ("x", b"\xff"))
)


def calm(number: int) -> Delivery:
    return delivered(published(EventType.HEARTBEAT, heartbeat_data(), id=f"calm-{number}", time=None))


def among_good(bad: list[Delivery]) -> list[Delivery]:
    """A good event before, between and after all the bad ones."""
    between = [one for number, letter in enumerate(bad) for one in (calm(number), letter)]
    return [*between, ODD, calm(len(bad))]


async def seen(household: Household) -> int:
    """How many messages were taken or put aside, each copy counted."""
    events = select(func.coalesce(func.sum(1 + inbox.c.copies + inbox.c.conflicts), 0))
    aside = select(func.coalesce(func.sum(1 + dead_letters.c.copies), 0))
    [(taken,)], [(refused,)] = await household.rows(events), await household.rows(aside)
    return int(taken) + int(refused)


async def settled(household: Household, road: Road, messages: int) -> None:
    async def all_of_it() -> bool:
        return await seen(household) >= messages

    await household.until(all_of_it, within=120)
    await consumed(road)


@pytest.mark.parametrize("house", BUSES, indirect=True)
async def test_what_cannot_be_trusted_is_put_aside_and_stops_nothing(house: Pair) -> None:
    household, road = house
    await road.lay()
    kafka = isinstance(road, KafkaRoad)
    bad = [one for one, _, _ in BAD.values()] + ([TOMBSTONE] if kafka else [])
    messages = among_good(bad)
    await road.put(messages)
    service = household.start()
    await settled(household, road, len(messages))
    assert set(await household.events()) == {"odd", *(f"calm-{number}" for number in range(len(bad) + 1))}
    letters = select(dead_letters.c.reason, dead_letters.c.body, dead_letters.c.detail).order_by(dead_letters.c.id)
    found = {(row.reason, row.body and bytes(row.body)) for row in await household.rows(letters)}
    wanted = {(reason, one.body) for one, reason, _ in BAD.values()} | ({("malformed", None)} if kafka else set())
    assert found == wanted
    await memory_stays_flat(household, road, bad)
    service.stop()
    assert await service.ended() == 0
    assert await road.left() == 0
    await household.keeps_its_promise()


async def memory_stays_flat(household: Household, road: Road, bad: list[Delivery]) -> None:
    service = household.newest
    small = [one for one in bad if one.body != BIG]
    before, already = service.memory(), await seen(household)
    whole = [one for number in range(ROUNDS) for one in among_good(small if number % BIG_EVERY else bad)]
    await road.put(whole)
    most = before

    async def all_of_it() -> bool:
        nonlocal most
        most = max(most, service.memory())
        return await seen(household) >= already + len(whole)

    await household.until(all_of_it, within=120)
    await consumed(road)
    assert most - before < GROWTH, f"{before:.0f} MB grew to {most:.0f} MB"


@pytest.mark.parametrize("house", [HTTP_ON_SQLITE], indirect=True)
async def test_http_names_what_is_wrong_and_lives_on(house: Pair) -> None:
    household, road = house
    assert isinstance(road, HttpRoad)
    service = household.start()
    await household.ready()
    before = service.memory()
    async with httpx.AsyncClient(base_url=household.url) as client:
        for name, (one, _, status) in BAD.items():
            answer = await client.post("/events", content=one.body or b"", headers=headers_of(one))
            assert answer.status_code == status, (name, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert_names_something(answer.json())
    await road.put([calm(1), ODD])
    assert road.answers == [202, 202]
    assert set(await household.events()) == {"calm-1", "odd"}
    assert await household.rows(select(dead_letters)) == []
    assert service.memory() - before < GROWTH


def headers_of(one: Delivery) -> list[tuple[bytes, bytes]]:
    """A header without a value is an empty one in HTTP."""
    told = [("content-type", one.content_type), *one.headers]
    return [(name.encode(), b"" if v is None else v if isinstance(v, bytes) else v.encode()) for name, v in told]


def assert_names_something(problem: dict[str, Any]) -> None:
    assert problem["detail"]
    assert all(error["field"] for error in problem["errors"])
