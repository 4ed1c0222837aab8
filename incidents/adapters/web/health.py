"""Whether the process lives, whether it can work, and its numbers for Prometheus."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel

from incidents.adapters.web.doors import Doors
from incidents.adapters.web.ports import Health
from incidents.adapters.web.problem import Flaw, Problem, documented
from incidents.core.errors import StoreAway
from incidents.core.on_call import CalendarState
from incidents.flow.ports import Numbers

_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

router = APIRouter(tags=["health"])


class Check(BaseModel):
    name: str
    ok: bool
    reason: str


class Checks(BaseModel):
    checks: list[Check]


@router.get("/healthz", responses=documented(HTTPStatus.SERVICE_UNAVAILABLE))
async def healthz(doors: Doors) -> Checks:
    """The process lives; only a restart helps when this fails."""
    return _checked([doors.alive()])


@router.get(
    "/readyz", responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
)
async def readyz(doors: Doors) -> Checks:
    """Every part that is leaned on, with its reason."""
    return _checked(await doors.ready())


def _checked(parts: Sequence[Health]) -> Checks:
    ill = [part for part in parts if not part.ok]
    if ill:
        detail = "; ".join(f"{part.name}: {part.why}" for part in ill)
        flaws = [Flaw(field=part.name, detail=part.why) for part in ill]
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, code="not_ready", errors=flaws)
    return Checks(checks=[Check(name=part.name, ok=part.ok, reason=part.why) for part in parts])


@router.get(
    "/metrics", response_class=Response, responses=_TEXT | documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
)
async def metrics(doors: Doors) -> Response:
    """Prometheus's text format; what cannot be counted while the database is away is left out."""
    own = CollectorRegistry()
    up = Gauge("incidents_database_up", "1 while the database answers", registry=own)
    try:
        _numbers(await doors.reader.numbers(), own)
        _calendars(await doors.on_call.calendars(), own)
        _schedules(await doors.on_call.manned(), own)
        up.set(1)
    except StoreAway:
        up.set(0)
    return Response(generate_latest(doors.metrics) + generate_latest(own), media_type=CONTENT_TYPE_LATEST)


def _numbers(numbers: Numbers, registry: CollectorRegistry) -> None:
    by_status = Gauge("incidents_incidents", "Incidents by status", ["status"], registry=registry)
    for status, count in numbers.by_status.items():
        by_status.labels(status).set(count)
    due = numbers.oldest_due.total_seconds() if numbers.oldest_due else 0
    for name, told, value in (
        ("incidents_alerts_watching", "Alerts that are not credible yet", numbers.watching),
        ("incidents_dead_letters_open", "Messages that could not be read and wait for a person", numbers.dead_letters),
        ("incidents_ownerless", "Unresolved incidents that nobody can be asked about", numbers.ownerless),
        ("incidents_oldest_due_effect_seconds", "Age of the oldest effect that is due", due),
    ):
        Gauge(name, told, registry=registry).set(value)


def _calendars(states: Sequence[CalendarState], registry: CollectorRegistry) -> None:
    told = "Age of the last good copy of a calendar kept elsewhere"
    age = Gauge("incidents_calendar_age_seconds", told, ["calendar"], registry=registry)
    told = "1 while a calendar kept elsewhere is not as it should be, and its last good copy is used"
    failing = Gauge("incidents_calendar_failing", told, ["calendar"], registry=registry)
    for state in states:
        failing.labels(state.name).set(state.failing)
        if state.age is not None:
            age.labels(state.name).set(state.age.total_seconds())


def _schedules(manned: Mapping[str, bool], registry: CollectorRegistry) -> None:
    nobody = Gauge("incidents_on_call_nobody", "1 while nobody has the turn", ["schedule"], registry=registry)
    for schedule, somebody in manned.items():
        nobody.labels(schedule).set(not somebody)
