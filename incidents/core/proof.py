"""What is kept of an alert while a run proves itself: every window since then, in whatever order they are told."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incidents.core.events import Kind, Phase
from incidents.core.grade import SAYING, Grade, Verdict
from incidents.core.policy import Policy
from incidents.core.reading import Reading

_KEPT = 64  # windows, and as many words: at most 16 windows that count can stand before a verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One window after the change, judged by its own sample alone."""

    start: datetime
    end: datetime
    verdict: Verdict
    figures: str = ""
    samples: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Windows that overlap, and count once."""

    first: Measured  # as long as this is the place
    stands: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """The monitor said that it is over."""

    said_at: datetime
    received_at: datetime  # from here on the quiet minutes count


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    run: str  # RUN-1
    since: datetime  # a window that began earlier proves nothing
    length: timedelta = timedelta(0)  # how long the alert's windows were before
    pace: timedelta = timedelta(0)  # and how long it took from one telling to the next
    told_until: datetime | None = None  # where the newest of them ended
    windows: tuple[Measured, ...] = ()  # in the order of their start
    words: tuple[Word, ...] = ()  # in the order in which they were said


def kept(proof: Proof, reading: Reading, graded: Grade, policy: Policy) -> Proof:
    """The proof with one more telling; the same one again, in the same words, changes nothing.

    A window that is told again with other numbers takes the place of what it said before.
    """
    if reading.phase is Phase.RESOLVED:
        return _heard(proof, Word(said_at=reading.order, received_at=reading.received_at))
    if reading.start < proof.since:
        return proof
    measured = Measured(
        start=reading.start,
        end=reading.order,
        verdict=_alone(reading, graded, policy),
        figures=graded.figures,
        samples=graded.samples,
    )
    others = [each for each in proof.windows if (each.start, each.end) != (measured.start, measured.end)]
    windows = tuple(sorted((*others, measured), key=_bounds))
    return replace(proof, windows=windows if len(windows) <= _KEPT else _thinned(windows))


def places(windows: Iterable[Measured]) -> list[Place]:
    """The windows that say something, overlapping ones once: the one that ends last stands for its place.

    A place is as long as the window that took it first, so that windows which slide on fill one after the other.
    """
    found: list[Place] = []
    for window in windows:
        if window.verdict not in SAYING:
            continue
        if found and window.start < found[-1].first.end:
            stands = max(found[-1].stands, window, key=lambda each: (each.end, each.start))
            found[-1] = Place(first=found[-1].first, stands=stands)
        else:
            found.append(Place(first=window, stands=window))
    return found


def _thinned(windows: Iterable[Measured]) -> tuple[Measured, ...]:
    """Of windows that slide on by a little each time, those that make the places."""
    needed = {each for place in places(windows) for each in (place.first, place.stands)}
    return tuple(sorted(needed, key=_bounds))[-_KEPT:]


def _heard(proof: Proof, word: Word) -> Proof:
    if word.said_at < proof.since:
        return proof
    words = sorted((*proof.words, word), key=lambda each: (each.said_at, each.received_at))
    return replace(proof, words=tuple(words)[-_KEPT:])


def _bounds(measured: Measured) -> tuple[datetime, datetime]:
    return measured.start, measured.end


def _alone(reading: Reading, graded: Grade, policy: Policy) -> Verdict:
    """What the window says without the ones before it: what was answered before the change proves nothing about it."""
    too_few = graded.samples is not None and graded.samples < policy.hallucination.n_min
    return Verdict.SILENT if reading.kind is Kind.HALLUCINATION and too_few else graded.verdict
