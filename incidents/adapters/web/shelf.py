"""What people and editors look up: a runbook as a page, and the JSON Schemas of files and lifecycle events."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response

from incidents.adapters.web.doors import Doors
from incidents.adapters.web.frame import Framed
from incidents.adapters.web.problem import documented
from incidents.adapters.web.template import page
from incidents.core.errors import NotFound

router = APIRouter()

Which = Annotated[
    Literal["catalog", "policy", "runbook", "step", "connections", "event"], Path(description="Whose schema.")
]


@router.get("/runbooks/{runbook}", include_in_schema=False)
async def runbook_page(doors: Doors, frame: Framed, runbook: str) -> Response:
    found = next((each for each in doors.estate().runbooks if each.id == runbook), None)
    if found is None:
        raise NotFound(f"no runbook {runbook[:100]}")
    return page("runbook.html", {"frame": frame, "runbook": found})


@router.get(
    "/schemas/{which}.json",
    tags=["files"],
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST),
)
async def file_schema(doors: Doors, which: Which) -> dict[str, Any]:
    """The JSON Schema of a catalog, a policy, a runbook's front matter or step, connections, or an event."""
    return dict(doors.schemas[which])
