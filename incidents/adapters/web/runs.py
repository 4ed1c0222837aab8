"""The API for runs: planning a runbook for an incident, asking for a run, a second person's word, and its progress."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Response
from pydantic import Field, StringConstraints

from incidents.adapters.web.api import ONE, READS, WRITES, foreign_cursor
from incidents.adapters.web.asked import IncidentId, Name, Noted, Said, Text
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import RunFilters
from incidents.adapters.web.once import ByDeed, Deed, OnceRoute
from incidents.adapters.web.run_shapes import PlanShape, RunShape, RunsShape, RunWhole
from incidents.core.errors import NotFound
from incidents.core.run import Run
from incidents.flow.ports import PlanRequest, RunQuery, RunRequest, Word

_ID = re.compile(r"RUN-[1-9][0-9]{0,15}")
_PLAN = "a" * 64
_EXAMPLE = {"runbook": "rollback-mlflow-alias", "parameters": {"model": "credit-scoring", "version": "1"}}
_EVIDENCE = {
    "run": "RUN-1",
    "plan": {"hash": _PLAN},
    "prior": {"move": {"version": "2"}},
    "incident": {"id": "INC-1"},
    "facts": {"seq": 14, "hash": "b" * 64},
    "alerts": [],
    "system": {"id": "credit-scoring"},
}

PlanHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Value = Annotated[str, StringConstraints(max_length=2_000)] | bool | int | float
Warned = Annotated[bool, Field(description="The plan's warning was read, and the answer is yes.")]


class PlanSaid(Said):
    """Which runbook; a parameter that is not given has the runbook's or the system's default."""

    runbook: Name
    parameters: dict[Name, Value] = Field({}, max_length=50)

    def wanted(self, incident: str) -> PlanRequest:
        return PlanRequest(incident=incident, runbook=self.runbook, parameters=self.parameters)


class RunSaid(PlanSaid):
    plan: PlanHash | None = Field(None, description="The hash that was seen: refused where the plan is another by now.")
    note: Text | None = None
    warned: Warned = False


class ApproveSaid(Said):
    plan: PlanHash = Field(description="The hash of the plan that was read.")
    step: Name | None = Field(None, description="A step of type approve that the run waits at; none: the whole plan.")
    note: Text | None = None
    warned: Warned = False


class AnswerSaid(Said):
    step: Name
    answer: Name = Field(description="done, failed, retry, or the name of a choice: those of the step's `answers`.")
    note: Text | None = None


async def _run(run: Annotated[str, Path(examples=["RUN-1"])]) -> str:
    if not _ID.fullmatch(run):
        raise NotFound("no run has this id; ids read RUN-1")
    return run


RunId = Annotated[str, Depends(_run)]
_REFUSED: dict[int | str, dict[str, Any]] = {
    409: WRITES[409]
    | {
        "description": "Refused, `code` says why: no_connection, target, template, parameter, not_runnable, "
        "no_rollback, closed, changed, same_person, no_role, no_person, expired, one_runs, warning, already_done or "
        "not_allowed"
    }
}
DOES = WRITES | _REFUSED

router = APIRouter(prefix="/api", route_class=OnceRoute, tags=["runs"])


@router.post("/incidents/{incident}/plan", responses=DOES)
async def make_plan(
    doors: Doors,
    incident: IncidentId,
    deed: ByDeed,  # noqa: ARG001 - only somebody who is known asks targets what is there
    said: Annotated[PlanSaid, Body(examples=[_EXAMPLE])],
) -> PlanShape:
    """What a runbook would do about an incident, with the targets asked what is there; nothing is changed or kept."""
    return PlanShape.of(await doors.desk.plan(said.wanted(incident)))


@router.post("/incidents/{incident}/runs", status_code=HTTPStatus.CREATED, responses=DOES)
async def ask_for_run(
    doors: Doors,
    incident: IncidentId,
    deed: ByDeed,
    said: Annotated[RunSaid, Body(examples=[_EXAMPLE | {"plan": _PLAN, "note": "Version 2 drifts."}])],
    response: Response,
) -> RunWhole:
    """Ask for a run: where it changes something, a second person must approve this very plan before it begins."""
    run = await doors.desk.request(
        RunRequest(wanted=said.wanted(incident), by=deed.by, plan=said.plan, note=said.note or "", warned=said.warned),
        once=deed.once,
    )
    response.headers["Location"] = f"/api/runs/{run.id}"
    return RunWhole.of(run)


@router.get("/runs", responses=READS)
async def list_runs(doors: Doors, filters: Annotated[RunFilters, Query()]) -> RunsShape:
    """Runs, newest first; a filter given several times means any of its values."""
    found, following = await runs_of(doors, filters.query())
    return RunsShape(items=[RunShape.of(run) for run in found], next=following)


async def runs_of(doors: WebDoors, query: RunQuery) -> tuple[Sequence[Run], str | None]:
    """A page of runs; a cursor of some other list is refused by name."""
    try:
        return await doors.runs.runs(query)
    except ValueError:
        raise foreign_cursor() from None


@router.get("/runs/{run}", responses=ONE)
async def show_run(doors: Doors, run: RunId) -> RunWhole:
    """One run with its whole plan and how each step stands."""
    return RunWhole.of(await doors.runs.run(run))


@router.get(
    "/runs/{run}/evidence",
    responses=ONE
    | {
        200: {
            "description": "The kept bytes, unchanged: their sha256 is the `evidence` of the run, and the ETag.",
            "content": {"application/json": {"schema": {"type": "object"}, "example": _EVIDENCE}},
            "headers": {"ETag": {"description": "The sha256 in quotes.", "schema": {"type": "string"}}},
        }
    },
    response_class=Response,
)
async def show_evidence(doors: Doors, run: RunId) -> Response:
    """What was kept before a run changed anything: incident, alerts, system, what the targets said, and the plan."""
    digest, kept = await doors.runs.evidence(run)
    return Response(kept, media_type="application/json", headers={"ETag": f'"{digest}"'})


@router.post("/runs/{run}/approve", responses=DOES)
async def approve_run(
    doors: Doors, run: RunId, deed: ByDeed, said: Annotated[ApproveSaid, Body(examples=[{"plan": _PLAN}])]
) -> RunWhole:
    """Agree to the plan of this hash, as somebody else than who asked, with the role that it wants."""
    word = Word(run=run, by=deed.by, plan=said.plan, warned=said.warned, step=said.step, note=said.note or "")
    return RunWhole.of(await doors.desk.approve(word, once=deed.once))


@router.post("/runs/{run}/reject", responses=DOES)
async def reject_run(doors: Doors, run: RunId, deed: ByDeed, said: Noted | None = None) -> RunWhole:
    """Refuse a run that waits for approval; nothing of it is done."""
    return RunWhole.of(await doors.desk.reject(_word(run, deed, said), once=deed.once))


@router.post("/runs/{run}/cancel", responses=DOES)
async def cancel_run(doors: Doors, run: RunId, deed: ByDeed, said: Noted | None = None) -> RunWhole:
    """Stop it: no further step is done, and what was changed is taken back."""
    return RunWhole.of(await doors.desk.cancel(_word(run, deed, said), once=deed.once))


@router.post("/runs/{run}/answer", responses=DOES)
async def answer_run(
    doors: Doors,
    run: RunId,
    deed: ByDeed,
    said: Annotated[AnswerSaid, Body(examples=[{"step": "move", "answer": "done"}])],
) -> RunWhole:
    """Say what came of a step that waits for a person, or of which nobody knows whether it was done."""
    word = Word(run=run, by=deed.by, step=said.step, answer=said.answer, note=said.note or "")
    return RunWhole.of(await doors.desk.answer(word, once=deed.once))


def _word(run: str, deed: Deed, said: Noted | None) -> Word:
    return Word(run=run, by=deed.by, note=(said.note if said else None) or "")
