"""A page reaches its person, a card its channel, a post its card; hostile words reach nobody."""

from dataclasses import replace

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from incidents.adapters.slack import API_URL, SlackApi, SlackCarrier, clicker
from incidents.core.catalog import Catalog
from incidents.core.effect import EffectKind
from incidents.core.incident import Status
from incidents.core.people import Person
from incidents.flow.ports import NotSent, NotThere, Refused, Sent
from tests.adapters.slack.parts import ADA_OKOYE, HOSTILE, LEE_PARK, LOST, a_briefing, a_message, asked_about, one
from tests.fakes.slack import ADA, ARCHIVED, CHANNEL, GONE, LEE, PRIVATE, TOKEN, FakeSlack


async def test_a_page_reaches_its_person_with_its_key_in_it(fake: FakeSlack, carrier: SlackCarrier) -> None:
    message = a_message()

    ref = one(await carrier.carry(message))

    (post,) = fake.ledger.posts(message.key)
    assert fake.workspace.channels[ref.channel].user == ADA
    assert post["said"]["text"] == message.about.headline
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


@pytest.mark.parametrize("ending", [*LOST, "error:missing_scope", "429:60"])
async def test_a_page_goes_out_although_nobody_says_whether_its_person_is_active(
    fake: FakeSlack, carrier: SlackCarrier, ending: str
) -> None:
    fake.script("users.info", ending)

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


async def test_a_person_paged_by_address_is_known_when_they_click(carrier: SlackCarrier) -> None:
    catalog = Catalog(people={"lee": LEE_PARK, "ada": ADA_OKOYE})
    assert clicker(LEE, catalog, carrier.people).id == f"slack:{LEE}"

    one(await carrier.carry(a_message(person=LEE_PARK)))

    assert clicker(LEE, catalog, carrier.people).id == "lee"
    assert clicker(ADA, catalog).id == "ada"
    assert clicker("U0STRANGER", catalog, carrier.people).id == "slack:U0STRANGER"


def test_the_real_slack_is_where_it_is() -> None:
    assert SlackApi("xoxb-1", API_URL.removesuffix("/")).url == "https://slack.com/api/"


async def test_a_notice_reaches_its_person_line_by_line_and_can_be_found_again(
    fake: FakeSlack, carrier: SlackCarrier
) -> None:
    message = a_message(EffectKind.NOTICE)

    ref = one(await carrier.carry(message))

    (post,) = fake.ledger.posts(message.key)
    assert fake.workspace.channels[ref.channel].user == ADA
    assert post["said"]["metadata"]["event_payload"] == {"key": message.key, "incident": "", "kind": "notice"}
    said = str(post["said"]["blocks"])
    assert "Handover of an AI system" in said
    assert "'To you. Bot: model.'" in said
    assert "'From you. Bot: data.'" in said
    assert "http://127.0.0.1:8080/catalog?revision=7" in said
    assert await carrier.find(asked_about(message)) == Sent(ref)


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_nothing_in_a_notice_speaks_to_slack(fake: FakeSlack, carrier: SlackCarrier, hostile: str) -> None:
    one(await carrier.carry(a_message(EffectKind.NOTICE, title=hostile, text=f"{hostile}\n{hostile}", url=hostile)))

    (post,) = fake.ledger.posts("notice:7:ada")
    texts = [block["text"] for block in post["said"]["blocks"] if "text" in block]
    assert {text["type"] for text in texts} == {"plain_text"}
    assert "<!" not in post["said"]["text"]
