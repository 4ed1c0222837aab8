"""The page of the route tester: events pasted in, and what would become of each, in plain lines."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from incidents.adapters.web.asked import EARLIEST, LATEST
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.events import refuse
from incidents.adapters.web.frame import Form, Frame, Framed
from incidents.adapters.web.problem import Flaw, Problem, problem_of
from incidents.adapters.web.template import page
from incidents.core.delivery import Delivery, Origin
from incidents.core.errors import NotAllowed
from incidents.core.explanation import Explanation, lines
from incidents.core.transport import BATCH, STRUCTURED

_AT: TypeAdapter[datetime] = TypeAdapter(Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)])

router = APIRouter(prefix="/explain", include_in_schema=False)


@router.get("")
async def explain_page(frame: Framed) -> Response:
    return _shown(frame, {})


@router.post("")
async def explain(doors: Doors, frame: Framed, form: Form) -> Response:
    """Show what would become of what was pasted; what was typed stays, refused or not."""
    try:
        found, flaws = await _explained(form, doors)
    except (NotAllowed, Problem) as error:
        problem = problem_of(error)
        return _shown(frame, form, why=problem.detail, flaws=problem.errors, status=problem.status)
    return _shown(frame, form, found=found, flaws=flaws)


async def _explained(form: dict[str, str], doors: WebDoors) -> tuple[Explanation, list[Flaw]]:
    events = form.get("events", "").strip()
    if not events:
        raise Problem(HTTPStatus.BAD_REQUEST, "paste an event, or an array of events, as JSON", code="invalid")
    batch = events.startswith("[")
    delivery = Delivery(
        body=events.encode(errors="surrogatepass"),
        content_type=BATCH if batch else STRUCTURED,
        origin=Origin.HTTP,
        position="the page /explain",
    )
    found = await doors.explain.explain(delivery, at=_moment(form.get("at")))
    return found, refuse(found.refusals, batch=batch)


def _moment(told: str | None) -> datetime | None:
    if not told:
        return None
    try:
        return _AT.validate_python(told.strip())
    except ValidationError as error:
        flaws = [{**found, "loc": ("at",)} for found in error.errors()]
        raise problem_of(RequestValidationError(flaws)) from None


def _shown(
    frame: Frame,
    form: dict[str, str],
    *,
    found: Explanation | None = None,
    why: str = "",
    flaws: list[Flaw] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    told = {
        "frame": frame,
        "typed": form,
        "found": found,
        "lines": lambda each: lines(each, frame.estate),
        "why": why,
        "flaws": flaws or [],
    }
    return page("explain.html", told, status)
