"""The page of silences: which there are, a form that makes one or shows what it would mute, and a button to end one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from incidents.adapters.web.api import foreign_cursor
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import SilenceFilters
from incidents.adapters.web.frame import Form, Frame, Framed, actor_of, back_to
from incidents.adapters.web.ports import Answer, Claim, Conflict, Go, InFlight, Replay
from incidents.adapters.web.problem import Problem, problem_of
from incidents.adapters.web.silence_form import FIRST, LENGTHS, LONG, PREFILLED, fields, said_by
from incidents.adapters.web.silences import SilenceId
from incidents.adapters.web.template import page
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.mute import hint
from incidents.core.silence import SilenceState
from incidents.flow.ports import AlertView, SilenceView, Silencing

NOT_OVER = (SilenceState.ACTIVE, SilenceState.PENDING)
_SAID = {
    "make": "Silenced. What it mutes goes on being counted and shown.",
    "end": "Ended. Whatever still burns and is muted by nothing else is asked about now.",
}

router = APIRouter(prefix="/silences", include_in_schema=False)


class PageFilters(SilenceFilters):
    """The list's filters, what fills in the form beforehand, and what was just done."""

    done: str | None = None
    of: str | None = None  # the silence that was made
    system: str | None = None
    environment: str | None = None
    kind: str | None = None
    metric: str | None = None
    segment: str | None = None
    feature: str | None = None
    source: str | None = None
    severity: str | None = None
    reason: str | None = None
    amount: str | None = None
    currency: str | None = None

    def filled(self) -> dict[str, str]:
        return self.model_dump(include=set(PREFILLED), exclude_none=True)


@router.get("")
async def silences_page(doors: Doors, frame: Framed, filters: Annotated[PageFilters, Query()]) -> Response:
    """Those that are not over, unless states are asked for."""
    said = _SAID.get(filters.done or "", "")
    return await _shown(doors, frame, filters, typed=filters.filled(), said=said, of=filters.of)


async def _shown(
    doors: WebDoors,
    frame: Frame,
    filters: SilenceFilters,
    *,
    typed: Mapping[str, str],
    status: HTTPStatus = HTTPStatus.OK,
    of: str | None = None,
    **more: Any,  # noqa: ANN401 - what the template shows beside the list
) -> Response:
    shown = tuple(filters.state) or NOT_OVER
    try:
        found, following = await doors.silences.list(shown, limit=filters.limit, cursor=filters.cursor)
    except ValueError:
        raise foreign_cursor() from None
    told: dict[str, Any] = {
        "frame": frame,
        "silences": found,
        "states": list(SilenceState),
        "shown": shown,
        "all_open": shown == NOT_OVER,
        "following": following,
        "later": filters.cursor is not None,
        "fields": fields(typed, frame.estate),
        "first": FIRST,
        "lengths": (*LENGTHS, *LONG),
        "typed": typed,
        "said": "",
        "why": "",
        "preview": None,
        "hint": next((_hint(view, frame) for view in found if view.silence.id == of), None),
    }
    return page("silences.html", told | more, status)


def _hint(made: SilenceView, frame: Frame) -> str | None:
    return hint(made.silence.matchers, made.muted, frame.estate)


@router.post("")
async def make(request: Request, doors: Doors, frame: Framed, form: Form) -> Response:
    """Make it, or show what it would mute; a refusal shows on the page, with what was typed kept."""
    try:
        by = actor_of(request, doors, form)
        frame = replace(frame, actor=frame.estate.person(by.id))
        wanted = said_by(form).wanted(by)
        if form.get("do") == "preview":
            found: Sequence[AlertView] = await doors.silences.preview(wanted)
            overlooked = hint(wanted.matchers, len(found), frame.estate)
            return await _shown(doors, frame, SilenceFilters(), typed=form, preview=found, hint=overlooked)
        made = await _once(request, doors, form.get("once", frame.once), wanted)
    except (NotAllowed, Problem, RequestValidationError) as error:
        problem = problem_of(error)
        return await _shown(
            doors, frame, SilenceFilters(), typed=form, why=problem.detail, status=HTTPStatus(problem.status)
        )
    of = f"&of={made.silence.id}" if made and _hint(made, frame) else ""
    return back_to(f"/silences?done=make{of}", doors, by)


async def _once(request: Request, doors: WebDoors, once: str, wanted: Silencing) -> SilenceView | None:
    """Make it, unless this very form was sent before."""
    claim = Claim(by=wanted.by.id, method="POST", path="/silences", key=once[:64])
    match await doors.answers.begin(claim, sha256(await request.body()).hexdigest()):
        case Conflict():
            raise Problem(HTTPStatus.CONFLICT, "this form was sent before with other words in it: load the page anew")
        case Replay() | InFlight():
            return None
        case Go():
            kept = None
            try:
                made = await doors.silences.make(wanted)
                kept = Answer(status=HTTPStatus.SEE_OTHER, content_type="text/html", body=b"")
            finally:
                await doors.answers.finish(claim, kept)
            return made


@router.post("/{silence}/end")
async def end(request: Request, doors: Doors, frame: Framed, silence: SilenceId, form: Form) -> Response:
    try:
        by = actor_of(request, doors, form)
        await doors.silences.end(silence, by=by)
    except (NotAllowed, NotFound, Problem) as error:
        problem = problem_of(error)
        return await _shown(doors, frame, SilenceFilters(), typed={}, why=problem.detail, status=problem.status)
    return back_to("/silences?done=end", doors, by)


@router.get("/{silence}/end")
async def after_refusal(doors: Doors, silence: SilenceId) -> Response:  # noqa: ARG001 - the address names one
    """A refused form's address, loaded again, is the list."""
    return back_to("/silences", doors)
