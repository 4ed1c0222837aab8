"""A signed click does one thing once, is answered in time, and its person is told when nothing came of it."""

import asyncio
from pathlib import Path

import pytest

from incidents.adapters.slack import API_URL
from incidents.adapters.slack.cards import BUTTONS
from incidents.adapters.slack.once import LIMIT
from incidents.adapters.slack.replies import Replies
from incidents.core.errors import NotAllowed, NotFound, StoreAway
from incidents.core.incident import Action, Resolution, Status
from incidents.core.response import Ask
from tests.adapters.slack.room import ADA_ACTS, WEB, Room
from tests.fakes.clicks import Clicks
from tests.fakes.slack import ADA, FakeSlack

SLACK_WAITS = 3  # seconds, and then shows a failure


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.ESCALATE])
async def test_a_click_acts_at_once_as_its_person(clicks: Clicks, room: Room, action: Action) -> None:
    answer = await clicks.click(ADA, action, "INC-7")

    assert (answer.status_code, answer.content) == (200, b"")
    assert room.asks == [Ask(incident="INC-7", action=action, by=ADA_ACTS)]


async def test_snoozing_is_for_an_hour_as_the_button_says(clicks: Clicks, room: Room) -> None:
    await clicks.click(ADA, Action.SNOOZE, "INC-7")

    assert BUTTONS[Action.SNOOZE] == "Snooze 1 h"
    assert room.asks == [Ask(incident="INC-7", action=Action.SNOOZE, by=ADA_ACTS, minutes=60)]


async def test_a_stranger_acts_under_their_slack_user(clicks: Clicks, room: Room) -> None:
    await clicks.click("U0STRANGER", "acknowledge", "INC-7")

    assert room.asks[0].by.id == "slack:U0STRANGER"


async def test_the_same_click_fifty_times_does_one_thing(clicks: Clicks, room: Room, fake: FakeSlack) -> None:
    first = await clicks.click(ADA, "escalate", "INC-7", response_url=fake.hook)
    others = await asyncio.gather(*(clicks.again() for _ in range(49)))

    assert {answer.status_code for answer in (first, *others)} == {200}
    assert len(room.asks) == 1
    assert fake.replies() == []


async def test_two_clicks_are_two_asks(clicks: Clicks, room: Room) -> None:
    await clicks.click(ADA, "escalate", "INC-7")
    await clicks.click(ADA, "escalate", "INC-7")

    assert len(room.asks) == 2


async def test_who_comes_second_is_told_why(clicks: Clicks, room: Room, fake: FakeSlack) -> None:
    await clicks.click(ADA, "acknowledge", "INC-7")
    answer = await clicks.click("U02LEE00000", "acknowledge", "INC-7", response_url=fake.hook)

    assert answer.status_code == 200
    assert len(room.asks) == 1
    assert fake.replies() == ["INC-7: the incident is already acknowledged."]
    (told,) = fake.ledger.calls("response_url")
    assert told["said"]["response_type"] == "ephemeral"
    assert told["said"]["replace_original"] is False


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (StoreAway("the database is away"), f"Not saved; try again or use the web page {WEB}/incidents/INC-7"),
        (NotFound(), "there is no such incident."),
        (NotAllowed("closed", "<!channel> closed"), "INC-7: &lt;!channel&gt; closed."),
    ],
)
async def test_a_click_that_came_to_nothing_is_told_so(
    clicks: Clicks, room: Room, fake: FakeSlack, trouble: Exception, told: str
) -> None:
    room.trouble = trouble

    answer = await clicks.click(ADA, "acknowledge", "INC-7", response_url=fake.hook)

    assert answer.status_code == 200
    assert fake.replies() == [told]


async def test_a_click_is_answered_in_three_seconds_although_the_database_hangs(
    clicks: Clicks, room: Room, fake: FakeSlack
) -> None:
    room.hangs = True
    answer = await clicks.click(ADA, "acknowledge", "INC-7", response_url=fake.hook)

    assert answer.status_code == 200
    assert LIMIT < SLACK_WAITS
    assert fake.replies() == [f"Not saved; try again or use the web page {WEB}/incidents/INC-7"]

    room.hangs = False
    await clicks.again()
    assert len(room.asks) == 1


async def test_a_reply_goes_to_no_other_address_than_slacks(clicks: Clicks, room: Room, tmp_path: Path) -> None:
    room.trouble = StoreAway()
    async with FakeSlack(tmp_path / "other.jsonl").running() as other:
        answer = await clicks.click(ADA, "acknowledge", "INC-7", response_url=other.hook)

    assert answer.status_code == 200
    assert other.ledger.entries() == []


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/hook",
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://hooks.slack.com:8443/x",
        "https://user@hooks.slack.com/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "http://[",
        "",
    ],
)
def test_an_address_that_only_looks_like_slacks_is_none(address: str) -> None:
    assert not Replies(API_URL).allowed(address)
    assert not Replies("http://127.0.0.1:9999/api/").allowed(address)


@pytest.mark.parametrize(
    "address", ["https://hooks.slack.com/actions/T1/1/x", "https://hooks.slack.com:443/commands/T1/1/x"]
)
def test_slacks_own_address_is_known(address: str) -> None:
    assert Replies(API_URL).allowed(address)


async def test_a_link_that_was_followed_asks_for_nothing(clicks: Clicks, room: Room) -> None:
    assert (await clicks.click(ADA, "open", "INC-7")).status_code == 200
    assert room.asks == []


@pytest.mark.parametrize("action", [Action.MITIGATE, Action.RESOLVE])
async def test_a_form_opens_and_nothing_is_done_yet(
    clicks: Clicks, room: Room, fake: FakeSlack, action: Action
) -> None:
    await clicks.click(ADA, action, "INC-7", trigger=fake.workspace.new_trigger())

    (view,) = fake.workspace.views
    assert view["callback_id"] == action
    assert room.asks == []


async def test_a_form_that_cannot_open_points_to_the_web_page(clicks: Clicks, fake: FakeSlack) -> None:
    answer = await clicks.click(ADA, "resolve", "INC-7", trigger="1.2.never", response_url=fake.hook)

    assert answer.status_code == 200
    assert f"{WEB}/incidents/INC-7" in fake.replies()[0]


async def test_a_used_click_opens_no_second_form(clicks: Clicks, fake: FakeSlack) -> None:
    await clicks.click(ADA, "resolve", "INC-7", trigger=fake.workspace.new_trigger(), response_url=fake.hook)
    assert (await clicks.again()).status_code == 200

    assert len(fake.workspace.views) == 1
    assert "used already" in fake.replies()[0]


async def test_a_filled_form_resolves_with_its_reason(clicks: Clicks, room: Room, fake: FakeSlack) -> None:
    await clicks.click(ADA, "resolve", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views

    answer = await clicks.submit(ADA, view, reason="fixed", note=" Retrained on \x00 new data ", of="INC-2")
    again = await clicks.again()

    assert (answer.status_code, answer.content, again.content) == (200, b"", b"")
    asked = Ask(
        incident="INC-7", action=Action.RESOLVE, by=ADA_ACTS, note="Retrained on   new data", reason=Resolution.FIXED
    )
    assert room.asks == [asked]


async def test_a_duplicate_names_the_other_incident(clicks: Clicks, room: Room, fake: FakeSlack) -> None:
    await clicks.click(ADA, "resolve", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views

    unnamed = await clicks.submit(ADA, view, reason="duplicate")
    unread = await clicks.submit(ADA, view, reason="duplicate", of="the other one")
    unchosen = await clicks.submit(ADA, view, note="done")
    assert room.asks == []
    assert list(unnamed.json()["errors"]) == list(unread.json()["errors"]) == ["of"]
    assert unchosen.json() == {"response_action": "errors", "errors": {"reason": "Choose why it is over."}}

    assert (await clicks.submit(ADA, view, reason="duplicate", of=" inc-2 ")).content == b""
    assert (room.asks[0].reason, room.asks[0].of) == (Resolution.DUPLICATE, "INC-2")


async def test_a_form_for_what_is_over_already_says_why_it_is_refused(
    clicks: Clicks, room: Room, fake: FakeSlack
) -> None:
    await clicks.click(ADA, "mitigate", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views
    room.status = Status.CLOSED

    answer = await clicks.submit(ADA, view, note="rolled back")

    assert answer.json()["errors"] == {"note": "INC-7: the incident is closed and read-only."}


async def test_a_form_is_kept_open_while_the_database_is_away(clicks: Clicks, room: Room, fake: FakeSlack) -> None:
    await clicks.click(ADA, "mitigate", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views
    room.trouble = StoreAway()
    refused = await clicks.submit(ADA, view, note="rolled back")
    room.trouble = None

    assert refused.json()["errors"]["note"].startswith("Not saved; try again")
    assert (await clicks.submit(ADA, view, note="rolled back")).content == b""
    assert room.asks[0].note == "rolled back"
