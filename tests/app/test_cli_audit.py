"""`incidents audit` on a terminal and in CI: what is wanting, and an exit code that says whether anything is."""

import pytest

from tests.app.desk import Desk

CATALOG = """
version: 1
people:
  ada: {name: Ada Okoye, email: ada@example.com}
systems:
  credit-scoring:
    title: Credit scoring
    criticality: high
    owners: {accountable: ada, model: ada, operational: ada, data: ada, governance: ada}
    justification: Decides consumer credit within a minute
    rollback: the previous version
    runbooks: [rollback-model]
"""


@pytest.fixture
def at_work(kept: Desk) -> Desk:
    kept.settings["CATALOG"] = kept.write("catalog.yaml", CATALOG)
    return kept


def test_the_audit_prints_percentages_and_findings_and_exits_1_when_something_is_wanting(at_work: Desk) -> None:
    said = at_work.type("audit")
    assert said.code == 1
    assert "1 of 1, 100 %    Systems with a business justification" in said.out
    assert "0 of 1, 0 %      Production systems actively monitored" in said.out
    assert "no incident yet  From an incident to its acknowledgement, 90 days" in said.out
    assert "Credit scoring (credit-scoring)  high" in said.out
    assert "  no_monitor        No monitor is listed, and none was heard of in 7 d" in said.out
    assert said.out.rstrip().endswith("2 findings in 1 system.")


def test_it_exits_0_where_nothing_is_wanting_of_what_was_asked_for(at_work: Desk) -> None:
    said = at_work.type("audit", "--code", "owner_missing", "--code", "no_runbook")
    assert said.code == 0
    assert said.out.rstrip().endswith("Nothing is wanting.")
    assert at_work.type("audit", "--criticality", "low").code == 0
    assert at_work.type("audit", "--system", "credit-scoring").code == 1


def test_a_system_that_nobody_knows_is_refused_and_not_found_in_order(at_work: Desk) -> None:
    said = at_work.type("audit", "--system", "credit-scorign")
    assert said.code == 1
    assert said.err.startswith("no system credit-scorign")


def test_programs_read_it_as_json(at_work: Desk) -> None:
    said = at_work.type("audit", "--json", "--code", "not_reviewed")
    assert said.code == 1
    assert [finding["system"] for finding in said.json["findings"]] == ["credit-scoring"]
    assert said.json["counts"] == {"not_reviewed": 1}


def test_a_code_that_is_none_is_wrong_usage(at_work: Desk) -> None:
    assert at_work.type("audit", "--code", "no_luck").code == 2
