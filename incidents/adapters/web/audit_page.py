"""The page of the coverage audit: the percentages first, then everything wanting, system by system."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from incidents.adapters.web.audit import audited
from incidents.adapters.web.chips import address, but, chips
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import AuditFilters
from incidents.adapters.web.frame import Framed
from incidents.adapters.web.template import page
from incidents.core.finding import ADVICE, Finding, counted
from incidents.core.system import Criticality

PATH = "/audit"
SYSTEMS = 50  # on one page

router = APIRouter(include_in_schema=False)


class PageFilters(AuditFilters):
    page: Annotated[int, Field(ge=1, le=10_000)] = 1
    show: Literal["all"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A system with everything that it lacks."""

    system: str
    title: str
    criticality: str
    findings: tuple[Finding, ...]


def groups(findings: Sequence[Finding]) -> Iterator[Group]:
    """The findings of each system together, in their order."""
    for (system, title), found in groupby(findings, key=lambda finding: (finding.system, finding.title)):
        mine = tuple(found)
        yield Group(system=system, title=title, criticality=mine[0].criticality, findings=mine)


@router.get(PATH)
async def audit_page(doors: Doors, frame: Framed, filters: Annotated[PageFilters, Query()]) -> Response:
    """Fifty systems a page; all of them where they are to be printed."""
    whole, told = await audited(doors, filters)
    found, pairs = list(groups(told.findings)), filters.pairs()
    start = 0 if filters.show else (filters.page - 1) * SYSTEMS
    shown = found[start:] if filters.show else found[start : start + SYSTEMS]
    by_code = [
        (code, many, ADVICE[code], address(PATH, but(pairs, "code"), code=code))
        for code, many in counted(told.findings).items()
    ]
    levels = but(pairs, "criticality")
    said = {
        "frame": frame,
        "filters": filters,
        "whole": whole,
        "audit": told,
        "days": frame.estate.policy.audit.responses_over.days,
        "by_code": by_code,
        "groups": shown,
        "found": len(found),
        "first": start + 1,
        "last": start + len(shown),
        "chips": chips(PATH, pairs),
        "levels": [(level, address(PATH, levels, criticality=level)) for level in reversed(Criticality)],
        "every_level": address(PATH, levels),
        "everything": address(PATH, pairs, show="all"),
        "before": address(PATH, pairs, page=str(filters.page - 1)) if start else None,
        "after": address(PATH, pairs, page=str(filters.page + 1)) if start + len(shown) < len(found) else None,
    }
    return page("audit.html", said)
