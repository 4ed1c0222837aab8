"""Slack misbehaves, or is away: each message arrives once, nobody waits for a dead channel, and no click does more."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from incidents.adapters.store.tables import effects, facts, incidents
from incidents.core.delivery import Delivery
from incidents.core.events import EventType
from incidents.core.fact import FactKind
from tests.fakes.clicks import FORM, Clicks, block_actions, sign
from tests.fakes.slack import ADA
from tests.faults.household import LEASE_OVER, SIGNING_SECRET, Household, SlackTown, until
from tests.faults.indoors import Webhook, indoors
from tests.make_events import delivered, published, report_data

FALL_BACK_AFTER = 31.0  # seconds, just past the promised thirty
ON_ITS_WAY = 60.0  # seconds that a request may take here: a stamp ahead of the clock comes nearer by them
STUCK = 10.0  # seconds that a sender is stopped, longer than it may take to find out where a page goes to


def harm(system: str = "triage-bot") -> Delivery:
    """A page at any hour, a card and a line under it."""
    return delivered(published(EventType.REPORT_FILED, report_data(system=system), id=f"harm-{system}", time=None))


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with Webhook().running() as receiver:
        yield receiver


@pytest.fixture
async def household(fresh_sqlite: str, slack_town: SlackTown, webhook: Webhook) -> AsyncIterator[Household]:
    await slack_town.up()
    made = Household(database=fresh_sqlite, bus=None, slack=slack_town, fallback=webhook.url)
    yield made
    await made.end()


@pytest.fixture
def slack_away(tmp_path: Path) -> Iterator[SlackTown]:
    town = SlackTown(tmp_path, away=True)
    yield town
    town.end()


async def test_a_message_whose_answer_is_lost_is_found_and_not_sent_again(
    household: Household, slack_town: SlackTown
) -> None:
    lost = ("hang", "reset", "500", "truncate")
    await slack_town.script("chat.postMessage", *(f"store_then_{ending}" for ending in lost))
    async with indoors(household) as home:
        await home.take(harm(), harm("credit-scoring"))
        await home.quiet()
        assert len(slack_town.ledger.posts()) >= len(lost)
        await household.agrees_with(["harm-triage-bot", "harm-credit-scoring"], incidents_held=2)


async def test_a_channel_that_asks_for_patience_keeps_nobody_else_waiting(
    household: Household, slack_town: SlackTown
) -> None:
    await slack_town.script("chat.postMessage", "429:40")
    async with indoors(household) as home:
        await home.take(harm(), harm("credit-scoring"))

        async def one_is_left() -> bool:
            return len({key.split(":")[1] for key in await home.waiting()}) == 1 and len(slack_town.posts()) >= 3

        await until(one_is_left)
        await home.wind(41)
        await home.quiet()
        await household.agrees_with(["harm-triage-bot", "harm-credit-scoring"], incidents_held=2)


async def test_a_revoked_token_is_told_to_the_fallback_at_once(
    household: Household, slack_town: SlackTown, webhook: Webhook
) -> None:
    await slack_town.script("chat.postMessage", *["error:token_revoked"] * 20)
    async with indoors(household) as home:
        await home.take(harm())
        await home.quiet()
        [page] = [row.key for row in await household.rows(select(effects.c.key).where(effects.c.kind == "page"))]
        assert webhook.told[f"fallback:{page}"] == 1
        assert await home.count(state="refused", kind="page") == 1
        await household.keeps_its_promise()


async def test_an_archived_channel_is_told_to_the_fallback_and_the_pages_go_on(
    household: Household, webhook: Webhook
) -> None:
    async with indoors(household) as home:
        await home.take(harm("old-bot"))
        await home.quiet()
        assert await home.count(state="refused", kind="card") == 1
        assert await home.count(state="sent", kind="page") == 1
        assert [key for key in webhook.told if key.startswith("fallback:card:")]
        assert set(webhook.told.values()) == {1}
        await household.keeps_its_promise()


async def test_slack_away_is_fallen_back_from_within_30_seconds_and_caught_up_with_later(
    fresh_sqlite: str, slack_away: SlackTown, webhook: Webhook
) -> None:
    household = Household(database=fresh_sqlite, bus=None, slack=slack_away, fallback=webhook.url)
    async with indoors(household) as home:
        await home.take(harm(), harm("credit-scoring"), harm("old-bot"))
        await home.wind(FALL_BACK_AFTER)
        pages = {row.key: row.incident for row in await household.rows(select(effects).where(effects.c.kind == "page"))}
        assert len(pages) == 3

        async def all_told() -> bool:
            return set(webhook.told) == {f"fallback:{page}" for page in pages}

        await until(all_told)
        acknowledged, *open_ones = sorted(set(pages.values()))
        answer = await home.http.post(f"/api/incidents/INC-{acknowledged}/acknowledge", json={})
        assert answer.status_code == 200, answer.text
        slack_away.come()
        await slack_away.up()
        await home.wind(60)
        await home.quiet()
        posts = slack_away.posts()
        for page, incident in pages.items():
            assert posts[page] == (1 if incident in open_ones else 0), page
        assert set(webhook.told.values()) == {1}
        await household.keeps_its_promise()
    await household.end()


async def test_a_click_does_what_it_says_once_and_a_forged_one_nothing(household: Household) -> None:
    async with indoors(household) as home:
        await home.take(harm())
        await home.quiet()
        clicks = Clicks(home.http, SIGNING_SECRET)
        body = urlencode({"payload": json.dumps(block_actions(user=ADA, action="acknowledge", value="INC-1"))}).encode()
        for headers in forged(body):
            answer = await home.http.post("/slack/interactions", content=body, headers=headers)
            assert answer.status_code == 401, (headers, answer.text)
        assert await acknowledgements(household) == 0
        assert (await clicks.click(ADA, "acknowledge", "INC-1")).status_code == 200
        answers = await asyncio.gather(*(clicks.again() for _ in range(5)))
        assert {answer.status_code for answer in answers} == {200}
        assert await acknowledgements(household) == 1
        await home.quiet()
        await household.keeps_its_promise()


def forged(body: bytes) -> Iterator[list[tuple[str, str]]]:
    kind = ("Content-Type", FORM)
    good = sign(SIGNING_SECRET, body)
    stamp, signature = good["X-Slack-Request-Timestamp"], good["X-Slack-Signature"]

    def headers(at: str | None, signed: str | None) -> list[tuple[str, str]]:
        told = [("X-Slack-Request-Timestamp", at), ("X-Slack-Signature", signed)]
        return [kind, *((name, value) for name, value in told if value is not None)]

    yield headers(None, None)
    yield headers(stamp, None)
    yield headers(None, signature)
    yield headers(stamp, "v0=" + "0" * 64)
    yield headers(stamp, signature.upper())
    yield headers(stamp, "v0=")
    yield headers("soon", signature)
    yield headers("9" * 5_000, signature)
    yield headers("-1", signature)
    yield [*headers(stamp, signature), *headers(stamp, signature)]
    for far in (-301, 301 + ON_ITS_WAY):
        yield [kind, *sign(SIGNING_SECRET, body, at=time.time() + far).items()]
    yield [kind, *sign("another secret", body).items()]
    yield [kind, *sign(SIGNING_SECRET, body + b"&more=1").items()]


async def acknowledgements(household: Household) -> int:
    return len(await household.rows(select(facts.c.seq).where(facts.c.kind == FactKind.ACKNOWLEDGED)))


# --- a sender that is stopped for longer than its lease, while another one works ------------------------------------


@pytest.fixture
async def two_senders(fresh_postgres: str, slack_town: SlackTown) -> AsyncIterator[tuple[Household, Household]]:
    await slack_town.up()
    made = [Household(database=fresh_postgres, bus=None, slack=slack_town) for _ in range(2)]
    yield made[0], made[1]
    for one in made:
        await one.end()


async def called(slack: SlackTown, method: str, *, times: int) -> None:
    async def seen() -> bool:
        return len(slack.ledger.calls(method)) >= times

    await until(seen)


async def begun(household: Household, slack: SlackTown, method: str, *endings: str) -> None:
    """A first sender that is stopped in the middle of a call of Slack."""
    await slack.script(method, *endings)
    first = household.start()
    await household.ready()
    async with httpx.AsyncClient(base_url=household.url) as client:
        one = harm()
        answer = await client.post("/events", content=one.body or b"", headers={"content-type": one.content_type or ""})
    assert answer.status_code == 202
    await called(slack, method, times=len(endings))
    first.signal(signal.SIGSTOP)


@pytest.mark.postgres
async def test_a_sender_stopped_before_it_wrote_sends_nothing_when_it_wakes(
    two_senders: tuple[Household, Household], slack_town: SlackTown
) -> None:
    one, two = two_senders
    await begun(one, slack_town, "users.info", "hang")
    asleep_since = time.monotonic()
    second = two.start(offset=LEASE_OVER)
    await two.at_rest(events=1)

    async def slept() -> bool:
        return time.monotonic() - asleep_since > STUCK

    await until(slept)
    await wakes(one)
    second.stop()
    assert await second.ended() == 0
    await two.agrees_with(["harm-triage-bot"])


@pytest.mark.postgres
async def test_a_sender_stopped_after_it_wrote_changes_nothing_when_it_wakes(
    two_senders: tuple[Household, Household], slack_town: SlackTown
) -> None:
    one, two = two_senders
    await begun(one, slack_town, "chat.postMessage", "store_then_hang", "store_then_hang")  # its card and its page
    two.start(offset=LEASE_OVER)
    await two.at_rest(events=1)
    settled = await two.rows(select(effects.c.key, effects.c.state, effects.c.attempts).order_by(effects.c.id))
    await wakes(one)
    assert await two.rows(select(effects.c.key, effects.c.state, effects.c.attempts).order_by(effects.c.id)) == settled
    await two.agrees_with(["harm-triage-bot"])
    assert len(await two.rows(select(incidents.c.number))) == 1


async def wakes(household: Household) -> None:
    """Let a stopped sender go on, and end well: what it had in hand is over by then."""
    household.newest.signal(signal.SIGCONT)
    household.newest.stop()
    assert await household.newest.ended(within=120) == 0, household.log()
