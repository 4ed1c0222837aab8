"""The page of tasks, and the forms by which people give, end and change them, here and on an incident's page."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from incidents.adapters.web.api import foreign_cursor
from incidents.adapters.web.asked import IncidentId, Noted, Said
from incidents.adapters.web.chips import address, chips
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import TaskFilters
from incidents.adapters.web.frame import Form, Frame, Framed, actor_of, back_to
from incidents.adapters.web.incident_page import OURS, Refused, shown
from incidents.adapters.web.problem import Problem, problem_of
from incidents.adapters.web.tasks import ChangeSaid, DropSaid, TaskId, TaskSaid
from incidents.adapters.web.template import page
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.fact import Actor
from incidents.core.task import TaskAction, TaskState
from incidents.core.tasking import Errand

_SAID = {
    TaskAction.DONE: "Done.",
    TaskAction.DROP: "Dropped: nobody is reminded of it any more.",
    TaskAction.CHANGE: "Changed.",
}
_FORMS: Mapping[TaskAction, type[Said]] = {
    TaskAction.DONE: Noted,
    TaskAction.DROP: DropSaid,
    TaskAction.CHANGE: ChangeSaid,
}
_Shape = TypeVar("_Shape", bound=Said)

router = APIRouter(include_in_schema=False)


class TaskPageFilters(TaskFilters):
    """The list's filters, and what was just done."""

    done: str | None = None

    def shown(self) -> list[tuple[str, str]]:
        return [(name, "true" if name == "overdue" else value) for name, value in self.pairs() if name != "done"]


@router.get("/tasks")
async def tasks_page(doors: Doors, frame: Framed, filters: Annotated[TaskPageFilters, Query()]) -> Response:
    """The open ones, unless states are asked for."""
    said = _SAID[TaskAction(filters.done)] if filters.done in set(TaskAction) else ""
    return await _listed(doors, frame, filters, said=said)


async def _listed(
    doors: WebDoors,
    frame: Frame,
    filters: TaskPageFilters,
    *,
    said: str = "",
    refused: tuple[str, str] = ("", ""),
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    query = filters.query()
    usual = not query.state and not query.overdue
    try:
        found, following = await doors.tasks.list(replace(query, state=(TaskState.OPEN,)) if usual else query)
    except ValueError:
        raise foreign_cursor() from None
    pairs = filters.shown()
    told: dict[str, Any] = {
        "frame": frame,
        "tasks": found,
        "states": list(TaskState),
        "state": query.state,
        "usual": usual and not query.owner,
        "mine": usual and query.owner == (frame.actor.id,),
        "overdue": query.overdue,
        "chips": chips("/tasks", [pair for pair in pairs if pair[0] in {"system", "incident", "kind", "owner"}]),
        "following": address("/tasks", pairs, cursor=following) if following else None,
        "said": said,
        "refused": refused,
    }
    return page("tasks.html", told, status)


@router.post("/incidents/{incident}/tasks")
async def add(request: Request, doors: Doors, frame: Framed, incident: IncidentId, form: Form) -> Response:
    """Give a task and show its incident again; a refusal shows on the page, with what was typed kept."""
    by = actor_of(request, doors, form)
    frame = replace(frame, actor=frame.estate.person(by.id))
    try:
        said = _read(TaskSaid, form)
        await doors.tasks.add(said.wish(incident, by), once=_once(form, frame, by, f"{incident}:task"))
    except (NotAllowed, NotFound, Problem, RequestValidationError) as error:
        if not _is_repeat(error):
            problem = problem_of(error)
            refused = Refused(action="task", why=problem.detail, typed=form)
            return await shown(incident, doors, frame, refused=refused, status=problem.status)
    return back_to(f"/incidents/{incident}?done=task#tasks", doors, by)


@router.get("/incidents/{incident}/tasks")
async def after_refusal(doors: Doors, incident: IncidentId) -> Response:
    """A refused form's address, loaded again, is the incident."""
    return back_to(f"/incidents/{incident}#tasks", doors)


@router.post("/tasks/{task}/{action}")
async def act(request: Request, doors: Doors, frame: Framed, task: TaskId, action: str, form: Form) -> Response:
    """Do it and go back to where the form was; a refusal shows on the list."""
    if action not in set(TaskAction):
        raise NotFound("there is no such action")
    wanted, here = TaskAction(action), form.get("back", "/tasks")
    try:
        by = actor_of(request, doors, form)
        frame = replace(frame, actor=frame.estate.person(by.id))
        words = _read(_FORMS[wanted], form).told()
        errand = Errand(task=task, action=wanted, by=by, note=words.pop("reason", words.pop("note", None)), **words)
        await doors.tasks.act(errand, once=_once(form, frame, by, f"{task}:{action}"))
    except (NotAllowed, NotFound, Problem, RequestValidationError) as error:
        problem = problem_of(error)
        return await _listed(
            doors, frame, TaskPageFilters(), refused=(task, problem.detail), status=HTTPStatus(problem.status)
        )
    return back_to(here if here.startswith("/incidents/") else f"/tasks?done={action}", doors, by)


@router.get("/tasks/{task}/{action}")
async def after_act(doors: Doors, task: TaskId, action: str) -> Response:  # noqa: ARG001 - the address names both
    """A refused form's address, loaded again, is the list."""
    return back_to("/tasks", doors)


def _read(shape: type[_Shape], form: Mapping[str, str]) -> _Shape:
    words = {name: value for name, value in form.items() if name not in OURS and name != "back"}
    try:
        return shape.model_validate(words)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _once(form: Mapping[str, str], frame: Frame, by: Actor, what: str) -> str:
    return f"page:{by.id}:{what}:{form.get('once', frame.once)[:64]}"


def _is_repeat(error: Exception) -> bool:
    """The very form that gave a task was sent before: it is there."""
    return isinstance(error, NotAllowed) and error.code == "already_done"
