"""What the doctor finds: how well one thing is, and what to do about it where it is not."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what to do about it where it is not well."""

    grade: Grade
    what: str
    text: str
    advice: str = ""


def ok(what: str, words: str) -> Finding:
    return Finding(grade=Grade.OK, what=what, text=words)


def warn(what: str, words: str, advice: str) -> Finding:
    return Finding(grade=Grade.WARN, what=what, text=words, advice=advice)


def fail(what: str, words: str, advice: str) -> Finding:
    return Finding(grade=Grade.FAIL, what=what, text=words, advice=advice)
