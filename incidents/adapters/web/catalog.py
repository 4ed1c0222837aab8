"""The API for the catalog as a whole: plan a change, apply it, see which revision runs and what each one changed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from incidents.adapters.web.api import READS, WRITES, foreign_cursor
from incidents.adapters.web.asked import ApplyCatalog, CatalogFiles
from incidents.adapters.web.catalog_shapes import AppliedShape, CatalogShape, HistoryItem, HistoryShape, PlanShape
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import CatalogFilters
from incidents.adapters.web.once import ByDeed, OnceRoute
from incidents.adapters.web.shapes import EffectShape
from incidents.core.handover import upcoming
from incidents.flow.ports import FileText

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: WRITES[409] | {"description": "Another revision runs than was expected: `detail` says whose"},
    422: WRITES[422]
    | {"description": "The catalog is wrong: `errors` name file, line, place, detail and a suggestion"},
}

router = APIRouter(prefix="/api/catalog", route_class=OnceRoute, tags=["catalog"])


@router.get("", responses=READS)
async def show_catalog(doors: Doors) -> CatalogShape:
    """Which revision runs, who applied it and when, and the handovers that lie ahead."""
    running, numbers = doors.catalog.running(), await doors.reader.numbers()
    return CatalogShape.of(running, upcoming(running.draft.catalog, numbers.now))


@router.post("/plan", responses=WRITES | _REFUSED)
async def plan_catalog(doors: Doors, said: CatalogFiles) -> PlanShape:
    """What applying these files would change; nothing is changed."""
    return PlanShape.model_validate(await doors.catalog.plan(_files(said)))


@router.post("/apply", responses=WRITES | _REFUSED)
async def apply_catalog(doors: Doors, deed: ByDeed, said: ApplyCatalog) -> AppliedShape:
    """Make these files the running catalog, whole or not at all; every running process adopts it within seconds."""
    applied = await doors.catalog.apply(_files(said), by=deed.by, note=said.note or "", expected=said.expected)
    return AppliedShape.model_validate(applied)


@router.get("/changes", responses=READS)
async def list_changes(doors: Doors, filters: Annotated[CatalogFilters, Query()]) -> HistoryShape:
    """Every change of the catalog: who, when, before and after; the newest revision first."""
    try:
        found, following = await doors.catalog.changes(filters.query())
    except ValueError:
        raise foreign_cursor() from None
    told = await doors.catalog.notices(filters.revision) if filters.revision else ()
    return HistoryShape(
        items=[HistoryItem.told(view) for view in found],
        next=following,
        notices=[EffectShape.model_validate(notice) for notice in told],
    )


def _files(said: CatalogFiles) -> list[FileText]:
    return [FileText(file.name, file.text) for file in said.files]
