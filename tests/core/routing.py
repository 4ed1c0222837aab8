"""The routing table as values: what happens in each of its cases, and what comes of it in the words of the table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from incidents.adapters.files import catalog_at, read_policy
from incidents.core.alert import Alert, AlertState
from incidents.core.estate import Estate
from incidents.core.event_data import PRODUCTION
from incidents.core.fact import Fact, FactKind
from incidents.core.incident import Incident
from incidents.core.silence import Silence
from tests.core.routing_words import Deed, Telling

HERE = Path(__file__).parent
READ_AT = datetime(2026, 10, 20, tzinfo=UTC)  # the catalog is judged as of then, whenever the tests run
DEACTIVATED = "is deactivated in Slack"
HOUR = timedelta(hours=1)
FOLLOWED = timedelta(days=14)  # how long a case is followed where nothing ends it sooner
_MUTING = frozenset({FactKind.SILENCED, FactKind.UNMUTED})
_WEEK = timedelta(days=7)

Happening = tuple[datetime, Telling | Deed]
Place = tuple[str, str]  # system, environment
Page = tuple[datetime, str, str]  # when, whom (their id), why


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What becomes of a case, in the words of the table."""

    severity: str
    muted: str = ""  # why, just after it was told
    asked: tuple[str, ...] = ()  # or why nobody is
    skipped: tuple[str, ...] = ()
    said: tuple[str, ...] = ()  # on the timeline, of what is muted and what is no more

    def __str__(self) -> str:
        parts = [("severity", self.severity), ("muted", self.muted)]
        for label, lines in (("asked", self.asked), ("skipped", self.skipped), ("said", self.said)):
            parts += [(label, line) for line in lines]
        return "\n".join(f"{label}: {text}" for label, text in parts if text)


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    zone: str  # where its clock hangs
    at: datetime  # when it is told
    told: Telling
    before: tuple[Happening, ...] = ()
    then: tuple[Happening, ...] = ()
    silences: tuple[Silence, ...] = ()
    found: Mapping[str, datetime] = field(default_factory=dict)  # who was found deactivated in Slack, and when
    deactivated: frozenset[str] = frozenset()  # in Slack; nobody knows yet
    until: datetime
    expected: Outcome

    @property
    def begins(self) -> datetime:
        """Before anything happens."""
        known = [self.at, *(silence.made_at for silence in self.silences), *self.found.values()]
        return min([*known, *(at for at, _ in self.before)])

    @property
    def place(self) -> Place:
        return place_of(self.told)

    def place_of(self, deed: Deed) -> Place:
        """Whose incident somebody does something to."""
        return (deed.system, PRODUCTION) if deed.system else self.place

    def clock(self, at: datetime, zone: str | None = None) -> str:
        """A moment as a reader of the table notes it: Wed 03:10, a week or more on Wed 25 Nov 03:10."""
        there = at.astimezone(ZoneInfo(zone or self.zone))
        day = f"{there:%a} {there.day} {there:%b}" if abs(at - self.at) >= _WEEK else f"{there:%a}"
        twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
        return f"{day} {there:%H:%M}" + (f" {there:%Z}" if twice else "")

    def lines(self, pages: Iterable[Page]) -> tuple[str, ...]:
        """Who is asked, in their order; those of the same minute by name."""
        named = [(at.replace(second=0, microsecond=0), estate().person(who).name, who, why) for at, who, why in pages]
        return tuple(self._line(at, person, why) for at, _, person, why in sorted(named))

    def _line(self, at: datetime, person: str, why: str) -> str:
        """By the clock of the case, and by the person's own where that shows another time."""
        who, when = estate().person(person), self.clock(at)
        own, place = self.clock(at, who.timezone), who.timezone.rpartition("/")[2].replace("_", " ")
        return f"{when} {who.name}{f' ({own} in {place})' if own != when else ''}: {why}"

    def end(self, at: datetime, *, more: bool) -> str:
        """The end of a run of the ladder."""
        return f"{self.clock(at)} {'all of them again' if more else 'nobody else is left'}"


@cache
def estate() -> Estate:
    """The company of the table, before anything changes hands."""
    catalog = catalog_at(HERE / "routing_catalog.yaml", now=READ_AT).catalog
    return Estate(catalog=catalog, policy=read_policy(HERE / "routing_policy.yaml"), slack=True, webhook=True)


def estate_at(now: datetime) -> Estate:
    """The same with what has changed hands by `now`."""
    whole = estate()
    return replace(whole, catalog=whole.catalog.as_of(now))


def place_of(told: Telling) -> Place:
    known = estate().catalog.system(told.system)
    return known.id if known else told.system, told.environment


def outcome(
    case: Case, *, alert: Alert, incident: Incident | None, facts: Sequence[Fact], ended: datetime | None
) -> Outcome:
    """What came of a case: its alert just after it was told, and in the end its incident with the facts of that.

    `ended`: when the ladder was run again or given up.
    """
    return Outcome(
        severity=((incident or alert).severity or "none").upper(),
        muted=alert.muted.why if alert.muted else "",
        asked=tuple(_asked(case, facts, ended)) or (_nobody(alert, incident),),
        skipped=tuple(skipped(fact.data) for fact in facts if fact.kind is FactKind.TARGET_SKIPPED),
        said=tuple(fact.text for fact in facts if fact.kind in _MUTING),
    )


def _asked(case: Case, facts: Sequence[Fact], ended: datetime | None) -> Iterator[str]:
    sent = (fact for fact in facts if fact.kind is FactKind.PAGED and (ended is None or fact.at < ended))
    yield from case.lines((fact.at, str(fact.data["to"]), fact.text.partition(": ")[2]) for fact in sent)
    if ended is not None:
        gave_up = any(fact.kind is FactKind.NOBODY_ANSWERED for fact in facts)
        yield case.end(ended, more=not gave_up)


def _nobody(alert: Alert, incident: Incident | None) -> str:
    if incident is None:
        states = {AlertState.WATCHING: "watched until there is more of it", AlertState.CLEAR: "nothing is wrong"}
        return f"nobody: {states.get(alert.state, 'muted')}"
    if incident.acknowledged_by:
        return f"nobody: {estate().person(incident.acknowledged_by).name} has it"
    return "nobody: posted only"


def skipped(said: Mapping[str, object]) -> str:
    """Somebody who was left out, as the fact says it."""
    name = estate().person(str(said["whom"])).name if said["whom"] else "Nobody"
    return f"{name} ({said['role']}) {said['why']}"
