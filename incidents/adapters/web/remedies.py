"""What can be done about an incident, as its page shows it: the rollback that is offered, runbooks, and its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incidents.adapters.web.doors import WebDoors
from incidents.adapters.web.frame import Frame
from incidents.adapters.web.plan_form import Field, fields
from incidents.adapters.web.runbooks_page import went
from incidents.core.briefing import Briefing, RunbookLink
from incidents.core.incident import Incident, Status
from incidents.core.rollback import Offer, offered
from incidents.core.run import Run
from incidents.core.run_words import Freshness, freshness
from incidents.core.runbook import Runbook
from incidents.flow.ports import RunQuery

LATEST_RUNS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A runbook that fits, and the form that plans it where a run can carry it out."""

    link: RunbookLink
    runbook: Runbook | None  # None: not on the shelf of this process
    fresh: Freshness | None = None
    went: str = ""
    fields: tuple[Field, ...] = ()
    plans: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    offer: Offer
    suited: tuple[Remedy, ...]
    runs: Sequence[Run]
    more: bool  # than the runs that are shown


async def remedies_of(
    incident: Incident, briefing: Briefing, doors: WebDoors, frame: Frame, typed: Mapping[str, str]
) -> Remedies:
    shelf = {runbook.id: runbook for runbook in frame.estate.runbooks}
    outcomes = await doors.runs.outcomes([link.id for link in briefing.runbooks if link.id in shelf])
    runs, more = await doors.runs.runs(RunQuery(incident=incident.id, limit=LATEST_RUNS))
    over = incident.status in {Status.RESOLVED, Status.CLOSED}
    suited = []
    for link in briefing.runbooks:
        runbook = shelf.get(link.id)
        if runbook is None:
            suited.append(Remedy(link=link, runbook=None))
            continue
        mine = typed if typed.get("runbook") == runbook.id else {}
        suited.append(
            Remedy(
                link=link,
                runbook=runbook,
                fresh=freshness(runbook, frame.estate.policy.audit.reviewed_within, frame.numbers.now),
                went=went(outcomes.get(runbook.id)) if runbook.outlines else "",
                fields=fields(runbook, mine),
                plans=bool(runbook.outlines) and not over,
            )
        )
    return Remedies(offer=offered(incident), suited=tuple(suited), runs=runs, more=more is not None)
