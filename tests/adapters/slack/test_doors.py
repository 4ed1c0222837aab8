"""What Slack did not sign, or what cannot be read, does nothing; commands and events are answered."""

import json
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.adapters.slack import SlackApi
from incidents.adapters.slack.doors import MOST_BYTES
from incidents.core.errors import StoreAway
from incidents.core.incident import Status
from tests.adapters.slack.parts import SECRET
from tests.adapters.slack.room import WEB, Room, Shelf, an_entrance, an_incident
from tests.fakes import block_kit
from tests.fakes.clicks import FORM, Clicks, block_actions, sign, view_submission
from tests.fakes.mrkdwn import reach_of_message
from tests.fakes.slack import ADA

GOOD = urlencode({"payload": json.dumps(block_actions(user=ADA, action="acknowledge", value="INC-7"))}).encode()


FORGED: dict[str, Callable[[], dict[str, str]]] = {
    "no headers": dict,
    "another secret": lambda: sign("another secret", GOOD),
    "too old": lambda: sign(SECRET, GOOD, at=time.time() - 301),
    "of the future": lambda: sign(SECRET, GOOD, at=time.time() + 360),
    "another body": lambda: sign(SECRET, GOOD + b"&"),
    "a long number": lambda: sign(SECRET, GOOD) | {"X-Slack-Request-Timestamp": "9" * 4_300},
    "no ASCII": lambda: sign(SECRET, GOOD) | {"X-Slack-Signature": "v0=\u00e9"},
    "no timestamp": lambda: {"X-Slack-Signature": sign(SECRET, GOOD)["X-Slack-Signature"]},
    "no signature": lambda: {"X-Slack-Request-Timestamp": sign(SECRET, GOOD)["X-Slack-Request-Timestamp"]},
}


@pytest.mark.parametrize("door", ["interactions", "commands", "events"])
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_request_that_slack_did_not_sign_does_nothing(
    clicks: Clicks, room: Room, door: str, forge: Callable[[], dict[str, str]]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in forge().items()]

    answer = await clicks.doors.post(f"/slack/{door}", content=GOOD, headers=[*raw, (b"Content-Type", FORM.encode())])

    assert answer.status_code == 401
    assert room.asks == []


async def test_a_doubled_signature_does_nothing(clicks: Clicks, room: Room) -> None:
    headers = [*sign(SECRET, GOOD).items(), *sign(SECRET, GOOD).items()]

    assert (await clicks.doors.post("/slack/interactions", content=GOOD, headers=headers)).status_code == 401
    assert room.asks == []


async def test_a_body_sent_in_parts_is_checked_whole(clicks: Clicks, room: Room) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(GOOD), 7):
            yield GOOD[start : start + 7]

    answer = await clicks.doors.post("/slack/interactions", content=parts(), headers=sign(SECRET, GOOD))

    assert answer.status_code == 200
    assert len(room.asks) == 1


async def test_without_a_signing_secret_nobody_is_let_in(api: SlackApi, room: Room, shelf: Shelf) -> None:
    async with an_entrance(api, room, shelf, secret=None) as client:
        for secret in ("", SECRET):
            answer = await client.post("/slack/interactions", content=GOOD, headers=sign(secret, GOOD))
            assert answer.status_code == 401
            assert "SLACK_SIGNING_SECRET" in answer.text
    assert room.asks == []


async def test_a_body_over_one_mebibyte_is_not_read(clicks: Clicks, room: Room) -> None:
    assert (await clicks.send("interactions", GOOD + b"&x=" + b"a" * MOST_BYTES)).status_code == 413
    assert room.asks == []


def form(payload: object) -> bytes:
    return urlencode({"payload": payload if isinstance(payload, str) else json.dumps(payload)}).encode()


CLICK = block_actions(user=ADA, action="acknowledge", value="INC-7")
MALFORMED = {
    "nothing": b"",
    "no form": b"\xff\xfe",
    "no UTF-8 in the form": b"payload=%FF",
    "many fields": b"&".join(b"a=b" for _ in range(60)),
    "no payload": b"a=b",
    "no JSON": form("{"),
    "deep JSON": form("[" * 100_000),
    "a list": form([]),
    "a huge number": form('{"type": ' + "9" * 10_000 + "}"),
    "half a character": form('{"type": "\\ud800"}'),
    "no type": form({}),
    "no user": form({"type": "block_actions", "actions": []}),
    "no action": form(CLICK | {"actions": []}),
    "actions of another kind": form(CLICK | {"actions": "acknowledge"}),
    "no incident": form(block_actions(user=ADA, action="acknowledge", value="")),
    "an incident that is none": form(block_actions(user=ADA, action="acknowledge", value="INC-7; DROP TABLE")),
    "a user that is none": form(block_actions(user="U1\x00", action="acknowledge", value="INC-7")),
    "a form without a view": form({"type": "view_submission", "user": {"id": ADA}}),
    "a form of no incident": form(
        view_submission(user=ADA, view={"id": "V1", "callback_id": "mitigate", "blocks": []}, filled={})
    ),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_cannot_be_read_is_a_bad_request_in_one_plain_line(clicks: Clicks, room: Room, body: bytes) -> None:
    answer = await clicks.send("interactions", body)

    assert answer.status_code == 400
    assert answer.text
    assert "\n" not in answer.text
    assert room.asks == []


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "value", "text"]), inner),
    max_leaves=6,
)
almost = st.dictionaries(st.sampled_from(sorted(CLICK)), junk, max_size=3).map(lambda said: form(CLICK | said))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.sampled_from(["interactions", "commands", "events"]), st.binary(max_size=300) | junk.map(form) | almost)
async def test_no_signed_body_breaks_a_door(clicks: Clicks, door: str, body: bytes) -> None:
    assert (await clicks.send(door, body)).status_code in (200, 400)


async def test_the_command_lists_what_is_open(clicks: Clicks, shelf: Shelf) -> None:
    shelf.held = [an_incident("INC-9", title="<!channel> spend"), an_incident("INC-3", status=Status.CLOSED)]

    said = (await clicks.command(ADA)).json()

    assert said["response_type"] == "ephemeral"
    assert f"<{WEB}/incidents/INC-9|INC-9> SEV3 triggered" in said["blocks"][1]["text"]["text"]
    assert len(said["blocks"]) == 2
    assert block_kit.flaws(said["blocks"]) == []
    assert reach_of_message(said | {"parse": "none"}).mentions == ()


async def test_the_command_lists_the_newest_twenty_and_says_so(clicks: Clicks, shelf: Shelf) -> None:
    shelf.held = [an_incident(f"INC-{number}", title="x" * 9_000) for number in range(30)]

    said = (await clicks.command(ADA)).json()

    assert said["text"] == "The 20 newest open incidents:"
    assert block_kit.flaws(said["blocks"]) == []
    assert not block_kit.too_long(said["blocks"])


async def test_the_command_shows_one_incident_with_its_buttons(clicks: Clicks, shelf: Shelf) -> None:
    shelf.held = [an_incident()]

    said = (await clicks.command(ADA, " inc-7 ")).json()

    assert "acknowledge" in json.dumps(said["blocks"])
    assert block_kit.flaws(said["blocks"]) == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [("", "No incident is open."), ("INC-8", "There is no incident INC-8."), ("help", "Say /incidents for all")],
)
async def test_the_command_says_what_it_does_not_have(clicks: Clicks, asked: str, told: str) -> None:
    assert (await clicks.command(ADA, asked)).json()["text"].startswith(told)


async def test_the_command_points_to_the_web_page_while_the_database_is_away(clicks: Clicks, shelf: Shelf) -> None:
    shelf.trouble = StoreAway()

    assert WEB in (await clicks.command(ADA)).json()["text"]


async def test_slack_may_ask_whether_this_address_is_ours(clicks: Clicks) -> None:
    answer = await clicks.event({"type": "url_verification", "token": "t", "challenge": "3eZbrw1a"})

    assert answer.json() == {"challenge": "3eZbrw1a"}


async def test_other_events_are_taken_and_do_nothing(clicks: Clicks, room: Room) -> None:
    event = {"type": "event_callback", "event": {"type": "app_mention", "text": "<@U0BOT> ack INC-7"}}

    assert (await clicks.event(event)).status_code == 200
    assert room.asks == []


async def test_other_interactions_are_taken_and_do_nothing(clicks: Clicks, room: Room) -> None:
    for kind in ("view_closed", "shortcut", "message_action", "block_suggestion"):
        assert (await clicks.send("interactions", form(CLICK | {"type": kind}))).status_code == 200
    assert room.asks == []
