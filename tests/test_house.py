"""The README tells the truth about the code, and the house keeps to its sizes."""

import ast
from pathlib import Path

import pytest

from incidents.core.incident import draw

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "incidents").rglob("*.py"))
FLOORS = ("app", "adapters", "flow", "core")
LONGEST = 400  # lines of a module; longer ones are split by noun


def first_sentence(module: Path) -> str:
    return (ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").split("\n\n")[0].replace("\n", " ")


def name_in_map(module: Path) -> str:
    floor = module.relative_to(ROOT / "incidents").parts[0]
    inside = module.relative_to(ROOT / "incidents" / floor)
    return f"{inside.parent}/" if inside.name == "__init__.py" else str(inside)


@pytest.mark.parametrize("module", [m for m in MODULES if len(m.relative_to(ROOT).parts) > 3], ids=str)
def test_the_map_lists_every_module_with_what_it_says_of_itself(module: Path) -> None:
    assert f"| `{name_in_map(module)}` | {first_sentence(module).replace('|', '/')} |" in README


@pytest.mark.parametrize("floor", FLOORS)
def test_the_map_tells_every_floor(floor: str) -> None:
    assert f"**`incidents/{floor}`**: {first_sentence(ROOT / 'incidents' / floor / '__init__.py')}" in README


def test_the_diagram_of_the_readme_is_the_table_of_the_code() -> None:
    assert f"```mermaid\n{draw()}\n```" in README


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_is_short_enough_to_be_read_at_once(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST
