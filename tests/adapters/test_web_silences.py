"""Silences through the API and the page: made, tried, listed, ended, and refused in words that help."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from incidents.core.alert import Mute
from incidents.core.fact import Actor, ActorType
from incidents.core.silence import Amount, Matcher, Silence, Trait
from incidents.flow.ports import Silencing
from tests.adapters.web_calls import a_front, get, post, problem
from tests.fakes.front import Front
from tests.fakes.told import NOW, a_costly_alert, a_view, an_alert, minutes

OWN = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin", "accept": "text/html"}
NOSUCH = "It mutes no alert now; no system of the catalog is called nosuch."
CREDIT = [{"field": "system", "value": "credit-*"}]


def body(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {"matchers": CREDIT, "reason": "Load test", "minutes": 120, **more}


def a_quiet_front(count: int = 0) -> Front:
    front = a_front()
    front.hush.views = [a_view(), a_view(a_costly_alert())]
    for n in range(count):
        front.hush.held[str(n + 1)] = _a_silence(n + 1)
    return front


def _a_silence(number: int, **more: Any) -> Any:  # noqa: ANN401
    told = {
        "id": str(number),
        "matchers": (Matcher(field=Trait.SYSTEM, value=f"credit-{number}"),),
        "starts_at": NOW,
        "ends_at": NOW + minutes(60),
        "reason": f"Test {number}",
        "by": "ada",
        "made_at": NOW,
    }
    return Silence(**{**told, **more})


async def read(front: Front, path: str = "/silences") -> str:
    async with front.browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def send(front: Front, path: str = "/silences", **form: str) -> httpx.Response:
    async with front.browser(headers=OWN) as browser:
        return await browser.post(path, data=form)


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# --- the API ----------------------------------------------------------------------------------------------------------


async def test_a_silence_is_made_as_it_is_asked_for() -> None:
    front = a_quiet_front()
    planned = {"amount": "500.50", "currency": "USD"}
    matchers = [*CREDIT, {"field": "kind", "value": "drift", "negated": True}]
    answer = await post(front, "/api/silences", body(matchers=matchers, planned=planned), X_Incidents_As="ada")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["id"], made["by"], made["reason"]) == ("1", "ada", "Load test")
    assert made["matchers"][1] == {"field": "kind", "value": "drift", "negated": True}
    assert made["planned"] == planned
    assert front.hush.held["1"].ends_at == NOW + minutes(120)
    (listed,) = (await get(front, "/api/silences?state=active")).json()["items"]
    assert listed | {"state": "active", "muted": 0} == listed
    assert (await get(front, "/api/silences?state=expired")).json()["items"] == []


async def test_it_lasts_from_one_moment_to_another() -> None:
    front = a_quiet_front()
    times = {"starts_at": "2026-11-20T10:00:00+00:00", "ends_at": "2026-11-20T12:00:00+01:00", "minutes": None}
    said = {name: value for name, value in body(**times).items() if value is not None}
    assert (await post(front, "/api/silences", said)).status_code == 201
    assert front.hush.held["1"].starts_at == NOW + minutes(30)
    assert front.hush.held["1"].ends_at == NOW + minutes(90)
    (listed,) = (await get(front, "/api/silences")).json()["items"]
    assert listed["state"] == "pending"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (body(matchers=[]), "matchers"),
        (body(matchers=[{"field": "colour", "value": "red"}]), "matchers.0.field"),
        (body(matchers=[{"field": "system", "value": "a\x00b"}]), "matchers.0.value"),
        (body(reason=" "), "reason"),
        (body(minutes=0), "minutes"),
        (body(minutes=43201), "minutes"),
        (body(ends_at="2026-11-20T12:00:00Z"), "body"),
        (body(planned={"amount": "NaN", "currency": "USD"}), "planned.amount"),
        (body(planned={"amount": "5", "currency": "dollars"}), "planned.currency"),
        (body(forever=True), "forever"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_its_field(said: dict[str, Any], field: str) -> None:
    told = problem(await post(a_quiet_front(), "/api/silences", said), 400)
    assert told["errors"][0]["field"] == field


async def test_what_the_core_refuses_says_why() -> None:
    said = {"matchers": CREDIT, "reason": "x", "ends_at": "2026-11-20T08:00:00Z"}
    assert problem(await post(a_quiet_front(), "/api/silences", said), 409)["code"] == "over_already"


async def test_under_one_key_it_is_made_once() -> None:
    front = a_quiet_front()
    for _ in range(2):
        assert (await post(front, "/api/silences", body(), Idempotency_Key="k")).status_code == 201
    assert len(front.hush.held) == 1


async def test_a_preview_lists_what_it_would_mute_and_makes_nothing() -> None:
    front = a_quiet_front()
    matchers = [{"field": "kind", "value": "cost_anomaly"}]
    answer = await post(front, "/api/silences/preview", body(matchers=matchers))
    assert [alert["kind"] for alert in answer.json()["alerts"]] == ["cost_anomaly"]
    assert front.hush.held == {}


@pytest.mark.parametrize(("system", "mutes", "hint"), [("credit-*", 2, None), ("nosuch", 0, NOSUCH)])
async def test_what_a_silence_mutes_and_that_it_names_nothing_known_is_told(
    system: str, mutes: int, hint: str | None
) -> None:
    said = body(matchers=[{"field": "system", "value": system}])
    tried = (await post(a_quiet_front(), "/api/silences/preview", said)).json()
    assert (len(tried["alerts"]), tried["hint"]) == (mutes, hint)
    made = (await post(a_quiet_front(), "/api/silences", said)).json()
    assert (made["mutes"], made["hint"]) == (mutes, hint)


async def test_a_silence_is_ended_once() -> None:
    front = a_quiet_front(1)
    assert (await post(front, "/api/silences/1/end", X_Incidents_As="lee")).json()["ended_by"] == "lee"
    assert problem(await post(front, "/api/silences/1/end"), 409)["code"] == "already_done"
    problem(await post(front, "/api/silences/99/end"), 404)
    problem(await post(front, "/api/silences/x/end"), 404)


async def test_the_list_goes_on_from_its_cursor() -> None:
    front = a_quiet_front(3)
    first = (await get(front, "/api/silences?limit=2")).json()
    assert [item["id"] for item in first["items"]] == ["3", "2"]
    rest = (await get(front, f"/api/silences?limit=2&cursor={first['next']}")).json()
    assert ([item["id"] for item in rest["items"]], rest["next"]) == (["1"], None)


# --- the page ---------------------------------------------------------------------------------------------------------


async def test_the_page_says_that_nothing_is_silenced_and_how_to_change_that() -> None:
    page = words(await read(a_quiet_front()))
    assert "Nothing is silenced." in page
    assert "Make a silence as the local admin" in page


async def test_the_page_lists_what_is_quiet_why_and_until_when() -> None:
    page = await read(a_quiet_front(2))
    told = words(page)
    assert "system is credit-2" in told
    assert "Test 2 Ada Okoye" in told
    assert "active ends in 1 h" in told
    assert 'action="/silences/2/end"' in page
    assert "ended by" not in told


async def test_the_form_makes_a_silence_in_the_name_of_whoever_sent_it() -> None:
    front = a_quiet_front()
    form = {"system": "credit-*", "kind": "drift", "not_kind": "1", "minutes": "30", "reason": "Retraining"}
    answer = await send(front, **form, **{"as": "ada", "once": "1", "do": "make"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/silences?done=make")
    made = front.hush.held["1"]
    assert made.matchers == (
        Matcher(field=Trait.SYSTEM, value="credit-*"),
        Matcher(field=Trait.KIND, value="drift", negated=True),
    )
    assert (made.by, made.ends_at) == ("ada", NOW + minutes(30))
    assert (await send(front, **form, **{"as": "ada", "once": "1", "do": "make"})).status_code == 303
    assert len(front.hush.held) == 1, "the same form sent twice"
    again = await send(front, **form, **{"as": "ada", "once": "1", "do": "make", "metric": "psi"})
    assert again.status_code == 409


async def test_the_page_says_of_a_silence_that_it_names_nothing_known() -> None:
    front = a_quiet_front()
    form = {"system": "nosuch", "minutes": "30", "reason": "Retraining", "once": "1"}
    assert NOSUCH in words((await send(front, **form, do="preview")).text)
    made = await send(front, **form, do="make")
    assert made.headers["location"] == "/silences?done=make&of=1"
    assert NOSUCH in words(await read(front, made.headers["location"]))
    assert NOSUCH not in words(await read(front))


async def test_planned_cost_and_a_moment_without_a_zone_are_read_as_the_page_says() -> None:
    front = a_quiet_front()
    form = {"system": "rag", "reason": "Load test", "ends_at": "2026-11-20T12:00", "amount": "900", "currency": "usd"}
    assert (await send(front, **form)).status_code == 303
    made = front.hush.held["1"]
    assert made.ends_at == NOW + minutes(150)
    assert made.planned == Amount(amount=Decimal(900), currency="USD")


async def test_the_form_shows_what_it_would_mute_with_what_was_typed_kept() -> None:
    front = a_quiet_front()
    answer = await send(front, kind="cost_anomaly", minutes="60", reason="Load test", do="preview")
    page = answer.text
    assert answer.status_code == 200
    assert "It would mute 1 alert now" in words(page)
    assert "$679 in 8 h" in page
    assert 'value="Load test"' in page
    assert '<option value="60" selected>' in page
    assert front.hush.held == {}


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"minutes": "60", "reason": "x"}, "at least one"),
        ({"system": "a", "minutes": "60"}, "say why"),
        ({"system": "a", "minutes": "soon", "reason": "x"}, "say how long"),
        ({"system": "a", "ends_at": "noon", "reason": "x"}, "is no moment"),
        ({"system": "a", "minutes": "60", "reason": "x", "amount": "5"}, "currency"),
        ({"severity": "sev9", "minutes": "60", "reason": "x"}, "no severity is sev9"),
    ],
)
async def test_a_refused_form_says_why_and_keeps_what_was_typed(form: dict[str, str], why: str) -> None:
    front = a_quiet_front()
    answer = await send(front, **form, do="make")
    assert answer.status_code in {400, 409}
    assert why in answer.text
    assert all(f'value="{value}"' in answer.text for name, value in form.items() if name in {"system", "reason"})
    assert front.hush.held == {}


async def test_the_end_button_ends_it_and_says_so() -> None:
    front = a_quiet_front(1)
    answer = await send(front, "/silences/1/end", **{"as": "lee"})
    assert answer.headers["location"] == "/silences?done=end"
    assert front.hush.held["1"].ended_by == "lee"
    assert "Ended." in words(await read(front, "/silences?done=end"))
    assert (await send(front, "/silences/1/end")).status_code == 409
    assert "ended by Lee Park" in words(await read(front, "/silences?state=expired"))


async def test_a_link_fills_the_form_in() -> None:
    page = await read(a_quiet_front(), "/silences?system=support-bot&kind=cost_anomaly&amount=900&currency=USD")
    assert 'name="system" value="support-bot"' in page
    assert 'name="amount" inputmode="decimal" value="900"' in page
    assert '<details class="more silence" id="new" open>' in page


async def test_hostile_words_stay_words() -> None:
    front = a_quiet_front()
    evil = '"><script>alert(1)</script>'
    silencing = Silencing(
        matchers=(Matcher(field=Trait.SYSTEM, value=evil),),
        reason=evil,
        by=Actor(type=ActorType.PERSON, id="ada"),
        lasting=minutes(60),
    )
    await front.hush.make(silencing)
    front.hush.views = [a_view(an_alert(metric=evil, figures=evil))]
    shown = [await read(front), (await send(front, system="*", minutes="60", reason=evil, do="preview")).text]
    shown.append(await read(front, "/silences?system=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"))
    assert not any("<script" in page for page in shown)


# --- elsewhere --------------------------------------------------------------------------------------------------------


async def test_a_cost_that_burns_links_to_a_silence_filled_in_for_it() -> None:
    front = a_front()
    spent = Amount(amount=Decimal(679), currency="USD")
    front.world.hold(front.world.incidents_["INC-1"], a_view(a_costly_alert(spent=spent)))
    link = "/silences?system=credit-scoring&amp;environment=production&amp;kind=cost_anomaly&amp;metric=spend"
    for path in ("/alerts", "/incidents/INC-1"):
        assert f'{link}&amp;amount=679&amp;currency=USD#new">This cost was planned' in await read(front, path)


async def test_money_is_written_out_in_full() -> None:
    front = a_front()
    alert = a_costly_alert(spent=Amount(amount=Decimal(679), currency="USD"))
    front.world.hold(front.world.incidents_["INC-1"], a_view(replace(alert, per_hour=Decimal("4.0E+2"))))

    shown = (await get(front, "/api/incidents/INC-1")).json()["alerts"]
    assert [one["per_hour"] for one in shown] == [None, "400"]


async def test_any_alert_that_asks_people_can_be_silenced_from_where_it_is_seen_but_harm_cannot() -> None:
    front = a_front()
    assert 'kind=drift&amp;metric=psi#new">Silence it</a>' in await read(front, "/incidents/INC-1")
    front.world.hold(front.world.incidents_["INC-1"], a_view(an_alert(harmful=True)))
    for path in ("/alerts", "/incidents/INC-1"):
        assert "Silence it" not in await read(front, path)


async def test_a_muted_alert_says_why_nobody_is_asked_wherever_it_is_shown() -> None:
    front = a_front()
    why = "silenced by Ada Okoye until 2026-11-20 12:00 UTC: <b>Load</b> test"
    mute = Mute(by="silence:1", what="the silence of Ada Okoye", why=why, until=NOW + minutes(150))
    front.world.hold(front.world.incidents_["INC-1"], a_view(an_alert(muted=mute)))
    for path in ("/alerts", "/incidents/INC-1"):
        page = await read(front, path)
        assert "muted</span> silenced by Ada Okoye until 2026-11-20 12:00 UTC: &lt;b&gt;Load" in page
    (alert,) = (await get(front, "/api/alerts")).json()["items"]
    assert alert["muted"] == {"by": "silence:1", "why": why, "until": "2026-11-20T12:00:00Z"}


async def test_an_incident_shows_what_it_mutes_and_what_else_burns_on_its_model() -> None:
    front = a_front()
    mute = Mute(by="incident:INC-1", what="INC-1", why="INC-1 is open upstream", until=NOW + minutes(5))
    front.world.alerts_["below"] = a_view(an_alert(7, system="rag-assistant", incident=None, muted=mute))
    front.world.beside = [front.world.incidents_["INC-2"]]
    page = words(await read(front, "/incidents/INC-1"))
    assert "Muted because of this 1" in page
    assert "drift psi at RAG assistant" in page
    assert "INC-2 RAG assistant, triggered" in page
    whole = (await get(front, "/api/incidents/INC-1")).json()
    assert [alert["system"] for alert in whole["quiets"]] == ["rag-assistant"]
    assert [one["id"] for one in whole["beside"]] == ["INC-2"]
