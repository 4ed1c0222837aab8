"""Files and folders into one tree: sizes, encodings, and folders merged in name order."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from incidents.adapters.files.problem import FilesRefused, Problem, meant
from incidents.adapters.files.tree import Tree, read_tree

_LARGEST = 1024 * 1024  # bytes of one file


def files_at(path: Path, *suffixes: str) -> tuple[Path, ...]:
    """The file `path`, or the files of the folder `path` that end in one of `suffixes`, in name order."""
    if path.is_dir():
        files = (file for file in path.iterdir() if file.suffix in suffixes and file.is_file())
        if found := tuple(sorted(files, key=lambda file: file.name)):
            return found
        wanted = " or ".join(f"*{suffix}" for suffix in suffixes)
        raise FilesRefused([Problem(file=str(path), what=f"the folder holds no {wanted}", suggestion="add one")])
    if path.is_file():
        return (path,)
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    guess = meant(path.name, beside) or "check the setting that names it"
    raise FilesRefused([Problem(file=str(path), what="no such file or folder", suggestion=guess)])


def bytes_of(file: Path) -> bytes:
    """What `file` holds, where that is of a bearable size."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise FilesRefused([Problem(file=str(file), what=reason, suggestion="check its permissions")]) from error
    return _bearable(data, str(file))


def _bearable(data: bytes, file: str) -> bytes:
    if len(data) > _LARGEST:
        advice = "split it, and name the folder that holds the parts"
        raise FilesRefused([Problem(file=file, what="larger than 1 MiB", suggestion=advice)])
    return data


def text_of(data: bytes, file: Path | str) -> str:
    """The text of `file`, which must be UTF-8."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refused = Problem(file=str(file), line=line, what="not UTF-8", suggestion="save it as UTF-8")
        raise FilesRefused([refused]) from error


def texts_at(path: Path) -> list[tuple[str, str]]:
    """The name and text of each YAML file at `path`, or FilesRefused with every one that holds no text."""
    found, problems = list[tuple[str, str]](), list[Problem]()
    for file in files_at(path, ".yaml", ".yml"):
        try:
            found.append((str(file), text_of(bytes_of(file), file)))
        except FilesRefused as refused:
            problems += refused.problems
    if problems:
        raise FilesRefused(problems)
    return found


def read_trees(path: Path) -> tuple[Tree, list[Problem]]:
    """Everything that the YAML file or folder `path` says, as one tree."""
    return _together((str(file), partial(bytes_of, file)) for file in files_at(path, ".yaml", ".yml"))


def read_texts(texts: Iterable[tuple[str, str]]) -> tuple[Tree, list[Problem]]:
    """Everything that YAML files say of which only name and text are here, as one tree, in the order of names."""
    return _together((name, partial(_bearable, text.encode(), name)) for name, text in sorted(texts))


def _together(files: Iterable[tuple[str, Callable[[], bytes]]]) -> tuple[Tree, list[Problem]]:
    merged, problems = Tree(), list[Problem]()
    for file, data in files:
        try:
            tree, found = read_tree(text_of(data(), file), file)
        except FilesRefused as refused:
            tree, found = Tree(files=(file,), whole=False), list(refused.problems)
        problems += found
        merged.whole = merged.whole and tree.whole
        merged.files += tree.files
        if tree.whole:
            problems += _merge(merged, tree)
    return merged, problems


def _merge(into: Tree, tree: Tree) -> list[Problem]:
    """Add `tree`: its sections join those of the same name, but each entry may be written only once."""
    problems = []
    for name, section in tree.value.items():
        mine = into.value.get(name)
        if mine is None:
            into.value[name] = section
        elif isinstance(mine, dict) and isinstance(section, dict):
            problems += [_twice(into, tree, (name, key)) for key in section if key in mine]
            for key, value in section.items():
                mine.setdefault(key, value)
        elif section is not None and mine != section:
            problems.append(_twice(into, tree, (name,)))
    first = {path: into.places[path] for path in into.places.keys() & tree.places.keys()}
    into.places |= tree.places | first
    return problems


def _twice(into: Tree, tree: Tree, path: tuple[str, ...]) -> Problem:
    first = into.places[path]
    return tree.problem(path, f"given twice, first in {first.file}:{first.line}", "keep one of the two")
