"""What a runbook's template may say, what is refused before it is run, and how values go into requests."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.adapters.templates import RunbookTemplates, Wrong, read
from incidents.core.errors import NotAllowed
from incidents.core.runbook import Outline
from incidents.core.step import Approval, Expectation, Method, StepType
from tests.make import minutes

TEMPLATES = RunbookTemplates()
KNOWN = {
    "incident": {"id": "INC-1", "title": "{{ 7*7 }} {% for x in y %}", "severity": "sev2"},
    "system": {"id": "credit-scoring", "vendor": None},
    "parameters": {"model": "credit", "share": 10, "dry": False, "items": "none of Python's", "text": " Ab "},
    "prior_of": {"look": {"version": "3", "tags": ["a", "b"]}},
}
REFUSED = [
    # escapes from the sandbox, by the way they take
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ parameters.__class__ }}",
    "{{ parameters['__class__'] }}",
    "{{ parameters|attr('__class__') }}",
    "{{ (parameters|attr)('__class__') }}",
    "{{ incident.title.format(incident) }}",
    "{{ '{0.__class__}'.format(parameters) }}",
    "{{ '{0.__class__}'|format(parameters) }}",
    "{{ '%s' % parameters }}",
    "{{ '{}'.format_map(parameters) }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace() }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ config }}",
    "{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ [].append(1) }}",
    "{{ parameters.items() }}",
    "{{ parameters.update({'a': 1}) }}",
    "{{ dict(a=1) }}",
    "{{ incident.id|map('upper')|list }}",
    "{{ incident.id|xmlattr }}",
    "{{ incident.id|pprint }}",
    "{{ incident.id is filter('x') }}",
    # statements
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'x' import y %}",
    "{% extends 'base' %}",
    "{% for a in 'aaaa' %}{% for b in 'aaaa' %}x{% endfor %}{% endfor %}",
    "{% set x = 1 %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% raw %}{{ 7 }}{% endraw %}",
    "{%- if true %}a{% endif -%}",
    "{# nothing #}",
    "{% debug %}",
    # what grows
    "{{ 'a'*10**9 }}",
    "{{ 10**10**10 }}",
    "{{ 99999**99999 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ range(10**9) }}",
    "{{ range(100000000)|list }}",
    "{{ [1] * 100 }}",
    "{{ 'a'|center(100000000) }}",
    "{{ 'a'|indent(100000000) }}",
    "{{ 'x'|wordwrap(1) }}",
    "{{ 'a'.ljust(100000000) }}",
    "{{ ''.join('a') }}",
    "{{ 7 // 0 }}",
    "{{ 7 % 2 }}",
    "{{ 7 / 2 }}",
    "{{ " + "(" * 900 + "1" + ")" * 900 + " }}",
    "{{ " + "not " * 400 + "true }}",
    "{{ " + "-" * 1500 + "1 }}",
    "{{ " + " + ".join("1" * 400) + " }}",
    "{{ parameters" + ".a" * 900 + " }}",
    "{{ 1 }}" * 200,
    "a" * 2001,
    # what is no expression of ours
    "{{ }}",
    "{{ 1, 2 }}",
    "{{ [1, 2] }}",
    "{{ {'a': 1} }}",
    "{{ incident.id[0:2] }}",
    "{{ parameters[parameters.model] }}",
    "{{ parameters.model if parameters.dry }}",
    "{{ parameters.model",
    "{{ parameters.model|replace(old='a', new='b') }}",
    "{{ parameters.model|default(*parameters) }}",
    "{{ true is sameas(true) }}",
    "{{ range }}",
    "{{ 'x }}",
]


@pytest.mark.parametrize("template", REFUSED)
def test_what_could_escape_repeat_or_grow_is_refused_unread(template: str) -> None:
    with pytest.raises(Wrong) as told:
        read(template)

    assert told.value.what


@pytest.mark.parametrize(
    "template",
    [
        "{{ parameters.text|replace('', 'aaaa') }}",
        "{{ ('" + "a" * 1000 + "'|replace('a', '" + "b" * 900 + "'))|length }}",
        "{{ 'a'" + "|replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" * 12 + " }}",
        "{{ ('9' ~ '9'" + " ~ '9'" * 20 + ")|int }}",
        "{{ 'inf'|float }}",
        "{{ 1|round(1000000) }}",
        "{{ parameters.share + 'a' }}",
        "{{ parameters.share < 'a' }}",
        "{{ parameters.unknown }}",
        "{{ parameters.unknown.more }}",
        "{{ parameters.model.upper }}",
        "{{ parameters.items.more }}",
        "{{ incident.keys }}",
        "{{ prior_of.look.tags[7] }}",
        "{{ prior_of.look.tags.append }}",
        "{{ system.vendor }} said",
        "{{ parameters.model ~ parameters.nothing }}",
    ],
)
def test_what_cannot_be_worked_out_is_refused_in_words(template: str) -> None:
    with pytest.raises(NotAllowed) as told:
        TEMPLATES.value(template, KNOWN)

    assert told.value.code == "template"


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ parameters.share }}", 10),
        ("{{ parameters.dry }}", False),
        ("{{ not parameters.dry and parameters.share > 5 }}", True),
        ("{{ prior_of.look.tags }}", ["a", "b"]),
        ("{{ prior_of['look']['tags'][1] }}", "b"),
        ("{{ system.vendor }}", None),
        ("{{ system.vendor|default('nobody') }}", "nobody"),
        ("{{ parameters.nothing|default('none given') }}", "none given"),
        ("{{ parameters.nothing is defined }}", False),
        ("{{ parameters.items }}", "none of Python's"),
        ("{{ 100 - parameters.share }}", 90),
        ("{{ parameters.share }} of 100", "10 of 100"),
        ("{{ '7'|int + 1 }}", 8),
        ("{{ 2.5|round }}", 2),
        ("{{ parameters.text|trim|upper }}", "AB"),
        ("{{ 'a' if parameters.dry else 'b' }}", "b"),
        ("{{ '{{' }}", "{{"),
        ("{{ parameters.share in prior_of.look.tags }}", False),
        ("plain { text } %", "plain { text } %"),
        ("", ""),
        ({"a": ["{{ parameters.share }}", 5, None]}, {"a": [10, 5, None]}),
    ],
)
def test_a_value_that_stands_alone_keeps_its_type(template: object, value: object) -> None:
    assert TEMPLATES.value(template, KNOWN) == value


def test_what_events_and_people_say_is_never_a_template() -> None:
    assert TEMPLATES.value("{{ incident.title }}", KNOWN) == "{{ 7*7 }} {% for x in y %}"
    assert TEMPLATES.value("So: {{ incident.title }}", KNOWN) == "So: {{ 7*7 }} {% for x in y %}"


def test_more_comes_out_than_is_bearable() -> None:
    known = {"parameters": {"a": "x" * 15_000}}

    with pytest.raises(NotAllowed, match="more than 20000 characters"):
        TEMPLATES.value("{{ parameters.a }}{{ parameters.a }}", known)
    with pytest.raises(NotAllowed, match="more than 20000 characters"):
        TEMPLATES.value("{{ parameters.a ~ parameters.a }}", known)


def an_outline(type_: StepType = StepType.HTTP, title: str = "Move it", **source: object) -> Outline:
    lines = {"request": 8, "request.path": 9, "request.headers": 12}
    return Outline(id="move", title=title, type=type_, source=source, file="own.md", line=5, lines=lines)


def a_request(**more: object) -> dict[str, Any]:
    return {"connection": "mlflow", "method": "POST", "path": "/api", **more}


def test_a_step_is_filled_in_whole() -> None:
    outline = an_outline(
        title="Move {{ parameters.model }}\n now",
        text="Was {{ prior.version }}",
        look={"request": {"connection": "mlflow", "path": "/api/{{ parameters.model }}"}, "keep": {"version": "/v"}},
        request=a_request(
            path="/api/{{ parameters.model }}/x",
            query={"a": "{{ parameters.share }}", "b": "{{ parameters.dry }}"},
            headers={"X-Of": "{{ incident.id }}"},
            body={"share": "{{ parameters.share }}"},
        ),
        expect={"status": [200, 204], "fields": {"/of/{{ parameters.model }}": "{{ parameters.share }}"}},
        undo={"request": a_request(body={"version": "{{ prior.version }}"}), "idempotent": False},
        idempotent=True,
        timeout=20,
    )

    step = TEMPLATES.step(outline, KNOWN, {"version": 3})

    assert (step.title, step.text, step.idempotent) == ("Move credit now", "Was 3", True)
    assert step.request is not None
    assert (step.request.method, step.request.path) == (Method.POST, "/api/credit/x")
    assert step.request.query == (("a", "10"), ("b", "false"))
    assert step.request.headers == (("X-Of", "INC-1"),)
    assert step.request.body == {"share": 10}
    assert step.expect == Expectation(status=(200, 204), fields=(("/of/credit", 10),))
    assert step.look is not None
    assert step.look == TEMPLATES.question(outline, KNOWN)
    assert step.look.keep == (("version", "/v"),)
    assert step.undo is not None
    assert (step.undo.request.body, step.undo.idempotent) == ({"version": 3}, False)
    assert step.prior == {"version": 3}
    assert step.timeout == minutes(1 / 3)


def test_a_step_of_each_other_type_has_what_it_needs() -> None:
    approve = TEMPLATES.step(an_outline(StepType.APPROVE, approval={"people": 2, "within": 600}), KNOWN, {})
    wait = TEMPLATES.step(an_outline(StepType.WAIT, wait=120), KNOWN, {})
    choices = [{"name": "on", "title": "Go on"}, {"name": "off", "title": "End", "goto": "verify"}]
    decide = TEMPLATES.step(an_outline(StepType.DECISION, choices=choices, role="model"), KNOWN, {})

    assert approve.approval == Approval(people=2, within=minutes(10))
    assert wait.wait == minutes(2)
    assert [(each.name, each.goto) for each in decide.choices] == [("on", None), ("off", "verify")]
    assert (decide.role, decide.timeout) == ("model", minutes(15))


@pytest.mark.parametrize(
    ("when", "holds"), [(None, True), ("{{ parameters.share == 10 }}", True), ("{{ rollback is defined }}", False)]
)
def test_a_step_is_part_of_the_plan_where_its_when_holds(when: str | None, holds: bool) -> None:  # noqa: FBT001
    outline = an_outline(StepType.NOTIFY, **({"when": when} if when else {}))

    assert TEMPLATES.holds(outline, KNOWN) is holds


def test_a_when_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(NotAllowed, match=r"own\.md:5: step move: when: it must come to true or false"):
        TEMPLATES.holds(an_outline(when="{{ parameters.model }}"), KNOWN)


def test_a_refusal_names_the_line_of_the_value() -> None:
    with pytest.raises(NotAllowed, match=r"own\.md:9: step move: request\.path: parameters\.nothing is not known"):
        TEMPLATES.step(an_outline(request=a_request(path="/{{ parameters.nothing }}")), KNOWN, {})


def test_what_needs_a_rollback_says_so_where_there_is_none() -> None:
    outline = an_outline(request=a_request(body={"to": "{{ rollback.to }}"}))

    for known in (KNOWN, {**KNOWN, "rollback": None}):
        with pytest.raises(NotAllowed) as told:
            TEMPLATES.step(outline, known, {})
        assert told.value.code == "no_rollback"


@pytest.mark.parametrize("value", [".", "..", "", None, ["a"], {"a": 1}])
def test_a_value_that_leads_elsewhere_is_no_part_of_a_path(value: object) -> None:
    known = {"parameters": {"a": value}}

    with pytest.raises(NotAllowed):
        TEMPLATES.step(an_outline(request=a_request(path="/x/{{ parameters.a }}")), known, {})


def test_a_path_that_leads_elsewhere_however_it_is_spelled_is_refused() -> None:
    with pytest.raises(NotAllowed, match=r"own\.md:9: step move: request\.path: a part of the path is"):
        TEMPLATES.step(an_outline(request=a_request(path="/x/%2e%2E/{{ parameters.model }}")), KNOWN, {})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "\x7f", "caf\u00e9"])
def test_a_value_cannot_end_a_header(value: str) -> None:
    outline = an_outline(request=a_request(headers={"X-Of": "{{ parameters.a }}"}))

    with pytest.raises(NotAllowed, match=r"own\.md:12: step move: request\.headers\.X-Of"):
        TEMPLATES.step(outline, {"parameters": {"a": value}}, {})


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
def test_any_value_stays_one_part_of_the_path(value: str) -> None:
    outline = an_outline(request=a_request(path="/a/{{ parameters.a }}/b"))
    known = {"parameters": {"a": value.encode("utf-8", "replace").decode()}}

    step = TEMPLATES.step(outline, known, {})

    assert step.request is not None
    assert step.request.path.isascii()
    first, a, middle, last = step.request.path.split("/")
    assert (first, a, unquote(middle), last) == ("", "a", known["parameters"]["a"], "b")


@given(st.text())
def test_any_value_stays_one_part_of_a_pointer(value: str) -> None:
    outline = an_outline(look={"request": {"connection": "a", "path": "/"}, "keep": {"v": "/a/{{ parameters.a }}/b"}})

    question = TEMPLATES.question(outline, {"parameters": {"a": value}})

    assert question is not None
    parts = question.keep[0][1].split("/")
    assert [part.replace("~1", "/").replace("~0", "~") for part in parts] == ["", "a", value, "b"]
