"""The page of the coverage audit: the percentages first, then everything wanting, system by system."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from incidents.adapters.web.audit import audited
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import AuditFilters
from incidents.adapters.web.frame import Framed
from incidents.adapters.web.template import page, words
from incidents.core.finding import ADVICE, Finding, counted
from incidents.core.system import Criticality

SYSTEMS = 50  # on one page

router = APIRouter(include_in_schema=False)


class PageFilters(AuditFilters):
    page: Annotated[int, Field(ge=1, le=10_000)] = 1
    show: Literal["all"] | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """The filters that are set, as they stand in an address."""
        codes, systems = [("code", str(code)) for code in self.code], [("system", name) for name in self.system]
        return [*codes, *systems, *(("criticality", str(level)) for level in self.criticality)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A system with everything that it lacks."""

    system: str
    title: str
    criticality: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter that is set, and the address without it."""

    name: str
    value: str
    without: str


def address(pairs: Sequence[tuple[str, str]], **more: str) -> str:
    query = urlencode([*pairs, *more.items()])
    return f"/audit?{query}" if query else "/audit"


def groups(findings: Sequence[Finding]) -> Iterator[Group]:
    """The findings of each system together, in their order."""
    for (system, title), found in groupby(findings, key=lambda finding: (finding.system, finding.title)):
        mine = tuple(found)
        yield Group(system=system, title=title, criticality=mine[0].criticality, findings=mine)


@router.get("/audit")
async def audit_page(doors: Doors, frame: Framed, filters: Annotated[PageFilters, Query()]) -> Response:
    """Fifty systems a page; all of them where they are to be printed."""
    whole, told = await audited(doors, filters)
    found, pairs = list(groups(told.findings)), filters.pairs()
    start = 0 if filters.show else (filters.page - 1) * SYSTEMS
    shown = found[start:] if filters.show else found[start : start + SYSTEMS]
    one_less = [[pair for pair in pairs if pair != dropped] for dropped in pairs]
    by_code = [
        (code, many, ADVICE[code], address([pair for pair in pairs if pair[0] != "code"], code=code))
        for code, many in counted(told.findings).items()
    ]
    levels = [pair for pair in pairs if pair[0] != "criticality"]
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
        "chips": [
            Chip(name=name, value=words(value) if name == "code" else value, without=address(rest))
            for (name, value), rest in zip(pairs, one_less, strict=True)
        ],
        "levels": [(level, address(levels, criticality=level)) for level in reversed(Criticality)],
        "every_level": address(levels),
        "everything": address(pairs, show="all"),
        "before": address(pairs, page=str(filters.page - 1)) if start else None,
        "after": address(pairs, page=str(filters.page + 1)) if start + len(shown) < len(found) else None,
    }
    return page("audit.html", said)
