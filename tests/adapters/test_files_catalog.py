"""The catalog file: what it may say, and what a tired engineer is told when it says something else."""

from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest

from incidents.adapters.files import FilesRefused, read_catalog
from incidents.core.people import WorkingHours
from incidents.core.system import BudgetPeriod, Criticality, RiskClass, Role, SystemBudget

GOOD = """\
version: 1
defaults: {owner: lee, channel: "#ai-incidents", timezone: Europe/London}
people:
  ada: {name: Ada Okoye, email: ada@example.com, slack: U01ADA, timezone: Africa/Lagos}
  lee: {name: Lee Park, email: lee@example.com, working: {days: [mon, sat], hours: "07:30-15:00"}}
teams: {ml-platform: [ada, lee]}
systems:
  credit-scoring:
    title: Credit scoring
    criticality: high            # low | medium | high | critical
    risk_class: high
    owners: {accountable: lee, model: ada, operational: ml-platform, data: ada, governance: lee}
    channel: "#credit-ml"
    aliases: [litellm/team/credit, mlflow/credit]
    runbooks: [rollback-model]
    budget: {amount: 12000, currency: EUR, period: month}
    depends_on: [feature-store]
  bare: {}
"""


def written(folder: Path, text: str, name: str = "catalog.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> list[str]:
    """What is wrong with the catalog at `path`, without the folder."""
    with pytest.raises(FilesRefused) as refused:
        read_catalog(path)
    folder = path if path.is_dir() else path.parent
    return [str(problem).replace(f"{folder}/", "") for problem in refused.value.problems]


def test_a_catalog_is_read_as_it_is_written(tmp_path: Path) -> None:
    catalog = read_catalog(written(tmp_path, GOOD))

    credit = catalog.systems["credit-scoring"]
    assert (credit.title, credit.criticality, credit.risk_class) == ("Credit scoring", Criticality.HIGH, RiskClass.HIGH)
    assert credit.owners[Role.OPERATIONAL] == "ml-platform"
    assert credit.budget == SystemBudget(amount=Decimal(12000), currency="EUR", period=BudgetPeriod.MONTH)
    assert (credit.channel, credit.runbooks, credit.depends_on) == (
        "#credit-ml",
        ("rollback-model",),
        ("feature-store",),
    )
    assert catalog.system("mlflow/credit") == credit
    assert [person.id for person in catalog.members("ml-platform")] == ["ada", "lee"]
    assert (catalog.default_owner, catalog.default_channel) == ("lee", "#ai-incidents")
    assert catalog.places["systems", "credit-scoring"][1] == 8


def test_what_a_catalog_leaves_out_has_a_plain_default(tmp_path: Path) -> None:
    catalog = read_catalog(written(tmp_path, GOOD))

    bare = catalog.systems["bare"]
    assert (bare.title, bare.criticality, bare.owners, bare.budget) == ("bare", Criticality.MEDIUM, {}, None)
    assert catalog.people["lee"].timezone == "Europe/London"


def test_a_person_works_their_own_hours_and_everybody_else_those_of_the_policy(tmp_path: Path) -> None:
    usual = WorkingHours(days=frozenset({7}), start=time(10), end=time(14))

    people = read_catalog(written(tmp_path, GOOD), working=usual).people

    assert people["lee"].working == WorkingHours(days=frozenset({1, 6}), start=time(7, 30), end=time(15))
    assert people["ada"].working == usual


def test_words_that_old_yaml_took_for_bools_are_words(tmp_path: Path) -> None:
    text = 'version: 1\npeople: {no: {name: yes}, on: {name: "1e3"}, 007: {name: 08}}\nsystems: {y: {title: off}}\n'

    catalog = read_catalog(written(tmp_path, text))

    assert {id_: person.name for id_, person in catalog.people.items()} == {"no": "yes", "on": "1e3", "007": "08"}
    assert catalog.systems["y"].title == "off"


@pytest.mark.parametrize("text", ["version: 1\n", "version: 1\npeople:\nteams:\nsystems:\n", "version: 1 # only\n"])
def test_an_empty_inventory_is_an_inventory(tmp_path: Path, text: str) -> None:
    assert read_catalog(written(tmp_path, text)).systems == {}


PEOPLE = "version: 1\npeople:\n  ada: {name: Ada}\n  lee: {name: Lee}\n"
BAD = [
    ("systems: {}\n", ["catalog.yaml: version: is missing; write version: 1"]),
    ("version: 2\n", ['catalog.yaml:1: version: this release reads version 1, not "2"; write version: 1']),
    ("version: 1\nsystem: {}\n", ['catalog.yaml:2: system: no such key; did you mean "systems"?']),
    (
        PEOPLE + "systems:\n  credit:\n    owners:\n      accountable: lee\n      model: adda\n",
        ['catalog.yaml:9: systems.credit.owners.model: no person, team or schedule "adda"; did you mean "ada"?'],
    ),
    (
        PEOPLE + "defaults: {owner: lea}\n",
        ['5: defaults.owner: no person, team or schedule "lea"; did you mean "lee"?'],
    ),
    (PEOPLE + "defaults: {owner: q}\n", ['5: defaults.owner: no person, team or schedule "q"; add it under people']),
    (PEOPLE + "teams:\n  ml: [ada, le]\n", ['6: teams.ml[1]: no person "le"; did you mean "lee"?']),
    (
        PEOPLE + "teams:\n  ml: [ada]\n  all: [ml, lee]\n",
        ['7: teams.all[0]: "ml" is a team, and a team holds people only; name its people'],
    ),
    (PEOPLE + "teams:\n  ml: [ada, ada]\n", ['6: teams.ml[1]: the person "ada" is used twice, first in']),
    (PEOPLE + "teams:\n  ada: [lee]\n", ["6: teams.ada: a person has this id too; rename one of them"]),
    (PEOPLE + "teams:\n  ml: []\n", ["6: teams.ml: holds nothing; name at least one, or remove the line"]),
    (PEOPLE + "teams:\n  ml: ada\n", ['6: teams.ml: must be a list, not "ada"; write it as [a, b]']),
    ("version: 1\npeople:\n  ada: {email: a@b.example}\n", ["3: people.ada.name: is missing"]),
    ('version: 1\npeople:\n  ada: {name: ""}\n', ["3: people.ada.name: is empty; give it a value or remove the line"]),
    ('version: 1\npeople:\n  ada: {name: "A\\nda"}\n', ["3: people.ada.name: holds a line break"]),
    ('version: 1\npeople:\n  "a\\nda": {name: Ada}\n', ["holds a line break or a control character"]),
    (
        "version: 1\npeople:\n  ada: {name: Ada, slack: '@ada'}\n",
        ["3: people.ada.slack: is no Slack member id; copy it from the profile in Slack"],
    ),
    (
        PEOPLE + "  kim: {name: Kim, slack: U01X}\n  sam: {name: Sam, slack: U01X}\n",
        ['6: people.sam.slack: the Slack member id "U01X" is used twice, first in catalog.yaml:5'],
    ),
    ("version: 1\npeople:\n  ada: {name: Ada, email: ada}\n", ["3: people.ada.email: is no e-mail address"]),
    (
        "version: 1\ndefaults: {timezone: Europe/Lodnon}\n",
        ['2: defaults.timezone: no time zone "Europe/Lodnon"; did you mean "Europe/London"?'],
    ),
    (
        "version: 1\ndefaults: {timezone: new york}\n",
        ['2: defaults.timezone: no time zone "new york"; did you mean "America/New_York"?'],
    ),
    ("version: 1\ndefaults: {timezone: ../../etc/passwd}\n", ["2: defaults.timezone: no time zone"]),
    (
        "version: 1\npeople:\n  ada: {name: Ada, working: {days: [monday], hours: 9-5}}\n",
        [
            'days[0]: must be one of mon, tue, wed, thu, fri, sat, sun, not "monday"; did you mean "mon"?',
            "are not hours",
        ],
    ),
    (
        'version: 1\npeople:\n  ada: {name: Ada, working: {hours: "22:00-06:00"}}\n',
        ["3: people.ada.working.hours: the hours 22:00-06:00 end before they begin"],
    ),
    (
        "version: 1\ndefaults: {channel: #ai\n  }\n",
        ['2: defaults.channel: is empty; put the name in quotes, as in "#ai-incidents"'],
    ),
    ("version: 1\ndefaults: {channel: ai}\n", ["2: defaults.channel: is no Slack channel; write it like"]),
    ("version: 1\nsystems:\n  rag:\n", ["3: systems.rag: is empty; write {} for a system without details"]),
    ("version: 1\nsystems:\n  rag: {title: }\n", ["3: systems.rag.title: is empty; give it a value"]),
    ("version: 1\nsystems: [rag]\n", ["2: systems: must be keys with values; write it as {key: value}"]),
    ("version: 1\nsystems:\n  rag: text\n", ['3: systems.rag: must be keys with values, not "text"']),
    (
        "version: 1\nsystems:\n  rag: {criticality: High}\n",
        ['3: systems.rag.criticality: must be one of low, medium, high, critical, not "High"; did you mean "high"?'],
    ),
    (
        "version: 1\nsystems:\n  rag: {risk_class: severe}\n",
        ["must be one of minimal, limited, high, prohibited, gpai"],
    ),
    ("version: 1\nsystems:\n  rag: {owners: {modle: x}}\n", ['owners.modle: no such key; did you mean "model"?']),
    (
        "version: 1\nsystems:\n  rag: {budget: {amount: 12k, currency: EURO}}\n",
        ['3: systems.rag.budget.amount: must be a number, not "12k"', 'no currency "EURO"; did you mean "EUR"?'],
    ),
    ("version: 1\nsystems:\n  rag: {budget: {amount: 0, currency: EUR}}\n", ["budget.amount: must be more than 0"]),
    ("version: 1\nsystems:\n  rag: {budget: {amount: NaN, currency: EUR}}\n", ["budget.amount: must be a number"]),
    (
        "version: 1\nsystems:\n  rag: {aliases: [x]}\n  bot: {aliases: [x]}\n",
        ['4: systems.bot.aliases[0]: the alias "x" is used twice, first in catalog.yaml:3; keep one of the two'],
    ),
    (
        "version: 1\nsystems:\n  rag: {aliases: [bot]}\n  bot: {}\n",
        ['3: systems.rag.aliases[0]: "bot" is the id of a system; remove the alias or rename it'],
    ),
    ("version: 1\nsystems:\n  rag: {}\n  rag: {}\n", ["4: systems.rag: given twice, first in line 3"]),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_mistake_is_told_with_its_line_what_is_wrong_and_what_to_do(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    problems = refusal(written(tmp_path, text))

    assert len(problems) == len(words)
    for problem, wanted in zip(problems, words, strict=True):
        assert wanted in problem


def test_all_mistakes_are_told_at_once_and_each_once(tmp_path: Path) -> None:
    text = (
        "version: 1\n"
        "people:\n"
        "  ada: {email: nowhere, timezone: London}\n"  # a wrong entry still has its id
        "  lee: {name: Lee, nmae: Lee}\n"
        "teams: {ml: [ada, lee, kim]}\n"
        "systems:\n"
        "  rag: {criticality: huge, owners: {model: ada, data: ml, operational: bob}, aliases: [bot]}\n"
        "  bot: {budget: {currency: XYZ}}\n"
    )

    problems = refusal(written(tmp_path, text))

    assert [problem.split(": ")[1] for problem in problems] == [
        "people.ada.name",
        "people.ada.email",
        "people.ada.timezone",
        "people.lee.nmae",
        "teams.ml[2]",
        "systems.rag.criticality",
        "systems.rag.owners.operational",
        "systems.rag.aliases[0]",
        "systems.bot.budget.amount",
        "systems.bot.budget.currency",
    ]


def test_a_folder_is_read_as_one_catalog_in_the_order_of_names(tmp_path: Path) -> None:
    written(tmp_path, "version: 1\nsystems:\n  rag: {owners: {model: ada}}\n", "20-systems.yaml")
    written(tmp_path, "version: 1\npeople:\n  ada: {name: Ada}\n", "10-people.yml")
    written(tmp_path, "version: 1\nsystems:\n  bot: {}\ndefaults: {owner: ada}\n", "30-more.yaml")
    written(tmp_path, "not: [read", "notes.txt")

    catalog = read_catalog(tmp_path)

    assert list(catalog.systems) == ["rag", "bot"]
    assert catalog.systems["rag"].owners == {Role.MODEL: "ada"}
    assert catalog.default_owner == "ada"


def test_an_id_in_two_files_is_refused_naming_both_places(tmp_path: Path) -> None:
    written(tmp_path, "version: 1\nsystems:\n  rag: {}\ndefaults: {timezone: UTC}\n", "a.yaml")
    written(tmp_path, "version: 1\n\nsystems:\n  bot: {}\n  rag: {}\ndefaults: {timezone: UTC}\n", "b.yaml")

    assert refusal(tmp_path) == [
        "b.yaml:5: systems.rag: given twice, first in a.yaml:3; keep one of the two",
        "b.yaml:6: defaults.timezone: given twice, first in a.yaml:4; keep one of the two",
    ]


def test_an_alias_in_two_files_is_told_with_both_places(tmp_path: Path) -> None:
    written(tmp_path, "version: 1\nsystems:\n  rag: {aliases: [x]}\n", "a.yaml")
    written(tmp_path, "version: 1\nsystems:\n  bot: {aliases: [x]}\n", "b.yaml")

    assert refusal(tmp_path) == [
        'b.yaml:3: systems.bot.aliases[0]: the alias "x" is used twice, first in a.yaml:3; keep one of the two'
    ]


def test_a_file_that_cannot_be_read_hides_no_mistake_of_another_and_invents_none(tmp_path: Path) -> None:
    written(tmp_path, "version: 1\npeople:\n\tada: {name: Ada}\n", "a.yaml")
    written(tmp_path, "version: 1\nsystems:\n  rag: {owners: {model: ada}, criticality: huge}\n", "b.yaml")

    problems = refusal(tmp_path)

    assert problems[0] == "a.yaml:3: a tab character; use spaces"
    assert problems[1].startswith("b.yaml:3: systems.rag.criticality: must be one of")
    assert len(problems) == 2  # ada is in the file that could not be read


def test_a_file_past_one_mebibyte_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "version: 1\n#" + "x" * 1024 * 1024)

    assert refusal(path) == ["catalog.yaml: larger than 1 MiB; split it, and name the folder that holds the parts"]


def test_a_file_of_exactly_one_mebibyte_is_read(tmp_path: Path) -> None:
    head = "version: 1\n#"

    assert read_catalog(written(tmp_path, head + "x" * (1024 * 1024 - len(head)))).systems == {}


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_bytes("version: 1\npeople:\n  zoë: {name: Zoë}\n".encode("latin-1"))

    assert refusal(path) == ["catalog.yaml:3: not UTF-8; save it as UTF-8"]


def test_a_file_from_windows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert list(read_catalog(path).systems) == ["credit-scoring", "bare"]


def test_a_path_that_leads_nowhere_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    written(tmp_path, GOOD)

    assert refusal(tmp_path / "catalogue.yaml") == [
        'catalogue.yaml: no such file or folder; did you mean "catalog.yaml"?'
    ]


def test_a_folder_without_a_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilesRefused, match=r"the folder holds no \*\.yaml or \*\.yml"):
        read_catalog(tmp_path)


def test_a_catalog_whose_people_are_missing_is_refused_without_a_thousand_guesses(tmp_path: Path) -> None:
    people = "".join(f"  person{number}: {{name: P}}\n" for number in range(100))
    systems = "".join(f"  system{number}: {{owners: {{model: persn{number}}}}}\n" for number in range(100))

    problems = refusal(written(tmp_path, f"version: 1\npeople:\n{people}systems:\n{systems}"))

    assert len(problems) == 100
    assert 'did you mean "person7"?' in problems[7]
    assert problems[99].endswith('no person, team or schedule "persn99"; add it under people')
