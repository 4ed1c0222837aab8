"""The part of YAML that is read, and everything of it that is refused with its line."""

import pytest

from incidents.adapters.files.tree import read_tree


def test_every_scalar_stays_the_text_that_was_written() -> None:
    tree, problems = read_tree("country: no\nversion: 2026-11-1\ntime: 12:30:00\nshare: 1e3\nquoted: ''\n", "f.yaml")

    assert problems == []
    assert tree.value == {"country": "no", "version": "2026-11-1", "time": "12:30:00", "share": "1e3", "quoted": ""}


def test_an_empty_value_is_none_and_only_when_it_is_not_quoted() -> None:
    tree, _ = read_tree('a:\nb: ~\nc: null\nd: "null"\ne: [x, ]\n', "f.yaml")

    assert tree.value == {"a": None, "b": None, "c": None, "d": "null", "e": ["x"]}


def test_names_are_brought_into_one_unicode_form() -> None:
    tree, _ = read_tree("cafe\u0301: caf\u00e9\n", "f.yaml")

    assert tree.value == {"caf\u00e9": "caf\u00e9"}


def test_each_value_knows_the_line_of_its_key() -> None:
    tree, _ = read_tree("a:\n  b:\n    - x\n    -\n      c: y\n", "f.yaml")

    lines = {path: place.line for path, place in tree.places.items()}

    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "b", 0): 3, ("a", "b", 1): 5, ("a", "b", 1, "c"): 5}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "~\n"])
def test_an_empty_file_says_nothing_wrong(text: str) -> None:
    tree, problems = read_tree(text, "f.yaml")

    assert (tree.value, problems, tree.whole) == ({}, [], True)


REFUSED = [
    ("a: &x 1\n", 1, "the anchor &x is not allowed; write the value out"),
    ("a: 1\nb: *x\n", 2, "the alias *x is not allowed; write the value out"),
    ("a: 1\n<<: {b: 2}\n", 2, "the merge key << is not allowed; write the keys out"),
    ("a: 1\nb: 2\na: 3\n", 3, "a: given twice, first in line 1; keep one of the two"),
    ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "a.b: given twice, first in line 2"),
    ("caf\u00e9: 1\ncafe\u0301: 2\n", 2, "given twice, first in line 1"),
    ("a: !!str 1\n", 1, "the tag !!str is not allowed; remove it"),
    ("a: !!python/object:os.system x\n", 1, "the tag !!python/object:os.system is not allowed"),
    ("a: ! x\n", 1, "the tag ! is not allowed"),
    ("a: !own [x]\n", 1, "the tag !own is not allowed"),
    ("a: 1\n---\nb: 2\n", 2, "a second document begins here; remove the ---"),
    ("a: 1\n\tb: 2\n", 2, "a tab character; use spaces"),
    ("a: 1\nb: x\x07\n", 2, "the control character '\\x07'; remove it"),
    ('a: 1\n"": 2\n', 2, "a key is empty; write a name before the colon"),
    ("a: 1\n? [b]\n: 2\n", 2, "a key must be plain text"),
    ("- a\n", 1, "the file holds a list; begin with the line version: 1"),
    ("just words\n", 1, "the file holds no keys; begin with the line version: 1"),
    ("a:\n  b: c: d\n", 2, "put text that holds a colon in quotes"),
    ("a: 1\nb: 'x\nc: 2\n", 2, "close the quotes"),
    ("a: 1\nb: [x\nc: 2\n", 2, "close the bracket"),
    ("a: @ada\n", 1, "put text that begins with @, ` or % in quotes"),
    ("a: 1\n   b: 2\n", 2, "check the indentation"),
]


@pytest.mark.parametrize(("text", "line", "words"), REFUSED)
def test_what_is_refused_is_told_with_its_line_and_what_to_do(text: str, line: int, words: str) -> None:
    _, problems = read_tree(text, "f.yaml")

    assert [problem.line for problem in problems] == [line]
    assert words in str(problems[0])


def test_everything_that_is_refused_is_told_at_once() -> None:
    _, problems = read_tree("a: &x 1\nb: *x\nc: !!int 2\na: 3\n", "f.yaml")

    assert [problem.line for problem in problems] == [1, 2, 3, 4]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_file_nested_a_thousand_deep_is_refused_and_not_followed(opening: str) -> None:
    text = "a:\n  " + opening * 1000
    tree, problems = read_tree(text, "f.yaml")

    assert [(problem.line, problem.what) for problem in problems] in (
        [(2, "nested more than 20 deep")],
        [(2, "a key must be plain text")],
    )
    assert not tree.whole


def test_a_billion_laughs_are_not_laughed() -> None:
    lines = ["a0: &a0 [lol, lol]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40)]

    tree, problems = read_tree("\n".join(lines), "f.yaml")

    assert len(problems) == 40 + 39 * 3
    assert len(tree.places) < 200


def test_twenty_levels_are_enough_and_allowed() -> None:
    tree, problems = read_tree("a: " + "[" * 19 + "]" * 19, "f.yaml")

    assert problems == []
    assert tree.whole
