"""Maintenance windows of the catalog: what about them is refused, and the windows that they are."""

from collections.abc import Iterator
from datetime import date, time

from incidents.adapters.files.catalog_shape import CatalogFile
from incidents.adapters.files.maintenance_shape import EVERY_DAY, MatchEntry, WindowEntry
from incidents.adapters.files.problem import Path, Problem, meant
from incidents.adapters.files.references import Names
from incidents.adapters.files.time_shape import begins
from incidents.adapters.files.tree import Tree
from incidents.core.events import Kind
from incidents.core.maintenance import Once, Recurring, Window
from incidents.core.severity import Severity
from incidents.core.silence import LONGEST, Matcher, Trait, is_like

_WORDS = {Trait.KIND: [*Kind], Trait.SEVERITY: [*Severity]}


def windows(shape: CatalogFile) -> dict[str, Window]:
    """The windows that a sound file describes."""
    return {id_: _window(id_, entry, shape.defaults.timezone) for id_, entry in shape.maintenance.items()}


def wrong_windows(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    """Windows that mute nothing or everything, or that have no time or too much of it."""
    for id_, entry in shape.maintenance.items():
        path: Path = ("maintenance", id_)
        yield from _wrong_match(tree, (*path, "match"), entry.match, names)
        yield from _wrong_times(tree, path, entry, shape.defaults.timezone)


def window_times(shape: CatalogFile) -> Iterator[tuple[Path, date, str]]:
    """Every time that is written by a local clock, with its place and its zone."""
    for id_, entry in shape.maintenance.items():
        for key, written in (("from", entry.from_), ("to", entry.to)):
            if written is not None:
                yield ("maintenance", id_, key), written, entry.timezone or shape.defaults.timezone


def _matchers(match: MatchEntry) -> tuple[Matcher, ...]:
    given = ((trait, getattr(match, trait.value)) for trait in Trait)
    return tuple(Matcher(field=trait, value=value) for trait, value in given if value is not None)


def _wrong_match(tree: Tree, path: Path, match: MatchEntry, names: Names) -> Iterator[Problem]:
    matchers = _matchers(match)
    if not matchers and not any(place[: len(path)] == path and len(place) > len(path) for place in tree.places):
        yield tree.problem(path, "matches everything", "name a system, or any of " + ", ".join(Trait))
    for matcher in matchers:
        known = sorted(names.systems) if matcher.field is Trait.SYSTEM else _WORDS.get(matcher.field, [])
        if known and not any(is_like(word, matcher.value) for word in known):
            noun = "system is like" if "*" in matcher.value else matcher.field
            what = f'no {noun} "{matcher.value}"'
            advice = names.guesses.meant(matcher.value, known) or meant(matcher.value.strip("*"), known)
            yield tree.problem((*path, matcher.field), what, advice or f"they are {', '.join(known[:_NAMED])}")


_NAMED = 8


def _wrong_times(tree: Tree, path: Path, entry: WindowEntry, zone: str) -> Iterator[Problem]:
    once, given = [key for key in ("from", "to") if (*path, key) in tree.places], (*path, "hours") in tree.places
    if once and (given or entry.days != EVERY_DAY):
        yield tree.problem((*path, once[0]), "stands beside hours or days", "keep one of the two")
    elif len(once) == 1:
        missing = "to" if once == ["from"] else "from"
        yield tree.problem(path, f"has no {missing}", f"write {missing}: 2026-11-21T09:00, or days and hours instead")
    elif not once and not given:
        yield tree.problem(path, "has no time", 'give it days and hours, such as hours: "02:00-04:00", or from and to')
    elif entry.from_ is not None and entry.to is not None:
        length = begins(entry.to, entry.timezone or zone) - begins(entry.from_, entry.timezone or zone)
        if not length:
            yield tree.problem((*path, "to"), "ends as it begins", "give it some time")
        elif length.days < 0:
            yield tree.problem((*path, "to"), "ends before it begins", "swap the two")
        elif length > LONGEST:
            advice = "a system that is quiet for longer is retired, or its monitor is wrong"
            yield tree.problem((*path, "to"), f"is open for more than {LONGEST.days} days", advice)


def _window(id_: str, entry: WindowEntry, zone: str) -> Window:
    zone = entry.timezone or zone
    return Window(id=id_, matchers=_matchers(entry.match), times=_times(entry, zone), why=entry.why, owner=entry.owner)


def _times(entry: WindowEntry, zone: str) -> Recurring | Once:
    if entry.from_ is not None and entry.to is not None:
        return Once(start=begins(entry.from_, zone), end=begins(entry.to, zone))
    start, _, end = (entry.hours or "00:00-00:00").partition("-")
    days = frozenset(EVERY_DAY.index(day) + 1 for day in entry.days)
    return Recurring(days=days, start=time.fromisoformat(start), end=time.fromisoformat(end), timezone=zone)
