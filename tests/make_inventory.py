"""A large inventory as its owners would write it: people in teams and on call, and the systems that they keep."""

from collections.abc import Iterator

ZONES = ("Europe/London", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "UTC")
_TEAM = 5  # people of one team
_PER_FILE = 1_000  # systems of one file: a file holds at most 1 MiB


def an_inventory(*, systems: int = 5_000, people: int = 500, schedules: int = 200) -> dict[str, str]:
    """The files of a sound catalog of that size, by name; every field is used."""
    files = {"00-people.yaml": "".join(_people(people)), "10-on-call.yaml": "".join(_on_call(people, schedules))}
    for first in range(0, systems, _PER_FILE):
        some = range(first, min(first + _PER_FILE, systems))
        lines = (line for number in some for line in _system(number, people, schedules))
        files[f"20-systems-{first:06}.yaml"] = "version: 1\nsystems:\n" + "".join(lines)
    return files


def _people(people: int) -> Iterator[str]:
    yield "version: 1\ndefaults: {owner: person-0, escalation: usual, timezone: Europe/London}\n"
    yield "holidays:\n  uk: {2026-12-25: Christmas Day, 2026-12-28: Boxing Day}\n  de: {2026-12-25: Weihnachten}\n"
    yield "people:\n"
    for number in range(people):
        yield f"""\
  person-{number}:
    name: Person {number}
    email: person-{number}@example.com
    slack: U0P{number:05}
    timezone: {ZONES[number % len(ZONES)]}
    working: {{days: [mon, tue, wed, thu, fri], hours: "08:00-17:00"}}
    holidays: [{"uk" if number % 2 else "de"}]
    away: [{{from: 2026-12-24, to: 2027-01-02, why: leave}}]
"""


def _on_call(people: int, schedules: int) -> Iterator[str]:
    yield "version: 1\nteams:\n"
    for number in range(people // _TEAM):
        who = ", ".join(f"person-{number * _TEAM + member}" for member in range(_TEAM))
        yield f"  team-{number}: [{who}]\n"
    yield "schedules:\n"
    for number in range(schedules):
        who = ", ".join(f"person-{(number * 3 + member) % people}" for member in range(4))
        swap = f"{{from: 2026-12-24T09:00, to: 2026-12-27T09:00, person: person-{number % people}, why: swap}}"
        yield f"""\
  oncall-{number}:
    timezone: {ZONES[number % len(ZONES)]}
    rotation: {{people: [{who}], turnover: weekly, since: 2024-01-01, at: "09:00"}}
    overrides: [{swap}]
"""
    yield """\
escalations:
  usual: {rungs: [kind, operational, accountable]}
  night: {rungs: [[kind, operational], accountable], patience: {sev1: 3m, sev2: 10m}, repeat: 2, last_resort: person-0}
maintenance:
  retrain: {match: {system: system-1, kind: drift}, days: [sun], hours: "02:00-04:00", why: Retrain, owner: person-0}
"""


def _system(number: int, people: int, schedules: int) -> Iterator[str]:
    person, team = f"person-{number % people}", f"team-{number % max(1, people // _TEAM)}"
    operational = f"oncall-{number % schedules}" if schedules else team
    yield f"""\
  system-{number}:
    title: System {number}
    type: internal_model
    lifecycle: production
    criticality: {("low", "medium", "high", "critical")[number % 4]}
    risk_class: {("minimal", "limited", "high", "gpai")[number % 4]}
    owners: {{accountable: {person}, model: {team}, operational: {operational}, data: {team}, governance: {person}}}
    escalation: {"night" if number % 10 == 0 else "usual"}
    channel: "#systems-{number % 50}"
    aliases: [mlflow/system-{number}, gateway/system-{number}]
    runbooks: [rollback-model]
    monitors: [{{kind: drift, name: evidently-{number}, every: 1h}}, {{kind: cost_anomaly, every: 1d}}]
    budget: {{amount: 12000, currency: EUR, period: month}}
    depends_on: [{f"system-{number // 2}" if number else "warehouse"}]
    vendor: Example AI
    model: example-{number % 7}
    prompt: system-{number}/explain@12
    rollback: models:/system-{number}@champion, previous version
    data_sources: [warehouse, bureau]
    links: [{{title: Model card, url: "https://example.com/cards/{number}"}}]
    justification: Decides something of weight within a minute
    reviewed: 2025-06-02
"""
