"""The page of one incident: what it shows, and the forms by which people act on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from incidents.adapters.web import incident_view as view_of
from incidents.adapters.web.asked import SAID, IncidentId, Said, ask_of
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.frame import Form, Frame, Framed, actor_of, back_to
from incidents.adapters.web.problem import Problem, problem_of
from incidents.adapters.web.remedies import remedies_of
from incidents.adapters.web.template import page
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.incident import Action, Resolution
from incidents.core.run_words import waits_for
from incidents.core.task import TaskKind
from incidents.core.timeline import entries, markdown, proof

OURS = frozenset({"as", "once"})  # what each form carries beside the words of its action

router = APIRouter(prefix="/incidents", include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A form that was refused: why, and what was typed."""

    action: str = ""
    why: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    def kept(self, action: str, name: str, alert: str | None = None) -> str:
        """What was typed into this field of this form."""
        mine = self.action == action and alert in {None, self.typed.get("alert")}
        return self.typed.get(name, "") if mine else ""


@router.get("/{incident}")
async def incident_page(request: Request, doors: Doors, frame: Framed, incident: IncidentId) -> Response:
    done = request.query_params.get("done")
    said = view_of.DONE[Action(done)] if done in set(Action) else ""
    said = "The task is on the list, and its owner is told." if done == "task" else said
    return await shown(incident, doors, frame, said=said)


async def shown(
    incident: str,
    doors: WebDoors,
    frame: Frame,
    *,
    said: str = "",
    refused: Refused | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    """The page; what was refused stands beside the form that it came from."""
    view, briefing = await doors.reader.incident(incident), await doors.reader.briefing(incident)
    refused = refused or Refused()
    remedies = await remedies_of(view.incident, briefing, doors, frame, refused.typed)
    asking, telling = view_of.sent(view.effects)
    told: dict[str, Any] = {
        "frame": frame,
        "view": view,
        "incident": view.incident,
        "briefing": briefing,
        "rows": view_of.alert_rows(view, frame.estate.policy),
        "hidden_alerts": max(0, len(view.alerts) - view_of.SHOWN_ALERTS),
        "waiting": view_of.waiting(view, frame.estate.policy),
        "asking": asking,
        "telling": telling,
        "steps": view_of.steps(view),
        "entries": entries(view.facts),
        "proof": proof,
        "tone": view_of.tone,
        "relations": view_of.RELATIONS,
        "tasks": view_of.task_rows(view, frame.numbers.now),
        "task_kinds": list(TaskKind),
        "severities": view_of.severities(view.incident),
        "resolutions": list(Resolution),
        "snoozes": view_of.SNOOZES,
        "responders": view_of.names(frame, view.incident.responders),
        "said": said,
        "refused": refused,
        "remedies": remedies,
        "waits_for": waits_for,
    }
    return page("incident.html", told, status)


@router.get("/{incident}/timeline.md")
async def export(doors: Doors, incident: IncidentId) -> Response:
    """The incident as Markdown, to be kept or sent on."""
    view = await doors.reader.incident(incident)
    return Response(
        markdown(view.incident, view.facts),
        media_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{view.incident.id}.md"'},
    )


@router.get("/{incident}/{action}")
async def after_refusal(doors: Doors, incident: IncidentId, action: str) -> Response:
    """A refused form's address, loaded again, is the incident."""
    if action not in set(Action):
        raise NotFound("there is no such action")
    return back_to(f"/incidents/{incident}", doors)


@router.post("/{incident}/{action}")
async def act(request: Request, doors: Doors, frame: Framed, incident: IncidentId, action: str, form: Form) -> Response:
    """Do it and show the incident again; a refusal shows on the page, with what was typed kept."""
    if action not in set(Action):
        raise NotFound("there is no such action")
    try:
        by = actor_of(request, doors, form)
        frame = replace(frame, actor=frame.estate.person(by.id))
        words = {name: value for name, value in form.items() if name not in OURS}
        ask = ask_of(incident, Action(action), by, _said(Action(action), words), frame.estate.catalog)
        once = form.get("once", frame.once)[:64]
        await doors.respond.act(ask, once=f"page:{by.id}:{incident}:{action}:{once}")
    except (NotAllowed, NotFound, Problem, RequestValidationError) as error:
        problem = problem_of(error)
        refused = Refused(action=action, why=problem.detail, typed=form)
        return await shown(incident, doors, frame, refused=refused, status=problem.status)
    return back_to(f"/incidents/{incident}?done={action}", doors, by)


def _said(action: Action, words: Mapping[str, str]) -> Said:
    try:
        return SAID[action].model_validate(words)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
