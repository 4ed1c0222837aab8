"""The API for runbooks: which there are, how fresh they are, what a run of them would do, and how runs went so far."""

from datetime import date
from typing import Any, Self

from fastapi import APIRouter
from pydantic import Field

from incidents.adapters.web.api import ONE, READS
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.shapes import Shape
from incidents.core.errors import NotFound
from incidents.core.run_words import Freshness, freshness
from incidents.core.runbook import Cause, ParameterType, Runbook
from incidents.core.severity import Severity
from incidents.core.step import StepType
from incidents.flow.ports import Outcomes


class ParameterShape(Shape):
    name: str
    type: ParameterType
    description: str
    default: Any = Field(description="Null: it must be given. It may be a template over the incident.")
    choices: list[Any]
    pattern: str


class OutcomesShape(Shape):
    """How its runs ended, of those that had begun."""

    runs: int
    succeeded: int
    success_rate: float | None = Field(description="0 to 1; null before the first run.")
    median_seconds: float | None = Field(description="From start to success.")

    @classmethod
    def of(cls, outcomes: Outcomes | None) -> Self:
        runs, succeeded = (outcomes.runs, outcomes.succeeded) if outcomes else (0, 0)
        median = outcomes.median if outcomes else None
        return cls(
            runs=runs,
            succeeded=succeeded,
            success_rate=round(succeeded / runs, 4) if runs else None,
            median_seconds=median.total_seconds() if median is not None else None,
        )


class AppliesShape(Shape):
    kind: list[str]
    drift_kind: list[str]
    system: list[str]
    severity_at_least: Severity | None
    cause: list[Cause]
    labels: dict[str, list[str]] = Field(description="Of the system: each must have one of these.")


class RunbookCard(Shape):
    id: str
    title: str
    owner: str | None
    last_reviewed: date | None
    freshness: str
    stale: bool = Field(description="Reviewed long ago, or never.")
    runnable: bool = Field(description="Whether a run can carry it out; otherwise people read it.")
    applies_to: AppliesShape
    parameters: list[ParameterShape]
    outcomes: OutcomesShape

    @classmethod
    def of(cls, runbook: Runbook, outcomes: Outcomes | None, fresh: Freshness) -> Self:
        return cls(**_told(runbook, outcomes, fresh))


class OutlineShape(Shape):
    id: str
    title: str
    type: StepType


class RunbookFull(RunbookCard):
    steps: list[str] = Field(description="The numbered steps, for people.")
    outlines: list[OutlineShape] = Field(description="The steps of a run; their templates are filled in by a plan.")
    body: str = Field(description="Its Markdown.")
    hash: str

    @classmethod
    def of(cls, runbook: Runbook, outcomes: Outcomes | None, fresh: Freshness) -> Self:
        return cls(
            **_told(runbook, outcomes, fresh),
            steps=list(runbook.steps),
            outlines=[OutlineShape.model_validate(outline) for outline in runbook.outlines],
            body=runbook.body,
            hash=runbook.hash,
        )


class RunbooksShape(Shape):
    items: list[RunbookCard]


def _told(runbook: Runbook, outcomes: Outcomes | None, fresh: Freshness) -> dict[str, Any]:
    return {
        "id": runbook.id,
        "title": runbook.title,
        "owner": runbook.owner,
        "last_reviewed": runbook.last_reviewed,
        "freshness": fresh.text,
        "stale": fresh.stale,
        "runnable": bool(runbook.outlines),
        "applies_to": AppliesShape.model_validate(runbook.applies_to),
        "parameters": [ParameterShape.model_validate(each) for each in runbook.parameters],
        "outcomes": OutcomesShape.of(outcomes),
    }


router = APIRouter(prefix="/api/runbooks", tags=["runs"])


@router.get("", responses=READS)
async def list_runbooks(doors: Doors) -> RunbooksShape:
    """Every runbook that could be read, by its id."""
    runbooks = sorted(doors.estate().runbooks, key=lambda each: each.id)
    outcomes = await doors.runs.outcomes([each.id for each in runbooks])
    now, within = (await doors.reader.numbers()).now, doors.estate().policy.audit.reviewed_within
    return RunbooksShape(
        items=[RunbookCard.of(each, outcomes.get(each.id), freshness(each, within, now)) for each in runbooks]
    )


@router.get("/{runbook}", responses=ONE)
async def show_runbook(doors: Doors, runbook: str) -> RunbookFull:
    """One runbook with its text and its steps."""
    found = runbook_of(runbook, doors)
    outcomes = await doors.runs.outcomes([found.id])
    now, within = (await doors.reader.numbers()).now, doors.estate().policy.audit.reviewed_within
    return RunbookFull.of(found, outcomes.get(found.id), freshness(found, within, now))


def runbook_of(runbook: str, doors: WebDoors) -> Runbook:
    found = next((each for each in doors.estate().runbooks if each.id == runbook), None)
    if found is None:
        raise NotFound(f"no runbook {runbook[:100]}")
    return found
