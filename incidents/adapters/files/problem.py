"""What is wrong in a file: where, in which words, and what the writer probably meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]  # the keys and list positions from the top of a file to a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in one place, told to whoever has to mend it."""

    file: str
    line: int | None = None  # None where the file as a whole is meant
    where: str = ""  # the dotted path to the value
    what: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        words = "; ".join(part for part in (self.what, self.suggestion) if part)
        return ": ".join(part for part in (place, self.where, words) if part)


class FilesRefused(Exception):
    """The whole catalog or policy is refused; carries everything that is wrong with it, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))


def dotted(path: Path) -> str:
    """`path` as people write it: systems.credit-scoring.aliases[0]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def meant(word: str, known: Iterable[str]) -> str:
    """A question that names the nearest of the `known` words; empty where none is near."""
    folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f'did you mean "{folded[found[0]]}"?' if found else ""


class Guesses:
    """Asks what was meant for the first fifty mistakes only: each guess compares a word with all that are known."""

    def __init__(self) -> None:
        self._left = 50

    def meant(self, word: str, known: Iterable[str]) -> str:
        self._left -= 1
        return meant(word, known) if self._left >= 0 else ""
