"""A page reaches its person once, whatever Slack answers, and what is not known is found again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from incidents.adapters.slack import API_URL, SlackApi, SlackCarrier, clicker
from incidents.adapters.slack.answers import ABSENT, DOUBTFUL, FOREVER, LATER
from incidents.core.catalog import Catalog, Person
from incidents.core.effect import EffectKind
from incidents.core.incident import Status
from incidents.flow.ports import MessageRef, NotSent, NotThere, Refused, Sent, Unknown
from tests.adapters.slack_parts import ADA_OKOYE, a_briefing, a_message, asked_about
from tests.adapters.test_slack_escape import HOSTILE
from tests.fakes.slack import ADA, ARCHIVED, CHANNEL, GONE, LEE, PRIVATE, TOKEN, FakeSlack

LEE_PARK = Person(id="lee", name="Lee Park", email="lee@example.com")
LOST = ("hang", "reset", "cut", "truncate", "html", "list", "500", "503", "500:fatal_error", "error:internal_error")


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(tmp_path / "slack.jsonl").running() as slack:
        yield slack


@pytest.fixture
async def carrier(fake: FakeSlack) -> AsyncIterator[SlackCarrier]:
    carrier = a_carrier(fake)
    yield carrier
    await carrier.close()


@pytest.fixture
async def restarted(fake: FakeSlack) -> AsyncIterator[SlackCarrier]:
    """The carrier of a new process, which remembers nothing."""
    carrier = a_carrier(fake)
    yield carrier
    await carrier.close()


def a_carrier(fake: FakeSlack, *, token: str = TOKEN, timeout: float = 0.6) -> SlackCarrier:
    return SlackCarrier(SlackApi(token, fake.url, timeout=timeout), timeout=timeout)


def one(answer: object) -> MessageRef:
    assert isinstance(answer, Sent), answer
    assert answer.ref is not None
    return answer.ref


# --- pages -----------------------------------------------------------------------------------------------------------


async def test_a_page_reaches_its_person_with_its_key_in_it(fake: FakeSlack, carrier: SlackCarrier) -> None:
    message = a_message()

    ref = one(await carrier.carry(message))

    (post,) = fake.ledger.posts(message.key)
    assert fake.workspace.channels[ref.channel].user == ADA
    assert post["said"]["text"] == message.briefing.headline
    assert post["said"]["metadata"]["event_payload"] == {"key": message.key, "incident": "INC-7", "kind": "page"}


async def test_a_person_without_a_slack_user_is_found_by_address_and_asked_for_once(
    fake: FakeSlack, carrier: SlackCarrier
) -> None:
    first = one(await carrier.carry(a_message(person=LEE_PARK)))
    again = one(await carrier.carry(a_message(person=LEE_PARK, key="another")))

    assert first.channel == again.channel
    assert [len(fake.ledger.calls(name)) for name in ("users.lookupByEmail", "users.info", "conversations.open")] == [
        1, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (replace(ADA_OKOYE, slack=GONE), "is deactivated in Slack"),
        (replace(ADA_OKOYE, slack="U0NOBODY"), "is not known in Slack"),
        (replace(ADA_OKOYE, slack="U0BOT"), "is a bot in Slack"),
        (replace(LEE_PARK, email="nobody@example.com"), "is not known in Slack by that e-mail address"),
        (replace(LEE_PARK, email=None), "has neither a Slack user nor an e-mail address in the catalog"),
    ],
)
async def test_a_person_who_cannot_be_reached_is_absent_and_nothing_is_posted(
    fake: FakeSlack, carrier: SlackCarrier, person: Person, why: str
) -> None:
    assert await carrier.carry(a_message(person=person)) == Refused(why, absent=True)
    assert fake.ledger.posts() == []


async def test_a_page_goes_out_although_nobody_can_say_whether_its_person_is_active(
    fake: FakeSlack, carrier: SlackCarrier
) -> None:
    fake.script("users.info", "error:missing_scope")

    one(await carrier.carry(a_message()))


async def test_a_person_deactivated_since_is_noticed_when_slack_refuses(fake: FakeSlack, carrier: SlackCarrier) -> None:
    one(await carrier.carry(a_message()))
    fake.workspace.users[ADA].deleted = True
    fake.script("chat.postMessage", "error:is_inactive")

    assert await carrier.carry(a_message(key="second")) == Refused("is deactivated in Slack", absent=True)
    assert await carrier.carry(a_message(key="third")) == Refused("is deactivated in Slack", absent=True)
    assert len(fake.ledger.posts()) == 1


async def test_trouble_before_the_post_means_that_nothing_was_sent(fake: FakeSlack, carrier: SlackCarrier) -> None:
    for number, ending in enumerate(LOST):
        fake.script("conversations.open", ending)
        assert isinstance(await carrier.carry(a_message(key=str(number))), NotSent)
    assert fake.ledger.posts() == []


async def test_hostile_words_call_nobody_and_link_nowhere(fake: FakeSlack, carrier: SlackCarrier) -> None:
    for number, said in enumerate(HOSTILE):
        briefing = a_briefing(headline=said, system=said, environment=said, title=said)
        for kind in (EffectKind.PAGE, EffectKind.CARD, EffectKind.POST):
            ref = one(await carrier.carry(a_message(kind, key=f"{kind}{number}", briefing=briefing, text=said)))
            await carrier.carry(a_message(EffectKind.REFRESH, briefing=briefing, refs=(ref,)))

    found = fake.ledger.reached()
    assert found.mentions == ()
    assert found.foreign({"127.0.0.1"}) == ()
    assert len(fake.ledger.posts()) == 3 * len(HOSTILE)


async def test_the_ledger_counts_what_an_unescaped_text_would_do(fake: FakeSlack) -> None:
    client = AsyncWebClient(token=TOKEN, base_url=fake.url, retry_handlers=[])
    await client.chat_postMessage(channel=CHANNEL, text="<!channel> https://evil.example <https://evil.example|x>")

    assert fake.ledger.reached().mentions == ("!channel",)
    assert len(fake.ledger.reached().foreign({"127.0.0.1"})) == 2


# --- cards, posts, refreshes -----------------------------------------------------------------------------------------


async def test_a_post_stands_under_its_card(fake: FakeSlack, carrier: SlackCarrier) -> None:
    card = one(await carrier.carry(a_message(EffectKind.CARD)))
    post = a_message(EffectKind.POST, thread=card)

    ref = one(await carrier.carry(post))

    assert card.channel == ref.channel == CHANNEL
    assert fake.ledger.posts(post.key)[0]["said"]["thread_ts"] == card.ts
    assert await carrier.find(asked_about(post)) == Sent(ref)


async def test_a_refresh_brings_card_and_pages_up_to_date(fake: FakeSlack, carrier: SlackCarrier) -> None:
    refs = (one(await carrier.carry(a_message(EffectKind.CARD))), one(await carrier.carry(a_message())))
    acknowledged = a_briefing(status=Status.ACKNOWLEDGED, actions=())

    assert await carrier.carry(a_message(EffectKind.REFRESH, briefing=acknowledged, refs=refs)) == Sent()

    for ref in refs:
        told = next(one for one in fake.workspace.channels[ref.channel].messages if one["ts"] == ref.ts)
        assert "acknowledged" in str(told["blocks"])
        assert "metadata" in told


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "is_archived"])
async def test_a_message_that_is_gone_does_not_keep_the_others_from_their_refresh(
    fake: FakeSlack, carrier: SlackCarrier, code: str
) -> None:
    refs = (one(await carrier.carry(a_message(EffectKind.CARD))), one(await carrier.carry(a_message())))
    fake.script("chat.update", f"error:{code}")

    assert await carrier.carry(a_message(EffectKind.REFRESH, refs=refs)) == Sent()
    assert len(fake.ledger.calls("chat.update")) == 2


@pytest.mark.parametrize("ending", LOST)
async def test_a_refresh_whose_fate_is_unknown_is_simply_done_again(
    fake: FakeSlack, carrier: SlackCarrier, ending: str
) -> None:
    refresh = a_message(EffectKind.REFRESH, refs=(one(await carrier.carry(a_message(EffectKind.CARD))),))
    fake.script("chat.update", f"store_then_{ending}")

    assert isinstance(await carrier.carry(refresh), NotSent)
    assert await carrier.find(asked_about(refresh)) == NotThere()
    assert await carrier.carry(refresh) == Sent()


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (ARCHIVED, "the channel is archived in Slack (is_archived)"),
        (PRIVATE, "the bot was not invited to the channel in Slack (not_in_channel)"),
        ("#nowhere", "Slack knows no such channel, or it is private and the bot was not invited (channel_not_found)"),
        (None, "no Slack channel is configured for this system"),
    ],
)
async def test_a_card_that_no_channel_takes_is_refused_in_words(
    carrier: SlackCarrier, place: str | None, why: str
) -> None:
    assert await carrier.carry(a_message(EffectKind.CARD, place=place)) == Refused(why)


# --- one table for every answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(FOREVER.keys() - {"msg_too_long", "msg_blocks_too_long", "invalid_blocks"}))
async def test_what_slack_refuses_for_good_is_not_sent_again(fake: FakeSlack, carrier: SlackCarrier, code: str) -> None:
    fake.script("chat.postMessage", f"error:{code}", f"error:{code}")

    assert await carrier.carry(a_message()) == Refused(f"{FOREVER[code]} ({code})")


@pytest.mark.parametrize("code", sorted(ABSENT))
async def test_what_slack_says_about_the_person_asks_for_another_target(
    fake: FakeSlack, carrier: SlackCarrier, code: str
) -> None:
    fake.script("chat.postMessage", f"error:{code}")

    assert await carrier.carry(a_message()) == Refused(ABSENT[code], absent=True)


@pytest.mark.parametrize("code", sorted(LATER))
async def test_what_slack_will_take_later_was_surely_not_sent(
    fake: FakeSlack, carrier: SlackCarrier, code: str
) -> None:
    fake.script("chat.postMessage", f"error:{code}")

    assert isinstance(await carrier.carry(a_message()), NotSent)


@pytest.mark.parametrize("code", sorted({*DOUBTFUL, "an_error_of_next_year", "<!channel>", "x" * 500}))
async def test_an_error_that_says_too_little_is_asked_about(fake: FakeSlack, carrier: SlackCarrier, code: str) -> None:
    fake.script("chat.postMessage", f"error:{code}")

    answer = await carrier.carry(a_message())

    assert isinstance(answer, Unknown)
    assert "<" not in answer.why
    assert len(answer.why) < 150


@pytest.mark.parametrize(("asked", "patience"), [("30", 30), ("", 30), ("1", 1), ("soon", 30), ("9999999", 30)])
async def test_slack_is_given_the_patience_it_asks_for(
    fake: FakeSlack, carrier: SlackCarrier, asked: str, patience: int
) -> None:
    fake.script("chat.postMessage", f"429:{asked}")

    assert await carrier.carry(a_message()) == NotSent("Slack asks for patience", after=timedelta(seconds=patience))
    assert len(fake.ledger.calls("chat.postMessage")) == 1


async def test_a_wrong_token_is_told_as_such(fake: FakeSlack) -> None:
    carrier = a_carrier(fake, token="xoxb-wrong")

    refused = await carrier.carry(a_message(EffectKind.CARD))

    assert refused == Refused("Slack does not accept the bot token (invalid_auth)")
    await carrier.close()


async def test_a_slack_that_refuses_connections_was_surely_not_told(unused_tcp_port: int) -> None:
    carrier = SlackCarrier(SlackApi(TOKEN, f"http://127.0.0.1:{unused_tcp_port}/api/"))

    assert await carrier.carry(a_message(EffectKind.CARD)) == NotSent("Slack cannot be reached")
    await carrier.close()


@pytest.mark.parametrize("code", ["msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format"])
async def test_a_page_that_is_too_rich_goes_out_as_plain_text(
    fake: FakeSlack, carrier: SlackCarrier, code: str
) -> None:
    fake.script("chat.postMessage", f"error:{code}")
    message = a_message()

    ref = one(await carrier.carry(message))

    (post,) = fake.ledger.posts(message.key)
    assert "blocks" not in post["said"]
    assert await carrier.find(asked_about(message)) == Sent(ref)


# --- unknown, and found again ----------------------------------------------------------------------------------------


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
    for hanging in ("users.info", "conversations.open", "chat.postMessage", "chat.postMessage"):
        fake.script(hanging, "hang")
        async with asyncio.timeout(2):
            assert not isinstance(await carrier.carry(a_message(key=hanging)), Sent)
    await carrier.close()


# --- who clicked -----------------------------------------------------------------------------------------------------


async def test_a_person_paged_by_address_is_known_when_they_click(carrier: SlackCarrier) -> None:
    catalog = Catalog(people={"lee": LEE_PARK, "ada": ADA_OKOYE})
    assert clicker(LEE, catalog, carrier.people).id == f"slack:{LEE}"

    one(await carrier.carry(a_message(person=LEE_PARK)))

    assert clicker(LEE, catalog, carrier.people).id == "lee"
    assert clicker(ADA, catalog).id == "ada"
    assert clicker("U0STRANGER", catalog, carrier.people).id == "slack:U0STRANGER"


def test_the_real_slack_is_where_it_is() -> None:
    assert SlackApi("xoxb-1", API_URL.removesuffix("/")).url == "https://slack.com/api/"


def chatter(fake: FakeSlack, count: int) -> None:
    for number in range(count):
        said: dict[str, Any] = {"channel": CHANNEL, "text": f"line {number}"}
        fake.workspace.call("chat.postMessage", said)
