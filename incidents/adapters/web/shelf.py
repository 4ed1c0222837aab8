"""What editors look up: the JSON Schemas of files and of lifecycle events."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path

from incidents.adapters.web.doors import Doors
from incidents.adapters.web.problem import documented

router = APIRouter()

Which = Annotated[
    Literal["catalog", "policy", "runbook", "step", "connections", "event"], Path(description="Whose schema.")
]


@router.get(
    "/schemas/{which}.json",
    tags=["files"],
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST),
)
async def file_schema(doors: Doors, which: Which) -> dict[str, Any]:
    """The JSON Schema of a catalog, a policy, a runbook's front matter or step, connections, or an event."""
    return dict(doors.schemas[which])
