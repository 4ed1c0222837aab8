"""Effects are leased, re-checked, carried in order, and settled only by whoever holds the lease."""
# ruff: noqa: ANN401 - a result has any field of its kind

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.core.effect import Channel, Effect, EffectKind, EffectState
from incidents.core.incident import Paging, Status
from incidents.core.severity import Severity
from incidents.flow.ports import Claimed, MessageRef, Result, Turn
from tests.adapters.store.kept import acknowledged, an_effect, moved, opened, told
from tests.make import minutes

LEASE = timedelta(seconds=25)
PAGE, CARD, POST = EffectKind.PAGE, EffectKind.CARD, EffectKind.POST
REFRESH, FALLBACK = EffectKind.REFRESH, EffectKind.FALLBACK


async def claim(store: Store, channel: Channel = Channel.SLACK, *, limit: int = 20) -> list[Claimed]:
    async with store.unit(Turn.PAGES) as unit:
        return await unit.outbox.claim(channel, limit=limit, lease=LEASE)


async def settle(store: Store, claimed: Claimed, state: EffectState = EffectState.SENT, **more: Any) -> bool:
    async with store.unit(Turn.PAGES) as unit:
        return bool(await unit.outbox.settle([Result(claimed=claimed, state=state, **more)]))


async def carried(store: Store) -> list[str]:
    """Claim and send until nothing is ready; the keys in the order in which they went."""
    keys = []
    while claimed := await claim(store):
        for one in claimed:
            keys.append(one.key)
            await settle(store, one, ref=MessageRef(channel="C1", ts=one.key))
    return keys


async def state_of(database: Database, key: str) -> tuple[str, str]:
    [row] = await told(database, "select state, why from effects where key = :key", key=key)
    return row.state, row.why


def page(key: str, incident: str = "INC-1", **data: object) -> Effect:
    return an_effect(PAGE, incident, key=key, data={"round": 1, "level": 0, "why": "first owner", **data})


async def test_pages_go_first_and_the_worst_incident_before_the_others(store: Store) -> None:
    kinds = {PAGE: "page", CARD: "card", POST: "post"}
    for number, severity in ((1, Severity.SEV3), (2, Severity.SEV1)):
        effects = [an_effect(kind, f"INC-{number}", key=f"{name}:{number}") for kind, name in kinds.items()]
        await opened(store, *effects, id=f"INC-{number}", environment=f"e{number}", severity=severity)
    assert await carried(store) == ["page:2", "page:1", "card:2", "card:1", "post:2", "post:1"]


async def test_a_channel_takes_its_own_and_no_more_than_it_can_carry(store: Store) -> None:
    slack = [an_effect(key=f"page:{n}") for n in range(5)]
    await opened(store, *slack, an_effect(FALLBACK, key="other", channel=Channel.WEBHOOK))
    assert len(await claim(store, limit=3)) == 3
    assert [one.key for one in await claim(store, Channel.WEBHOOK)] == ["other"]
    assert len(await claim(store)) == 2
    assert await claim(store, Channel.CONSOLE) == []


async def test_what_is_not_due_yet_is_left(store: Store) -> None:
    now = await store.now()
    await opened(store, an_effect(key="later", due_at=now + minutes(5)))
    assert await claim(store) == []
    store.shift(minutes(6))
    assert [one.key for one in await claim(store)] == ["later"]


async def test_a_claimed_effect_tells_what_it_is(store: Store) -> None:
    await opened(store, page("page:INC-1:1:0:priya"))
    now = await store.now()
    [one] = await claim(store)
    assert (one.key, one.kind, one.channel, one.incident) == ("page:INC-1:1:0:priya", PAGE, Channel.SLACK, "INC-1")
    assert (one.target, one.attempts, one.asked, one.unknown, one.possible_repeat) == ("priya", 1, 0, False, False)
    assert dict(one.data) == {"round": 1, "level": 0, "why": "first owner"}
    assert one.attempted_at is not None
    assert one.attempted_at >= now


# --- pages are re-checked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.ACKNOWLEDGED, Status.MITIGATED, Status.RESOLVED, Status.CLOSED])
async def test_a_page_for_an_incident_that_somebody_has_is_cancelled(
    store: Store, database: Database, status: Status
) -> None:
    incident = await opened(
        store, page("page"), an_effect(FALLBACK, key="fallback:page:1"), an_effect(CARD, key="card")
    )
    await moved(store, incident, status=status, gathering=False)
    assert [one.key for one in await claim(store)] == ["card"]
    assert await state_of(database, "page") == ("cancelled", f"the incident is {status}")
    assert (await state_of(database, "fallback:page:1"))[0] == "cancelled"


async def test_a_page_of_an_earlier_round_is_cancelled(store: Store, database: Database) -> None:
    await opened(store, page("old"), page("new", round=2), paging=Paging(round=2))
    assert [one.key for one in await claim(store)] == ["new"]
    assert await state_of(database, "old") == ("cancelled", "a later round has begun")


async def test_nobody_is_paged_for_what_became_a_sev4(store: Store, database: Database) -> None:
    await opened(store, page("page"), severity=Severity.SEV4)
    assert await claim(store) == []
    assert await state_of(database, "page") == ("cancelled", "SEV4 pages nobody")


async def test_that_nobody_answered_is_told_whatever_has_happened_since(store: Store) -> None:
    fallback = an_effect(FALLBACK, key="fallback:INC-1:1:nobody", channel=Channel.WEBHOOK)
    await acknowledged(store, await opened(store, fallback))
    assert [one.key for one in await claim(store, Channel.WEBHOOK)] == [fallback.key]


async def test_a_page_whose_fate_is_unknown_is_asked_about_even_after_an_acknowledgement(store: Store) -> None:
    incident = await opened(store, page("page"))
    [one] = await claim(store)
    await settle(store, one, EffectState.UNKNOWN, asked=1)
    await acknowledged(store, incident)
    [again] = await claim(store)
    assert (again.key, again.unknown, again.asked) == ("page", True, 1)


@pytest.mark.postgres
async def test_who_acknowledges_at_the_same_moment_is_paged_before_or_not_at_all(pg_store: Store) -> None:
    """A page of an incident that somebody is changing waits; then it sees what was changed."""
    incident = await opened(pg_store, page("page"))
    async with pg_store.unit(Turn.PEOPLE) as unit:
        await unit.board.held(["INC-1"])
        assert await claim(pg_store) == []
    assert len(await claim(pg_store)) == 1
    await acknowledged(pg_store, incident)
    assert await claim(pg_store) == []


# --- in order --------------------------------------------------------------------------------------------------------


async def test_posts_stand_under_their_card_in_the_order_in_which_they_were_made(store: Store) -> None:
    posts = [an_effect(POST, key=f"post:{n}") for n in range(3)]
    await opened(store, *posts, an_effect(CARD, key="card"))
    assert [one.key for one in await claim(store)] == ["card"]
    assert await claim(store) == [], "the card is on its way"
    store.shift(LEASE + minutes(1))
    assert await carried(store) == ["card", "post:0", "post:1", "post:2"]


async def test_a_post_of_another_incident_does_not_wait(store: Store) -> None:
    await opened(store, an_effect(CARD, key="card"), an_effect(POST, key="post:1"))
    await opened(store, an_effect(POST, "INC-2", key="post:2"), id="INC-2", environment="staging")
    assert [one.key for one in await claim(store)] == ["card", "post:2"]


async def test_a_card_that_was_refused_holds_nothing_up(store: Store) -> None:
    await opened(store, an_effect(CARD, key="card"), an_effect(POST, key="post"), an_effect(REFRESH, key="refresh"))
    [card] = await claim(store)
    await settle(store, card, EffectState.REFUSED, why="not_in_channel")
    assert {one.key for one in await claim(store)} == {"post", "refresh"}


async def test_a_refresh_gives_way_to_a_newer_one(store: Store, database: Database) -> None:
    await opened(store, *(an_effect(REFRESH, key=f"refresh:{n}") for n in range(3)))
    assert [one.key for one in await claim(store)] == ["refresh:2"]
    assert await state_of(database, "refresh:0") == ("cancelled", "a newer one follows")


async def test_a_refresh_waits_for_every_message_that_is_on_its_way(store: Store) -> None:
    """Else it would leave one as it was before."""
    await opened(store, page("page"), an_effect(REFRESH, key="refresh"))
    [sent] = await claim(store, limit=1)
    assert await claim(store) == []
    await settle(store, sent, EffectState.UNKNOWN, due_at=(await store.now()) + minutes(5))
    assert await claim(store) == []
    store.shift(minutes(6))
    [asked] = await claim(store)
    await settle(store, asked)
    assert [one.key for one in await claim(store)] == ["refresh"]


async def test_one_refresh_of_an_incident_runs_at_a_time(store: Store) -> None:
    incident = await opened(store, an_effect(REFRESH, key="refresh:1"))
    [running] = await claim(store)
    async with store.unit(Turn.PEOPLE) as unit:
        await unit.board.enqueue([an_effect(REFRESH, incident.id, key="refresh:2")])
    assert await claim(store) == []
    await settle(store, running)
    assert [one.key for one in await claim(store)] == ["refresh:2"]


# --- leases ----------------------------------------------------------------------------------------------------------


async def test_a_leased_effect_is_nobody_elses(store: Store) -> None:
    await opened(store, page("page"))
    assert len(await claim(store)) == 1
    assert await claim(store) == []


async def test_a_lease_that_ran_out_is_taken_over_and_its_fate_asked_about(store: Store) -> None:
    """Never sent again blindly: the first one may have got through before it died."""
    await opened(store, page("page"))
    [first] = await claim(store)
    store.shift(LEASE + timedelta(seconds=1))
    [second] = await claim(store)
    assert (second.unknown, second.attempts, second.lease != first.lease) == (True, 2, True)
    assert second.attempted_at == first.attempted_at, "it is searched for since then"


async def test_a_late_answer_to_a_lost_lease_changes_nothing(store: Store, database: Database) -> None:
    await opened(store, page("page"))
    [slow] = await claim(store)
    store.shift(LEASE + timedelta(seconds=1))
    [quick] = await claim(store)
    assert not await settle(store, slow, EffectState.REFUSED, why="too late")
    assert await settle(store, quick, ref=MessageRef(channel="C1", ts="1.0"), why="sent")
    assert not await settle(store, quick, EffectState.DUE), "a lease is settled once"
    assert await state_of(database, "page") == ("sent", "sent")


async def test_results_are_saved_each_for_itself(store: Store, database: Database) -> None:
    await opened(store, *(page(f"page:{n}") for n in range(3)))
    one, two, three = sorted(await claim(store), key=lambda claimed: claimed.key)
    lost = Result(claimed=replace(two, lease="of somebody else"), state=EffectState.SENT)
    sent = Result(claimed=one, state=EffectState.SENT, ref=MessageRef(channel="C1", ts="1.5"), why="sent")
    later = Result(claimed=three, state=EffectState.DUE, due_at=(await store.now()) + minutes(1), why="a\x00b", asked=4)
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.outbox.settle([later, lost, sent]) == [later, sent]
        assert await unit.outbox.settle([]) == []
    rows = await told(database, "select key, state, why, asked, sent_at, ref_ts, lease from effects order by key")
    assert [(row.key, row.state, row.why, row.asked) for row in rows] == [
        ("page:0", "sent", "sent", 0),
        ("page:1", "leased", "", 0),
        ("page:2", "due", "ab", 4),
    ]
    assert [row.sent_at is not None for row in rows] == [True, False, False]
    assert [row.lease is not None for row in rows] == [False, True, False]
    assert await claim(store) == []
    store.shift(minutes(2))
    assert {one.key for one in await claim(store)} == {"page:1", "page:2"}


async def test_what_was_marked_as_a_possible_repeat_stays_marked(store: Store) -> None:
    await opened(store, page("page"))
    [one] = await claim(store)
    await settle(store, one, EffectState.DUE, possible_repeat=True)
    [again] = await claim(store)
    assert (again.possible_repeat, again.unknown) == (True, False)
    await settle(store, again, EffectState.UNKNOWN, asked=1)
    [asked] = await claim(store)
    assert asked.possible_repeat


@pytest.mark.postgres
async def test_many_couriers_at_once_take_each_effect_once(pg_store: Store) -> None:
    for number in range(10):
        pages = [page(f"{number}:{n}", f"INC-{number + 1}") for n in range(10)]
        await opened(pg_store, *pages, id=f"INC-{number + 1}", environment=f"e{number}")

    async def courier() -> list[str]:
        keys = []
        for _ in range(20):
            keys += [one.key for one in await claim(pg_store, limit=7)]
        return keys

    taken = await asyncio.gather(*(courier() for _ in range(6)))
    assert sorted(key for keys in taken for key in keys) == sorted(f"{i}:{n}" for i in range(10) for n in range(10))


# --- stuck, and where messages lie -----------------------------------------------------------------------------------


async def test_a_page_that_slack_has_not_taken_for_so_long_is_stuck_until_something_stands_in(store: Store) -> None:
    now = await store.now()
    fresh = replace(page("fresh"), due_at=now)
    old, done, console = (replace(page(key), due_at=now - minutes(2)) for key in ("old", "done", "console"))
    await opened(store, old, fresh, done, replace(console, channel=Channel.CONSOLE))
    await settle(store, next(one for one in await claim(store) if one.key == "done"))
    async with store.unit(Turn.PAGES) as unit:
        assert [one.key for one in await unit.outbox.stuck_pages(minutes(1))] == ["old"]
        await unit.board.enqueue([an_effect(FALLBACK, key="fallback:old", channel=Channel.WEBHOOK)])
        assert await unit.outbox.stuck_pages(minutes(1)) == []


async def test_the_messages_of_an_incident_are_known_the_card_first(store: Store) -> None:
    await opened(store, page("page:1"), an_effect(CARD, key="card:1"), an_effect(POST, key="post:1"), page("page:2"))
    await opened(store, page("other", "INC-2"), id="INC-2", environment="staging")
    for one in await claim(store):
        if one.key != "page:2":
            await settle(store, one, ref=MessageRef(channel="C1", ts=one.key))
    async with store.unit(Turn.PAGES) as unit:
        found = await unit.outbox.refs(["INC-1", "INC-2", "INC-9"])
    assert [key for key, _ in found["INC-1"]] == ["card:1", "page:1"]
    assert found["INC-1"][0][1] == MessageRef(channel="C1", ts="card:1")
    assert [key for key, _ in found["INC-2"]] == ["other"]
    assert set(found) == {"INC-1", "INC-2"}


# --- notices ---------------------------------------------------------------------------------------------------------


async def noticed(store: Store, *keys: str, **more: Any) -> None:
    async with store.unit(Turn.PEOPLE) as unit:
        await unit.board.enqueue([an_effect(EffectKind.NOTICE, None, key=key, **more) for key in keys])


async def claim_notices(store: Store, channel: Channel = Channel.SLACK, *, limit: int = 20) -> list[Claimed]:
    async with store.unit(Turn.PAGES) as unit:
        return await unit.outbox.claim_notices(channel, limit=limit, lease=LEASE)


async def test_a_notice_is_about_no_incident_and_claimed_by_its_own_question(store: Store) -> None:
    await noticed(store, "notice:1:priya", "notice:1:priya")
    await opened(store, page("page:1"))
    assert [one.key for one in await claim(store)] == ["page:1"]
    assert await claim_notices(store, Channel.CONSOLE) == []
    [claimed] = await claim_notices(store)
    assert (claimed.key, claimed.kind, claimed.incident, claimed.target) == (
        "notice:1:priya",
        EffectKind.NOTICE,
        None,
        "priya",
    )
    assert await claim_notices(store) == []
    assert await settle(store, claimed, ref=MessageRef(channel="D1", ts="1.0"))


async def test_a_notice_waits_for_its_time(store: Store) -> None:
    await noticed(store, "notice:1:priya", due_at=await store.now() + minutes(5))
    assert await claim_notices(store) == []
    store.shift(minutes(6))
    assert [one.key for one in await claim_notices(store)] == ["notice:1:priya"]


async def test_a_notice_whose_courier_died_is_asked_about(store: Store) -> None:
    await noticed(store, "notice:1:priya")
    [before] = await claim_notices(store)
    store.shift(LEASE)
    [after] = await claim_notices(store)
    assert after.unknown
    assert not await settle(store, before)
    assert await settle(store, after)


async def test_many_couriers_at_once_take_each_notice_once(pg_store: Store) -> None:
    keys = [f"notice:1:p{number}" for number in range(40)]
    await noticed(pg_store, *keys)
    rounds = await asyncio.gather(*(claim_notices(pg_store, limit=5) for _ in range(8)))
    taken = [one.key for claimed in rounds for one in claimed]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(keys)
