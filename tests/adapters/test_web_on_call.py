"""Who is on call, in the browser and by the API; and each person's own turns for who has their key."""

from dataclasses import replace
from datetime import date, time, timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest

from incidents.core.feed import Copy, Entry, with_copies
from incidents.core.schedule import Override, Rotation, Schedule
from tests.adapters.test_web_pages import get as page_of
from tests.adapters.test_web_pages import words
from tests.adapters.web_calls import get, problem
from tests.fakes.front import Front
from tests.fakes.told import NOW, an_estate

URL = "https://calendars.example.com/private-7f3a/oncall.ics"
HOSTILE = '</title><script>alert("x")</script>'
WEEKLY = Schedule(
    id="ml-oncall",
    timezone="Europe/London",
    rotation=Rotation(people=("ada", "lee"), since=date(2026, 11, 16), at=time(9)),
)
SHUT = replace(
    WEEKLY,
    id="night-desk",
    overrides=(Override(start=NOW - timedelta(hours=1), end=NOW + timedelta(days=1), person=None, why="shut"),),
)
FED = Schedule(id="vendor", timezone="Europe/Berlin", calendar=URL)
DOWN = Copy(
    url=URL,
    entries=(
        Entry(start=NOW - timedelta(days=1), end=NOW + timedelta(days=2), title="Lee Park"),
        Entry(start=NOW + timedelta(days=3), end=NOW + timedelta(days=4), title=HOSTILE),
    ),
    good_at=NOW - timedelta(hours=3),
    why="it answers HTTP 503",
)


def a_front(*schedules: Schedule, copies: tuple[Copy, ...] = ()) -> Front:
    front, estate = Front(copies=list(copies)), an_estate()
    catalog = replace(estate.catalog, schedules={each.id: each for each in schedules})
    front.world.estate = replace(estate, catalog=with_copies(catalog, {copy.url: copy for copy in copies}))
    return front


# --- API -------------------------------------------------------------------------------------------------------------


async def test_the_api_tells_every_schedule_now_and_next() -> None:
    told = (await get(a_front(SHUT, WEEKLY), "/api/on-call")).json()
    ml, shut = told["items"]
    assert (ml["schedule"], ml["now"]["person"], ml["now"]["name"]) == ("ml-oncall", "ada", "Ada Okoye")
    assert (ml["now"]["end"], ml["next"]["person"]) == ("2026-11-23T09:00:00Z", "lee")
    assert (shut["now"], shut["next"]["person"], len(shut["gaps"])) == (None, "ada", 1)
    assert told["at"] == "2026-11-20T09:30:00Z"


async def test_the_api_tells_another_moment_and_one_schedule() -> None:
    front = a_front(SHUT, WEEKLY)
    told = (await get(front, "/api/on-call?at=2026-11-26T12:00:00%2B01:00&schedule=ml-oncall")).json()
    assert [(item["schedule"], item["now"]["person"]) for item in told["items"]] == [("ml-oncall", "lee")]


@pytest.mark.parametrize("at", ["yesterday", "2026-12-01T12:00:00", "9999-12-31T23:00:00Z", "0001-01-01T00:00:00Z"])
async def test_a_time_that_is_none_or_has_no_zone_is_refused(at: str) -> None:
    assert problem(await get(a_front(WEEKLY), f"/api/on-call?at={at}"), 400)["errors"][0]["field"] == "at"


async def test_a_schedule_that_is_not_there_is_not_found_and_the_others_are_named() -> None:
    assert "the catalog has ml-oncall" in problem(await get(a_front(WEEKLY), "/api/on-call?schedule=x"), 404)["detail"]


async def test_a_calendar_that_is_down_is_told_without_its_address() -> None:
    answer = await get(a_front(FED, copies=(DOWN,)), "/api/on-call")
    told = answer.json()
    assert told["items"][0]["now"]["person"] == "lee"
    assert told["items"][0]["calendar"]["why"] == "it answers HTTP 503"
    assert [(state["name"], state["failing"]) for state in told["calendars"]] == [("schedule vendor", True)]
    assert "private-7f3a" not in answer.text


async def test_prometheus_is_told_how_old_calendars_are_and_where_nobody_is_on_call() -> None:
    text = (await get(a_front(FED, SHUT, copies=(DOWN,)), "/metrics")).text
    assert 'incidents_calendar_failing{calendar="schedule vendor"} 1.0' in text
    assert 'incidents_calendar_age_seconds{calendar="schedule vendor"} 10800.0' in text
    assert 'incidents_on_call_nobody{schedule="night-desk"} 1.0' in text
    assert 'incidents_on_call_nobody{schedule="vendor"} 0.0' in text


# --- the page --------------------------------------------------------------------------------------------------------


async def test_without_a_schedule_the_page_says_how_to_have_one() -> None:
    assert "Write schedules: into catalog.yaml" in words(await page_of(a_front(), "/on-call"))


async def test_a_schedule_with_nobody_on_call_stands_first_and_in_red() -> None:
    page = await page_of(a_front(WEEKLY, SHUT), "/on-call")
    assert page.index('aria-label="night-desk"') < page.index('aria-label="ml-oncall"')
    assert "rota unmanned" in page
    seen = words(page)
    assert "Now Nobody" in seen
    assert "Nobody has the turn now until Sat 09:30." in seen
    assert "Now Ada Okoye until Mon 09:00 Next Lee Park from Mon 09:00" in seen


async def test_the_page_shows_a_calendar_that_is_down_and_hostile_titles_as_text() -> None:
    page = await page_of(a_front(FED, copies=(DOWN,)), "/on-call")
    assert "Its last good copy, 3 h old, is used." in page
    assert "<script" not in page
    assert HOSTILE in unescape(page)
    assert "private-7f3a" not in page
    assert "style=" not in page


async def test_the_page_shows_another_moment() -> None:
    seen = words(await page_of(a_front(WEEKLY), "/on-call?at=2026-11-26T12:00"))
    assert "As of 2026-11-26 12:00:00 UTC" in seen
    assert "At that time Lee Park until Mon 09:00" in seen
    for at in ("soon", "9999-12-31T23:59", "0001-01-01T00:00%2B14:00"):
        assert "That is no time" in words(await page_of(a_front(WEEKLY), f"/on-call?at={at}"))


async def test_the_page_gives_a_person_the_address_of_their_own_turns() -> None:
    front = a_front(WEEKLY)
    async with front.browser(headers={"accept": "text/html", "cookie": "incidents_as=ada"}) as browser:
        page = (await browser.get("/on-call")).text
    assert "/calendar/ada.ics?key=" in page
    assert "/calendar/" not in await page_of(front, "/on-call")
    front.secret = None
    assert "INCIDENTS_SECRET_KEY" in await page_of(front, "/on-call")


# --- a person's own calendar -----------------------------------------------------------------------------------------


async def address(front: Front) -> str:
    async with front.browser(headers={"X-Incidents-As": "ada"}) as browser:
        parts = urlsplit((await browser.get("/api/on-call")).json()["subscribe"])
    return f"{parts.path}?{parts.query}"


async def test_the_key_alone_lets_a_calendar_program_in_from_anywhere() -> None:
    front = a_front(WEEKLY)
    place = await address(front)
    async with front.browser(client="203.0.113.9", base="https://incidents.example.com", token="t" * 20) as program:
        answer = await program.get(place)
        again = await program.get(place, headers={"If-None-Match": answer.headers["etag"]})
        other = await program.get(place.replace("ada", "lee"))
        assert (await program.get("/api/on-call")).status_code == 401
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert b"SUMMARY:On call: ml-oncall" in answer.content
    assert again.status_code == 304
    assert other.status_code == 404


@pytest.mark.parametrize("place", ["ada.ics", "ada.ics?key=", ".ics?key=x", "x", "ada.ics?key=%FF&key=x"])
async def test_without_the_key_there_is_no_calendar(place: str) -> None:
    problem(await get(a_front(WEEKLY), f"/calendar/{place}"), 404)
