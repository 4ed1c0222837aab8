"""A calendar is fetched from a server that may fail, lie or lead astray; a text that may be a bomb is read apart."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from incidents.adapters.calendar.feeds import MOST_BYTES, WebFeeds, reader_environment
from incidents.adapters.network import OutsideOnly, is_inside
from incidents.flow.ports.calendars import NoCalendar
from tests.adapters.calendar.keeper import Answer, CalendarServer, endless, promised, redirect, silent, status
from tests.adapters.calendar.texts import a_calendar, an_event
from tests.make import NOON

TEXT = a_calendar(an_event("20261116T090000Z", "20261123T090000Z"))
START, END = NOON - timedelta(days=8), NOON + timedelta(days=60)


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with CalendarServer(TEXT).running() as server:
        yield server


@pytest.fixture
def feeds() -> WebFeeds:
    return WebFeeds()


async def refused(feeds: WebFeeds, url: str, etag: str | None = None) -> str:
    with pytest.raises(NoCalendar) as found:
        await feeds.fetch(url, etag)
    return str(found.value)


async def test_a_calendar_is_fetched_whole_with_its_etag(server: CalendarServer, feeds: WebFeeds) -> None:
    fetched = await feeds.fetch(server.url, None)
    assert (fetched.body, fetched.etag) == (TEXT, '"1"')


async def test_a_calendar_that_is_what_it_was_is_not_sent_again(server: CalendarServer, feeds: WebFeeds) -> None:
    fetched = await feeds.fetch(server.url, '"1"')
    assert (fetched.body, fetched.etag) == (None, '"1"')


async def test_not_modified_is_no_answer_to_who_has_nothing(server: CalendarServer, feeds: WebFeeds) -> None:
    server.answer = status(304)
    assert await refused(feeds, server.url) == "it answers HTTP 304"


async def test_an_etag_that_is_no_plain_word_is_not_kept(server: CalendarServer, feeds: WebFeeds) -> None:
    server.etag = '"' + "x" * 500 + '"'
    assert (await feeds.fetch(server.url, None)).etag is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(404), "it answers HTTP 404"),
        (status(503), "it answers HTTP 503"),
        (status(200, **{"Content-Encoding": "gzip"}), "it answers in a compression that was not asked for"),
        (promised(100_000, TEXT), "its answer breaks off before its end"),
        (promised(len(TEXT) - 20, TEXT), "its answer cannot be read (ClientResponseError)"),
        (endless(), "it is larger than 1 MiB"),
        (redirect(""), "it redirects to nowhere that can be asked"),
        (redirect("file:///etc/passwd"), "it redirects to nowhere that can be asked"),
        (redirect("/again"), "it redirects more than 3 times"),
    ],
)
async def test_what_is_no_good_answer_is_named(
    server: CalendarServer, feeds: WebFeeds, answer: Answer, why: str
) -> None:
    server.answer = answer
    assert await refused(feeds, server.url) == why


async def test_half_a_calendar_is_none_however_well_it_came(server: CalendarServer, feeds: WebFeeds) -> None:
    server.body = TEXT[:-20]
    fetched = await feeds.fetch(server.url, None)
    assert fetched.body is not None
    with pytest.raises(NoCalendar, match="it breaks off before its end"):
        await feeds.understand(fetched.body, START, END)


async def test_a_calendar_of_the_largest_size_is_taken(server: CalendarServer, feeds: WebFeeds) -> None:
    server.body = b"x" * MOST_BYTES
    assert (await feeds.fetch(server.url, None)).body == server.body


async def test_a_server_that_never_answers_is_not_waited_for(server: CalendarServer) -> None:
    server.answer = silent()
    assert await refused(WebFeeds(patience=0.2), server.url) == "it did not answer in 0 s"


async def test_a_server_that_is_not_there_is_named_and_its_address_is_not(feeds: WebFeeds) -> None:
    async with CalendarServer().running() as gone:
        url = gone.url
    assert await refused(feeds, url) == "it cannot be reached"


@pytest.mark.parametrize(
    "url", ["ftp://example.com/a.ics", "file:///etc/passwd", "http://", "oncall.ics", "http://[::"]
)
async def test_an_address_of_another_kind_is_refused(feeds: WebFeeds, url: str) -> None:
    assert "http" in await refused(feeds, url) or "cannot be read" in await refused(feeds, url)


async def test_a_calendar_inside_the_network_may_redirect_inside(server: CalendarServer, feeds: WebFeeds) -> None:
    async with CalendarServer().running() as first:
        first.answer = redirect(server.url)
        assert (await feeds.fetch(first.url, None)).body == TEXT


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:1/",
        "http://[::1]:1/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/",
        "http://localhost/",
    ],
)
async def test_a_calendar_outside_cannot_lead_inside(
    server: CalendarServer, feeds: WebFeeds, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    proxy = server.url.rpartition("/private")[0]
    monkeypatch.setenv("http_proxy", proxy)  # the way to an address outside, where nothing else is on this machine
    server.answer = redirect(to)
    assert await refused(feeds, "http://192.88.99.1/oncall.ics") == "it redirects to an address inside this network"
    assert len(server.asked) == 1


async def test_a_name_that_leads_inside_is_not_known_to_who_may_only_go_outside() -> None:
    resolver = OutsideOnly()
    with pytest.raises(OSError, match="inside"):
        await resolver.resolve("localhost")
    await resolver.close()


async def test_addresses_inside_are_told_from_those_outside() -> None:
    inside = ("127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1", "fe80::1%eth0", "::ffff:10.0.0.1", "localhost")
    assert [host for host in inside if not await is_inside(host)] == []
    assert [host for host in ("93.184.216.34", "2606:4700::1111") if await is_inside(host)] == []


async def test_a_text_is_read_in_a_process_of_its_own(feeds: WebFeeds) -> None:
    read = await feeds.understand(TEXT, START, END)
    assert [(entry.title, entry.start.isoformat()) for entry in read.entries] == [("Ada", "2026-11-16T09:00:00+00:00")]


async def test_a_rule_that_repeats_for_ever_and_never_is_given_up() -> None:
    never = "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"
    bombs = (an_event("00010101T090000Z", "00010101T100000Z", never, uid=str(i)) for i in range(500))
    with pytest.raises(NoCalendar, match="reading it"):
        await WebFeeds(reading=2).understand(a_calendar(*bombs), START, END)


async def test_the_process_that_reads_knows_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_API_TOKEN", "secret")
    assert "secret" not in "".join(reader_environment().values())
