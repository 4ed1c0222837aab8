"""What people do to incidents through the API: one address for each action, with its own body."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from incidents.adapters.web.api import WRITES
from incidents.adapters.web.asked import (
    Assign,
    IncidentId,
    Merge,
    Note,
    Noted,
    Nothing,
    Resolve,
    SetSeverity,
    Waive,
    person_of,
)
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.once import ByDeed, Deed, OnceRoute
from incidents.adapters.web.shapes import IncidentShape
from incidents.core.incident import Action, Resolution
from incidents.core.response import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """One incident, and the person who acts on it."""

    incident: str
    deed: Deed
    doors: WebDoors

    async def act(
        self,
        action: Action,
        *,
        note: str | None = None,
        to: str | None = None,
        reason: Resolution | None = None,
        of: str | None = None,
        alert: str | None = None,
    ) -> IncidentShape:
        ask = Ask(
            incident=self.incident, action=action, by=self.deed.by, note=note, reason=reason, of=of, to=to, alert=alert
        )
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
async def acknowledge(on: OnIncident, _said: Nothing | None = None) -> IncidentShape:
    """You have it: escalation stops."""
    return await on.act(Action.ACKNOWLEDGE)


@router.post("/escalate")
async def escalate(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """Ask the next level now."""
    return await on.act(Action.ESCALATE, note=_note(said))


@router.post("/mitigate")
async def mitigate(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """Users are no longer hurt."""
    return await on.act(Action.MITIGATE, note=_note(said))


@router.post("/resolve")
async def resolve(on: OnIncident, said: Resolve) -> IncidentShape:
    """The cause is gone, or it never was trouble: the reason says which."""
    return await on.act(Action.RESOLVE, reason=said.reason, note=said.note, of=said.of)


@router.post("/reopen")
async def reopen(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """It is not over."""
    return await on.act(Action.REOPEN, note=_note(said))


@router.post("/close")
async def close(on: OnIncident, said: Noted | None = None) -> IncidentShape:
    """The paperwork is done; refused, saying what is missing, until every alert is verified or waived."""
    return await on.act(Action.CLOSE, note=_note(said))


@router.post("/note")
async def note(on: OnIncident, said: Note) -> IncidentShape:
    """Write on the timeline."""
    return await on.act(Action.NOTE, note=said.note)


@router.post("/assign")
async def assign(on: OnIncident, said: Assign) -> IncidentShape:
    """Give it to a person."""
    return await on.act(Action.ASSIGN, to=person_of(said.to, on.doors.estate().catalog))


@router.post("/severity")
async def severity(on: OnIncident, said: SetSeverity) -> IncidentShape:
    """Set how bad it is, with a reason."""
    return await on.act(Action.SEVERITY, to=said.to, note=said.reason)


@router.post("/waive")
async def waive(on: OnIncident, said: Waive) -> IncidentShape:
    """Ask for no proof that this alert is over, with a reason."""
    return await on.act(Action.WAIVE, alert=said.alert, note=said.reason)


@router.post("/merge")
async def merge(on: OnIncident, said: Merge) -> IncidentShape:
    """This is the same trouble as another incident."""
    return await on.act(Action.MERGE, to=said.into)


def _note(said: Noted | None) -> str | None:
    return said.note if said else None
