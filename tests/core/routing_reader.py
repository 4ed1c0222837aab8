"""Reads the routing table: the lines of its cases, which anybody can write, into values."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from incidents.adapters.files.source import read_trees
from incidents.core.silence import Amount, Matcher, Silence, Trait
from incidents.core.wall_clock import moment_of
from tests.core.routing import FOLLOWED, HERE, Case, Happening, Outcome
from tests.core.routing_words import deed_in, telling_in
from tests.make import hours


@cache
def cases() -> tuple[Case, ...]:
    """The whole table, in its order."""
    tree, problems = read_trees(HERE / "routing_cases.yaml")
    assert not problems, "\n".join(map(str, problems))
    return tuple(_case(name, written) for name, written in tree.value["cases"].items())


def _case(name: str, written: dict[str, Any]) -> Case:
    unknown = written.keys() - {"where", "when", "told", "given", "before", "then", "until", *_EXPECTED}
    assert not unknown, f"{name}: no case says {', '.join(unknown)}"
    reader = _Reader(name, written["where"], written["when"])
    before = [reader.happening(line, n, back=True) for n, line in enumerate(_lines(written, "before"))]
    then = [reader.happening(line, n, back=False) for n, line in enumerate(_lines(written, "then"))]
    at = reader.at
    return Case(
        name=name,
        zone=reader.zone,
        at=at,
        told=telling_in(written["told"], at, f"{name}, told"),
        before=tuple(before),
        then=tuple(then),
        until=reader.time(written["until"], back=False) if "until" in written else at + FOLLOWED,
        expected=Outcome(
            severity=written["severity"],
            muted=written.get("muted", "").strip(),
            asked=tuple(_lines(written, "asked")),
            skipped=tuple(_lines(written, "skipped")),
            said=tuple(_lines(written, "said")),
        ),
        **reader.given(_lines(written, "given")),
    )


def _lines(written: dict[str, Any], key: str) -> list[str]:
    return (written.get(key) or "").splitlines()


_EXPECTED = ("severity", "muted", "asked", "skipped", "said")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TIME = r"(?:(?:\w{3} )?\d{4}-\d\d-\d\d|Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d(?: [A-Z]{3}\b)?"
_SILENCED = re.compile(
    rf"silenced by (?P<by>\w+)(?: from (?P<start>{_TIME}))? until (?P<end>{_TIME}) where (?P<what>[^:]+?)"
    r"(?: up to (?P<currency>[A-Z]{3}) (?P<amount>\d+))?: (?P<reason>.+)"
)


class _Reader:
    """Reads the lines of one case by its clock."""

    def __init__(self, name: str, zone: str, when: str) -> None:
        self._name, self.zone = name, zone
        self.at = self._moment(*self._split(when))

    def time(self, text: str, *, back: bool) -> datetime:
        """A date and time, or the last such weekday and time up to the case's own, or the next one from it on."""
        day, clock, abbreviation = self._split(text)
        if len(day) > len("Mon"):
            return self._moment(day, clock, abbreviation)
        step = timedelta(days=-1 if back else 1)
        today = self.at.astimezone(ZoneInfo(self.zone)).date()
        for days in range(8):
            meant = today + days * step
            moment = self._moment(meant.isoformat(), clock, abbreviation)
            if _DAYS[meant.weekday()] == day and (moment <= self.at if back else moment >= self.at):
                return moment
        raise AssertionError(f"{self._name}: no {text}")

    def happening(self, line: str, number: int, *, back: bool) -> Happening:
        found = re.fullmatch(rf"({_TIME}) (told: )?(.+)", line)
        assert found, f"{self._name}: begin with a time: {line}"
        at = self.time(found[1], back=back)
        told = f"{self._name}, {'before' if back else 'then'} {number}"
        return at, telling_in(found[3], at, told) if found[2] else deed_in(found[3])

    def given(self, lines: list[str]) -> dict[str, Any]:
        """Silences, and who is not found in Slack."""
        silences, gone, found = list[Silence](), set[str](), dict[str, datetime]()
        for line in lines:
            if absent := re.fullmatch(rf"(\w+) was found deactivated in Slack on ({_TIME})", line):
                found[absent[1].lower()] = self.time(absent[2], back=True)
            elif absent := re.fullmatch(r"(\w+) is deactivated in Slack", line):
                gone.add(absent[1].lower())
            else:
                silences.append(self._silence(line, len(silences) + 1))
        return {"silences": tuple(silences), "found": found, "deactivated": frozenset(gone)}

    def _silence(self, line: str, number: int) -> Silence:
        words = _SILENCED.fullmatch(line)
        assert words, f"{self._name}: nothing of the kind can be given: {line}"
        made = self.at - hours(2)
        amount = Amount(amount=Decimal(words["amount"]), currency=words["currency"]) if words["amount"] else None
        return Silence(
            id=str(number),
            matchers=tuple(_matchers(words["what"])),
            starts_at=self.time(words["start"], back=False) if words["start"] else made,
            ends_at=self.time(words["end"], back=False),
            reason=words["reason"],
            by=words["by"].lower(),
            made_at=made,
            planned=amount,
        )

    @staticmethod
    def _split(text: str) -> tuple[str, str, str]:
        """The day (its name or its date), the time, and which of the two where the clocks show it twice."""
        named = re.fullmatch(r"(?:(\w{3}) )?(\d{4}-\d\d-\d\d )?(\d\d:\d\d)(?: ([A-Z]{3}))?", text)
        assert named, f"no time: {text}"
        if named[1] and named[2]:
            assert _DAYS[date.fromisoformat(named[2].strip()).weekday()] == named[1], f"{text} is no {named[1]}"
        return (named[2] or named[1]).strip(), named[3], named[4] or ""

    def _moment(self, day: str, clock: str, abbreviation: str) -> datetime:
        naive = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock))
        if not abbreviation:
            return moment_of(naive, self.zone)
        both = (naive.replace(tzinfo=ZoneInfo(self.zone), fold=fold) for fold in (0, 1))
        return next(at for at in both if at.tzname() == abbreviation).astimezone(UTC)


def _matchers(text: str) -> Iterator[Matcher]:
    for condition in text.split(" and "):
        field_, is_, value = condition.partition(" is ")
        assert is_, f"no condition: {condition}"
        negated = value.startswith("not ")
        yield Matcher(field=Trait(field_), value=value.removeprefix("not "), negated=negated)
