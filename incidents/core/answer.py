"""Decides what the answer of a target comes to: done, surely not done, not as expected, or nobody knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from incidents.core.fact import canonical
from incidents.core.step import Expectation, Question

_FIRST_OK, _FIRST_REDIRECT, _FIRST_REFUSAL, _FIRST_FAILURE = 200, 300, 400, 500
_LATER = frozenset({425, 429})  # too early, too many requests: not done, and may be asked again
_SHOWN = 300  # characters of what a target said


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a target said; `body` is None where it was no JSON. Hostile."""

    status: int
    body: object
    text: str = ""  # the beginning of it, for people


@dataclass(frozen=True, slots=True)
class NotReached:
    """Surely nothing was done: refused before it was sent, or never accepted."""

    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """It may have been done: the answer broke off, never came, or says that the target failed."""

    why: str


Answer = Answered | NotReached | Unclear


class Came(StrEnum):
    """What a request came to."""

    DONE = "done"
    NOT_NOW = "not_now"  # surely not done, and it may be tried again
    REFUSED = "refused"  # surely not done, and another try would change nothing
    OTHERWISE = "otherwise"  # answered, and not as expected: something may have been done
    UNCLEAR = "unclear"  # nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    came: Came
    why: str  # in words; hostile where a target said it, and cut


def judged(expect: Expectation, answer: Answer) -> Judged:
    """What an answer comes to, held against what was expected."""
    match answer:
        case NotReached(why):
            return Judged(came=Came.NOT_NOW, why=why[:_SHOWN])
        case Unclear(why):
            return Judged(came=Came.UNCLEAR, why=why[:_SHOWN])
        case Answered():
            return _answered(expect, answer)


def _answered(expect: Expectation, answer: Answered) -> Judged:
    said = f"answered {answer.status}" + (f": {answer.text[:_SHOWN]}" if answer.text else "")
    wanted = answer.status in expect.status if expect.status else _FIRST_OK <= answer.status < _FIRST_REDIRECT
    if wanted:
        missed = next((at for at, value in expect.fields if not stands(answer.body, at, value)), None)
        if missed is None:
            return Judged(came=Came.DONE, why=f"answered {answer.status}")
        return Judged(came=Came.OTHERWISE, why=f"answered {answer.status}, and {missed} is not as expected")
    if answer.status in _LATER:
        return Judged(came=Came.NOT_NOW, why=said)
    if _FIRST_REFUSAL <= answer.status < _FIRST_FAILURE:
        return Judged(came=Came.REFUSED, why=said)
    fine = _FIRST_OK <= answer.status < _FIRST_REDIRECT
    return Judged(came=Came.OTHERWISE if fine else Came.UNCLEAR, why=said)


def stands(body: object, pointer: str, value: object) -> bool:
    """Whether this value stands there."""
    try:
        return same(point(body, pointer), value)
    except KeyError:
        return False


def same(one: object, other: object) -> bool:
    """Whether two JSON values are the same; True is not 1."""
    numbers = (int, float)
    if isinstance(one, numbers) and isinstance(other, numbers) and not {type(one), type(other)} & {bool}:
        return one == other
    return canonical(one) == canonical(other)


def kept(question: Question, answer: Answered) -> dict[str, object] | None:
    """What is kept of the answer to a question, by name; None where it is not all there."""
    try:
        return {name: point(answer.body, pointer) for name, pointer in question.keep}
    except KeyError:
        return None


def point(body: object, pointer: str) -> object:
    """What stands at a JSON pointer (RFC 6901); KeyError where nothing does."""
    found = body
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, Sequence) and not isinstance(found, str) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise KeyError(pointer)
    return found
