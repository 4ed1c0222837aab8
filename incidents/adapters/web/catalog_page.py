"""The page of the catalog: which revision runs, which handovers lie ahead, and every change with its two sides."""

import json
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from incidents.adapters.web.api import foreign_cursor
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import CatalogFilters
from incidents.adapters.web.frame import Framed
from incidents.adapters.web.template import page
from incidents.core.catalog import inventory
from incidents.core.difference import SECTIONS
from incidents.core.handover import upcoming
from incidents.core.revision import ChangeKind

router = APIRouter(prefix="/catalog", include_in_schema=False)


@router.get("")
async def catalog_page(doors: Doors, frame: Framed, filters: Annotated[CatalogFilters, Query()]) -> Response:
    """The history, newest first, as far as the filters ask for it."""
    try:
        found, following = await doors.catalog.changes(filters.query())
    except ValueError:
        raise foreign_cursor() from None
    running = doors.catalog.running()
    catalog = running.draft.catalog
    asked = filters.model_dump(exclude={"cursor", "limit"}, exclude_none=True, mode="json")
    told = {
        "frame": frame,
        "running": running,
        "holds": inventory(catalog.counts()),
        "ahead": [(passing, passing.sentence(catalog)) for passing in upcoming(catalog, frame.numbers.now)],
        "views": found,
        "notices": await doors.catalog.notices(filters.revision) if filters.revision else (),
        "filters": filters,
        "filtered": any(asked.values()),
        "later": filters.cursor is not None,
        "following": f"/catalog?{urlencode({**asked, 'cursor': following})}" if following else None,
        "sections": SECTIONS,
        "kinds": list(ChangeKind),
        "written": written,
    }
    return page("catalog.html", told)


def written(value: object) -> str:
    """A value as it stood in the file, in the one notation that shows all of it."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
