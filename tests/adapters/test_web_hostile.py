"""Text from events can mention anything and run nothing: hostile words in every field of every page."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from incidents.adapters.web.template import safe_url
from incidents.core.briefing import Line, RunbookLink
from incidents.core.fact import Actor, ActorType, FactKind
from incidents.core.incident import Change
from incidents.core.rollback import Rollback
from incidents.core.run import Approved, StepRun, StepState
from incidents.core.runbook import Outline, Parameter, Runbook
from incidents.core.step import Choice, Expectation, Method, Question, Request, StepType, Undo
from incidents.flow.ports import SystemView
from tests.fakes.front import Front
from tests.fakes.runs import CHOOSE, a_plan, a_run, a_step, running
from tests.fakes.told import NOW, a_fact, a_letter, a_view, an_alert, an_effect, an_incident

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea></title></style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "<!--",
    "&lt;b&gt;",
    "\u202eexe.gpj",
]
ALLOWED = {"a", "abbr", "article", "aside", "b", "body", "button", "caption", "code", "dd", "details", "div", "dl"}
ALLOWED |= {
    "dt",
    "em",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "head",
    "header",
    "html",
    "i",
    "img",
    "input",
    "label",
}
ALLOWED |= {
    "datalist",
    "legend",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "small",
}
ALLOWED |= {"span", "summary", "table", "tbody", "td", "textarea", "th", "thead", "time", "title", "tr", "ul"}
PATHS = ["/", "/?q={q}", "/incidents/INC-1", "/alerts", "/systems", "/dead-letters", "/dead-letters/1"]
PATHS += ["/runs", "/runs/RUN-1", "/runs/RUN-2", "/runbooks", "/runbooks/evil"]


class Look(HTMLParser):
    """Reads a page as a browser does and keeps what could run or lead away."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.events: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.events.append(name)
            if name in {"href", "src", "action", "formaction"}:
                self.links.append(value or "")


def hostile(words: str) -> Front:
    front = Front()
    world = front.world
    change = Change(kind=words, name=words, version=words, previous=words, by=words, url=words)
    monitor = Actor(type=ActorType.MONITOR, id=words)
    alert = an_alert(
        metric=words,
        feature=words,
        segment=words,
        source=words,
        figures=words,
        why=words,
        causes=(words,),
        system=words,
    )
    told = an_incident(
        title=words, system=words, environment=words, severity_why=words, last_change=change, policy_version=words
    )
    fact = a_fact(FactKind.NOTE, words, by=monitor)
    world.hold(told, a_view(alert), a_view(replace(alert, fingerprint="2", waived=words)), facts=[fact])
    world.lines = (Line(label="What", text=words),)
    world.effects["INC-1"] = [an_effect(target=words, why=words)]
    world.systems_ = [
        SystemView(
            system=words, environment=words, title=words, registered=False, criticality=words, owners={"x": words}
        )
    ]
    letter = a_letter(
        detail=words, field=words, position=words, body=words.encode(), headers=((words, words),), content_type=words
    )
    world.letters = {"1": letter}
    _with_runs(front, words)
    return front


def _with_runs(front: Front, words: str) -> None:
    """A proposal and a run that waits for people, every word of them hostile."""
    parameter = Parameter(name=words, description=words, default=words, choices=(words,))
    outline = Outline(id=words, title=words, type=StepType.HTTP)
    book = Runbook(
        id="evil", title=words, owner=words, steps=(words,), parameters=(parameter,), outlines=(outline,), body=words
    )
    front.world.estate = replace(front.world.estate, runbooks=(book,))
    front.world.suited = (RunbookLink(id="evil", title=words, url=words, why=words, steps=(words,)),)
    request = Request(
        connection=words,
        method=Method.POST,
        path=words,
        query=((words, words),),
        headers=((words, words),),
        body={words: [words]},
    )
    asked = Question(request=request, expect=Expectation(fields=((words, words),)))
    step = a_step(id=words, title=words, text=words, request=request, look=asked, undo=Undo(request=request))
    choose = replace(CHOOSE, title=words, choices=(Choice(name=words, title=words),))
    plan = a_plan(
        replace(step, status=asked, prior={words: words}),
        choose,
        title=words,
        system=words,
        environment=words,
        parameters={words: words},
        rollback=Rollback(kind=words, name=words, version=words, to=words),
        warning=words,
    )
    front.runs.planned = replace(plan, runbook="evil")
    states = (StepRun(id=words, state=StepState.UNKNOWN, said=words, by=words), StepRun(id="choose"))
    given = Approved(by=words, at=NOW, plan=words, step=words, note=words)
    more: dict[str, Any] = {"note": words, "why": words, "warned": words, "evidence": words, "approvals": (given,)}
    waiting = (states[0], replace(states[1], state=StepState.WAITING))
    front.runs.hold(a_run(plan=plan, **more), running(*waiting, id="RUN-2", plan=plan, **more))


@pytest.mark.parametrize("words", PAYLOADS)
async def test_hostile_words_of_a_plan_and_its_form_are_shown_as_words(words: str) -> None:
    front = hostile(words)
    form = {"runbook": "evil", f"p.{words}": words, "as": "ada", "once": words}
    async with front.browser(headers={"accept": "text/html"}) as browser:
        plan = await browser.post("/incidents/INC-1/plan", data=form)
        refused = await browser.post("/incidents/INC-1/runs", data=form | {"note": "\x00" + words})
        answered = await browser.post("/runs/RUN-2/answer", data=form | {"step": words, "answer": words, "note": words})
    assert plan.status_code == (400 if "\u202e" in words else 200), "format characters name no parameter"
    assert refused.status_code == 400
    for answer in (plan, refused, answered):
        look = Look()
        look.feed(answer.text)
        assert look.tags <= ALLOWED, look.tags - ALLOWED
        assert look.events == []
        assert "49{" not in answer.text


@pytest.mark.parametrize("words", PAYLOADS)
async def test_hostile_words_are_shown_as_words(words: str) -> None:
    async with hostile(words).browser(headers={"accept": "text/html"}) as browser:
        for path in PATHS:
            answer = await browser.get(path.format(q="a"), params={"q": words} if "{q}" in path else None)
            if "{q}" in path and answer.status_code == 400:
                continue  # format characters are no search words
            assert answer.status_code == 200, answer.text
            look = Look()
            look.feed(answer.text)
            assert look.tags <= ALLOWED, (path, look.tags - ALLOWED)
            assert look.events == []
            assert all(link.startswith(("/", "https://runbooks.example.com/", "#")) for link in look.links), look.links
            assert "49{" not in answer.text


@pytest.mark.parametrize("words", PAYLOADS[:4])
async def test_hostile_words_typed_into_a_form_come_back_as_words(words: str) -> None:
    form = {"reason": words, "note": words, "of": words, "as": words, "once": words}
    async with hostile("x").browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.post("/incidents/INC-1/resolve", data=form)
        assert answer.status_code == 400
        look = Look()
        look.feed(answer.text)
    assert look.tags <= ALLOWED
    assert look.events == []


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//evil.example",
        "https:evil",
        "https://",
        "http://[::1",
        "https://a b",
        "https://good.example\\@evil.example",
        "https://good.example/\u202egpj",
        "file:///etc/passwd",
        "",
        None,
    ],
)
def test_an_address_that_is_not_plain_http_is_no_link(address: str | None) -> None:
    assert safe_url(address) == ""


@pytest.mark.parametrize("address", ["https://git.example.com/a?b=c&d=%20#e", "http://127.0.0.1:8080/x"])
def test_a_plain_address_is_a_link(address: str) -> None:
    assert safe_url(address) == address
