"""The pages of messages that could not be read: look, send through the front door again, put away."""

from http import HTTPStatus
from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from incidents.adapters.web.api import foreign_cursor
from incidents.adapters.web.asked import Discard, LetterId
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import LetterFilters, LetterState
from incidents.adapters.web.frame import Form, Frame, Framed, actor_of, back_to
from incidents.adapters.web.letters import preview
from incidents.adapters.web.problem import Problem, problem_of
from incidents.adapters.web.template import page
from incidents.core.errors import NotAllowed
from incidents.core.figures import counted
from incidents.flow.ports import Taken

STATES = get_args(LetterState)

router = APIRouter(prefix="/dead-letters", include_in_schema=False)


@router.get("")
async def letters_page(doors: Doors, frame: Framed, filters: Annotated[LetterFilters, Query()]) -> Response:
    """Those that wait for a person, unless other states are asked for."""
    shown = tuple(filters.state) or ("open",)
    try:
        found, following = await doors.reader.dead_letters(shown, limit=filters.limit, cursor=filters.cursor)
    except ValueError:
        raise foreign_cursor() from None
    told = {
        "frame": frame,
        "letters": found,
        "states": STATES,
        "shown": shown,
        "following": following,
        "later": filters.cursor is not None,
    }
    return page("dead_letters.html", told)


@router.get("/{letter}")
async def letter_page(request: Request, doors: Doors, frame: Framed, letter: LetterId) -> Response:
    done = request.query_params.get("done")
    said = {"replay": "Replayed: it was taken this time.", "discard": "Discarded."}.get(done or "", "")
    return await _shown(letter, doors, frame, said=said)


async def _shown(
    letter: str, doors: WebDoors, frame: Frame, *, said: str = "", why: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    found = await doors.reader.dead_letter(letter)
    told = {"frame": frame, "letter": found, "preview": preview(found.body), "said": said, "why": why}
    return page("dead_letter.html", told, status)


@router.post("/{letter}/replay")
async def replay(request: Request, doors: Doors, frame: Framed, letter: LetterId, form: Form) -> Response:
    try:
        by = actor_of(request, doors, form)
        taken = await doors.dead_letters.replay(letter, by=by)
    except (NotAllowed, Problem) as error:
        problem = problem_of(error)
        return await _shown(letter, doors, frame, why=problem.detail, status=problem.status)
    if taken.errors or taken.refused:
        return await _shown(letter, doors, frame, why=_still(taken), status=HTTPStatus.CONFLICT)
    return back_to(f"/dead-letters/{letter}?done=replay", doors, by)


@router.post("/{letter}/discard")
async def discard(request: Request, doors: Doors, frame: Framed, letter: LetterId, form: Form) -> Response:
    try:
        by = actor_of(request, doors, form)
        said = Discard.model_validate({name: value for name, value in form.items() if name == "reason"})
        await doors.dead_letters.discard(letter, by=by, reason=said.reason)
    except (NotAllowed, Problem) as error:
        problem = problem_of(error)
        return await _shown(letter, doors, frame, why=problem.detail, status=problem.status)
    except ValidationError as error:
        problem = problem_of(RequestValidationError(error.errors()))
        return await _shown(letter, doors, frame, why=problem.detail, status=problem.status)
    return back_to(f"/dead-letters/{letter}?done=discard", doors, by)


def _still(taken: Taken) -> str:
    """What the front door said the second time."""
    first = next(iter(taken.errors), None)
    told = f"; {first.field}: {first.detail}" if first else ""
    refused = max(taken.refused, len(taken.errors))
    return f"{counted(taken.accepted, 'event')} taken, {counted(refused, 'event')} refused again{told}"
