"""Names in one file that another file does not bear out."""

from pathlib import Path

from incidents.adapters.files import cross_check, read_catalog, read_policy, read_runbooks
from incidents.core.catalog import Catalog
from incidents.core.policy import Override, Policy
from incidents.core.severity import Severity
from tests.make import a_catalog, a_runbook, a_system
from tests.make_inventory import an_inventory

CATALOG = """\
version: 1
people:
  ada: {name: Ada, slack: U01ADA}
  kim: {name: Kim}
systems:
  rag:
    owners: {model: ada}
    aliases: [mlflow/rag]
    runbooks: [rolback-model, own]
    depends_on: [feature-store, bott]
    budget: {amount: 100, currency: CLP}
  bot: {}
"""
POLICY = """\
version: 1
overrides:
  - {when: {system: rga}, severity: sev1}
  - {when: {system: mlflow/rag}, severity: sev1}
  - {when: {kind: drift}, severity: sev4}
  - {when: {system: rag}, severity: sev1}
"""
RUNBOOK = "---\nid: own\ntitle: Own\nowner: {owner}\napplies_to: {{system: [{system}]}}\n---\n1. Go.\n"


def test_what_the_files_say_of_each_other_is_checked_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "own.md").write_text(RUNBOOK.format(owner="adda", system="bott"))
    (tmp_path / "runbooks" / "rollback-model.md").write_text("---\nid: rollback-model\ntitle: R\n---\n1. Go.\n")

    warnings = cross_check(
        read_catalog(tmp_path / "catalog.yaml"),
        read_policy(tmp_path / "policy.yaml"),
        read_runbooks(tmp_path / "runbooks").runbooks,
    )

    assert [str(warning).replace(f"{tmp_path}/", "") for warning in warnings] == [
        "catalog.yaml:4: people.kim: cannot be found in Slack; give a slack id or an email",
        'catalog.yaml:9: systems.rag.runbooks: no runbook "rolback-model"; did you mean "rollback-model"?',
        'catalog.yaml:10: systems.rag.depends_on: no system "bott"; did you mean "bot"?',
        (
            "catalog.yaml:11: systems.rag.budget: the policy has no floor for CLP, so any excess is large enough;"
            " set severity.cost.floor.CLP in the policy"
        ),
        "catalog.yaml:12: systems.bot: nobody owns it; give it owners, or a defaults.owner",
        'policy.yaml:3: overrides[0].when.system: no system "rga"; did you mean "rag"?',
        'policy.yaml:4: overrides[1].when.system: no system "mlflow/rag"; that is an alias: write "rag"',
        'runbooks/own.md:1: applies_to.system: no system "bott"; did you mean "bot"?',
        'runbooks/own.md:1: owner: no person, team, schedule or role "adda"; did you mean "ada"?',
    ]


def test_the_shipped_files_bear_each_other_out() -> None:
    assert cross_check(Catalog(), read_policy(None), read_runbooks(None).runbooks) == ()


def test_without_an_inventory_no_name_of_a_system_is_wrong() -> None:
    policy = Policy(overrides=(Override(severity=Severity.SEV1, system="anything"),))

    assert cross_check(Catalog(), policy, ()) == ()


def test_a_system_that_depends_on_itself_is_pointed_out() -> None:
    system = a_system("rag", depends_on=("rag", "store"))

    (warning,) = cross_check(a_catalog(system, people={}, teams={}), Policy(), [a_runbook()])

    assert str(warning) == "catalog: systems.rag.depends_on: depends on itself; remove it"


def test_an_inventory_that_says_more_is_warned_of_no_more(tmp_path: Path) -> None:
    for name, text in an_inventory(systems=30, people=20, schedules=5).items():
        (tmp_path / name).write_text(text)

    assert cross_check(read_catalog(tmp_path), read_policy(None), read_runbooks(None).runbooks) == ()
