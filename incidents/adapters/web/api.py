"""The JSON API's reading side, and opening an incident by hand."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from incidents.adapters.web.asked import IncidentId, Open
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import AlertFilters, IncidentFilters
from incidents.adapters.web.once import ByDeed, OnceRoute
from incidents.adapters.web.problem import bad_field, documented
from incidents.adapters.web.shapes import (
    AlertShape,
    AlertsShape,
    FactShape,
    IncidentShape,
    IncidentsShape,
    IncidentWhole,
    TimelineShape,
)
from incidents.core.events import Kind
from incidents.flow.ports import Opening

READS = documented(
    HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE
)
ONE = READS | documented(HTTPStatus.NOT_FOUND)
WRITES = ONE | documented(
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)

router = APIRouter(prefix="/api", route_class=OnceRoute)


@router.get("/incidents", tags=["incidents"], responses=READS)
async def list_incidents(doors: Doors, filters: Annotated[IncidentFilters, Query()]) -> IncidentsShape:
    """Incidents, newest first; a filter given several times means any of its values."""
    try:
        found, following = await doors.reader.incidents(filters.query())
    except ValueError:
        raise foreign_cursor() from None
    return IncidentsShape(items=[IncidentShape.model_validate(incident) for incident in found], next=following)


@router.post("/incidents", tags=["incidents"], status_code=HTTPStatus.CREATED, responses=WRITES)
async def open_incident(doors: Doors, deed: ByDeed, said: Open, response: Response) -> IncidentShape:
    """Open an incident by hand; refused where one gathers for the system already, naming it."""
    incident = await doors.open_incident(
        Opening(
            system=said.system,
            environment=said.environment,
            title=said.title,
            summary=said.summary,
            severity=said.severity,
            kind=Kind(said.kind),
            by=deed.by,
            once=deed.once,
        )
    )
    response.headers["Location"] = f"/api/incidents/{incident.id}"
    return IncidentShape.model_validate(incident)


@router.get("/incidents/{incident}", tags=["incidents"], responses=ONE)
async def show_incident(doors: Doors, incident: IncidentId) -> IncidentWhole:
    """One incident with its alerts, what was sent, and what may be done to it now."""
    return IncidentWhole.of(await doors.reader.incident(incident), await doors.reader.briefing(incident))


@router.get("/incidents/{incident}/timeline", tags=["incidents"], responses=ONE)
async def show_timeline(doors: Doors, incident: IncidentId) -> TimelineShape:
    """Every fact in order."""
    view = await doors.reader.incident(incident)
    return TimelineShape(incident=view.incident.id, facts=[FactShape.of(fact) for fact in view.facts])


@router.get("/alerts", tags=["alerts"], responses=READS)
async def list_alerts(doors: Doors, filters: Annotated[AlertFilters, Query()]) -> AlertsShape:
    """Alerts, in the states that are asked for or in all."""
    try:
        found, following = await doors.reader.alerts(tuple(filters.state), limit=filters.limit, cursor=filters.cursor)
    except ValueError:
        raise foreign_cursor() from None
    return AlertsShape(items=[AlertShape.of(view) for view in found], next=following)


def foreign_cursor() -> Exception:
    return bad_field("cursor", "is none that this list has given; start again without it")
