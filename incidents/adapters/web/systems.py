"""The AI inventory through the API: the systems that are asked for, and everything known of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Path, Query

from incidents.adapters.web.api import ONE, READS, foreign_cursor
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import SystemChoice, SystemFilters
from incidents.adapters.web.shapes import SystemShape, SystemsShape
from incidents.adapters.web.system_shapes import SystemWhole
from incidents.core.coverage import findings_of
from incidents.core.dossier import Dossier, dossier
from incidents.core.errors import NotFound
from incidents.core.estate import Estate
from incidents.core.finding import Finding
from incidents.core.handover import names_of
from incidents.flow.ports import IncidentQuery, SystemView

router = APIRouter(prefix="/api")

SystemName = Annotated[str, Path(description="The id of a system, an alias, or a name that events came under.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything known of a system; `dossier` is None of one that is only seen."""

    name: str
    dossier: Dossier | None
    places: tuple[SystemView, ...]  # where it was seen
    findings: tuple[Finding, ...]


async def known_of(name: str, doors: WebDoors) -> Known:
    """One system as registered and as seen; NotFound where it is neither."""
    estate = doors.estate()
    system = estate.catalog.system(name)
    names = {system.id, *system.aliases} if system else {name}
    places = tuple(await doors.reader.systems(names))
    if system is None and not places and not await _had_incidents(name, doors):
        raise NotFound(f"no system {name[:100]}: it is not in the catalog, and nothing publishes under that name")
    seen = await doors.witness.seen()
    return Known(
        name=system.id if system else name,
        dossier=dossier(system, estate, seen.watches, seen.now) if system else None,
        places=places,
        findings=findings_of(name, estate, seen),
    )


async def _had_incidents(name: str, doors: WebDoors) -> bool:
    """Whether somebody opened one by hand under a name that no event came under."""
    found, _ = await doors.reader.incidents(IncidentQuery(system=(name,), limit=1))
    return bool(found)


def wanted(views: Sequence[SystemView], filters: SystemChoice, estate: Estate) -> list[SystemView]:
    """Those that the filters let through; a person owns also through their teams and turns."""
    owners = frozenset(name for owner in filters.owner for name in names_of(owner, estate.catalog))
    words = (filters.q or "").casefold().split()
    tests: list[Callable[[SystemView], bool]] = []
    if filters.lifecycle:
        tests.append(lambda view: view.lifecycle in filters.lifecycle)
    if filters.criticality:
        tests.append(lambda view: view.criticality in filters.criticality)
    if owners:
        tests.append(lambda view: not owners.isdisjoint(view.owners.values()))
    if words:
        tests.append(lambda view: all(word in _text_of(view, estate) for word in words))
    return [view for view in views if all(test(view) for test in tests)]


def _text_of(view: SystemView, estate: Estate) -> str:
    """Where words are looked for."""
    system = estate.system(view.system)
    told = (view.system, view.title, view.type, view.vendor, view.model, system.justification, *system.aliases)
    return " ".join(part for part in told if part).casefold()


def _mark(view: SystemView) -> str:
    """What a place is known by in a cursor: names may be longer than one."""
    return sha256(f"{len(view.system)} {view.system} {view.environment}".encode()).hexdigest()[:32]


@router.get("/systems", tags=["systems"], responses=READS)
async def list_systems(doors: Doors, filters: Annotated[SystemFilters, Query()]) -> SystemsShape:
    """Systems as registered and as seen, one for each environment; all of them where no `limit` is given."""
    views = sorted(await doors.reader.systems(), key=lambda view: (view.system, view.environment))
    if filters.cursor is not None:
        place = next((place for place, view in enumerate(views, 1) if _mark(view) == filters.cursor), None)
        if place is None:
            raise foreign_cursor()
        views = views[place:]
    found = wanted(views, filters, doors.estate())
    shown = found[: filters.limit]
    following = _mark(shown[-1]) if len(shown) < len(found) else None
    return SystemsShape(items=[SystemShape.of(view) for view in shown], next=following)


@router.get("/systems/{system:path}", tags=["systems"], responses=ONE)
async def show_system(doors: Doors, system: SystemName) -> SystemWhole:
    """One system: its entry in the inventory, who has each role now, its monitors, and what an audit finds wanting."""
    known = await known_of(system, doors)
    return SystemWhole.told(known.name, known.dossier, known.places, known.findings)
