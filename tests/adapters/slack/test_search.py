"""What is not known to have arrived is looked for, and posted twice by nobody."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from incidents.adapters.slack import SlackCarrier
from incidents.core.effect import EffectKind
from incidents.flow.ports import NotThere, Sent, Unknown
from tests.adapters.slack.parts import LOST, a_carrier, a_message, asked_about, chatter, one
from tests.fakes.slack import CHANNEL, TOKEN, FakeSlack


@pytest.mark.parametrize("kind", [EffectKind.PAGE, EffectKind.CARD, EffectKind.POST])
@pytest.mark.parametrize("ending", LOST)
async def test_what_slack_took_without_saying_so_is_found_and_not_posted_twice(
    fake: FakeSlack, carrier: SlackCarrier, restarted: SlackCarrier, kind: EffectKind, ending: str
) -> None:
    message = a_message(kind)
    fake.script("chat.postMessage", f"store_then_{ending}")

    assert isinstance(await carrier.carry(message), Unknown)
    found = await restarted.find(asked_about(message))

    assert isinstance(found, Sent)
    assert len(fake.ledger.posts(message.key)) == 1


@pytest.mark.parametrize("ending", LOST)
async def test_what_slack_did_not_take_is_surely_not_there(fake: FakeSlack, carrier: SlackCarrier, ending: str) -> None:
    message = a_message()
    fake.script("chat.postMessage", ending)

    assert isinstance(await carrier.carry(message), Unknown)
    assert await carrier.find(asked_about(message)) == NotThere()
    one(await carrier.carry(message))
    assert len(fake.ledger.posts(message.key)) == 1


async def test_a_message_is_found_by_its_block_where_metadata_is_forgotten(
    fake: FakeSlack, carrier: SlackCarrier
) -> None:
    fake.workspace.keeps_metadata = False
    message = a_message()
    ref = one(await carrier.carry(message))

    assert await carrier.find(asked_about(message)) == Sent(ref)
    assert await carrier.find(asked_about(replace(message, key="another"))) == NotThere()


@pytest.mark.parametrize("place", ["#ai-incidents", "ai-incidents", CHANNEL])
async def test_a_card_is_found_by_the_name_of_its_channel_after_a_restart(
    carrier: SlackCarrier, restarted: SlackCarrier, place: str
) -> None:
    message = a_message(EffectKind.CARD, place=place)
    ref = one(await carrier.carry(message))

    assert await restarted.find(asked_about(message)) == Sent(ref)


async def test_what_cannot_be_looked_for_stays_unknown(fake: FakeSlack, carrier: SlackCarrier) -> None:
    for ending in (*LOST, "429:60", "error:missing_scope", "error:is_archived"):
        fake.script("conversations.history", ending)
        assert isinstance(await carrier.find(asked_about(a_message())), Unknown)
    assert isinstance(await carrier.find(asked_about(a_message(EffectKind.CARD, place="#nowhere"))), Unknown)


async def test_a_message_is_found_among_many_newer_ones(fake: FakeSlack, carrier: SlackCarrier) -> None:
    message = a_message(EffectKind.CARD)
    ref = one(await carrier.carry(message))
    chatter(fake, 500)

    assert await carrier.find(asked_about(message)) == Sent(ref)
    assert len(fake.ledger.calls("conversations.history")) == 3


async def test_a_history_shown_in_part_proves_nothing(fake: FakeSlack, carrier: SlackCarrier) -> None:
    fake.workspace.history_limit = 15
    chatter(fake, 500)
    message = asked_about(a_message(EffectKind.CARD))

    assert isinstance(await carrier.find(message), Unknown)
    fake.script("conversations.history", "ok", "429:60")
    assert isinstance(await carrier.find(message), Unknown)


async def test_only_what_was_said_since_the_attempt_is_read(carrier: SlackCarrier) -> None:
    message = a_message(EffectKind.CARD)
    one(await carrier.carry(message))

    later = replace(message, attempted_at=datetime.now(UTC) + timedelta(seconds=60))

    assert await carrier.find(later) == NotThere()


async def test_the_librarys_own_retry_posts_twice_and_ours_does_not(fake: FakeSlack, carrier: SlackCarrier) -> None:
    """Why there are no retry handlers: the negative control."""
    theirs = AsyncWebClient(token=TOKEN, base_url=fake.url, timeout=2)
    fake.script("chat.postMessage", "store_then_reset", "store_then_reset")
    with pytest.raises((SlackClientError, OSError)):
        await theirs.chat_postMessage(channel=CHANNEL, text="theirs")
    twice = len(fake.ledger.posts())

    fake.script("chat.postMessage", "store_then_reset", "store_then_reset")
    assert isinstance(await carrier.carry(a_message(EffectKind.CARD)), Unknown)

    assert (twice, len(fake.ledger.posts()) - twice) == (2, 1)


async def test_an_effect_takes_no_longer_than_its_time_whatever_hangs(fake: FakeSlack) -> None:
    carrier = a_carrier(fake, timeout=0.3)
    for hanging in ("conversations.open", "chat.postMessage"):
        fake.script(hanging, "hang")
        async with asyncio.timeout(60):
            assert not isinstance(await carrier.carry(a_message(key=hanging)), Sent)
    await carrier.close()
