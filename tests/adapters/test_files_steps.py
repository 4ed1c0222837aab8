"""Machine steps of runbooks: what is read of them, and how every mistake is told with its line."""

from pathlib import Path

import pytest

from incidents.adapters.files import catalog_from_texts, cross_check, read_runbooks
from incidents.core.parameters import judged
from incidents.core.policy import Policy
from incidents.core.runbook import Parameter, ParameterType, Runbook
from incidents.core.step import StepType

FRONT = """\
---
id: own
title: Our own remedy
applies_to: {kind: drift, labels: {registry: [mlflow, unity], region: eu}}
parameters:
  model: {default: "{{ rollback.name }}", description: Registered model}
  alias: {default: champion, pattern: "[a-z-]{1,60}"}
  share: {type: integer, default: 5, choices: [5, 10]}
---
"""
STEP = """\
```yaml step
id: move
title: "Point {{ parameters.alias }} to the version before"
type: http
look:
  request: {connection: mlflow, path: /api/alias, query: {name: "{{ parameters.model }}"}}
  keep: {version: /model_version/version}
request:
  connection: mlflow
  method: POST
  path: "/api/{{ parameters.model }}/alias"
  body: {to: "{{ rollback.to }}", share: 5, text: "5", none: null, on: true, off: no, ratio: 0.5, day: 2026-11-1}
expect: {status: 200, fields: {"/alias/{{ parameters.alias }}": 7}}
undo: {request: {connection: mlflow, method: POST, path: /api/alias, body: {to: "{{ prior.version }}"}}}
idempotent: true
delay: 2m
```
"""
FIRST = FRONT.count("\n") + 1  # the line of the first fence


def shelf_of(folder: Path, body: str, front: str = FRONT) -> tuple[tuple[Runbook, ...], list[str]]:
    (folder / "own.md").write_text(front + body, encoding="utf-8")
    shelf = read_runbooks(folder)
    return shelf.runbooks, [str(problem).replace(f"{folder}/", "") for problem in shelf.problems]


def read(folder: Path, body: str, front: str = FRONT) -> Runbook:
    runbooks, problems = shelf_of(folder, body, front)
    assert problems == []
    return runbooks[0]


def http(more: str = "", *, id_: str = "move", request: str = "method: POST, path: /a", undo: bool = True) -> str:
    back = "undo: {request: {connection: c, method: POST, path: /b}}\n" if undo else ""
    return (
        f"```yaml step\nid: {id_}\ntitle: T\ntype: http\nrequest: {{connection: c, {request}}}\n"
        f"{back}{more}{'' if not more or more.endswith(chr(10)) else chr(10)}```\n"
    )


def test_a_step_is_kept_with_its_templates_and_the_types_of_its_values(tmp_path: Path) -> None:
    runbook = read(tmp_path, STEP)

    move = runbook.outlines[0]
    assert (move.id, move.type, move.line) == ("move", StepType.HTTP, FIRST)
    assert move.title == "Point {{ parameters.alias }} to the version before"
    assert move.source["request"]["body"] == {
        "to": "{{ rollback.to }}",
        "share": 5,
        "text": "5",
        "none": None,
        "on": True,
        "off": "no",
        "ratio": 0.5,
        "day": "2026-11-1",
    }
    assert move.source["expect"] == {"status": [200], "fields": {"/alias/{{ parameters.alias }}": 7}}
    assert (move.source["delay"], move.source["idempotent"]) == (120, True)
    assert move.line_of("request.body.share") == FIRST + 11
    assert move.line_of("undo.request.path") == FIRST + 13


def test_the_front_matter_declares_parameters_and_labels(tmp_path: Path) -> None:
    runbook = read(tmp_path, STEP)

    assert runbook.applies_to.labels == {"registry": ("mlflow", "unity"), "region": ("eu",)}
    assert runbook.parameters == (
        Parameter(name="model", default="{{ rollback.name }}", description="Registered model"),
        Parameter(name="alias", default="champion", pattern="[a-z-]{1,60}"),
        Parameter(name="share", type=ParameterType.INTEGER, default="5", choices=(5, 10)),
    )
    assert judged(runbook.parameters[2], runbook.parameters[2].default) == 5


def test_what_changes_something_is_verified_at_last(tmp_path: Path) -> None:
    assert [each.type for each in read(tmp_path, STEP).outlines] == [StepType.HTTP, StepType.VERIFY]


def test_a_verification_that_is_written_stays_where_it_is(tmp_path: Path) -> None:
    verify = "```yaml step\nid: proof\ntitle: See\ntype: verify\ntimeout: 2h\n```\n"

    assert [each.id for each in read(tmp_path, STEP + verify).outlines] == ["move", "proof"]


def test_what_changes_nothing_is_not_verified(tmp_path: Path) -> None:
    assert [each.id for each in read(tmp_path, http(request="path: /a", undo=False)).outlines] == ["move"]


def test_the_added_verification_finds_an_id_of_its_own(tmp_path: Path) -> None:
    assert [each.id for each in read(tmp_path, http(id_="verify")).outlines] == ["verify", "verify-metric"]


def test_every_type_of_step_is_read(tmp_path: Path) -> None:
    body = (
        "1. People read this.\n\n"
        "   ```yaml step\n   id: ask\n   title: A\n   type: manual\n   role: model\n   timeout: 2h\n   ```\n"
        "~~~yml\nid: agree\ntitle: B\ntype: approve\napproval: {roles: [model, data], people: 2, within: 1h}\n~~~\n"
        "```yaml step\nid: rest\ntitle: C\ntype: wait\nwait: 5m\n```\n"
        "```yaml step\nid: tell\ntitle: D\ntype: notify\ntext: |\n  One of {{ system.title }}\n  and more\n```\n"
        "```yaml step\nid: choose\ntitle: E\ntype: decision\n"
        "choices: [{name: go, title: Go}, {name: leave, title: Leave, goto: end}]\n```\n"
        '```yaml step\nid: end\ntitle: F\ntype: notify\ntext: The end\nwhen: "{{ rollback is defined }}"\n```\n'
    )

    outlines = read(tmp_path, body).outlines

    assert [each.id for each in outlines] == ["ask", "agree", "rest", "tell", "choose", "end"]
    assert outlines[0].source == {"role": "model", "timeout": 7200}
    assert outlines[1].source == {"approval": {"roles": ["model", "data"], "people": 2, "within": 3600}}
    assert outlines[3].source["text"] == "One of {{ system.title }}\nand more"
    assert outlines[4].source["choices"][1] == {"name": "leave", "title": "Leave", "goto": "end"}


def test_yaml_that_is_no_step_is_prose(tmp_path: Path) -> None:
    example = "1. Set this:\n\n```yaml\nspec: {a: 1}\n```\n\n```yaml\n- a: &b [\n```\n\n```\nid: a\ntype: http\n```\n"

    assert read(tmp_path, example).outlines == ()


ODD = [
    ("retry: 3\n", 6, 'retry: no such key; did you mean "retries"?'),
    ("retries: 11\n", 6, "retries: must be 10 or less"),
    ("delay: 2 hours\n", 6, 'delay: "2 hours" is not a duration; write 2h'),
    ("delay: 2d\n", 6, "delay: must be between 1s and 1h"),
    ("timeout: 20\n", 6, "timeout: the duration 20 has no unit"),
    ("timeout: 10m\n", 6, "timeout: an answer is waited for at most 5m; use status"),
    ("idempotent: yes\n", 6, 'idempotent: must be true or false, not "yes"'),
    ("irreversible: true\n", 6, "irreversible: it has an undo, so it is not irreversible"),
    ("wait: 5m\n", 6, "wait: a step of type http has none; it is for wait"),
    ("choices: []\n", 6, "choices: holds nothing"),
    ("on_failure: verfy\n", 6, 'on_failure: no step "verfy"; name the id of a later step'),
    ("on_failure: move\n", 6, 'on_failure: step "move" does not come later; a run only goes forward'),
    ('when: "{{ prior.a }}"\n', 6, "when: prior.a is not known yet"),
    ('when: "so {{ parameters.alias }}"\n', 6, "when: it must be one {{ }} and nothing else"),
    ('text: "{{ parameters.modle }}"\n', 6, 'text: no parameters.modle; did you mean "model"?'),
    ('text: "{{ incident.titel }}"\n', 6, 'text: no incident.titel; did you mean "title"?'),
    ('text: "{{ sytem.id }}"\n', 6, 'text: no name "sytem"; did you mean "system"?'),
    ('text: "{{ prior.version }}"\n', 6, "text: no prior.version; prior has nothing"),
    ('text: "{{ prior_of.other.a }}"\n', 6, 'text: no earlier step "other"'),
    ("text: \"{{ 'a'*10**9 }}\"\n", 6, "text: a multiplication is not allowed"),
    ('text: "{% for a in b %}"\n', 6, "text: {% %} is not allowed"),
    ("text: {{ incident.id }}\n", 6, "a key must be plain text"),
    ("look: {request: {connection: c, method: POST, path: /a}}\n", 6, "look.request.method: a question must change"),
    ("look: {request: {connection: c, path: /a}, keep: {v: a}}\n", 6, "look.keep.v: is no JSON pointer"),
    ("look: {request: {connection: c, path: a}}\n", 6, "look.request.path: a path begins with one /"),
    ("look: {request: {connection: c, path: //a}}\n", 6, "look.request.path: a path begins with one /"),
    ('look: {request: {connection: c, path: "{{ parameters.alias }}"}}\n', 6, "look.request.path: a path begins"),
    ("look: {request: {connection: c, path: /a?b=c}}\n", 6, "look.request.path: the sign '?' cannot stand in a path"),
    ("look: {request: {connection: c, path: /a/%2e./b}}\n", 6, "look.request.path: a part of the path is . or .."),
    ("look: {request: {connection: c, path: /, body: {a: 1}}}\n", 6, "look.request.body: a GET has no body"),
    (
        "look: {request: {connection: c, path: /, headers: {Authorization: x}}}\n",
        6,
        "look.request.headers.Authorization: this header is set by the connection",
    ),
    ('look: {request: {connection: c, path: /, headers: {"a b": x}}}\n', 6, "is no name of a header"),
    ('look: {request: {connection: "{{ incident.id }}", path: /}}\n', 6, "look.request.connection: must be lower"),
    # the small part of YAML that is read
    ("text: &a x\n", 6, "the anchor &a is not allowed"),
    ("text: *a\n", 6, "the alias *a is not allowed"),
    ("text: !!python/object/apply:os.system [id]\n", 6, "the tag !!python/object/apply:os.system is not allowed"),
    ("text: !custom x\n", 6, "the tag !custom is not allowed"),
    ("text: a\ntext: b\n", 7, "text: given twice, first in line"),
    ("<<: {text: a}\n", 6, "the merge key << is not allowed"),
    ("text:\tx\n", 6, "a tab character; use spaces"),
    ('text: "a\x07"\n', 6, "the control character"),
    ("text: " + "[" * 1000 + "]" * 1000 + "\n", 6, "nested more than 20 deep"),
    ('text: "a\n', 6, "not YAML"),
    ("text: " + "x" * 2001 + "\n", 6, "text: longer than 2000 characters"),
]


@pytest.mark.parametrize(("more", "line", "words"), ODD)
def test_a_mistake_in_a_step_is_told_with_its_line(tmp_path: Path, more: str, line: int, words: str) -> None:
    (tmp_path / "good.md").write_text(FRONT.replace("id: own", "id: good") + STEP, encoding="utf-8")

    runbooks, problems = shelf_of(tmp_path, http(more))

    assert [runbook.id for runbook in runbooks] == ["good"]
    told = [problem for problem in problems if words in problem]
    assert told, problems
    assert told[0].startswith(f"own.md:{FIRST + line}: ")


NOTIFY = "```yaml step\nid: {id}\ntitle: T\ntype: notify\ntext: x\n{more}```\n"
SELECT = "choices: [{name: a, title: A, goto: first}, {name: b, title: B}]"
BETWEEN = [
    (http(undo=False), "POST changes something and nothing takes it back; add undo, or irreversible: true"),
    (http("irreversible: true", request="path: /a", undo=False), "a GET changes nothing, so nothing is taken back"),
    (http(request="path: /a"), "undo: a GET changes nothing, so nothing is taken back; remove it"),
    (http("undo: {}", undo=False), "undo.request: is missing"),
    (http("undo: {request: {connection: c, method: PSOT, path: /}}", undo=False), 'did you mean "POST"?'),
    (http() + http(), f'own.md:{FIRST + 8}: id: the id "move" is used twice, first in line {FIRST + 1}'),
    (NOTIFY.format(id="abort", more=""), "id: abort means something else; rename it"),
    (NOTIFY.format(id="Move it", more=""), "id: must be lower case letters, digits, - and _"),
    (NOTIFY.format(id="a", more="") + http("on_failure: a"), 'on_failure: step "a" does not come later'),
    (
        NOTIFY.format(id="first", more="") + f"```yaml step\nid: s\ntitle: T\ntype: decision\n{SELECT}\n```\n",
        'choices[0].goto: step "first" does not come later',
    ),
    ("```yaml step\nid: a\ntitle: T\ntype: wait\n```\n", f"own.md:{FIRST}: a step of type wait needs wait; add it"),
    ("```yaml step\nid: a\ntitle: T\n```\n", f"own.md:{FIRST}: a step has no type; add it"),
    ("```yaml step\nid: a\ntitle: T\ntype: htpp\n```\n", 'not "htpp"; did you mean "http"?'),
    ("```yaml step\n```\n", "a step has no id; add it"),
    ("```yaml steps\nid: a\n```\n", f"own.md:{FIRST}: the fence is marked yaml steps; write ```yaml step"),
    ("```step\nid: a\n```\n", "the fence is marked step; write ```yaml step"),
    ("```yaml step\nid: a\ntitle: T\ntype: notify\ntext: x\n", f"own.md:{FIRST}: the fence does not end; close it"),
    ("".join(NOTIFY.format(id=f"s{n}", more="") for n in range(41)), "more than 40 steps; split it"),
    ("1. Go.\n" + "x" * 1024 * 1024, "larger than 1 MiB"),
    (
        http("look: {request: {connection: c, method: POST, path: /, headers: {X-Amz-Target: SageMaker.DeleteModel}}}"),
        "a question must change nothing",
    ),
]


@pytest.mark.parametrize(("body", "words"), BETWEEN, ids=range(len(BETWEEN)))
def test_what_contradicts_the_rules_of_steps_is_told(tmp_path: Path, body: str, words: str) -> None:
    runbooks, problems = shelf_of(tmp_path, body)

    assert runbooks == ()
    assert any(words in problem for problem in problems), problems


def test_aws_is_asked_by_post_under_the_name_of_a_question(tmp_path: Path) -> None:
    headers = "{X-Amz-Target: SageMaker.DescribeEndpoint, Content-Type: application/x-amz-json-1.1}"
    look = f"look: {{request: {{connection: c, method: POST, path: /, headers: {headers}, body: {{a: 1}}}}}}"

    assert read(tmp_path, http(look)).outlines[0].source["look"]["request"]["method"] == "POST"


PARAMETERS = [
    ('a: {default: "{{ prior.x }}"}', "parameters.a.default: prior.x is not known yet"),
    ('a: {default: "{{ parameters.b }}"}', "parameters.a.default: parameters.b is not known yet"),
    ('a: {default: "{{ 2 ** 9 }}"}', "parameters.a.default: a power is not allowed"),
    ("a: {type: integer, default: many}", "parameters.a.default: the parameter a must be a number"),
    ("a: {type: integer, choices: [1, two]}", "parameters.a.choices[1]: the parameter a must be a number"),
    ("a: {choices: [x, y], default: z}", "parameters.a.default: the parameter a must be one of x, y"),
    ('a: {pattern: "(a+)+"}', "parameters.a.pattern: it repeats a group; write it like [a-z-]{1,60}"),
    ('a: {pattern: "[a"}', "parameters.a.pattern: it is no pattern"),
    ("a: {type: number, pattern: a}", "parameters.a.pattern: a parameter of type number has no pattern"),
    ("a: {typ: string}", 'parameters.a.typ: no such key; did you mean "type"?'),
    ("a: {type: text}", "parameters.a.type: must be one of string, integer, number, boolean"),
    ("a-b: {}", "must be lower case letters, digits and _"),
    ("a: {}\n  a: {}", "parameters.a: given twice, first in line 5"),
    ("a: &x {}", "the anchor &x is not allowed"),
    ("a: !!str {}", "the tag !!str is not allowed"),
    ("a:\t{}", "a tab character"),
    ("a: " + "{a: " * 1000, "nested more than 20 deep"),
]


@pytest.mark.parametrize(("entry", "words"), PARAMETERS, ids=range(len(PARAMETERS)))
def test_a_mistake_in_a_parameter_is_told_with_its_line(tmp_path: Path, entry: str, words: str) -> None:
    front = f"---\nid: own\ntitle: T\nparameters:\n  {entry}\n---\n1. Go.\n"

    runbooks, problems = shelf_of(tmp_path, "", front)

    assert runbooks == ()
    told = [problem for problem in problems if words in problem]
    assert told, problems
    assert told[0].startswith(("own.md:5: ", "own.md:6: "))


def test_the_runbook_in_the_readme_is_one(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    example = readme.split("````markdown\n")[1].split("````")[0]

    runbook = read(tmp_path, example, "")

    assert [each.type for each in runbook.outlines] == [StepType.HTTP, StepType.VERIFY]
    assert runbook.applies_to.labels == {"flags": ("unleash",)}


CATALOG = """\
version: 1
systems:
  rag:
    owners: {accountable: ada}
    parameters:
      own: {share: 7, alais: live, alias: champion}
      onw: {alias: a}
people: {ada: {name: Ada, email: ada@example.com}}
"""


def test_values_that_a_system_gives_a_runbook_are_held_against_it(tmp_path: Path) -> None:
    runbook = read(tmp_path, STEP)
    catalog = catalog_from_texts([("catalog.yaml", CATALOG)]).catalog

    found = cross_check(catalog, Policy(), [runbook])

    assert [(problem.line, problem.where, problem.what, problem.suggestion) for problem in found] == [
        (5, "systems.rag.parameters.own.share", "the parameter share must be one of 5, 10", "give another value"),
        (5, "systems.rag.parameters.own.alais", 'no parameter "alais"', 'did you mean "alias"?'),
        (5, "systems.rag.parameters.onw", 'no runbook "onw"', 'did you mean "own"?'),
    ]
