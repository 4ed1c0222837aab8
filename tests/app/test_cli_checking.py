"""Files, data and schema are checked from the command line."""

import sqlite3

from tests.app.desk import Desk

GOOD = """
version: 1
people:
  ada: {name: Ada Okoye, email: ada@example.com}
systems:
  credit-scoring: {owners: {model: ada}}
"""


def test_good_files_are_well(desk: Desk) -> None:
    said = desk.type("validate", "--catalog", desk.write("catalog.yaml", GOOD))
    assert said.code == 0
    assert said.out.startswith("All is well: 1 system; policy 2026-")


def test_every_problem_of_every_file_is_named_with_its_line(desk: Desk) -> None:
    desk.write("catalog.yaml", GOOD.replace("model: ada", "model: adda").replace("email", "emial"))
    desk.write("policy.yaml", "version: 1\nseverity: {drift: {n_min: many}}\n")
    desk.write("runbook.md", "no front matter\n")
    files = ("--catalog", "catalog.yaml", "--policy", "policy.yaml", "--runbooks", "runbook.md")
    said = desk.type("validate", *files)
    assert said.code == 1
    places = [line.split(": ")[0] for line in said.out.splitlines()]
    assert places == ["policy.yaml:2", "catalog.yaml:4", "catalog.yaml:6", "runbook.md:1", "4 problems"]
    told = desk.type("validate", *files, "--json")
    assert told.code == 1
    assert not told.json["ok"]
    assert told.json["problems"][1]["suggestion"] == 'did you mean "email"?'


def test_a_time_that_clocks_skip_is_noted_and_nothing_is_wrong(desk: Desk) -> None:
    away = "away: [{from: 2027-03-28T01:30, to: 2027-03-30}], timezone: Europe/London"
    desk.write("catalog.yaml", GOOD.replace("email: ada@example.com", f"email: ada@example.com, {away}"))
    said = desk.type("validate", "--catalog", "catalog.yaml")
    assert said.code == 0
    assert said.out.startswith("note: catalog.yaml:4: people.ada.away[0].from: the clocks of Europe/London skip")
    told = desk.type("validate", "--catalog", "catalog.yaml", "--json").json
    assert (told["ok"], told["problems"], len(told["notes"])) == (True, [], 1)


def test_a_name_that_leads_nowhere_is_found_across_files(desk: Desk) -> None:
    desk.write("catalog.yaml", GOOD.replace("{owners", "{runbooks: [rollback-modle], owners"))
    said = desk.type("validate", CATALOG="catalog.yaml")
    assert said.code == 1
    assert 'no runbook "rollback-modle"; did you mean "rollback-model"?' in said.out


def test_a_file_that_is_not_there_is_a_problem(desk: Desk) -> None:
    assert desk.type("validate", "--catalog", "nothing.yaml").code == 1


def test_the_schema_is_upgraded_once(desk: Desk) -> None:
    first = desk.type("db", "upgrade", "--json").json
    assert first["before"] is None
    again = desk.type("db", "upgrade", "--json").json
    assert again == {"before": first["after"], "after": first["after"]}
    assert "already" in desk.type("db", "upgrade").out


def test_a_database_of_a_newer_program_is_left_alone(kept: Desk) -> None:
    with sqlite3.connect(kept.folder / "incidents.db") as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    said = kept.type("db", "upgrade")
    assert said.code == 1
    assert "start a newer one" in said.err
    assert kept.type("list").code == 1


def test_a_sound_database_keeps_every_invariant(kept: Desk) -> None:
    assert kept.type("open", "--system", "search", "--title", "odd").code == 0
    assert kept.type("check-invariants").out == "Nothing is broken.\n"
    assert kept.type("check-invariants", "--json").json == {"ok": True, "broken": []}


def test_a_changed_record_is_found(kept: Desk) -> None:
    assert kept.type("open", "--system", "search", "--title", "odd").code == 0
    with sqlite3.connect(kept.folder / "incidents.db") as connection:
        connection.execute("update facts set text = 'nothing happened' where seq = 1")
    connection.close()
    said = kept.type("check-invariants")
    assert said.code == 1
    assert "chain: INC-1 fact 1" in said.out
    assert kept.type("check-invariants", "--json").json["broken"][0]["code"] == "chain"


def test_there_is_nothing_to_check_without_a_database(desk: Desk) -> None:
    assert desk.type("check-invariants").code == 1
    assert not (desk.folder / "incidents.db").exists()


BACKSTAGE = """
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ada}
spec: {profile: {displayName: Ada Okoye, email: ada@example.com}, memberOf: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: credit-scoring, title: Credit scoring}
spec: {type: service, lifecycle: production, owner: user:ada}
"""


def test_backstage_s_files_become_a_catalog_that_is_well(desk: Desk) -> None:
    said = desk.type("catalog", "import", desk.write("catalog-info.yaml", BACKSTAGE))
    assert said.code == 0
    assert "has no model, data, governance owner" in said.err
    assert desk.type("validate", "--catalog", desk.write("catalog.yaml", said.out)).code == 0
    told = desk.type("catalog", "import", "catalog-info.yaml", "--json").json
    assert told["catalog"]["systems"]["credit-scoring"]["owners"] == {"accountable": "ada", "operational": "ada"}
    assert len(told["notes"]) == 1


def test_a_file_that_is_not_backstage_s_is_refused_with_its_line(desk: Desk) -> None:
    said = desk.type("catalog", "import", desk.write("catalog.yaml", GOOD))
    assert said.code == 1
    assert "catalog.yaml:2: version: is no entity of Backstage" in said.err


def test_connections_are_checked_too(desk: Desk) -> None:
    good = 'version: 1\nconnections: {mlflow: {url: "https://mlflow.example.com"}}\n'
    assert desk.type("validate", "--connections", desk.write("connections.yaml", good)).code == 0
    desk.write("connections.yaml", good.replace("https", "file"))
    said = desk.type("validate", CONNECTIONS="connections.yaml")
    assert said.code == 1
    assert said.out.startswith("connections.yaml:2: connections.mlflow.url: is no web address; begin it with https://")
