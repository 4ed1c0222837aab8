"""Builders for the parts of a story that do not matter: every argument has a default."""
# ruff: noqa: ANN401 - an event's data is whatever its story needs

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from incidents.core.catalog import Catalog
from incidents.core.envelope import event_from
from incidents.core.estate import Estate
from incidents.core.events import Event
from incidents.core.fact import Actor, ActorType
from incidents.core.incident import Incident, Paging, Status
from incidents.core.people import Person, Team
from incidents.core.plan import Plan
from incidents.core.policy import Policy
from incidents.core.reading import Reading, read
from incidents.core.rollback import Rollback
from incidents.core.run import Run, RunStatus, StepRun, StepState
from incidents.core.runbook import AppliesTo, Cause, Runbook
from incidents.core.schedule import Override, Rotation, Schedule, Turnover
from incidents.core.severity import Severity
from incidents.core.step import Method, Request, Step, StepType, Undo
from incidents.core.system import Criticality, RiskClass, Role, System, SystemBudget

WEDNESDAY = datetime(2026, 11, 18, tzinfo=UTC)  # in London, where everybody lives, local time is UTC in November
NOON = WEDNESDAY + timedelta(hours=12)
NIGHT = WEDNESDAY + timedelta(hours=2)
_number = count(1)


def minutes(many: float) -> timedelta:
    return timedelta(minutes=many)


def hours(many: float) -> timedelta:
    return timedelta(hours=many)


def by(person: str) -> Actor:
    return Actor(type=ActorType.PERSON, id=person)


# --- events ----------------------------------------------------------------------------------------------------------


def an_event(type_: str, *, at: datetime = NOON, window: timedelta | None = None, **data: Any) -> Event:
    """An event as the door reads it; `window` is the length of one that ends at `at`."""
    said = {"system": "credit-scoring", **{name: value for name, value in data.items() if value is not None}}
    if window:
        said["window"] = {"start": (at - window).isoformat(), "end": at.isoformat()}
    attributes = {"specversion": "1.0", "id": str(next(_number)), "source": "/monitors/1", "time": at.isoformat()}
    return event_from({**attributes, "type": type_, "data": said})


def drift(value: float = 0.31, *, at: datetime = NOON, phase: str = "measured", **data: Any) -> Event:
    """PSI of one feature over an hour, limit 0.10, unless told otherwise."""
    told = {"metric": "psi", "value": value, "threshold": 0.1, "feature": "income", "window": hours(1)}
    return an_event(f"ai.drift.{phase}.v1", at=at, **{**told, **data})


def hallucination(
    flagged: int = 22, sampled: int = 120, *, at: datetime = NOON, phase: str = "measured", **data: Any
) -> Event:
    """So many flagged of so many answers over an hour, limit 5 %."""
    told = {
        "flagged": flagged,
        "sampled": sampled,
        "rate_threshold": 0.05,
        "window": hours(1),
        "system": "rag-assistant",
    }
    return an_event(f"ai.hallucination.{phase}.v1", at=at, **{**told, **data})


def cost(
    actual: float = 679, expected: float | None = 167, *, at: datetime = NOON, phase: str = "measured", **data: Any
) -> Event:
    """Dollars spent in eight hours."""
    told = {"currency": "USD", "actual": actual, "expected": expected, "window": hours(8), "system": "rag-assistant"}
    return an_event(f"ai.cost_anomaly.{phase}.v1", at=at, **{**told, **data})


def over(of: str = "drift", *, at: datetime = NOON, **data: Any) -> Event:
    """The monitor says that it is over."""
    told: dict[str, Any] = {"drift": {"metric": "psi", "feature": "income"}}.get(of, {"system": "rag-assistant"})
    return an_event(f"ai.{of}.resolved.v1", at=at, **{**told, **data})


def report(level: str = "confirmed", *, at: datetime = NOON, **data: Any) -> Event:
    """A nurse reports a dangerous answer."""
    told = {"category": "dangerous advice", "summary": "A dose ten times too high", "system": "triage-bot"}
    harm = {"level": level, "kind": "health", "reported_by": "a nurse"}
    return an_event("ai.report.filed.v1", at=at, **{**told, "harm": harm, **data})


def release(version: str = "17", *, at: datetime = NOON, kind: str = "model", **data: Any) -> Event:
    """A release was deployed."""
    previous = data.pop("previous", None)
    said = {"kind": kind, "name": data.pop("name", "credit"), "version": version, "previous": previous}
    return an_event("ai.release.deployed.v1", at=at, release={k: v for k, v in said.items() if v}, **data)


def a_reading(event: Event | None = None, *, received_at: datetime | None = None) -> Reading:
    """A reading that came when it was made."""
    event = event or drift()
    policy = Policy().alerts
    return read(
        event,
        system=event.system,
        received_at=received_at or event.time or NOON,
        skew=policy.clock_skew,
        same=policy.same_telling,
    )


# --- what is known before --------------------------------------------------------------------------------------------


def a_person(name: str = "ada", **more: Any) -> Person:
    known = {"slack": f"U0{name.upper()}", "timezone": "Europe/London"}
    return Person(id=name, name=name.capitalize(), **{**known, **more})


OWNERS: Mapping[Role, str] = {
    Role.MODEL: "priya",
    Role.DATA: "dana",
    Role.OPERATIONAL: "ops",
    Role.ACCOUNTABLE: "lee",
    Role.GOVERNANCE: "gita",
}


def a_system(name: str = "credit-scoring", **more: Any) -> System:
    return System(id=name, title=name.replace("-", " ").capitalize(), **{"owners": OWNERS, **more})


def a_catalog(*systems: System, **more: Any) -> Catalog:
    """Priya owns models, Dana data, Omar and Kim operate, Lee is accountable, Gita governs, Max is asked last."""
    known = (
        a_system(risk_class=RiskClass.HIGH, runbooks=("rollback-model",)),
        a_system("rag-assistant"),
        a_system("triage-bot", criticality=Criticality.CRITICAL),
    )
    people = {name: a_person(name) for name in ("priya", "dana", "omar", "kim", "lee", "gita", "max")}
    told: dict[str, Any] = {
        "people": people,
        "teams": {"ops": Team(id="ops", members=("omar", "kim"))},
        "systems": {system.id: system for system in (*known, *systems)},
        "default_owner": "max",
        "default_channel": "#ai-incidents",
    }
    return Catalog(**{**told, **more})


def a_schedule(*people: str, at: str = "09:00", overrides: tuple[Override, ...] = (), **rotation: Any) -> Schedule:
    """Omar and Kim take turns of a day in London; Omar has the one that begins on Wednesday 18 November."""
    known: dict[str, Any] = {"turnover": Turnover.DAILY, "since": date(2026, 11, 2)}
    turns = Rotation(people=people or ("omar", "kim"), at=time.fromisoformat(at), **{**known, **rotation})
    return Schedule(id="oncall", timezone="Europe/London", rotation=turns, overrides=overrides)


def a_runbook(name: str = "rollback-model", *causes: Cause, **applies: Any) -> Runbook:
    title = name.replace("-", " ").capitalize()
    return Runbook(id=name, title=title, applies_to=AppliesTo(cause=causes, **applies), steps=("Look", "Act"))


def an_estate(catalog: Catalog | None = None, **more: Any) -> Estate:
    """Slack and the fallback webhook are connected."""
    shelf = (a_runbook(), a_runbook("cost-cache", Cause.CACHE_HIT_RATE, kind=("cost_anomaly",)))
    known = {"runbooks": shelf, "slack": True, "webhook": True}
    return Estate(catalog=a_catalog() if catalog is None else catalog, **{**known, **more})


def a_budget(amount: int = 15_000, currency: str = "USD") -> SystemBudget:
    return SystemBudget(amount=Decimal(amount), currency=currency)


def an_incident(status: Status = Status.TRIGGERED, severity: Severity = Severity.SEV2, **more: Any) -> Incident:
    """An open model incident that is known since noon; level 0 of the first round is due."""
    made = Incident(
        id="INC-1",
        system="rag-assistant",
        environment="production",
        title="Rag assistant: hallucination",
        status=status,
        severity=severity,
        severity_why="22 of 120",
        policy_version="built-in",
        opened_at=NOON,
        kinds=("hallucination",),
        roles=(Role.MODEL,),
        paging=Paging(round=1, clock_at=NOON),
        version=1,
    )
    return replace(made, **more)


# --- runs ------------------------------------------------------------------------------------------------------------


def a_step(id_: str = "move", **more: Any) -> Step:
    """Point the serving alias back to the version before; it can be taken back."""
    there: dict[str, Any] = {
        "connection": "mlflow",
        "method": Method.POST,
        "path": "/api/2.0/mlflow/registered-models/alias",
    }
    known: dict[str, Any] = {
        "title": "Point champion of credit to version 1",
        "type": StepType.HTTP,
        "request": Request(**there, body={"name": "credit", "alias": "champion", "version": "1"}),
        "undo": Undo(request=Request(**there, body={"name": "credit", "alias": "champion", "version": "2"})),
        "idempotent": True,
    }
    return Step(id=id_, **{**known, **more})


def a_plan(*steps: Step, **more: Any) -> Plan:
    """Roll the credit model back from version 2 to 1, and look whether that helped."""
    verify = Step(id="verify", title="Look whether it helped", type=StepType.VERIFY)
    known: dict[str, Any] = {
        "runbook": "rollback-model",
        "title": "Rollback model",
        "runbook_hash": "0" * 64,
        "incident": "INC-1",
        "system": "credit-scoring",
        "environment": "production",
        "steps": steps or (a_step(), verify),
        "rollback": Rollback(kind="model", name="credit", version="2", to="1"),
    }
    return Plan(**{**known, **more})


def a_run(plan: Plan | None = None, *, began: datetime = NOON, **more: Any) -> Run:
    """Everything was done, and now it proves itself."""
    plan = plan or a_plan()
    done = tuple(StepRun(id=step.id, state=StepState.DONE, touched=step.changes) for step in plan.steps[:-1])
    proving = StepRun(id=plan.steps[-1].id, state=StepState.WAITING, began_at=began, until=began)
    known: dict[str, Any] = {
        "id": "RUN-1",
        "incident": plan.incident,
        "system": plan.system,
        "environment": plan.environment,
        "status": RunStatus.RUNNING,
        "requested_by": by("priya"),
        "requested_at": began - minutes(10),
        "steps": (*done, proving),
        "started_at": began - minutes(5),
        "ready_at": began,
    }
    return Run(plan=plan, **{**known, **more})
