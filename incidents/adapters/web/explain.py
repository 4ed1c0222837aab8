"""`POST /api/explain`: what would become of events, told without taking them."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from incidents.adapters.web.api import READS
from incidents.adapters.web.asked import EARLIEST, LATEST
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.events import BODY, delivery_of, is_batch, refuse
from incidents.adapters.web.explain_shapes import ExplanationShape
from incidents.adapters.web.problem import documented

At = Annotated[
    AwareDatetime | None,
    Query(ge=EARLIEST, le=LATEST, description="As if they came then: RFC 3339 with its zone; default now."),
]
_SOME: dict[int | str, dict[str, Any]] = {
    207: {"model": ExplanationShape, "description": "Some events of the batch are refused as they would be at /events"}
}

router = APIRouter(prefix="/api/explain", tags=["events"])


@router.post(
    "",
    responses=_SOME
    | READS
    | documented(HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    openapi_extra=BODY,
)
async def explain(request: Request, doors: Doors, response: Response, at: At = None) -> ExplanationShape:
    """What CloudEvents would come to, one after the other, and why: the same bodies as /events, at most 50 events.

    Nothing is saved and nobody is paged.
    """
    found = await doors.explain.explain(await delivery_of(request), at=at)
    flaws = refuse(found.refusals, batch=is_batch(request))
    response.status_code = HTTPStatus.MULTI_STATUS if flaws else HTTPStatus.OK
    return ExplanationShape.of(found, flaws, doors.estate())
