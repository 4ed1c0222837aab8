"""The pages of runbooks: the list with freshness and past outcomes, and one with its text, its steps and its runs."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.frame import Frame, Framed
from incidents.adapters.web.runbooks import runbook_of
from incidents.adapters.web.template import page
from incidents.core.figures import counted, share, span
from incidents.core.run_words import Freshness, freshness
from incidents.core.runbook import Runbook
from incidents.flow.ports import Outcomes, RunQuery

LATEST_RUNS = 10

router = APIRouter(prefix="/runbooks", include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    runbook: Runbook
    fresh: Freshness
    outcomes: Outcomes | None

    @property
    def went(self) -> str:
        return went(self.outcomes)


def went(outcomes: Outcomes | None) -> str:
    """How its runs went so far, on one line."""
    if outcomes is None or not outcomes.runs:
        return "never run yet"
    rate = f"{share(outcomes.succeeded / outcomes.runs)} helped"
    median = f", {span(outcomes.median)} in the median" if outcomes.median is not None else ""
    return f"{counted(outcomes.runs, 'run')}, {rate}{median}"


@router.get("")
async def runbooks_page(doors: Doors, frame: Framed) -> Response:
    """Those that a run can carry out first."""
    found = sorted(doors.estate().runbooks, key=lambda each: (not each.outlines, each.title))
    outcomes = await doors.runs.outcomes([each.id for each in found])
    rows = [Row(runbook=each, fresh=_fresh(each, frame), outcomes=outcomes.get(each.id)) for each in found]
    return page("runbooks.html", {"frame": frame, "rows": rows})


@router.get("/{runbook}")
async def runbook_page(doors: Doors, frame: Framed, runbook: str) -> Response:
    found = runbook_of(runbook, doors)
    told = {"frame": frame, "runbook": found, "fresh": _fresh(found, frame)}
    return page("runbook.html", told | await _past(found, doors))


def _fresh(runbook: Runbook, frame: Frame) -> Freshness:
    return freshness(runbook, frame.estate.policy.audit.reviewed_within, frame.numbers.now)


async def _past(runbook: Runbook, doors: WebDoors) -> dict[str, object]:
    outcomes = await doors.runs.outcomes([runbook.id])
    runs, more = await doors.runs.runs(RunQuery(runbook=(runbook.id,), limit=LATEST_RUNS))
    return {"went": went(outcomes.get(runbook.id)), "runs": runs, "more": more is not None}
