"""The page of a plan: what a runbook would do about an incident, word for word, and the form that asks for the run."""

from dataclasses import replace
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from incidents.adapters.web import incident_page
from incidents.adapters.web.asked import IncidentId
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.frame import Form, Frame, Framed, actor_of, back_to
from incidents.adapters.web.plan_form import PREFIX, asked
from incidents.adapters.web.problem import Problem, problem_of
from incidents.adapters.web.runbooks import runbook_of
from incidents.adapters.web.template import page
from incidents.core import run_words
from incidents.core.errors import NotAllowed, NotFound, Stale
from incidents.flow.ports import RunRequest

REFUSALS = (NotAllowed, NotFound, Problem, RequestValidationError, Stale)

router = APIRouter(prefix="/incidents/{incident}", include_in_schema=False)


@router.get("/plan")
@router.get("/runs")
async def loaded_again(doors: Doors, incident: IncidentId) -> Response:
    """A form's address, loaded again, is the incident."""
    return back_to(f"/incidents/{incident}", doors)


@router.post("/plan")
async def plan(request: Request, doors: Doors, frame: Framed, incident: IncidentId, form: Form) -> Response:
    """Show what would be done; the targets are asked what is there, and nothing is changed."""
    try:
        by = actor_of(request, doors, form)
        frame = replace(frame, actor=frame.estate.person(by.id))
        return await _shown(incident, doors, frame, form)
    except REFUSALS as error:
        return await _refused(incident, doors, frame, form, problem_of(error))


@router.post("/runs")
async def ask(request: Request, doors: Doors, frame: Framed, incident: IncidentId, form: Form) -> Response:
    """Ask for the run of the plan that was read; a refusal shows on the plan as it is now."""
    try:
        by = actor_of(request, doors, form)
        frame = replace(frame, actor=frame.estate.person(by.id))
        said = asked(runbook_of(form.get("runbook", ""), doors), form)
        once = form.get("once", frame.once)[:64]
        run = await doors.desk.request(
            RunRequest(wanted=said.wanted(incident), by=by, plan=said.plan, note=said.note or "", warned=said.warned),
            once=f"page:{by.id}:{incident}:runs:{once}",
        )
    except REFUSALS as error:
        return await _planned_again(incident, doors, frame, form, problem_of(error))
    return back_to(f"/runs/{run.id}?done=request", doors, by)


async def _planned_again(incident: str, doors: WebDoors, frame: Frame, form: Form, problem: Problem) -> Response:
    try:
        return await _shown(incident, doors, frame, form, why=problem.detail, status=problem.status)
    except REFUSALS:  # what keeps it from being planned keeps it from being asked for
        return await _refused(incident, doors, frame, form, problem)


async def _shown(
    incident: str, doors: WebDoors, frame: Frame, form: Form, *, why: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    said = asked(runbook_of(form.get("runbook", ""), doors), {k: v for k, v in form.items() if k != "plan"})
    told = {
        "frame": frame,
        "plan": await doors.desk.plan(said.wanted(incident)),
        "say": run_words,
        "typed": form,
        "given": {name: value for name, value in form.items() if name.startswith(PREFIX)},
        "why": why,
    }
    return page("plan.html", told, status)


async def _refused(incident: str, doors: WebDoors, frame: Frame, form: Form, problem: Problem) -> Response:
    refused = incident_page.Refused(action="plan", why=problem.detail, typed=form)
    return await incident_page.shown(incident, doors, frame, refused=refused, status=problem.status)
