"""Slack answers who is on call for the asking person's eyes, with every word of others shown and none obeyed."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from incidents.adapters.slack import SlackApi
from incidents.core.catalog import Catalog
from incidents.core.feed import Copy, Entry
from incidents.core.people import Person
from incidents.core.schedule import Rotation, Schedule, Shift, ShiftSource
from tests.adapters.slack.parts import ADA_OKOYE, LEE_PARK, NOON, SECRET
from tests.adapters.slack.room import WEB, Room, Shelf, an_entrance, turns_of
from tests.fakes import block_kit
from tests.fakes.clicks import Clicks
from tests.fakes.mrkdwn import reach_of_message
from tests.fakes.slack import ADA
from tests.make import hours

URL = "https://calendars.example.com/private-7f3a/oncall.ics"
HOSTILE = "<!channel> *Bob* & <https://evil.example|Lee>"
WEEKLY = Rotation(people=("ada", "lee"), since=NOON.date() - timedelta(days=1), at=time(9))
SHIFT = Shift(person="ada", start=NOON - hours(1), end=NOON + hours(20), source=ShiftSource.CALENDAR)
SCHEDULES = {
    "ml-oncall": Schedule(id="ml-oncall", timezone="Europe/London", rotation=WEEKLY),
    "vendor": Schedule(id="vendor", calendar=URL, shifts=(SHIFT,)),
}
CATALOG = Catalog(people={"ada": ADA_OKOYE, "lee": LEE_PARK}, schedules=SCHEDULES)
DOWN = Copy(
    url=URL,
    entries=(Entry(start=NOON, end=NOON + hours(1), title=HOSTILE),),
    good_at=NOON - hours(3),
    why="it answers HTTP 503",
)


async def asked(
    api: SlackApi, text: str, catalog: Catalog = CATALOG, *copies: Copy, user: str = ADA
) -> tuple[dict[str, Any], str]:
    """The whole answer, and its words."""
    async with an_entrance(api, Room(), Shelf(), turns=turns_of(catalog, *copies)) as client:
        said = (await Clicks(client, SECRET).command(user, text)).json()
    blocks = said.get("blocks", [])
    assert said["response_type"] == "ephemeral"
    assert block_kit.flaws(blocks) == []
    assert reach_of_message(said | {"parse": "none"}).mentions == ()
    return said, "\n".join(block["text"]["text"] for block in blocks)


@pytest.mark.parametrize("word", ["oncall", " On-Call "])
async def test_the_command_says_who_is_on_call_in_every_schedule(api: SlackApi, word: str) -> None:
    _, words = await asked(api, word, CATALOG, DOWN)
    assert "*ml-oncall*: Ada Okoye until" in words
    assert "then Lee Park from" in words
    assert "*vendor*: Ada Okoye until" in words


async def test_one_schedule_is_told_with_all_that_is_wrong_with_it(api: SlackApi) -> None:
    _, words = await asked(api, "oncall vendor", CATALOG, DOWN)
    assert "ml-oncall" not in words
    assert "Its last good copy, 3 h old, is used." in words
    assert "&lt;!channel&gt; *Bob* &amp; &lt;https://evil.example|Lee&gt;" in words
    assert "private-7f3a" not in words


async def test_where_nobody_has_the_turn_that_is_said(api: SlackApi) -> None:
    _, words = await asked(api, "oncall", replace(CATALOG, schedules={"vendor": Schedule(id="vendor", calendar=URL)}))
    assert "*vendor*: *nobody*" in words
    assert "Nobody has the turn now." in words


async def test_the_asking_person_is_told_where_their_own_turns_are_and_nobody_else_is(api: SlackApi) -> None:
    _, words = await asked(api, "oncall")
    assert f"<{WEB}/calendar/ada.ics?key=" in words
    _, theirs = await asked(api, "oncall", user="U0STRANGER")
    assert "/calendar/" not in theirs


async def test_a_schedule_that_is_not_there_is_not_guessed(api: SlackApi) -> None:
    said, _ = await asked(api, "oncall <!here>")
    assert said["text"] == "there is no schedule &lt;!here&gt;; the catalog has ml-oncall, vendor."


async def test_without_a_schedule_that_is_said(api: SlackApi) -> None:
    said, _ = await asked(api, "oncall", Catalog(people={"ada": ADA_OKOYE}))
    assert said["text"] == "The catalog has no schedule: owners are asked by name."


async def test_many_schedules_with_long_names_fit(api: SlackApi) -> None:
    long = Person(id="ada", name="A" * 3_000)
    many = {f"s{n}" * 50: Schedule(id=f"s{n}" * 50, rotation=replace(WEEKLY, people=("ada",))) for n in range(60)}
    said, words = await asked(api, "oncall", Catalog(people={"ada": long}, schedules=many))
    assert "and 40 more" in words
    assert not block_kit.too_long(said["blocks"])
