"""Whatever a file says, it is read or it is refused with its mistakes named; nothing else happens."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from incidents.adapters.files import FilesRefused, Problem, read_catalog, read_policy, read_runbooks

CATALOG_KEYS = re.findall(
    r"\w+",
    """
    version defaults people teams systems owner channel timezone ada lee ml rag bot name email slack working days
    hours title criticality risk_class owners accountable model aliases runbooks budget amount currency depends_on
    holidays away from to members company schedules rotation turnover since at overrides person why calendar
    escalations escalation rungs patience repeat last_resort handovers role kind monitors links url reviewed
    maintenance weekly match environment severity
    """,
)
POLICY_KEYS = re.findall(
    r"\w+",
    """
    version severity drift bands sev4 sev3 n_min hallucination cost floor USD over escalation sev1 repeat working
    hours alerts flap_windows incidents close_after overrides when system kind
    """,
)
VALUES = ["1", "", "ada", "ml", "rag", "x" * 300, "Europe/London", "#ai", "EUR", "5m", "high", "mon", "-1", "nan", "~"]
VALUES += ["2026-11-21", "2026-10-25T01:30", "0001-01-01", "2026-03-29T01:30+14:00", "09:00", "kind", "[key]", "[list]"]


def trees(keys: list[str]) -> st.SearchStrategy[object]:
    leaf = st.one_of(st.none(), st.sampled_from(VALUES), st.integers(), st.text(max_size=5))
    key = st.one_of(st.sampled_from([*keys, "[key]", "[keys]"]), st.text(min_size=1, max_size=3))
    inner = st.recursive(leaf, lambda part: st.one_of(st.lists(part), st.dictionaries(key, part)), max_leaves=12)
    return st.dictionaries(key, st.one_of(inner, st.dictionaries(key, st.dictionaries(key, inner))), max_size=6)


many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refusal(read: Callable[[Path], object], path: Path, tree: object) -> tuple[Problem, ...] | None:
    """What is wrong with a file that says `tree`; None where it is read."""
    path.write_text(json.dumps(tree), encoding="utf-8")
    try:
        read(path)
    except FilesRefused as refused:
        return refused.problems
    return None


@many
@given(tree=trees(CATALOG_KEYS))
def test_a_catalog_is_read_or_refused_with_its_mistakes(tmp_path: Path, tree: object) -> None:
    problems = refusal(read_catalog, tmp_path / "catalog.yaml", tree)

    assert problems is None or {problem.line for problem in problems if problem.where != "version"} <= {1}
    assert problems != ()


@many
@given(tree=trees(POLICY_KEYS))
def test_a_policy_is_read_or_refused_with_its_mistakes(tmp_path: Path, tree: object) -> None:
    problems = refusal(read_policy, tmp_path / "policy.yaml", tree)

    assert problems is None or {problem.line for problem in problems if problem.where != "version"} <= {1}
    assert problems != ()


@many
@given(text=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
@example(text=b"---\n---\n")
@example(text=b"---\n- a\n---\n1. x\n")
def test_a_runbook_is_read_or_reported(tmp_path: Path, text: bytes) -> None:
    for front in (b"", b"---\nid: a\ntitle: A\n"):
        (tmp_path / "any.md").write_bytes(front + text)

        shelf = read_runbooks(tmp_path)

        assert shelf.runbooks or shelf.problems
