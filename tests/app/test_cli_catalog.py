"""A catalog is planned, applied and looked back at from the command line, and refused whole with its lines."""

import httpx
import pytest

from tests.app.desk import Desk

CATALOG = """\
version: 1
defaults: {owner: lee}
people:
  ada: {name: Ada Okoye, email: ada@example.com}
  lee: {name: Lee Park, email: lee@example.com}
systems:
  bot: {title: Support bot, criticality: high, owners: {accountable: lee, model: ada}}
"""
WORSE = CATALOG.replace("criticality: high", "criticality: critical").replace("model: ada", "model: lee")


@pytest.fixture
def filed(kept: Desk) -> Desk:
    """A desk with a catalog file and an empty database."""
    kept.write("catalog.yaml", CATALOG)
    return kept


def test_a_plan_says_what_would_change_and_changes_nothing(filed: Desk) -> None:
    said = filed.type("catalog", "plan", "--catalog", "catalog.yaml")

    assert said.code == 0
    assert said.out.splitlines() == [
        "4 changes over nothing: no catalog was applied yet (1 system, 2 people, 0 teams, 0 schedules).",
        "  + System bot is new",
        "  + Person ada is new",
        "  + Person lee is new",
        "  + Default owner is new: lee",
    ]
    assert filed.type("catalog", "history").out == "Nothing has changed.\n"


def test_what_is_applied_is_what_the_plan_said_and_stands_in_the_history(filed: Desk) -> None:
    assert filed.type("catalog", "apply", "--catalog", "catalog.yaml", "--yes").code == 0
    filed.write("catalog.yaml", WORSE)
    planned = filed.type("catalog", "plan", "--catalog", "catalog.yaml", "--json").json

    words = ("catalog", "apply", "--catalog", "catalog.yaml", "--note", "Ada leaves", "--as", "ada", "--yes", "--json")
    applied = filed.type(*words).json

    assert applied["changes"] == planned["changes"]
    assert [change["text"] for change in applied["changes"]] == [
        "Support bot: model ownership passes from Ada Okoye to Lee Park",
        "System bot: criticality is critical, was high",
    ]
    assert applied["revision"]["number"] == 2
    history = filed.type("catalog", "history", "--entry", "bot", "--json").json["items"]
    assert [(item["revision"], item["by"]["id"], item["note"]) for item in history] == [
        (2, "ada", "Ada leaves"),
        (2, "ada", "Ada leaves"),
        (1, "admin", ""),
    ]
    assert (history[1]["before"], history[1]["after"]) == ("high", "critical")
    assert "Ada Okoye to Lee Park  (Ada leaves)" in filed.type("catalog", "history", "--section", "systems").out


def test_a_section_that_no_catalog_has_is_refused_and_those_that_it_has_are_named(filed: Desk) -> None:
    said = filed.type("catalog", "history", "--section", "system")

    assert said.code == 1
    assert "section: should be one of systems, people" in said.err


@pytest.mark.parametrize(("answer", "revisions", "code"), [("y\n", 1, 0), ("n\n", 0, 1)])
def test_before_anything_is_applied_a_person_is_asked(filed: Desk, answer: str, revisions: int, code: int) -> None:
    said = filed.type("catalog", "apply", "--catalog", "catalog.yaml", given=answer)

    assert "+ System bot is new" in said.out
    assert "Apply?" in said.out
    assert (said.code, "nothing was applied" in said.err) == (code, code == 1)
    history = filed.type("catalog", "history", "--json").json["items"]
    assert {item["revision"] for item in history} == set(range(1, revisions + 1))


def test_where_nothing_changes_nobody_is_asked(filed: Desk) -> None:
    filed.type("catalog", "apply", "--catalog", "catalog.yaml", "--yes")

    again = filed.type("catalog", "apply", "--catalog", "catalog.yaml")

    assert again.code == 0
    assert again.out == "Nothing changes (1 system, 2 people, 0 teams, 0 schedules).\n"


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_a_wrong_catalog_is_refused_with_file_line_and_suggestion(filed: Desk, command: tuple[str, ...]) -> None:
    filed.type("catalog", "apply", "--catalog", "catalog.yaml", "--yes")
    filed.write("catalog.yaml", CATALOG.replace("model: ada", "model: adda") + "\tx: 1\n")

    said = filed.type("catalog", *command, "--catalog", "catalog.yaml")

    assert said.code == 1
    assert "catalog.yaml:8: a tab character; use spaces" in said.err
    told = filed.type("catalog", *command, "--catalog", "catalog.yaml", "--json")
    assert told.json["code"] == "catalog_refused"
    assert {"file", "line", "where", "detail", "suggestion"} == set(told.json["errors"][0])
    assert len(filed.type("catalog", "history", "--json").json["items"]) == 4


def test_a_catalog_must_be_named(filed: Desk) -> None:
    assert filed.type("catalog", "plan").err == "name the catalog: --catalog FILE, or INCIDENTS_CATALOG\n"
    assert filed.type("catalog", "plan", "--catalog", "nowhere.yaml").code == 1
    assert filed.type("catalog", "apply", "--json", "--catalog", "catalog.yaml").code == 2


def test_it_is_read_from_where_the_service_would_read_it(filed: Desk) -> None:
    filed.settings["CATALOG"] = "catalog.yaml"
    assert filed.type("catalog", "apply", "--yes").code == 0
    assert "Revision 1 runs." not in filed.type("catalog", "apply", "--yes").out


# --- beginning -------------------------------------------------------------------------------------------------------


def wording(desk: Desk) -> str:
    """What the doctor says of the catalog."""
    return " | ".join(line for line in desk.type("doctor").out.splitlines() if "  catalog" in line)


def runs(desk: Desk) -> str:
    """The criticality of the bot by the catalog that a service begins with."""
    with desk.serving() as url:
        items = desk.type("catalog", "history", "--url", url, "--entry", "bot", "--json").json["items"]
        return f"{items[0]['revision']} by {items[0]['by']['id']}: {items[0]['text']}"


def test_a_start_applies_what_is_new_and_lets_what_is_older_be(filed: Desk) -> None:
    filed.settings["CATALOG"] = "catalog.yaml"
    assert runs(filed) == "1 by incidents: System bot is new"
    assert "revision 1 of " in wording(filed)

    filed.write("catalog.yaml", CATALOG.replace("high", "low"))
    assert "says something else than revision 1, which runs" in wording(filed)
    assert runs(filed) == "2 by incidents: System bot: criticality is low, was high"

    filed.write("catalog.yaml", CATALOG)
    assert "says what revision 1 said; revision 2 runs" in wording(filed)
    assert runs(filed).startswith("2 by incidents")

    assert filed.type("catalog", "apply", "--yes").code == 0
    assert runs(filed) == "3 by admin: System bot: criticality is high, was low"


def test_a_start_with_a_wrong_file_runs_what_ran_before_and_without_any_file_too(filed: Desk) -> None:
    filed.type("catalog", "apply", "--catalog", "catalog.yaml", "--yes")
    assert runs(filed) == "1 by admin: System bot is new"

    filed.settings["CATALOG"] = filed.write("catalog.yaml", CATALOG.replace("model: ada", "model: adda"))
    with filed.serving() as url:
        said = filed.type("catalog", "history", "--url", url, "--json").json
        assert {item["revision"] for item in said["items"]} == {1}
        trouble = httpx.get(f"{url}/api/catalog").json()["trouble"]
        assert trouble.startswith(
            "INCIDENTS_CATALOG is refused, so catalog revision 1 or a newer one runs: catalog.yaml:7"
        )
        assert "INCIDENTS_CATALOG is refused" in httpx.get(url).text
    assert "catalog.yaml:7" in filed.type("doctor").out


def test_what_is_no_revision_is_told_how_their_ids_read(filed: Desk) -> None:
    told = filed.type("catalog", "history", "--revision", "r3")
    assert (told.code, "r3 is no revision: ids read 7" in told.err) == (2, True)
