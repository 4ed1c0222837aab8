"""Runbooks from Markdown: the shipped ones, and bad ones that keep no good one from loading."""

import re
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from incidents.adapters.files import read_runbooks
from incidents.core.runbook import AppliesTo, Case, Cause, match
from incidents.core.severity import Severity

GOOD = """\
---
id: own
title: Our own remedy
applies_to: {kind: drift, drift_kind: [data, concept], system: rag, severity_at_least: sev3, cause: [code_release]}
owner: model
last_reviewed: 2026-11-01
---

Use it with care. 1. This is no step.

## Mitigate

1. Look first,
   then leap.
2. Run

   ```
   1. this is no step
   ```

   and wait.

## Verify

3) See that it is quiet.
  - Both of them.

An end.
"""


def written(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_a_runbook_is_read_with_its_steps_each_as_one_line(tmp_path: Path) -> None:
    shelf = read_runbooks(written(tmp_path, own=GOOD))

    assert shelf.problems == ()
    (runbook,) = shelf.runbooks
    assert (runbook.id, runbook.title, runbook.owner) == ("own", "Our own remedy", "model")
    assert runbook.last_reviewed == date(2026, 11, 1)
    assert runbook.applies_to == AppliesTo(
        kind=("drift",),
        drift_kind=("data", "concept"),
        system=("rag",),
        severity_at_least=Severity.SEV3,
        cause=(Cause.CODE_RELEASE,),
    )
    assert runbook.steps == ("Look first, then leap.", "Run and wait.", "See that it is quiet. - Both of them.")
    assert runbook.body.startswith("Use it with care.")
    assert runbook.hash == sha256(GOOD.encode()).hexdigest()
    assert runbook.file == str(tmp_path / "own.md")


def test_one_file_may_be_named_alone(tmp_path: Path) -> None:
    shelf = read_runbooks(written(tmp_path, own=GOOD) / "own.md")

    assert [runbook.id for runbook in shelf.runbooks] == ["own"]


FRONT = "---\nid: a\ntitle: A\n"
BAD = [
    ("# no front\n", "bad.md:1: no front matter; begin with ---, then id: and title:, then ---"),
    ("", "bad.md:1: no front matter"),
    ("---\nid: a\n", "bad.md:1: the front matter does not end"),
    (FRONT + "---\nJust prose.\n", "bad.md:5: no numbered steps; write what to do as 1., 2., 3."),
    (FRONT + "applies_to: {kind: drfit}\n---\n1. Go.\n", "bad.md:4: applies_to.kind[0]: must be one of drift,"),
    (
        FRONT + "applies_to: {sytem: x}\n---\n1. Go.\n",
        'bad.md:4: applies_to.sytem: no such key; did you mean "system"?',
    ),
    (FRONT + "last_reviewed: yesterday\n---\n1. Go.\n", "bad.md:4: last_reviewed: is not a date; write it like"),
    (FRONT + "steps: []\n---\n1. Go.\n", "bad.md:4: steps: no such key; the keys are id, title, applies_to, owner"),
    ("---\nid: a\n---\n1. Go.\n", "bad.md:1: title: is missing; add it"),
    ("---\nid: No Spaces\ntitle: A\n---\n1. Go.\n", "bad.md:2: id: must be lower case letters, digits and hyphens"),
    ("---\nid: a\ntitle: A: B\n---\n1. Go.\n", "bad.md:3: not YAML: mapping values are not allowed"),
    (GOOD, 'bad.md:1: id: the id "own" is taken by a-good.md; rename one of them'),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_bad_runbook_is_reported_and_the_others_still_load(tmp_path: Path, text: str, words: str) -> None:
    shelf = read_runbooks(written(tmp_path, **{"a-good": GOOD, "bad": text}))

    problems = [str(problem).replace(f"{tmp_path}/", "") for problem in shelf.problems]
    assert [runbook.id for runbook in shelf.runbooks] == ["own"]
    assert len(problems) == 1
    assert words in problems[0]


def test_a_readme_beside_the_runbooks_is_no_runbook(tmp_path: Path) -> None:
    shelf = read_runbooks(written(tmp_path, own=GOOD, README="# Our runbooks\n"))

    assert (len(shelf.runbooks), shelf.problems) == (1, ())


def test_a_missing_folder_leaves_an_empty_shelf_and_says_so(tmp_path: Path) -> None:
    shelf = read_runbooks(tmp_path / "nowhere")

    assert shelf.runbooks == ()
    assert [problem.what for problem in shelf.problems] == ["no such file or folder"]


SHIPPED = {runbook.id: runbook for runbook in read_runbooks(None).runbooks}


def test_the_shipped_runbooks_are_all_there() -> None:
    assert read_runbooks(None).problems == ()
    assert set(SHIPPED) == {
        "contain-harm",
        "cost-cache",
        "cost-prompt-bloat",
        "cost-volume-or-loop",
        "hallucination-review",
        "register-system",
        "retrain-decision",
        "rollback-model",
        "rollback-prompt",
        "rollback-mlflow-alias",
        "rollback-langfuse-label",
        "rollback-kserve-canary",
        "rollback-argo-rollout",
        "rollback-sagemaker-endpoint",
        "block-litellm-key",
        "block-litellm-team",
        "cap-litellm-budget",
        "call-webhook",
        "cost-cause-split",
        "switch-off-unleash-flag",
        "switch-off-launchdarkly-flag",
        "vendor-model-change",
        "wake-monitor",
        "switch-off-system",
    }


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_runbook_fits_a_page_and_mitigates_first(name: str) -> None:
    runbook = SHIPPED[name]
    headings = [line for line in runbook.body.split("\n") if line.startswith("## ")]

    assert Path(runbook.file).stem == runbook.id
    assert runbook.owner is not None
    assert runbook.last_reviewed is not None
    assert headings[0] == "## Mitigate"
    assert headings[-2:] == ["## Verify", "## If it does not help"]
    assert 5 <= len(runbook.steps) <= 12
    assert len(re.sub(r"```yaml step\n.*?```\n", "", runbook.body, flags=re.DOTALL).split("\n")) <= 60


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_runbook_points_only_to_runbooks_that_exist(name: str) -> None:
    pointed = {word.strip("*.,;:)(") for word in SHIPPED[name].body.split() if word.startswith(("*", "(*"))}

    named = {word for word in pointed if "-" in word}

    assert named <= set(SHIPPED)


@pytest.mark.parametrize(
    ("kind", "drift_kind", "cause", "first"),
    [
        ("drift", "data", None, "retrain-decision"),
        ("drift", "data", Cause.MODEL_RELEASE, "rollback-model"),
        ("drift", "performance", None, "rollback-model"),
        ("drift", "prediction", Cause.UNANNOUNCED_CHANGE, "vendor-model-change"),
        ("hallucination", None, None, "hallucination-review"),
        ("hallucination", None, Cause.PROMPT_RELEASE, "rollback-prompt"),
        ("hallucination", None, Cause.INDEX_RELEASE, "rollback-prompt"),
        ("hallucination", None, Cause.UNANNOUNCED_CHANGE, "vendor-model-change"),
        ("cost_anomaly", None, Cause.TOKENS_PER_REQUEST, "cost-prompt-bloat"),
        ("cost_anomaly", None, Cause.UNIT_PRICE, "cost-prompt-bloat"),
        ("cost_anomaly", None, Cause.REQUESTS, "cost-volume-or-loop"),
        ("cost_anomaly", None, Cause.CACHE_HIT_RATE, "cost-cache"),
        ("report", None, None, "contain-harm"),
        ("unknown_system", None, None, "register-system"),
        ("monitor_silent", None, None, "wake-monitor"),
        ("retired_system", None, None, "switch-off-system"),
    ],
)
def test_each_kind_of_trouble_finds_its_runbook(
    kind: str, drift_kind: str | None, cause: Cause | None, first: str
) -> None:
    case = Case(
        kinds=(kind,),
        drift_kinds=(drift_kind,) if drift_kind else (),
        system="any",
        severity=Severity.SEV3,
        causes=(cause,) if cause else (),
    )

    found = match(SHIPPED.values(), case)

    assert found[0][0].id == first


def test_a_step_is_shown_without_the_marks_of_emphasis_and_code(tmp_path: Path) -> None:
    steps = "1. See *rollback-prompt*, **step 3**.\n2. Run `kubectl get pods` in team-*.\n3. Take 2 * 3 * 4 of a_b_c.\n"
    (runbook,) = read_runbooks(written(tmp_path, plain=FRONT + "---\n" + steps)).runbooks

    assert runbook.steps == (
        "See rollback-prompt, step 3.",
        "Run kubectl get pods in team-*.",
        "Take 2 * 3 * 4 of a_b_c.",
    )
