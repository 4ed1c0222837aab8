"""The policy file: the shipped numbers with their sources, and a file of one's own over them."""

import re
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from incidents.adapters.files import FilesRefused, read_policy
from incidents.adapters.files.policy import SHIPPED
from incidents.adapters.files.policy_shape import PolicyFile
from incidents.adapters.files.tree import read_tree
from incidents.core.policy import Bands, Override, Policy
from incidents.core.severity import Severity

PUBLISHED = """\
version: 2026-11-1
severity:
  drift: {bands: {sev4: 1, sev3: 2, sev2: 3}, n_min: 100, windows: 2}
  hallucination: {n_min: 30, k_min: 3, bands: {sev4: 1, sev3: 2, sev2: 3}}
  cost: {floor: {USD: 100, EUR: 100}, over: 0.40}
escalation: {sev1: 5m, sev2: 15m, sev3: 30m, repeat: 3}
overrides:
  - {when: {system: triage-bot, kind: hallucination}, severity: sev1}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(FilesRefused) as refused:
        read_policy(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in refused.value.problems]


def test_the_shipped_file_and_the_built_in_numbers_are_the_same() -> None:
    assert replace(read_policy(None), version="built-in") == Policy()


def leaves(shape: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key that a policy file may hold."""
    found = []
    for name, info in shape.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += leaves(inner, (*path, name))
        else:
            found.append((*path, name))
    return found


@pytest.mark.parametrize("path", leaves(PolicyFile), ids=".".join)
def test_the_shipped_file_holds_every_number(path: tuple[str, ...]) -> None:
    tree, _ = read_tree(SHIPPED.read_text(encoding="utf-8"), "policy.yaml")

    assert path in tree.places


def test_every_number_of_the_shipped_file_names_its_source() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").split("\n")
    numbers = [line for line in lines if re.match(r"\s+[a-z0-9_]+: *[0-9]", line)]

    assert len(numbers) > 40
    assert [line for line in numbers if not re.search(r"# \w", line)] == []


def test_the_published_excerpt_is_read(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, PUBLISHED))

    override = Override(severity=Severity.SEV1, system="triage-bot", kind="hallucination")
    assert policy == replace(Policy(), version="2026-11-1", overrides=(override,))
    assert policy.places["overrides", 0][1] == 8


def test_a_file_gives_only_what_differs(tmp_path: Path) -> None:
    text = """\
version: 3.10
severity:
  drift: {bands: {sev2: 5}, long_window: 2d}
  cost: {floor: {GBP: 42.50, CLP: 90000}}
escalation: {sev2: 90s, working: {days: [sun], hours: "08:00-16:30"}}
"""
    policy = read_policy(written(tmp_path, text))

    shipped = Policy()
    assert policy.version == "3.10"
    assert policy.drift == replace(shipped.drift, bands=Bands(sev2=5), long_window=timedelta(days=2))
    assert policy.cost.floor["GBP"] == Decimal("42.50")
    assert policy.cost.floor["CLP"] == Decimal(90000)
    assert policy.cost.floor["USD"] == shipped.cost.floor["USD"]
    assert policy.escalation.sev2 == timedelta(seconds=90)
    assert policy.escalation.working_days == frozenset({7})
    assert (policy.escalation.working_start, policy.escalation.working_end) == (time(8), time(16, 30))
    assert (policy.hallucination, policy.alerts, policy.incidents) == (
        shipped.hallucination,
        shipped.alerts,
        shipped.incidents,
    )


BAD = [
    ("escalation: {sev1: 5m}\n", "policy.yaml: version: is missing; name these numbers"),
    ("version:\n", "version: is missing"),
    ("version: 1\nescalations: {}\n", '2: escalations: no such key; did you mean "escalation"?'),
    ("version: 1\nseverity: {drift: {n_mim: 3}}\n", '2: severity.drift.n_mim: no such key; did you mean "n_min"?'),
    ("version: 1\nseverity:\n  drift:\n    n_min: 0\n", '4: severity.drift.n_min: must be 1 or more, not "0"'),
    ("version: 1\nseverity: {drift: {n_min: 2.5}}\n", 'severity.drift.n_min: must be a whole number, not "2.5"'),
    ("version: 1\nseverity: {drift: {at_once: .inf}}\n", 'severity.drift.at_once: must be a number, not ".inf"'),
    ("version: 1\nseverity: {drift: {bands: {sev3: 9}}}\n", "drift.bands: the bands must rise from sev4 over sev3"),
    ("version: 1\nseverity: {cost: {over: 40%}}\n", '"40%" is not a number; write 0.4'),
    ("version: 1\nseverity: {cost: {over: 0}}\n", 'severity.cost.over: must be more than 0, not "0"'),
    ("version: 1\nseverity: {cost: {floor: {USDT: 9}}}\n", 'cost.floor.USDT: no currency "USDT"; did you mean "USD"?'),
    ("version: 1\nseverity: {cost: {floor: {USD: -1}}}\n", "severity.cost.floor.USD: must be 0 or more"),
    ("version: 1\nescalation: {sev1: 5}\n", "2: escalation.sev1: the duration 5 has no unit; write 5s, 5m, 5h or 5d"),
    ("version: 1\nescalation: {sev1: 5 minutes}\n", '"5 minutes" is not a duration; write 5m'),
    ("version: 1\nescalation: {sev1: soon}\n", '"soon" is not a duration; write it like 90s, 5m, 24h or 7d'),
    ("version: 1\nescalation: {sev1: 0s}\n", "the duration 0s is out of range; between 1s and 400d"),
    ("version: 1\nescalation: {sev1: 999999d}\n", "the duration 999999d is out of range"),
    ("version: 1\nescalation: {sev1: [5m]}\n", "escalation.sev1: must be a duration; write it like 90s, 5m"),
    ("version: 1\nescalation: {sev1: }\n", "escalation.sev1: is empty; give it a value or remove the line"),
    ("version: 1\noverrides:\n  - {when: {}, severity: sev1}\n", "3: overrides[0].when: would match every incident"),
    ("version: 1\noverrides:\n  - {severity: sev1}\n", "3: overrides[0].when: is missing"),
    ("version: 1\noverrides:\n  - {when: {kind: cost}, severity: sev1}\n", "overrides[0].when.kind: must be one of"),
    ("version: 1\noverrides: {}\n", "2: overrides: must be a list; write it as [a, b]"),
    (
        "version: 1\noverrides:\n  - {when: {system: a}, severity: SEV1}\n",
        'overrides[0].severity: must be one of sev1, sev2, sev3, sev4, not "SEV1"; did you mean "sev1"?',
    ),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_mistake_is_told_with_its_line_what_is_wrong_and_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    problems = refusal(written(tmp_path, text))

    assert len(problems) == 1
    assert words in problems[0]
