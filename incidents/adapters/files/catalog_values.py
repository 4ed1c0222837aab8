"""The catalog's entries as the core's values: local times become moments, what is left out gets its default."""

from collections.abc import Mapping
from datetime import date

from incidents.adapters.files.catalog_shape import CatalogFile
from incidents.adapters.files.maintenance import windows
from incidents.adapters.files.people_shape import HolidayFeedEntry, PersonEntry, Team, TeamEntry, days, members
from incidents.adapters.files.schedule_shape import EscalationEntry, RotationEntry, ScheduleEntry
from incidents.adapters.files.system_shape import SystemEntry
from incidents.adapters.files.time_shape import begins, ends
from incidents.core import people as core
from incidents.core.catalog import Catalog, Escalation
from incidents.core.people import Away, Person, WorkingHours
from incidents.core.schedule import Override, Rotation, Schedule
from incidents.core.severity import Severity
from incidents.core.system import Handover, Monitor, Reference, Role, System, SystemBudget


def catalog_values(shape: CatalogFile, working: WorkingHours) -> Catalog:
    """The catalog that a sound file describes; people who give no working hours have `working`."""
    defaults, zone = shape.defaults, shape.defaults.timezone
    named = {name: days(holidays) for name, holidays in shape.holidays.items()}
    feeds = {name: each.calendar for name, each in shape.holidays.items() if isinstance(each, HolidayFeedEntry)}
    off = _DaysOff(named)
    return Catalog(
        people={id_: _person(id_, entry, zone, working, off) for id_, entry in shape.people.items()},
        teams={id_: _team(id_, entry) for id_, entry in shape.teams.items()},
        schedules={id_: _schedule(id_, entry, zone) for id_, entry in shape.schedules.items()},
        escalations={id_: _escalation(id_, entry) for id_, entry in shape.escalations.items()},
        systems={id_: _system(id_, entry, zone) for id_, entry in shape.systems.items()},
        holiday_calendars=feeds,
        maintenance=windows(shape),
        default_owner=defaults.owner,
        default_escalation=defaults.escalation,
        default_channel=defaults.channel,
        default_timezone=zone,
    )


class _DaysOff:
    """The dates of several holiday calendars together; people who follow the same ones share one set."""

    def __init__(self, named: Mapping[str, frozenset[date]]) -> None:
        self._named = named
        self._known: dict[tuple[str, ...], frozenset[date]] = {}

    def of(self, names: tuple[str, ...]) -> frozenset[date]:
        if names not in self._known:
            self._known[names] = frozenset().union(*(self._named.get(name, frozenset()) for name in names))
        return self._known[names]


def _person(id_: str, entry: PersonEntry, zone: str, working: WorkingHours, off: _DaysOff) -> Person:
    zone = entry.timezone or zone
    away = (Away(start=begins(each.from_, zone), end=ends(each.to, zone), why=each.why or "") for each in entry.away)
    return Person(
        id=id_,
        name=entry.name,
        email=entry.email,
        slack=entry.slack,
        timezone=zone,
        working=entry.working.value() if entry.working else working,
        holidays=entry.holidays,
        days_off=off.of(entry.holidays),
        away=tuple(sorted(away, key=lambda each: each.start)),
    )


def _team(id_: str, entry: Team) -> core.Team:
    more = {"company": entry.company, "escalation": entry.escalation} if isinstance(entry, TeamEntry) else {}
    return core.Team(id=id_, members=members(entry), **more)


def _schedule(id_: str, entry: ScheduleEntry, zone: str) -> Schedule:
    zone = entry.timezone or zone
    overrides = (
        Override(start=begins(each.from_, zone), end=begins(each.to, zone), person=each.person, why=each.why or "")
        for each in entry.overrides
    )
    return Schedule(
        id=id_,
        timezone=zone,
        rotation=_rotation(entry.rotation) if entry.rotation else None,
        calendar=entry.calendar,
        overrides=tuple(sorted(overrides, key=lambda each: each.start)),
    )


def _rotation(entry: RotationEntry) -> Rotation:
    return Rotation(people=entry.people, turnover=entry.turnover, every=entry.every, since=entry.since, at=entry.at)


def _escalation(id_: str, entry: EscalationEntry) -> Escalation:
    patience = {Severity(severity): time for severity, time in entry.patience.items()}
    return Escalation(id=id_, rungs=entry.rungs, patience=patience, repeat=entry.repeat, last_resort=entry.last_resort)


def _system(id_: str, entry: SystemEntry, zone: str) -> System:
    owners = {role: owner for role in Role if (owner := getattr(entry.owners, role)) is not None}
    budget = entry.budget
    handovers = (
        Handover(role=each.role, to=each.to, at=begins(each.at, zone), note=each.note or "") for each in entry.handovers
    )
    return System(
        id=id_,
        title=entry.title or id_,
        type=entry.type,
        lifecycle=entry.lifecycle,
        criticality=entry.criticality,
        risk_class=entry.risk_class,
        owners=owners,
        handovers=tuple(sorted(handovers, key=lambda each: each.at)),
        escalation=entry.escalation,
        channel=entry.channel,
        aliases=entry.aliases,
        runbooks=entry.runbooks,
        monitors=tuple(Monitor(kind=each.kind, name=each.name, every=each.every) for each in entry.monitors),
        budget=SystemBudget(amount=budget.amount, currency=budget.currency, period=budget.period) if budget else None,
        depends_on=entry.depends_on,
        vendor=entry.vendor,
        model=entry.model,
        prompt=entry.prompt,
        rollback=entry.rollback,
        data_sources=entry.data_sources,
        environments=entry.environments,
        links=tuple(Reference(title=each.title, url=each.url) for each in entry.links),
        justification=entry.justification,
        reviewed=entry.reviewed,
        labels=entry.labels,
        parameters=entry.parameters,
    )
