"""Each person subscribes to their own turns, at an address that nobody else can make."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from icalendar import Calendar

from incidents.adapters.calendar.expand import expand
from incidents.adapters.calendar.personal import PersonalCalendars
from incidents.core.catalog import Catalog
from incidents.core.errors import NotFound
from incidents.core.estate import Estate
from incidents.core.people import Person
from incidents.core.schedule import Override, Rotation, Schedule
from tests.fakes.rota import personal_turns
from tests.make import NOON, hours

ML = Schedule(
    id="ml-oncall",
    timezone="Europe/London",
    rotation=Rotation(people=("ada", "lee"), since=date(2026, 11, 16), at=time(9)),
)
CATALOG = Catalog(
    people={id_: Person(id=id_, name=id_.title()) for id_ in ("ada", "lee", "o'brien/2 & co")},
    schedules={"ml-oncall": ML},
)
DAY = timedelta(days=1)


def turns_at(now: datetime, catalog: Catalog = CATALOG, secret: bytes | None = b"secret") -> PersonalCalendars:
    estate = Estate(catalog=catalog, public_url="https://incidents.example.com")
    return personal_turns(lambda: estate, now, secret)


def key_of(turns: PersonalCalendars, person: str) -> str:
    address = turns.address(person)
    assert address is not None
    return parse_qs(urlsplit(address).query)["key"][0]


async def events(turns: PersonalCalendars, person: str = "ada") -> list[Any]:
    calendar = Calendar.from_ical(await turns.text(person, key_of(turns, person)))
    return list(calendar.walk("VEVENT"))


async def test_a_person_is_given_their_own_whole_turns_for_two_months() -> None:
    found = [(event["DTSTART"].dt, event["DTEND"].dt) for event in await events(turns_at(NOON))]
    first = datetime(2026, 11, 16, 9, tzinfo=UTC)
    assert found == [(first + 14 * DAY * number, first + 7 * DAY + 14 * DAY * number) for number in range(5)]


async def test_a_turn_is_the_same_event_for_as_long_as_it_is_the_same_turn() -> None:
    before, after = await events(turns_at(NOON)), await events(turns_at(NOON + 3 * DAY))
    assert [event["UID"] for event in before] == [event["UID"] for event in after]
    assert len({event["UID"] for event in before}) == len(before)


async def test_an_unchanged_calendar_is_the_same_text() -> None:
    turns = turns_at(NOON)
    later = turns_at(NOON + hours(1))
    assert await turns.text("ada", key_of(turns, "ada")) == await later.text("ada", key_of(later, "ada"))


async def test_an_override_takes_its_part_of_a_turn() -> None:
    swap = Override(start=NOON + DAY, end=NOON + 2 * DAY, person="lee", why="swap")
    catalog = replace(CATALOG, schedules={"ml-oncall": replace(ML, overrides=(swap,))})
    turns = turns_at(NOON, catalog)
    mine, theirs = await events(turns), await events(turns, "lee")
    assert mine[0]["DTEND"].dt == swap.start
    assert mine[1]["DTSTART"].dt == swap.end
    assert (theirs[0]["DTSTART"].dt, theirs[0]["DTEND"].dt) == (swap.start, swap.end)


async def test_what_is_given_out_can_be_read_back() -> None:
    turns = turns_at(NOON)
    text = await turns.text("ada", key_of(turns, "ada"))
    entries, left_out = expand(text, NOON, NOON + 60 * DAY)
    assert {entry.title for entry in entries} == {"On call: ml-oncall"}
    assert left_out == []


async def test_a_key_opens_one_persons_calendar_and_no_other() -> None:
    turns = turns_at(NOON)
    adas = key_of(turns, "ada")
    for person, key in (("lee", adas), ("ada", ""), ("ada", "\u00e9"), ("ada", f"{adas}="), ("nobody", adas)):
        with pytest.raises(NotFound, match="no such calendar"):
            await turns.text(person, key)


async def test_whoever_has_left_has_no_calendar_though_the_key_was_theirs() -> None:
    key = key_of(turns_at(NOON), "lee")
    gone = turns_at(NOON, replace(CATALOG, people={"ada": CATALOG.people["ada"]}))
    with pytest.raises(NotFound, match="no such calendar"):
        await gone.text("lee", key)
    assert gone.address("lee") is None


async def test_another_secret_makes_another_key() -> None:
    with pytest.raises(NotFound):
        await turns_at(NOON).text("ada", key_of(turns_at(NOON, secret=b"another"), "ada"))


async def test_without_a_secret_there_is_neither_address_nor_calendar() -> None:
    off = turns_at(NOON, secret=None)
    assert (off.ready, off.address("ada")) == (False, None)
    with pytest.raises(NotFound, match="INCIDENTS_SECRET_KEY"):
        await off.text("ada", "")


def test_an_address_holds_any_name() -> None:
    address = turns_at(NOON).address("o'brien/2 & co")
    assert address is not None
    assert urlsplit(address).path == "/calendar/o%27brien%2F2%20%26%20co.ics"
