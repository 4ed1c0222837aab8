"""Backstage's descriptor files become a catalog of ours, and what they cannot say is listed."""

from pathlib import Path

import pytest

from incidents.adapters.files import FilesRefused, Imported, catalog_from_texts, catalog_text, read_backstage
from incidents.core.catalog import Catalog
from incidents.core.system import Criticality, Lifecycle, Reference, Role, SystemType

PEOPLE = """\
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ada, annotations: {incidents/timezone: Africa/Lagos}}
spec:
  profile: {displayName: Ada Okoye, email: ada@example.com, picture: "https://example.com/ada.png"}
  memberOf: [ml-platform]
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: lee, title: Lee Park, annotations: {incidents/slack: U01LEE}}
spec: {memberOf: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: ml-platform}
spec: {type: team, children: [], members: [user:default/lee]}
"""
CREDIT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: credit-scoring
  title: Credit scoring
  description: |
    Decides consumer credit.
    Within a minute.
  tags: [python]
  links:
    - {url: "https://example.com/card", title: Model card, icon: docs}
    - {url: "https://example.com/runs"}
  annotations:
    backstage.io/techdocs-ref: dir:.
    incidents/type: internal_model
    incidents/criticality: high
    incidents/aliases: mlflow/credit, gateway/credit
    incidents/justification: Decides consumer credit
    incidents/model-owner: user:Ada
    incidents/data-owner: user:default/ada
    incidents/governance-owner: user:lee
spec:
  type: service
  lifecycle: production
  owner: group:default/ml-platform
  system: lending
  dependsOn: [resource:applications, component:default/feature-store, Component:Elsewhere/Scores]
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: applications}
spec: {type: database, owner: ml-platform}
"""


def component(name: str = "rag", spec: str = "", **metadata: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in metadata.items())
    owned = spec or "type: service, lifecycle: production, owner: ml-platform"
    head = "---\napiVersion: backstage.io/v1alpha1\nkind: Component\n"
    return f"{head}metadata: {{name: {name}{more}}}\nspec: {{{owned}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    return tmp_path


def imported(folder: Path, text: str) -> tuple[Imported, Catalog]:
    """What the folder says, and the catalog as it is read again from the text of it."""
    (folder / "systems.yaml").write_text(text)
    read = read_backstage([folder])
    return read, catalog_from_texts([("catalog.yaml", catalog_text(read.tree))]).catalog


def notes(read: Imported, folder: Path) -> list[str]:
    return [str(note).replace(f"{folder}/", "") for note in read.notes]


def test_a_component_becomes_a_system_with_all_that_its_descriptor_says(folder: Path) -> None:
    read, catalog = imported(folder, CREDIT)

    credit = catalog.systems["credit-scoring"]
    assert list(catalog.systems) == ["credit-scoring"]
    assert (credit.title, credit.type, credit.criticality) == (
        "Credit scoring",
        SystemType.INTERNAL_MODEL,
        Criticality.HIGH,
    )
    assert credit.owners == {
        Role.ACCOUNTABLE: "ml-platform",
        Role.OPERATIONAL: "ml-platform",
        Role.MODEL: "ada",
        Role.DATA: "ada",
        Role.GOVERNANCE: "lee",
    }
    assert (credit.aliases, credit.justification) == (("mlflow/credit", "gateway/credit"), "Decides consumer credit")
    assert (credit.depends_on, credit.data_sources) == (("feature-store", "elsewhere/scores"), ("applications",))
    assert credit.links == (
        Reference(title="Model card", url="https://example.com/card"),
        Reference(title="https://example.com/runs", url="https://example.com/runs"),
    )
    assert notes(read, folder) == []


def test_users_become_people_and_groups_teams(folder: Path) -> None:
    _, catalog = imported(folder, CREDIT)

    ada, lee = catalog.people.values()
    assert (ada.id, ada.name, ada.email, ada.timezone) == ("ada", "Ada Okoye", "ada@example.com", "Africa/Lagos")
    assert (lee.id, lee.name, lee.slack) == ("lee", "Lee Park", "U01LEE")
    assert catalog.teams["ml-platform"].members == ("lee", "ada")


def test_what_only_its_owners_can_add_is_listed_with_the_place_that_lacks_it(folder: Path) -> None:
    read, catalog = imported(folder, component())

    assert catalog.systems["rag"].owners == {Role.ACCOUNTABLE: "ml-platform", Role.OPERATIONAL: "ml-platform"}
    assert notes(read, folder) == [
        "systems.yaml:5: spec.owner: rag: has no model, data, governance owner; name them under systems.rag.owners"
    ]


def test_an_owner_of_whom_nothing_is_known_is_left_out_and_said(folder: Path) -> None:
    read, catalog = imported(folder, component(spec="type: service, lifecycle: production, owner: labs/guests"))

    assert catalog.systems["rag"].owners == {}
    assert notes(read, folder)[0] == (
        "systems.yaml:5: spec.owner: rag: is owned by group labs/guests, of whom nothing is known;"
        " import its people too"
    )


def test_somebody_whom_the_files_only_name_is_written_down_to_be_completed(folder: Path) -> None:
    read, catalog = imported(folder, component(spec="type: service, owner: user:kim"))

    assert (catalog.people["kim"].name, catalog.systems["rag"].owners[Role.ACCOUNTABLE]) == ("kim", "kim")
    assert "systems.yaml:5: spec: rag: no User entity describes kim; add how they can be reached" in notes(read, folder)


@pytest.mark.parametrize(
    ("lifecycle", "taken", "noted"),
    [
        ("experimental", Lifecycle.PLANNED, False),
        ("Production", Lifecycle.PRODUCTION, False),
        ("deprecated", Lifecycle.PRODUCTION, True),
        ("beta", Lifecycle.PRODUCTION, True),
    ],
)
def test_a_lifecycle_that_still_runs_is_production(
    folder: Path,
    lifecycle: str,
    taken: Lifecycle,
    noted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    read, catalog = imported(folder, component(spec=f"type: service, owner: ml-platform, lifecycle: {lifecycle}"))

    assert catalog.systems["rag"].lifecycle is taken
    assert any(f"its lifecycle is {lifecycle}" in note for note in notes(read, folder)) is noted


@pytest.mark.parametrize(
    ("kind", "type_", "system"),
    [
        ("Component", "service", True),
        ("Component", "library", False),
        ("API", "openapi", False),
        ("Resource", "ai-model", True),
        ("System", "product", False),
        ("Location", "url", False),
        ("Domain", "agent", False),
    ],
)
def test_what_runs_or_is_a_model_becomes_a_system(folder: Path, kind: str, type_: str, system: bool) -> None:  # noqa: FBT001
    text = component(spec=f"type: {type_}, owner: ml-platform").replace("kind: Component", f"kind: {kind}")

    _, catalog = imported(folder, text)

    assert ("rag" in catalog.systems) is system


def test_anything_becomes_a_system_that_an_annotation_of_ours_calls_one(folder: Path) -> None:
    text = component(annotations="{incidents/type: third_party_model}").replace("kind: Component", "kind: API")

    _, catalog = imported(folder, text)

    assert catalog.systems["rag"].type is SystemType.THIRD_PARTY_MODEL


def test_names_of_other_namespaces_keep_theirs_and_a_group_is_told_from_a_person_of_its_name(folder: Path) -> None:
    group = component("ada", "type: team, members: [lee]").replace("Component", "Group")
    spec = "type: service, owner: {kind: group, namespace: default, name: ada}"

    _, catalog = imported(folder, group + component("rag", spec, namespace="labs"))

    assert catalog.systems["labs/rag"].owners[Role.ACCOUNTABLE] == "group:ada"
    assert catalog.teams["group:ada"].members == ("lee",)


def test_a_group_has_the_people_of_the_groups_inside_it_even_in_a_circle(folder: Path) -> None:
    outer = component("outer", "type: unit, children: [inner, ml-platform]")
    inner = component("inner", "type: unit, children: [outer]")

    _, catalog = imported(folder, (outer + inner).replace("Component", "Group"))

    assert catalog.teams["outer"].members == ("lee", "ada")


REFUSED = [
    ("kind: Component\nmetadata: {name: x}\n", "systems.yaml:1: kind: is no entity of Backstage; it needs"),
    ("# two documents\n---\nb: &x 2\n", "systems.yaml:3: the anchor &x is not allowed; write the value out"),
    ("# nothing\n---\na: 1\na: 2\n", "systems.yaml:4: a: given twice, first in line 3; keep one of the two"),
    (component() + component(), "systems.yaml:9: metadata.name: the Component rag is described twice; keep one"),
    (component().replace("{name: rag}", "{title: x}"), "systems.yaml:4: metadata.name: is missing"),
    (
        component(annotations="{incidents/criticality: hihg}"),
        'systems.yaml:4: systems.rag.criticality: must be one of low, medium, high, critical, not "hihg"; did you mean',
    ),
    (
        component(annotations="{incidents/aliases: x}") + component("bot", annotations="{incidents/aliases: x}"),
        'systems.yaml:9: systems.bot.aliases[0]: the alias "x" is used twice, first in',
    ),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_a_mistake_is_told_where_backstage_has_it(folder: Path, text: str, words: str) -> None:
    with pytest.raises(FilesRefused) as refused:
        imported(folder, text)

    assert words in str(refused.value.problems[0]).replace(f"{folder}/", "")


def test_an_annotation_of_ours_that_nobody_knows_is_noted(folder: Path) -> None:
    read, _ = imported(folder, component(annotations="{incidents/risk_class: high}"))

    assert any('no such annotation; did you mean "incidents/risk-class"?' in note for note in notes(read, folder))
