"""An explanation as the API gives it: each event with its verdict, its alerts, its incident and who is asked."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from incidents.adapters.web.problem import Flaw
from incidents.adapters.web.shapes import LineShape, MuteShape, RunbookShape, Shape
from incidents.core.alert import AlertState
from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.explanation import AlertTold, Deed, Explanation, IncidentTold, Novelty, Told, lines
from incidents.core.fact import FactKind
from incidents.core.grade import Verdict
from incidents.core.incident import Status
from incidents.core.outlook import Asking
from incidents.core.severity import Severity


class ToldEventShape(Shape):
    id: str
    source: str
    type: str
    system: str
    environment: str


class ToldAlertShape(Shape):
    fingerprint: str
    kind: Kind
    metric: str
    feature: str
    segment: str
    before: AlertState | None
    state: AlertState
    severity: Severity | None
    why: str
    figures: str
    incident: str | None
    muted: MuteShape | None

    @classmethod
    def told(cls, each: AlertTold) -> Self:
        said = {name: getattr(each.alert, name) for name in cls.model_fields if hasattr(each.alert, name)}
        return cls(**said, before=each.before)


class ToldFactShape(Shape):
    kind: FactKind
    text: str


class ToldEffectShape(Shape):
    kind: EffectKind
    channel: Channel
    target: str | None
    text: str

    @classmethod
    def told(cls, effect: Effect) -> Self:
        text = str(effect.data.get("text") or effect.data.get("why") or "")
        return cls(kind=effect.kind, channel=effect.channel, target=effect.target, text=text)


class AskingShape(Shape):
    level: int
    person: str
    name: str
    at: datetime
    channel: Channel
    why: str
    done: Annotated[bool, Field(description="Asked before, or by this event at once.")]
    fallback: Annotated[bool, Field(description="The plain webhook is told as well.")]

    @classmethod
    def told(cls, asking: Asking) -> Self:
        said = {name: getattr(asking, name) for name in cls.model_fields if name not in {"person", "name"}}
        return cls(**said, person=asking.person.id, name=asking.person.name)


class ToldSkipShape(Shape):
    whom: str
    role: str
    why: str


class ToldIncidentShape(Shape):
    """`id` reads NEW-1 where the incident would be a new one."""

    deed: Deed
    id: str
    title: str
    status: Status
    severity: Severity
    severity_why: str
    headline: str
    asked: list[AskingShape]
    again_at: datetime | None
    more_runs: int
    skipped: list[ToldSkipShape]
    runbooks: list[RunbookShape]
    facts: list[ToldFactShape]
    effects: list[ToldEffectShape]

    @classmethod
    def told(cls, each: IncidentTold) -> Self:
        said = {name: getattr(each.incident, name) for name in ("id", "title", "status", "severity", "severity_why")}
        return cls(
            **said,
            deed=each.deed,
            headline=each.briefing.headline,
            asked=[AskingShape.told(asking) for asking in each.outlook.askings],
            again_at=each.outlook.again_at,
            more_runs=each.outlook.more_runs,
            skipped=[ToldSkipShape.model_validate(skip) for skip in each.outlook.skips],
            runbooks=[RunbookShape.model_validate(book) for book in each.briefing.runbooks],
            facts=[ToldFactShape.model_validate(fact) for fact in each.facts],
            effects=[ToldEffectShape.told(effect) for effect in each.effects if effect.kind is not EffectKind.REFRESH],
        )


class ToldShape(Shape):
    """What would become of one event, in values and in plain lines."""

    index: int
    event: ToldEventShape
    system: Annotated[str, Field(description="The system that its name was found to mean.")]
    novelty: Novelty
    verdict: Verdict | None
    why: Annotated[str, Field(description="The arithmetic of the verdict.")]
    figures: str
    causes: list[str]
    late: Annotated[bool, Field(description="Something newer is known: counted, and nothing else.")]
    alerts: list[ToldAlertShape]
    incidents: list[ToldIncidentShape]
    lines: list[LineShape]

    @classmethod
    def of(cls, told: Told, estate: Estate) -> Self:
        event, grade = told.event, told.grade
        return cls(
            index=told.index,
            event=ToldEventShape(
                id=event.id,
                source=event.source,
                type=event.type.value,
                system=event.system,
                environment=event.environment,
            ),
            system=told.system,
            novelty=told.novelty,
            verdict=grade.verdict if grade else None,
            why=grade.why if grade else "",
            figures=grade.figures if grade else "",
            causes=list(grade.causes) if grade else [],
            late=told.late,
            alerts=[ToldAlertShape.told(each) for each in told.alerts],
            incidents=[ToldIncidentShape.told(each) for each in told.incidents],
            lines=[LineShape.model_validate(line) for line in lines(told, estate)],
        )


class ExplanationShape(Shape):
    at: Annotated[datetime, Field(description="The moment at which the events are taken to come.")]
    limits: Annotated[str, Field(description="How far a moment that was asked for is honoured.")]
    items: list[ToldShape]
    errors: list[Flaw]

    @classmethod
    def of(cls, found: Explanation, errors: list[Flaw], estate: Estate) -> Self:
        items = [ToldShape.of(told, estate) for told in found.told]
        return cls(at=found.at, limits=found.limits, items=items, errors=errors)
