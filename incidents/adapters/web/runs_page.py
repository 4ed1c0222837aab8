"""The pages of runs: the list with its filters, and one run with its plan, its progress and the buttons of people."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from incidents.adapters.web.asked import Noted, Said
from incidents.adapters.web.chips import address, chips
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import RunFilters
from incidents.adapters.web.frame import Form, Frame, Framed, actor_of, back_to
from incidents.adapters.web.list_view import Filter, offered
from incidents.adapters.web.problem import Problem, problem_of
from incidents.adapters.web.runs import AnswerSaid, ApproveSaid, RunId, runs_of
from incidents.adapters.web.template import page, words
from incidents.core import run_words
from incidents.core.errors import NotAllowed, NotFound, Stale
from incidents.core.fact import Actor
from incidents.core.run import ACTIVE, OPEN, Run, RunStatus
from incidents.flow.ports import Word

_SAID = {
    "request": "Asked for. Nothing is done before somebody else has approved this very plan.",
    "begun": "It runs.",
    "approve": "Approved.",
    "reject": "Rejected: nothing of it is done.",
    "cancel": "Cancelled: no further step is done, and what was changed is taken back.",
    "answer": "Answered.",
}
_BODIES: Mapping[str, type[Said]] = {"approve": ApproveSaid, "reject": Noted, "cancel": Noted, "answer": AnswerSaid}
_FIELDS = ("plan", "step", "answer", "note")

router = APIRouter(prefix="/runs", include_in_schema=False)


@router.get("")
async def runs_page(doors: Doors, frame: Framed, filters: Annotated[RunFilters, Query()]) -> Response:
    """Runs, newest first."""
    found, following = await runs_of(doors, filters.query())
    pairs = filters.pairs()
    told = {
        "frame": frame,
        "filters": filters,
        "runs": found,
        "say": run_words,
        "choices": _choices(filters, frame),
        "chips": chips("/runs", pairs),
        "following": address("/runs", pairs, cursor=following) if following else None,
        "first": address("/runs", pairs) if filters.cursor else None,
    }
    return page("runs.html", told)


def _choices(filters: RunFilters, frame: Frame) -> tuple[Filter, ...]:
    systems, runbooks = frame.estate.catalog.systems, frame.estate.runbooks
    return (
        offered("status", "Status", [(status, words(status)) for status in RunStatus], filters.status),
        offered("system", "System", [(id_, system.title) for id_, system in systems.items()], filters.system),
        offered("runbook", "Runbook", [(each.id, each.title) for each in runbooks if each.outlines], filters.runbook),
    )


@router.get("/{run}")
async def run_page(request: Request, doors: Doors, frame: Framed, run: RunId) -> Response:
    found = await doors.runs.run(run)
    said = _SAID.get(request.query_params.get("done", ""), "")
    if found.status is not RunStatus.PROPOSED and request.query_params.get("done") == "request":
        said = _SAID["begun"]  # it changes nothing, or somebody was quick
    return _shown(found, frame, said=said, still=request.query_params.get("refresh") == "off")


def _shown(
    run: Run,
    frame: Frame,
    *,
    said: str = "",
    still: bool = False,
    refused: Problem | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    asked = {each.id: run_words.choices(run, each.id) for each in run.steps}
    agree = run_words.asks_to_agree(run)
    told: dict[str, Any] = {
        "frame": frame,
        "run": run,
        "plan": run.plan,
        "say": run_words,
        "asked": asked,
        "agree": agree,
        "waits_for": run_words.waits_for(run),
        "open": run.status in OPEN,
        "still": still,
        "renews": run.status in ACTIVE and not (still or refused or agree or any(asked.values())),
        "said": said,
        "why": refused.detail if refused else "",
        "typed": typed or {},
    }
    return page("run.html", told, refused.status if refused else HTTPStatus.OK)


@router.get("/{run}/{deed}")
async def after_refusal(doors: Doors, run: RunId, deed: str) -> Response:
    """A refused form's address, loaded again, is the run."""
    if deed not in _BODIES:
        raise NotFound("there is no such action")
    return back_to(f"/runs/{run}", doors)


@router.post("/{run}/{deed}")
async def act(request: Request, doors: Doors, frame: Framed, run: RunId, deed: str, form: Form) -> Response:
    """Do it and show the run again; a refusal shows on the page, with what was typed kept."""
    if deed not in _BODIES:
        raise NotFound("there is no such action")
    try:
        by = actor_of(request, doors, form)
        frame = replace(frame, actor=frame.estate.person(by.id))
        once = f"page:{by.id}:{run}:{deed}:{form.get('once', frame.once)[:64]}"
        await _done(doors, deed, _word(run, deed, by, form), once)
    except (NotAllowed, Problem, RequestValidationError, Stale) as error:
        return _shown(await doors.runs.run(run), frame, refused=problem_of(error), typed=form)
    return back_to(f"/runs/{run}?done={deed}", doors, by)


def _word(run: str, deed: str, by: Actor, form: Mapping[str, str]) -> Word:
    body = _BODIES[deed]
    told: dict[str, object] = {name: form[name] for name in _FIELDS if name in form and name in body.model_fields}
    if "warned" in body.model_fields:
        told["warned"] = "warned" in form
    try:
        said = body.model_validate(told).told()
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    return Word(run=run, by=by, **said)


async def _done(doors: WebDoors, deed: str, word: Word, once: str) -> Run:
    match deed:
        case "approve":
            return await doors.desk.approve(word, once=once)
        case "reject":
            return await doors.desk.reject(word, once=once)
        case "cancel":
            return await doors.desk.cancel(word, once=once)
        case _:
            return await doors.desk.answer(word, once=once)
