"""Everybody at once on PostgreSQL: two processes take events, people act, time passes, and nobody hears of a lock."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from incidents.core.effect import Channel
from incidents.core.errors import NotAllowed
from incidents.core.events import EventType
from incidents.core.incident import Action, Resolution
from incidents.core.silence import Matcher, Trait
from incidents.flow.ports import Silencing
from tests.flow.house import House, Postman, drift, harm, message
from tests.make import by
from tests.make_events import published

pytestmark = pytest.mark.postgres

SYSTEMS = [f"system {n}" for n in range(12)] + ["credit-scoring", "rag-assistant", "triage-bot"]
EVENTS = 600


async def publish(house: House, chance: random.Random, payloads: list[dict[str, Any]]) -> int:
    """Send these in an order of its own; how many were accepted."""
    mine = list(payloads)
    chance.shuffle(mine)
    futures = []
    for payload in mine:
        futures.append(house.intake.submit(message(payload)))
        if chance.random() < 0.1:
            await asyncio.sleep(0)
    return sum(taken.accepted for taken in await asyncio.gather(*futures))


async def people(house: House, chance: random.Random, rounds: int) -> None:
    """Act on whatever there is; what is not allowed just now is told so, and nothing else goes wrong."""
    asks: list[tuple[Action, dict[str, Any]]] = [
        (Action.ACKNOWLEDGE, {}),
        (Action.NOTE, {"note": "Looked"}),
        (Action.ESCALATE, {}),
        (Action.SNOOZE, {"minutes": 1}),
        (Action.HAND_OVER, {"to": "kim"}),
        (Action.RESOLVE, {"reason": Resolution.FIXED}),
        (Action.REOPEN, {}),
        (Action.MERGE, {}),
    ]
    for _ in range(rounds):
        open_ = [row.number for row in await house.found("select number from incidents where status <> 'closed'")]
        if len(open_) < 2:
            continue
        action, asked = chance.choice(asks)
        one, other = chance.sample(open_, 2)
        if action is Action.MERGE:
            asked = {"to": f"INC-{other}"}
        try:
            await house.act(action, f"INC-{one}", **asked)
        except NotAllowed as refused:
            assert refused.code  # noqa: PT017  (any refusal is an answer)


async def silencers(house: House, chance: random.Random, rounds: int) -> None:
    """Ask for quiet here and there, and end it again or leave it to the clock."""
    for _ in range(rounds):
        where = Matcher(field=Trait.SYSTEM, value=chance.choice(["*", "credit-*", "system 1*", chance.choice(SYSTEMS)]))
        wanted = Silencing(matchers=(where,), reason="hammer", by=by("priya"), lasting=timedelta(minutes=3))
        made = (await house.silences.make(wanted)).silence
        if chance.random() < 0.6:
            try:
                await house.silences.end(made.id, by=by("lee"))
            except NotAllowed as refused:
                assert refused.code == "already_done"  # noqa: PT017  (any refusal is an answer)


async def time(house: House, rounds: int) -> None:
    for _ in range(rounds):
        house.store.shift(timedelta(seconds=20))
        await house.clock.tick()


async def couriers(house: House, rounds: int) -> None:
    postmen = [Postman(Channel.SLACK), Postman(Channel.WEBHOOK), Postman(Channel.CONSOLE)]
    for _ in range(rounds):
        for postman in postmen:
            await house.courier(postman).round()


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_error_surfaces_and_the_promise_holds_whatever_happens_at_once(houses: list[House], seed: int) -> None:
    now = await houses[0].now()
    payloads = [
        drift(f"e-{n}", now - timedelta(minutes=n % 7), system=SYSTEMS[n % len(SYSTEMS)], metric=f"m{n % 3}",
              value=0.2 + (n % 4) / 5)
        if n % 5 else harm(f"e-{n}", SYSTEMS[n % len(SYSTEMS)])
        for n in range(EVENTS)
    ]  # fmt: skip
    with capture_logs() as logs:
        intakes = [asyncio.create_task(house.intake.run()) for house in houses]
        published = [publish(house, random.Random(seed * 10 + n), payloads) for n, house in enumerate(houses)]
        others = [
            people(houses[0], random.Random(seed + 100), 60),
            people(houses[1], random.Random(seed + 200), 60),
            time(houses[0], 15),
            time(houses[1], 15),
            silencers(houses[0], random.Random(seed + 300), 25),
            silencers(houses[1], random.Random(seed + 400), 25),
            couriers(houses[0], 30),
            couriers(houses[1], 30),
        ]
        async with asyncio.timeout(300):
            accepted, _ = await asyncio.gather(asyncio.gather(*published), asyncio.gather(*others))
            for house in houses:
                house.intake.stop()
            await asyncio.gather(*intakes)
            for _ in range(3):
                await time(houses[0], 1)
                await couriers(houses[0], 20)
    assert sum(accepted) == EVENTS, "each event counted once, whichever process took it"
    assert [entry for entry in logs if entry["log_level"] in {"error", "critical"}] == []
    assert await houses[0].found("select 1 from dead_letters") == []
    told = await houses[0].found("select sum(told) told from alerts where kind <> 'unknown_system'")
    assert told[0].told == EVENTS
    await houses[0].is_well()


async def test_two_processes_that_notice_a_silence_at_once_open_one_incident_for_it(houses: list[House]) -> None:
    monitors = [(system, f"monitor {n}") for system in SYSTEMS for n in range(3)]
    beats = [
        published(EventType.HEARTBEAT, {"system": system, "monitor": name, "every_seconds": 60}, id=f"{system} {name}")
        for system, name in monitors
    ]
    await asyncio.gather(*(house.publish(*beats[n::2]) for n, house in enumerate(houses)))
    for house in houses:
        house.store.shift(timedelta(minutes=8))
    with capture_logs() as logs:
        await asyncio.gather(*(house.clock.tick() for house in houses for _ in range(3)))
    assert [line for line in logs if line["log_level"] in {"error", "critical"}] == []
    known = [system.id for system in houses[0].estate.catalog.systems.values()]
    opened = await houses[0].found("select system, kinds from incidents order by system")
    assert [(row.system, row.kinds) for row in opened] == [(system, ",monitor_silent,") for system in sorted(known)]
    burning = await houses[0].found("select count(*) as many from alerts where burning and kind = 'monitor_silent'")
    assert burning[0].many == 3 * len(known)
    await houses[0].carry(Postman(), Postman(Channel.WEBHOOK))
    await houses[0].is_well()
