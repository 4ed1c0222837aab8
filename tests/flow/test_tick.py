"""Time passes: for alerts, for incidents, for pages that nobody takes; and no one of them holds up the others."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from incidents.core.effect import Channel
from incidents.core.errors import Stale
from incidents.core.events import EventType
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Status
from tests.flow.house import House, Postman, drift, harm
from tests.make import hours, minutes
from tests.make_events import published


async def passes(house: House, time: timedelta, *postmen: Postman) -> None:
    """Time passes, and what it brings about is carried by these."""
    house.store.shift(time)
    await house.clock.tick()
    await house.carry(*postmen)


async def test_nobody_answers_and_the_next_level_is_asked_when_its_time_has_come(house: House) -> None:
    slack, webhook = Postman(), Postman(Channel.WEBHOOK)
    await house.publish(harm())
    await house.carry(slack)
    pages = [key for key in await house.effects() if key.startswith("page:")]
    assert len(pages) == 1
    await passes(house, minutes(14), slack, webhook)
    assert [key for key in await house.effects() if key.startswith("page:")] == pages
    await passes(house, minutes(2), slack, webhook)
    assert len([key for key in await house.effects() if key.startswith("page:")]) == 2
    assert await house.said(FactKind.ESCALATED)
    await house.is_well()


async def test_an_acknowledged_incident_asks_nobody_until_its_responder_is_silent_for_an_hour(house: House) -> None:
    slack, webhook = Postman(), Postman(Channel.WEBHOOK)
    await house.publish(harm())
    await house.act(Action.ACKNOWLEDGE)
    await house.carry(slack)
    before = await house.effects()
    await passes(house, minutes(59), slack, webhook)
    assert (await house.incident()).status is Status.ACKNOWLEDGED
    await passes(house, minutes(2), slack, webhook)
    assert (await house.incident()).status is Status.TRIGGERED
    assert await house.said(FactKind.ASKED_AGAIN)
    assert {key for key in await house.effects() if key.startswith("page:INC-1:2")} - set(before)
    await house.is_well()


async def test_an_alert_whose_monitor_says_it_is_over_clears_after_some_quiet_minutes(house: House) -> None:
    slack, webhook, now = Postman(), Postman(Channel.WEBHOOK), await house.now()
    await house.publish(drift("bad", now))
    over = published(EventType.DRIFT_RESOLVED, {"system": "credit-scoring", "metric": "psi"}, id="over")
    await house.publish({**over, "time": now.isoformat()})
    await passes(house, minutes(14), slack, webhook)
    assert not await house.said(FactKind.ALERT_CLEARED)
    await passes(house, minutes(2), slack, webhook)
    assert await house.said(FactKind.ALERT_CLEARED)
    assert (await house.incident()).status is Status.MITIGATED
    await passes(house, minutes(31), slack, webhook)
    assert (await house.incident()).status is Status.RESOLVED
    await passes(house, hours(25), slack, webhook)
    assert (await house.incident()).status is Status.CLOSED
    await house.is_well()


async def test_a_page_that_no_channel_takes_goes_out_another_way_once(house: House) -> None:
    await house.publish(harm())
    await passes(house, timedelta(seconds=29))
    assert not [key for key in await house.effects() if key.startswith("fallback:")]
    await passes(house, timedelta(seconds=2))
    await passes(house, timedelta(seconds=2))
    [key] = [key for key in await house.effects() if key.startswith("fallback:")]
    assert key.startswith("fallback:page:INC-1:1:0:")
    assert "webhook" in house.made
    webhook = Postman(Channel.WEBHOOK)
    await house.courier(webhook).round()
    assert webhook.keys == [key]
    [told] = await house.said(FactKind.FALLBACK_USED)
    assert told.endswith("the page was not taken within 30 s")
    await house.is_well()


async def test_what_was_written_is_sealed_once_a_minute(house: House) -> None:
    await house.publish(harm())
    await house.clock.tick()
    await house.clock.tick()
    assert len(await house.found("select 1 from seals")) == 1
    await house.act(Action.NOTE, note="Looked")
    await passes(house, minutes(2))
    assert len(await house.found("select 1 from seals")) == 2
    await house.is_well()


async def test_after_an_outage_one_page_for_each_open_incident_and_no_ladder_is_replayed(house: House) -> None:
    await house.publish(harm("a", "triage-bot"), harm("b", "rag-assistant"))
    postman = Postman()
    await house.courier(postman).round()
    await passes(house, hours(3))
    await house.courier(postman).round()
    later = [key for key in postman.keys if key.startswith("page:")][2:]
    assert len({key.split(":")[1] for key in later}) == len(later) <= 2
    assert await house.said(FactKind.LEVELS_PASSED, "INC-1")
    await house.is_well()


async def test_one_incident_that_cannot_lapse_holds_up_no_other(house: House) -> None:
    await house.publish(harm("a", "triage-bot"), harm("b", "rag-assistant"))
    lapse = house.clock._lapse  # noqa: SLF001  (one of them fails)

    async def failing(incident: str) -> None:
        if incident == "INC-1":
            raise ValueError("its doc is broken")
        await lapse(incident)

    house.clock._lapse = failing  # type: ignore[method-assign]  # noqa: SLF001
    await passes(house, minutes(16))
    pages = [key.split(":")[1] for key in await house.effects() if key.startswith("page:")]
    assert (pages.count("INC-1"), pages.count("INC-2")) == (1, 2)


async def test_one_place_whose_alerts_cannot_lapse_holds_up_no_other(house: House) -> None:
    now = await house.now()
    await house.publish(drift("a", now, system="triage-bot"), drift("b", now, system="rag-assistant"))
    for system in ("triage-bot", "rag-assistant"):
        over = published(EventType.DRIFT_RESOLVED, {"system": system, "metric": "psi"}, id=f"over {system}")
        await house.publish({**over, "time": now.isoformat()})
    lapse = house.clock._lapse_places  # noqa: SLF001  (one of them fails)

    async def failing(wanted: Any) -> None:  # noqa: ANN401
        if any(place[0] == "triage-bot" for place in wanted):
            raise ValueError("its doc is broken")
        await lapse(wanted)

    house.clock._lapse_places = failing  # type: ignore[method-assign]  # noqa: SLF001
    await passes(house, minutes(16))
    rows = await house.found("select system, state from alerts order by system")
    assert [(row.system, row.state) for row in rows] == [("rag-assistant", "clear"), ("triage-bot", "firing")]


async def test_a_stage_that_lost_a_race_is_no_mistake_and_holds_up_no_other(house: House) -> None:
    await house.publish(harm())
    house.store.fails += [Stale("somebody was first")]  # its first stage
    with capture_logs() as logs:
        await house.clock.tick()
    assert house.store.fails == []
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert len(await house.found("select * from seals")) == 1, "its last stage was reached"


async def test_a_tick_that_lost_a_race_leaves_it_to_the_next(house: House) -> None:
    await house.publish(harm())
    await house.clock.tick()
    house.store.shift(minutes(16))
    real, lost = house.clock._lapse, [Stale("somebody acted just now")]  # noqa: SLF001

    async def losing(incident: str) -> None:
        if lost:
            raise lost.pop()
        await real(incident)

    house.clock._lapse = losing  # type: ignore[method-assign]  # noqa: SLF001
    assert await house.clock.tick() == 0
    assert await house.clock.tick() == 1


@pytest.mark.parametrize("many", [150])
async def test_more_than_one_turn_can_take_is_done_in_one_tick(house: House, many: int) -> None:
    await house.publish(*(harm(f"e-{n}", f"system {n}") for n in range(many)))
    house.estate = type(house.estate)(policy=house.estate.policy, slack=True, webhook=True)
    house.store.shift(minutes(16))
    assert await house.clock.tick() >= (await house.shelf.numbers()).by_status["triggered"] > 0
    async with house.store.unit(0) as unit:
        assert await unit.board.due_incidents(1_000) == []
