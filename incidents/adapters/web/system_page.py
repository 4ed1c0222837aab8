"""The pages of the AI inventory: the list of systems with its filters, and everything known of one system."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from incidents.adapters.web.chips import address
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import SystemPageFilters
from incidents.adapters.web.frame import Frame, Framed
from incidents.adapters.web.systems import SystemName, known_of, wanted
from incidents.adapters.web.template import page, words
from incidents.core.catalog import KIND_OWNER
from incidents.core.estate import UNKNOWN_SYSTEMS
from incidents.core.figures import local
from incidents.core.incident import UNRESOLVED
from incidents.core.monitors import SILENT_MONITORS
from incidents.core.schedule import Shift
from incidents.core.system import Criticality, Lifecycle, Role
from incidents.flow.ports import ChangeQuery, IncidentQuery, SystemView

PATH = "/systems"
SYSTEMS = 50  # on one page
_OFFERED = 200  # owners that the filter suggests; any may be typed
_OPEN = 20  # incidents shown of one system
_CHANGES = 5

router = APIRouter(prefix=PATH, include_in_schema=False)


def _worst_first(view: SystemView) -> tuple[int, bool, str, str]:
    return -view.open_incidents, view.lifecycle == Lifecycle.RETIRED, view.system, view.environment


@router.get("")
async def systems_page(doors: Doors, frame: Framed, filters: Annotated[SystemPageFilters, Query()]) -> Response:
    """Those in trouble first, those retired last; fifty a page."""
    views = await doors.reader.systems()
    found, pairs = sorted(wanted(views, filters, frame.estate), key=_worst_first), filters.pairs()
    start = (filters.page - 1) * SYSTEMS
    shown, catalog = found[start : start + SYSTEMS], frame.estate.catalog
    told = {
        "frame": frame,
        "filters": filters,
        "systems": shown,
        "known": len(views),
        "found": len(found),
        "first": start + 1,
        "last": start + len(shown),
        "lifecycles": list(Lifecycle),
        "criticalities": list(reversed(Criticality)),
        "owners": [*catalog.schedules, *catalog.teams, *catalog.people][:_OFFERED],
        "before": address(PATH, pairs, page=str(filters.page - 1)) if start else None,
        "after": address(PATH, pairs, page=str(filters.page + 1)) if start + len(shown) < len(found) else None,
    }
    return page("systems.html", told)


@router.get("/{system:path}")
async def system_page(doors: Doors, frame: Framed, system: SystemName) -> Response:
    """One system; also one that is only seen."""
    known = await known_of(system, doors)
    opened, more = await doors.reader.incidents(
        IncidentQuery(status=tuple(UNRESOLVED), system=(known.name,), limit=_OPEN)
    )
    changes, _ = await doors.catalog.changes(ChangeQuery(section="systems", entry=known.name, limit=_CHANGES))
    told = {
        "frame": frame,
        "known": known,
        "file": known.dossier,
        "system": known.dossier.system if known.dossier else None,
        "gathers": known.name in {UNKNOWN_SYSTEMS, SILENT_MONITORS},
        "opened": opened,
        "more": more is not None,
        "changes": changes,
        "shelf": {runbook.id: runbook.title for runbook in frame.estate.runbooks},
        "rung": lambda rung: ", ".join(_asked(name, frame) for name in rung),
        "until": lambda owner, turn: _until(owner, turn, frame),
        "silence": f"/silences?{urlencode({'system': known.name})}#new",
        "all_open": f"/?{urlencode({'system': known.name})}",
        "history": f"/catalog?{urlencode({'section': 'systems', 'entry': known.name})}",
        "audited": f"/audit?{urlencode({'system': known.name})}",
    }
    return page("system.html", told)


def _asked(name: str, frame: Frame) -> str:
    """A rung's name as people call it."""
    if name == KIND_OWNER:
        return "the first owner of the kind of trouble"
    return f"the {words(name)} owner" if name in set(Role) else frame.name(name)


def _until(owner: str, turn: Shift, frame: Frame) -> str:
    """When a turn ends, by the clocks of its schedule."""
    zone = frame.estate.catalog.schedules[owner].timezone
    return f"{local(turn.end, zone, frame.numbers.now)} ({zone})"
