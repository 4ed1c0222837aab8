"""A signed click does one thing once and is answered in time; everything else does nothing and is told why."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.adapters.slack import SlackApi, clicker, doors
from incidents.adapters.slack.doors import MOST_BYTES
from incidents.core.briefing import Briefing
from incidents.core.catalog import Catalog
from incidents.core.errors import NotAllowed, NotFound, StoreAway
from incidents.core.fact import Actor, ActorType
from incidents.core.incident import Action, Incident, Resolution, Status, after
from incidents.core.response import Ask
from incidents.core.severity import Severity
from incidents.flow.ports import IncidentQuery, Reader
from tests.adapters.slack_parts import ADA_OKOYE, NOON, SECRET, a_briefing
from tests.fakes import block_kit
from tests.fakes.clicks import FORM, Clicks, block_actions, sign, view_submission
from tests.fakes.mrkdwn import reach_of_message
from tests.fakes.slack import ADA, TOKEN, FakeSlack

CATALOG = Catalog(people={"ada": ADA_OKOYE})
ADA_ACTS = Actor(type=ActorType.PERSON, id="ada")
WEB = "http://127.0.0.1:8080"


def an_incident(
    name: str = "INC-7", *, status: Status = Status.TRIGGERED, title: str = "Data drift on age"
) -> Incident:
    return Incident(
        id=name,
        system="credit-scoring",
        environment="production",
        title=title,
        status=status,
        severity=Severity.SEV3,
        severity_why="r 3.1",
        policy_version="1",
        opened_at=NOON,
    )


@dataclass
class Room:
    """Decides as the product does: by the lifecycle's table, one effect for one key."""

    status: Status = Status.TRIGGERED
    trouble: Exception | None = None
    hangs: bool = False
    asks: list[Ask] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def act(self, ask: Ask, *, once: str | None = None) -> Incident:
        assert once is not None
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        if ask.incident != "INC-7":
            raise NotFound(f"there is no incident {ask.incident}")
        if once not in self.keys:
            self.status = after(self.status, ask.action)
            self.keys.add(once)
            self.asks.append(ask)
        return an_incident(status=self.status)


@dataclass
class Shelf:
    """Reads out what it holds."""

    held: list[Incident] = field(default_factory=list)
    trouble: Exception | None = None

    async def incidents(self, query: IncidentQuery) -> tuple[list[Incident], str | None]:
        if self.trouble is not None:
            raise self.trouble
        found = [one for one in self.held if one.status in query.status]
        return found[: query.limit], "more" if len(found) > query.limit else None

    async def briefing(self, incident: str) -> Briefing:
        if not any(one.id == incident for one in self.held):
            raise NotFound
        return a_briefing(incident=incident)


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(tmp_path / "slack.jsonl").running() as slack:
        yield slack


@pytest.fixture
async def api(fake: FakeSlack) -> AsyncIterator[SlackApi]:
    api = SlackApi(TOKEN, fake.url)
    yield api
    await api.close()


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def slack(api: SlackApi, room: Room, shelf: Shelf) -> AsyncIterator[Clicks]:
    async with an_entrance(api, room, shelf) as client:
        yield Clicks(client, SECRET)


def an_entrance(api: SlackApi, room: Room, shelf: Shelf, *, secret: str | None = SECRET) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(
        doors(
            respond=room,
            reader=cast("Reader", shelf),
            people=lambda user: clicker(user, CATALOG),
            api=api,
            signing_secret=secret,
            public_url=WEB,
        )
    )
    # An error that is not answered must fail the test.
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=True), base_url="http://doors")


# --- buttons ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.ESCALATE])
async def test_a_click_acts_at_once_as_its_person(slack: Clicks, room: Room, action: Action) -> None:
    answer = await slack.click(ADA, action, "INC-7")

    assert (answer.status_code, answer.content) == (200, b"")
    assert room.asks == [Ask(incident="INC-7", action=action, by=ADA_ACTS)]


async def test_a_stranger_acts_under_their_slack_user(slack: Clicks, room: Room) -> None:
    await slack.click("U0STRANGER", "acknowledge", "INC-7")

    assert room.asks[0].by.id == "slack:U0STRANGER"


async def test_the_same_click_fifty_times_does_one_thing(slack: Clicks, room: Room, fake: FakeSlack) -> None:
    first = await slack.click(ADA, "escalate", "INC-7", response_url=fake.hook)
    others = await asyncio.gather(*(slack.again() for _ in range(49)))

    assert {answer.status_code for answer in (first, *others)} == {200}
    assert len(room.asks) == 1
    assert fake.replies() == []


async def test_two_clicks_are_two_asks(slack: Clicks, room: Room) -> None:
    await slack.click(ADA, "escalate", "INC-7")
    await slack.click(ADA, "escalate", "INC-7")

    assert len(room.asks) == 2


async def test_who_comes_second_is_told_why(slack: Clicks, room: Room, fake: FakeSlack) -> None:
    await slack.click(ADA, "acknowledge", "INC-7")
    answer = await slack.click("U02LEE00000", "acknowledge", "INC-7", response_url=fake.hook)

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
    slack: Clicks, room: Room, fake: FakeSlack, trouble: Exception, told: str
) -> None:
    room.trouble = trouble

    answer = await slack.click(ADA, "acknowledge", "INC-7", response_url=fake.hook)

    assert answer.status_code == 200
    assert fake.replies() == [told]


async def test_a_click_is_answered_in_three_seconds_although_the_database_hangs(
    slack: Clicks, room: Room, fake: FakeSlack
) -> None:
    room.hangs = True
    began = time.monotonic()
    answer = await slack.click(ADA, "acknowledge", "INC-7", response_url=fake.hook)

    assert answer.status_code == 200
    assert time.monotonic() - began < 3
    assert fake.replies() == [f"Not saved; try again or use the web page {WEB}/incidents/INC-7"]

    room.hangs = False
    await slack.again()
    assert len(room.asks) == 1


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/hook",
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://hooks.slack.com:8443/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "http://[",
        "",
    ],
)
async def test_a_reply_goes_to_slack_only(slack: Clicks, room: Room, fake: FakeSlack, address: str) -> None:
    room.trouble = StoreAway()

    answer = await slack.click(ADA, "acknowledge", "INC-7", response_url=address)

    assert answer.status_code == 200
    assert fake.replies() == []


async def test_a_link_that_was_followed_asks_for_nothing(slack: Clicks, room: Room) -> None:
    assert (await slack.click(ADA, "open", "INC-7")).status_code == 200
    assert room.asks == []


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.MITIGATE, Action.RESOLVE])
async def test_a_form_opens_and_nothing_is_done_yet(slack: Clicks, room: Room, fake: FakeSlack, action: Action) -> None:
    await slack.click(ADA, action, "INC-7", trigger=fake.workspace.new_trigger())

    (view,) = fake.workspace.views
    assert view["callback_id"] == action
    assert room.asks == []


async def test_a_form_that_cannot_open_points_to_the_web_page(slack: Clicks, fake: FakeSlack) -> None:
    answer = await slack.click(ADA, "resolve", "INC-7", trigger="1.2.never", response_url=fake.hook)

    assert answer.status_code == 200
    assert f"{WEB}/incidents/INC-7" in fake.replies()[0]


async def test_a_used_click_opens_no_second_form(slack: Clicks, fake: FakeSlack) -> None:
    await slack.click(ADA, "resolve", "INC-7", trigger=fake.workspace.new_trigger(), response_url=fake.hook)
    assert (await slack.again()).status_code == 200

    assert len(fake.workspace.views) == 1
    assert "used already" in fake.replies()[0]


async def test_a_filled_form_resolves_with_its_reason(slack: Clicks, room: Room, fake: FakeSlack) -> None:
    await slack.click(ADA, "resolve", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views

    answer = await slack.submit(ADA, view, reason="fixed", note=" Retrained on \x00 new data ", of="INC-2")
    again = await slack.again()

    assert (answer.status_code, answer.content, again.content) == (200, b"", b"")
    asked = Ask(
        incident="INC-7", action=Action.RESOLVE, by=ADA_ACTS, note="Retrained on   new data", reason=Resolution.FIXED
    )
    assert room.asks == [asked]


async def test_a_duplicate_names_the_other_incident(slack: Clicks, room: Room, fake: FakeSlack) -> None:
    await slack.click(ADA, "resolve", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views

    unnamed = await slack.submit(ADA, view, reason="duplicate")
    unread = await slack.submit(ADA, view, reason="duplicate", of="the other one")
    unchosen = await slack.submit(ADA, view, note="done")
    assert room.asks == []
    assert list(unnamed.json()["errors"]) == list(unread.json()["errors"]) == ["of"]
    assert unchosen.json() == {"response_action": "errors", "errors": {"reason": "Choose why it is over."}}

    assert (await slack.submit(ADA, view, reason="duplicate", of=" inc-2 ")).content == b""
    assert (room.asks[0].reason, room.asks[0].of) == (Resolution.DUPLICATE, "INC-2")


async def test_a_form_for_what_is_over_already_says_why_it_is_refused(
    slack: Clicks, room: Room, fake: FakeSlack
) -> None:
    await slack.click(ADA, "mitigate", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views
    room.status = Status.CLOSED

    answer = await slack.submit(ADA, view, note="rolled back")

    assert answer.json()["errors"] == {"note": "INC-7: the incident is closed and read-only."}


async def test_a_form_is_kept_open_while_the_database_is_away(slack: Clicks, room: Room, fake: FakeSlack) -> None:
    await slack.click(ADA, "mitigate", "INC-7", trigger=fake.workspace.new_trigger())
    (view,) = fake.workspace.views
    room.trouble = StoreAway()
    refused = await slack.submit(ADA, view, note="rolled back")
    room.trouble = None

    assert refused.json()["errors"]["note"].startswith("Not saved; try again")
    assert (await slack.submit(ADA, view, note="rolled back")).content == b""
    assert room.asks[0].note == "rolled back"


# --- signatures and malformed requests -------------------------------------------------------------------------------

GOOD = urlencode({"payload": json.dumps(block_actions(user=ADA, action="acknowledge", value="INC-7"))}).encode()


FORGED: dict[str, Callable[[], dict[str, str]]] = {
    "no headers": dict,
    "another secret": lambda: sign("another secret", GOOD),
    "too old": lambda: sign(SECRET, GOOD, at=time.time() - 301),
    "of the future": lambda: sign(SECRET, GOOD, at=time.time() + 302),
    "another body": lambda: sign(SECRET, GOOD + b"&"),
    "a long number": lambda: sign(SECRET, GOOD) | {"X-Slack-Request-Timestamp": "9" * 4_300},
    "no ASCII": lambda: sign(SECRET, GOOD) | {"X-Slack-Signature": "v0=\u00e9"},
    "no timestamp": lambda: {"X-Slack-Signature": sign(SECRET, GOOD)["X-Slack-Signature"]},
    "no signature": lambda: {"X-Slack-Request-Timestamp": sign(SECRET, GOOD)["X-Slack-Request-Timestamp"]},
}


@pytest.mark.parametrize("door", ["interactions", "commands", "events"])
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_request_that_slack_did_not_sign_does_nothing(
    slack: Clicks, room: Room, door: str, forge: Callable[[], dict[str, str]]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in forge().items()]

    answer = await slack.doors.post(f"/slack/{door}", content=GOOD, headers=[*raw, (b"Content-Type", FORM.encode())])

    assert answer.status_code == 401
    assert room.asks == []


async def test_a_doubled_signature_does_nothing(slack: Clicks, room: Room) -> None:
    headers = [*sign(SECRET, GOOD).items(), *sign(SECRET, GOOD).items()]

    assert (await slack.doors.post("/slack/interactions", content=GOOD, headers=headers)).status_code == 401
    assert room.asks == []


async def test_a_body_sent_in_parts_is_checked_whole(slack: Clicks, room: Room) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(GOOD), 7):
            yield GOOD[start : start + 7]

    answer = await slack.doors.post("/slack/interactions", content=parts(), headers=sign(SECRET, GOOD))

    assert answer.status_code == 200
    assert len(room.asks) == 1


async def test_without_a_signing_secret_nobody_is_let_in(api: SlackApi, room: Room, shelf: Shelf) -> None:
    async with an_entrance(api, room, shelf, secret=None) as client:
        for secret in ("", SECRET):
            answer = await client.post("/slack/interactions", content=GOOD, headers=sign(secret, GOOD))
            assert answer.status_code == 401
            assert "SLACK_SIGNING_SECRET" in answer.text
    assert room.asks == []


async def test_a_body_over_one_mebibyte_is_not_read(slack: Clicks, room: Room) -> None:
    assert (await slack.send("interactions", GOOD + b"&x=" + b"a" * MOST_BYTES)).status_code == 413
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
async def test_what_cannot_be_read_is_a_bad_request_in_one_plain_line(slack: Clicks, room: Room, body: bytes) -> None:
    answer = await slack.send("interactions", body)

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
async def test_no_signed_body_breaks_a_door(slack: Clicks, door: str, body: bytes) -> None:
    assert (await slack.send(door, body)).status_code in (200, 400)


# --- commands and events ---------------------------------------------------------------------------------------------


async def test_the_command_lists_what_is_open(slack: Clicks, shelf: Shelf) -> None:
    shelf.held = [an_incident("INC-9", title="<!channel> spend"), an_incident("INC-3", status=Status.CLOSED)]

    said = (await slack.command(ADA)).json()

    assert said["response_type"] == "ephemeral"
    assert f"<{WEB}/incidents/INC-9|INC-9> SEV3 triggered" in said["blocks"][1]["text"]["text"]
    assert len(said["blocks"]) == 2
    assert block_kit.flaws(said["blocks"]) == []
    assert reach_of_message(said | {"parse": "none"}).mentions == ()


async def test_the_command_lists_the_newest_twenty_and_says_so(slack: Clicks, shelf: Shelf) -> None:
    shelf.held = [an_incident(f"INC-{number}", title="x" * 9_000) for number in range(30)]

    said = (await slack.command(ADA)).json()

    assert said["text"] == "The 20 newest open incidents:"
    assert block_kit.flaws(said["blocks"]) == []
    assert not block_kit.too_long(said["blocks"])


async def test_the_command_shows_one_incident_with_its_buttons(slack: Clicks, shelf: Shelf) -> None:
    shelf.held = [an_incident()]

    said = (await slack.command(ADA, " inc-7 ")).json()

    assert "acknowledge" in json.dumps(said["blocks"])
    assert block_kit.flaws(said["blocks"]) == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [("", "No incident is open."), ("INC-8", "There is no incident INC-8."), ("help", "Say /incidents for all")],
)
async def test_the_command_says_what_it_does_not_have(slack: Clicks, asked: str, told: str) -> None:
    assert (await slack.command(ADA, asked)).json()["text"].startswith(told)


async def test_the_command_points_to_the_web_page_while_the_database_is_away(slack: Clicks, shelf: Shelf) -> None:
    shelf.trouble = StoreAway()

    assert WEB in (await slack.command(ADA)).json()["text"]


async def test_slack_may_ask_whether_this_address_is_ours(slack: Clicks) -> None:
    answer = await slack.event({"type": "url_verification", "token": "t", "challenge": "3eZbrw1a"})

    assert answer.json() == {"challenge": "3eZbrw1a"}


async def test_other_events_are_taken_and_do_nothing(slack: Clicks, room: Room) -> None:
    event = {"type": "event_callback", "event": {"type": "app_mention", "text": "<@U0BOT> ack INC-7"}}

    assert (await slack.event(event)).status_code == 200
    assert room.asks == []


async def test_other_interactions_are_taken_and_do_nothing(slack: Clicks, room: Room) -> None:
    for kind in ("view_closed", "shortcut", "message_action", "block_suggestion"):
        assert (await slack.send("interactions", form(CLICK | {"type": kind}))).status_code == 200
    assert room.asks == []
