"""The pages: what they show, what they say when there is nothing, and the forms by which people act."""

import re
from dataclasses import replace

import httpx
import pytest

from incidents.core.alert import AlertState
from incidents.core.catalog import Catalog
from incidents.core.cloudevents import Refusal, RefusalKind
from incidents.core.estate import Estate
from incidents.core.fact import FactKind
from incidents.core.grade import Verdict
from incidents.core.incident import Action, Asked, Change, Paging, Related, Status
from incidents.core.severity import Severity
from incidents.flow.ports import SystemView, Taken
from tests.adapters.web_calls import FINGERPRINT, a_front
from tests.fakes.front import Front
from tests.fakes.told import NOW, a_fact, a_letter, a_view, an_alert, an_effect, an_incident, minutes, windows

OWN = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin", "accept": "text/html"}


async def get(front: Front, path: str) -> str:
    async with front.browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


async def send(front: Front, path: str, **form: str) -> httpx.Response:
    async with front.browser(headers=OWN) as browser:
        return await browser.post(path, data=form)


def words(page: str) -> str:
    """What a reader sees."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# --- the list --------------------------------------------------------------------------------------------------------


async def test_an_empty_service_says_how_to_publish_a_first_event() -> None:
    page = await get(Front(), "/")
    assert "curl http://127.0.0.1:8080/events" in page
    assert "Bearer" not in page


async def test_the_worst_unresolved_incident_stands_first_and_closed_ones_below() -> None:
    page = await get(a_front(), "/")
    places = [page.index(f'href="/incidents/INC-{n}"') for n in (2, 1, 3)]
    assert places == sorted(places)


async def test_the_page_says_when_it_was_made_and_can_be_kept_still() -> None:
    page = await get(a_front(), "/")
    assert '<meta http-equiv="refresh" content="30">' in page
    assert "Updated at 09:30:00 UTC" in words(page)
    assert "http-equiv" not in await get(a_front(), "/?refresh=off")


async def test_filters_show_as_chips_that_can_be_taken_off_one_by_one() -> None:
    page = await get(a_front(), "/?status=triggered&status=closed&severity=sev1&q=rag")
    assert "INC-2" in page
    assert "INC-1" not in page
    assert 'href="/?status=triggered&amp;status=closed&amp;severity=sev1"' in page
    assert "Nothing matches" in await get(a_front(), "/?q=nowhere")


async def test_a_filter_that_means_nothing_is_a_page_that_names_it() -> None:
    async with a_front().browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get("/?status=burning")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "acknowledged" in answer.text


async def test_the_list_is_turned_page_by_page() -> None:
    page = await get(a_front(), "/?limit=1")
    assert "the newest first" in page
    (following,) = re.findall(r'href="(/\?cursor=[^"]+)" rel="next"', page)
    assert "INC-1" in await get(a_front(), f"{following}&limit=1")


async def test_the_counts_on_top_tell_what_waits() -> None:
    front = a_front()
    front.world.alerts_["w"] = a_view(an_alert(7, state=AlertState.WATCHING, incident=None))
    front.world.letters = {"1": a_letter()}
    page = words(await get(front, "/"))
    assert "2 triggered 0 acknowledged 0 mitigated 1 alert watched 1 dead letter" in page


async def test_incidents_without_an_owner_are_a_red_banner_on_every_page() -> None:
    front = a_front()
    front.world.ownerless = 2
    for path in ("/", "/incidents/INC-1", "/alerts", "/systems", "/dead-letters"):
        assert "2 unresolved incidents without an owner" in words(await get(front, path))


async def test_the_list_says_who_has_an_incident_or_was_asked_last() -> None:
    front = a_front()
    asked = Paging(round=1, asked=(Asked(level=0, person="ada", at=NOW - minutes(4)),))
    front.world.hold(an_incident(4, paging=asked))
    front.world.hold(an_incident(5, severity=Severity.SEV4))
    page = words(await get(front, "/"))
    assert "asked Ada Okoye, 4 min ago" in page
    assert "posted, nobody is paged" in page


# --- one incident ----------------------------------------------------------------------------------------------------


async def test_the_page_of_an_incident_tells_it_whole() -> None:
    front = a_front()
    change = Change(kind="prompt", name="triage", version="41", previous="40", url="https://git.example.com/41")
    flaps = [a_fact(FactKind.FLAPPING, "psi flips") for _ in range(3)]
    alert = an_alert(4, incident="INC-4", trail=windows(Verdict.OUT, Verdict.IN))
    incident = an_incident(4, last_change=change, related=(Related(incident="INC-2", relation="recurrence_of"),))
    front.world.hold(incident, a_view(alert), facts=flaps)
    front.world.effects["INC-4"] = [an_effect(possible_repeat=True)]
    page = await get(front, "/incidents/INC-4")
    seen = words(page)
    for told in (
        "r 3.1 is SEV2; data drift while performance is unknown is at most SEV3",
        "1 of 2 windows within limit",
        "Prompt triage 41",
        "Before it: 40, which is what to roll back to.",
        "Ask the data owner what changed.",
        "may have arrived twice",
        "psi flips 3 times until 09:30:00",
        "INC-2 this is a recurrence of it",
    ):
        assert told in seen
    assert '<a href="https://git.example.com/41" rel="noopener noreferrer">' in page
    for path in ("/api/incidents/INC-4", "/api/incidents/INC-4/timeline", "/incidents/INC-4/timeline.md"):
        assert f'href="{path}"' in page


async def test_only_what_is_allowed_is_offered() -> None:
    page = await get(a_front(), "/incidents/INC-1")
    assert 'action="/incidents/INC-1/acknowledge"' in page
    assert 'action="/incidents/INC-1/close"' not in page
    assert "<form" not in (await get(a_front(), "/incidents/INC-3")).split("<main", 1)[1]


async def test_a_form_acts_goes_back_to_the_page_and_remembers_who_acted() -> None:
    front = a_front()
    answer = await send(front, "/incidents/INC-1/acknowledge", **{"as": "ada"}, once="1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/INC-1?done=acknowledge")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("incidents_as=ada;")
    for flag in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert flag in cookie
    assert front.world.asked[0].by.id == "ada"
    assert "Acknowledged: nobody else is asked now." in await get(front, "/incidents/INC-1?done=acknowledge")


async def test_a_form_sent_twice_acts_once() -> None:
    front = a_front()
    for _ in range(2):
        assert (await send(front, "/incidents/INC-1/note", note="Looking", once="1")).status_code == 303
    assert len(front.world.asked) == 1


@pytest.mark.parametrize(
    ("action", "form", "status", "why"),
    [
        ("resolve", {"reason": "duplicate", "note": "My long words"}, 400, "names the other incident"),
        ("resolve", {"reason": "", "note": "My long words"}, 400, "reason: is missing"),
        ("severity", {"to": "sev3", "reason": "My long words"}, 409, "the incident is SEV3 already"),
        ("note", {"note": "My long words" * 200}, 400, "at most 2000 characters"),
        ("merge", {"into": "INC-99"}, 404, "no incident has the id INC-99"),
        ("waive", {"alert": "f" * 32, "reason": "My long words"}, 404, "has no alert"),
        ("acknowledge", {"as": "mallory"}, 400, "nobody in the catalog"),
        ("snooze", {"minutes": "2000", "note": "My long words"}, 400, "minutes"),
        ("hand_over", {"to": "zoe", "note": "My long words"}, 400, "nobody in the catalog"),
    ],
)
async def test_a_refused_form_says_why_on_the_page_and_keeps_what_was_typed(
    action: str, form: dict[str, str], status: int, why: str
) -> None:
    answer = await send(a_front(), f"/incidents/INC-1/{action}", **form)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert why in answer.text
    if "My long words" in form.get("note", "") or ("reason" in form and action == "severity"):
        assert "My long words" in answer.text.split("<main", 1)[1]


async def test_it_is_snoozed_and_handed_over_by_form() -> None:
    front = a_front()
    assert (await send(front, "/incidents/INC-1/snooze", minutes="120", **{"as": "ada"})).status_code == 303
    page = await get(front, "/incidents/INC-1?done=snooze")
    assert "Snoozed: nobody is asked until it is over." in page
    assert "snoozed until " in page
    assert (await send(front, "/incidents/INC-1/hand_over", to="lee", note="Yours")).status_code == 303
    assert "handed over to <b>" in await get(front, "/incidents/INC-1")
    assert [(ask.action, ask.to, ask.minutes) for ask in front.world.asked] == [
        (Action.SNOOZE, None, 120),
        (Action.HAND_OVER, "lee", None),
    ]


async def test_a_refused_forms_address_loaded_again_is_the_incident() -> None:
    async with a_front().browser(headers=OWN) as browser:
        assert (await browser.get("/incidents/INC-1/resolve")).headers["location"] == "/incidents/INC-1"
        assert (await browser.get("/incidents/INC-1/delete")).status_code == 404


async def test_closing_shows_what_is_missing_and_waiving_it_lets_it_close() -> None:
    front = a_front()
    await send(front, "/incidents/INC-1/resolve", reason="fixed")
    assert "0 of 2 windows within limit" in words(await get(front, "/incidents/INC-1"))
    refused = await send(front, "/incidents/INC-1/close", note="Done")
    assert (refused.status_code, "not verified and not waived" in refused.text) == (409, True)
    await send(front, "/incidents/INC-1/waive", alert=FINGERPRINT, reason="The feature is gone")
    assert (await send(front, "/incidents/INC-1/close")).status_code == 303
    assert front.world.incidents_["INC-1"].status is Status.CLOSED


async def test_a_form_for_a_program_or_an_unknown_action_is_refused() -> None:
    assert (await send(a_front(), "/incidents/INC-1/delete")).status_code == 404
    async with a_front().browser(headers=OWN) as browser:
        assert (await browser.post("/incidents/INC-1/note", json={"note": "x"})).status_code == 415


async def test_who_sits_here_is_chosen_once_and_kept() -> None:
    front = a_front()
    async with front.browser(headers=OWN) as browser:
        answer = await browser.post("/as", data={"as": "lee", "back": "/incidents/INC-1"})
        assert answer.headers["location"] == "/incidents/INC-1"
        assert "Actions as Lee Park" in words((await browser.get("/incidents/INC-1")).text)


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/\t/evil.example"]
)
async def test_the_way_back_leads_only_to_our_own_pages(back: str) -> None:
    assert (await send(a_front(), "/as", back=back)).headers["location"] == "/"


async def test_a_cookie_that_names_nobody_is_the_admin() -> None:
    async with a_front().browser(headers=OWN | {"cookie": "incidents_as=mallory"}) as browser:
        assert "Actions as the local admin" in words((await browser.get("/incidents/INC-1")).text)


async def test_without_a_catalog_nobody_has_to_be_chosen() -> None:
    front = a_front()
    front.world.estate = Estate(catalog=Catalog())
    assert '<select id="as"' not in await get(front, "/")


async def test_the_timeline_can_be_taken_along_as_markdown() -> None:
    async with a_front().browser() as browser:
        answer = await browser.get("/incidents/INC-1/timeline.md")
    assert answer.headers["content-disposition"] == 'attachment; filename="INC-1.md"'
    assert "**note** Looking. (ada)" in answer.text


# --- the other pages -------------------------------------------------------------------------------------------------


async def test_alerts_that_are_watched_stand_first() -> None:
    front = a_front()
    front.world.alerts_["w"] = a_view(an_alert(7, state=AlertState.WATCHING, incident=None, feature="age"))
    page = await get(front, "/alerts")
    assert page.index("psi of age") < page.index("psi of income")
    assert "No alert is clear." in await get(front, "/alerts?state=clear")


async def test_systems_show_owners_by_name() -> None:
    front = a_front()
    assert "No system yet" in await get(front, "/systems")
    view = SystemView(
        system="x", environment="p", title="X", registered=False, criticality="medium", owners={"model": "ada"}
    )
    front.world.systems_ = [view]
    assert "model: Ada Okoye" in words(await get(front, "/systems"))
    assert "not in the catalog" in await get(front, "/systems")


async def test_a_dead_letter_is_looked_at_replayed_and_put_away() -> None:
    front = a_front()
    assert "Every message could be read" in await get(front, "/dead-letters")
    front.world.letters = {"1": a_letter(1), "2": a_letter(2)}
    assert "ai.events[0]@12" in await get(front, "/dead-letters")
    assert "{&#34;specversion&#34;" in await get(front, "/dead-letters/1")
    assert (await send(front, "/dead-letters/1/replay")).headers["location"] == "/dead-letters/1?done=replay"
    assert "Replayed by the local admin" in words(await get(front, "/dead-letters/1?done=replay"))
    assert "already replayed" in (await send(front, "/dead-letters/1/discard")).text
    assert (await send(front, "/dead-letters/2/discard", reason="A test")).status_code == 303


async def test_a_replay_that_is_refused_again_says_so_on_the_page() -> None:
    front = a_front()
    front.world.letters = {"1": a_letter(1)}
    refusal = Refusal(index=0, field="data.value", detail="must be a JSON number", kind=RefusalKind.INVALID)
    front.world.taken = replace(Taken(), errors=(refusal,))
    answer = await send(front, "/dead-letters/1/replay")
    assert answer.status_code == 409
    assert "1 event refused again; data.value: must be a JSON number" in answer.text


async def test_what_is_not_there_is_a_page_in_a_browser() -> None:
    front = a_front()
    async with front.browser(headers={"accept": "text/html"}) as browser:
        for path in ("/incidents/INC-9", "/incidents/x", "/dead-letters/9", "/nowhere"):
            answer = await browser.get(path)
            assert answer.status_code == 404
            assert "To the incidents" in answer.text
        front.world.away = True
        answer = await browser.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "nothing was saved" in answer.text


async def test_style_and_icon_are_ours_and_may_be_kept() -> None:
    page = await get(a_front(), "/")
    async with a_front().browser() as browser:
        for address in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)):
            answer = await browser.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
    assert not re.findall(r"<script|<style|\son\w+=|\sstyle=", page)
