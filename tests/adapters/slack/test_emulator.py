"""The same against a Slack that a third party wrote: what we believe of its Web API is not ours alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from incidents.adapters.slack import SlackApi, SlackCarrier
from incidents.adapters.slack.answers import FOREVER
from incidents.adapters.slack.api import SlackSaidNo
from incidents.adapters.slack.modals import answered, form
from incidents.core.effect import EffectKind
from incidents.core.incident import Action, Status
from incidents.core.people import Person
from incidents.flow.ports import MessageRef, NotThere, Refused, Sent
from tests.adapters.slack.parts import a_briefing, a_message, an_approval
from tests.rig import Slack

LEE_PARK = Person(id="lee", name="Lee Park", email="lee@example.com")


@pytest.fixture
async def carrier(slack: Slack, slack_url: str) -> AsyncIterator[SlackCarrier]:
    carrier = SlackCarrier(SlackApi(slack.token, slack_url))  # which knows the usual people, whoever asked it before
    yield carrier
    await carrier.close()


def one(answer: object) -> MessageRef:
    assert isinstance(answer, Sent), answer
    assert answer.ref is not None
    return answer.ref


@pytest.mark.parametrize("kind", [EffectKind.PAGE, EffectKind.CARD, EffectKind.APPROVAL])
async def test_a_message_is_posted_and_found_by_its_key(carrier: SlackCarrier, kind: EffectKind) -> None:
    message = a_message(kind, key=str(uuid4()), attempted_at=datetime.now(UTC))
    message = replace(message, person=None if kind is EffectKind.CARD else LEE_PARK)

    ref = one(await carrier.carry(message))

    assert await carrier.find(message) == Sent(ref)
    assert await carrier.find(replace(message, key="never sent")) == NotThere()


async def test_a_post_is_found_under_its_card(carrier: SlackCarrier) -> None:
    card = one(await carrier.carry(a_message(EffectKind.CARD, key=str(uuid4()))))
    post = a_message(EffectKind.POST, key=str(uuid4()), thread=card, attempted_at=datetime.now(UTC))

    ref = one(await carrier.carry(post))

    assert await carrier.find(post) == Sent(ref)
    assert await carrier.find(replace(post, key="never sent")) == NotThere()


async def test_a_refresh_keeps_the_key_in_the_message(carrier: SlackCarrier) -> None:
    message = a_message(EffectKind.CARD, key=str(uuid4()), attempted_at=datetime.now(UTC))
    ref = one(await carrier.carry(message))
    gone = MessageRef(channel=ref.channel, ts="1.000001")
    done = a_briefing(status=Status.ACKNOWLEDGED, actions=())

    assert await carrier.carry(a_message(EffectKind.REFRESH, briefing=done, refs=(gone, ref))) == Sent()
    assert await carrier.find(message) == Sent(ref)


async def test_nobody_by_that_address_is_absent(carrier: SlackCarrier) -> None:
    nobody = replace(LEE_PARK, email="nobody@example.com")

    answer = await carrier.carry(a_message(person=nobody))

    assert answer == Refused("is not known in Slack by that e-mail address", absent=True)


async def test_an_unknown_channel_is_refused(carrier: SlackCarrier) -> None:
    answer = await carrier.carry(a_message(EffectKind.CARD, place="#nowhere"))

    assert isinstance(answer, Refused)


@pytest.mark.parametrize("action", [Action.MITIGATE, Action.RESOLVE])
async def test_a_form_opens_once_for_one_click(carrier: SlackCarrier, action: Action) -> None:
    lee = await carrier.api.read("users.lookupByEmail", email="lee@example.com")
    made = await carrier.api.write("views.generateTriggerId", user_id=lee["user"]["id"])

    opened = await carrier.api.write("views.open", trigger_id=made["trigger_id"], view=form(action, "INC-7"))

    assert opened["view"]["callback_id"] == action
    with pytest.raises(SlackSaidNo) as again:
        await carrier.api.write("views.open", trigger_id=made["trigger_id"], view=form(action, "INC-7"))
    assert again.value.code in FOREVER


async def test_the_form_that_answers_a_warning_opens(carrier: SlackCarrier) -> None:
    lee = await carrier.api.read("users.lookupByEmail", email="lee@example.com")
    made = await carrier.api.write("views.generateTriggerId", user_id=lee["user"]["id"])
    view = answered("RUN-1", f"RUN-1 {'a' * 64}", "Was the authority informed?")

    opened = await carrier.api.write("views.open", trigger_id=made["trigger_id"], view=view)

    assert opened["view"]["callback_id"] == "approve_warned"


async def test_a_decided_approval_is_brought_up_to_date(carrier: SlackCarrier) -> None:
    ref = one(await carrier.carry(a_message(EffectKind.APPROVAL, key=str(uuid4()), person=LEE_PARK)))
    over = replace(ref, approval=an_approval(), url="http://127.0.0.1:8080/runs/RUN-1", ended="running")

    assert await carrier.carry(a_message(EffectKind.REFRESH, refs=(over,))) == Sent()
