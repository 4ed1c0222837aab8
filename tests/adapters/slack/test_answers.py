"""One table says what every answer of Slack means for a message."""

from datetime import timedelta

import pytest

from incidents.adapters.slack import SlackApi, SlackCarrier
from incidents.adapters.slack.answers import ABSENT, DOUBTFUL, FOREVER, LATER
from incidents.core.effect import EffectKind
from incidents.flow.ports import NotSent, Refused, Sent, Unknown
from tests.adapters.slack.parts import a_carrier, a_message, asked_about, one
from tests.fakes.slack import TOKEN, FakeSlack


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
