"""What people do to incidents through the API: one address for each action, with its own body."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from incidents.adapters.web.api import WRITES
from incidents.adapters.web.asked import (
    Assign,
    HandOver,
    IncidentId,
    Merge,
    Note,
    Noted,
    Resolve,
    Said,
    SetSeverity,
    Snooze,
    Waive,
    ask_of,
)
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.once import ByDeed, Deed, OnceRoute
from incidents.adapters.web.shapes import IncidentShape
from incidents.core.incident import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """One incident, and the person who acts on it."""

    incident: str
    deed: Deed
    doors: WebDoors

    async def act(self, action: Action, said: Said | None = None) -> IncidentShape:
        ask = ask_of(self.incident, action, self.deed.by, said, self.doors.estate().catalog)
        return IncidentShape.model_validate(await self.doors.respond.act(ask, once=self.deed.once))


async def _acting(incident: IncidentId, deed: ByDeed, doors: Doors) -> Acting:
    return Acting(incident=incident, deed=deed, doors=doors)


OnIncident = Annotated[Acting, Depends(_acting)]
_REFUSED: dict[int | str, dict[str, Any]] = {
    409: WRITES[409] | {"description": "Refused or done already: `code` for machines, `detail` says why"}
}

router = APIRouter(
    prefix="/api/incidents/{incident}", route_class=OnceRoute, tags=["actions"], responses=WRITES | _REFUSED
)


@router.post("/acknowledge")
async def acknowledge(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """You have it: escalation stops."""
    return await on.act(Action.ACKNOWLEDGE, said)


@router.post("/escalate")
async def escalate(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """Ask the next level now."""
    return await on.act(Action.ESCALATE, said)


@router.post("/snooze")
async def snooze(on: OnIncident, said: Snooze) -> IncidentShape:
    """You have it, and are asked again when the minutes are over; until then nobody is."""
    return await on.act(Action.SNOOZE, said)


@router.post("/hand-over")
async def hand_over(on: OnIncident, said: HandOver) -> IncidentShape:
    """Ask this person to take it, before everybody else; the ladder runs on until somebody answers."""
    return await on.act(Action.HAND_OVER, said)


@router.post("/mitigate")
async def mitigate(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """Users are no longer hurt."""
    return await on.act(Action.MITIGATE, said)


@router.post("/resolve")
async def resolve(on: OnIncident, said: Resolve) -> IncidentShape:
    """The cause is gone, or it never was trouble: the reason says which."""
    return await on.act(Action.RESOLVE, said)


@router.post("/reopen")
async def reopen(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """It is not over."""
    return await on.act(Action.REOPEN, said)


@router.post("/close")
async def close(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """The paperwork is done; refused, saying what is missing, until every alert is verified or waived."""
    return await on.act(Action.CLOSE, said)


@router.post("/note")
async def note(on: OnIncident, said: Note) -> IncidentShape:
    """Write on the timeline."""
    return await on.act(Action.NOTE, said)


@router.post("/assign")
async def assign(on: OnIncident, said: Assign) -> IncidentShape:
    """Give it to a person."""
    return await on.act(Action.ASSIGN, said)


@router.post("/severity")
async def severity(on: OnIncident, said: SetSeverity) -> IncidentShape:
    """Set how bad it is, with a reason."""
    return await on.act(Action.SEVERITY, said)


@router.post("/waive")
async def waive(on: OnIncident, said: Waive) -> IncidentShape:
    """Ask for no proof that this alert is over, with a reason."""
    return await on.act(Action.WAIVE, said)


@router.post("/merge")
async def merge(on: OnIncident, said: Merge) -> IncidentShape:
    """This is the same trouble as another incident."""
    return await on.act(Action.MERGE, said)
