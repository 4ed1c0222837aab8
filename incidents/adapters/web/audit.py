"""The coverage audit through the API: how many systems have what they need, and everything wanting."""

from asyncio import to_thread
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import Field

from incidents.adapters.web.api import ONE
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import AuditFilters
from incidents.adapters.web.shapes import Shape
from incidents.core.coverage import audit
from incidents.core.errors import NotFound
from incidents.core.finding import Audit, Code, Share, counted, only
from incidents.core.spread import Spread

Seconds = Annotated[float | None, Field(description="Seconds; null while there is no incident to measure.")]


class ShareShape(Shape):
    name: str
    label: str
    met: int
    of: int
    percent: Annotated[float | None, Field(description="Null where there is no system to count.")]
    text: str

    @classmethod
    def told(cls, share: Share) -> Self:
        percent = round(100 * share.met / share.of, 1) if share.of else None
        return cls(name=share.name, label=share.label, met=share.met, of=share.of, percent=percent, text=share.text)


class SpreadShape(Shape):
    name: str
    label: str
    count: int
    open: Annotated[int, Field(description="Incidents in which it has not happened.")]
    mean: Seconds
    median: Seconds
    p90: Seconds
    text: str

    @classmethod
    def told(cls, spread: Spread) -> Self:
        return cls(
            name=spread.name,
            label=spread.label,
            count=spread.count,
            open=spread.open,
            mean=seconds(spread.mean),
            median=seconds(spread.median),
            p90=seconds(spread.p90),
            text=spread.text,
        )


def seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


class FindingShape(Shape):
    code: Code
    system: str
    title: str
    criticality: str
    text: str
    advice: str


class AuditShape(Shape):
    at: datetime
    systems: Annotated[int, Field(description="Systems in the catalog that are not retired.")]
    unknown: Annotated[int, Field(description="Names that published and are not in the catalog.")]
    days: Annotated[int, Field(description="Response times are of incidents opened within so many days.")]
    shares: list[ShareShape]
    spreads: list[SpreadShape]
    counts: Annotated[dict[str, int], Field(description="How many of the findings have each code.")]
    findings: list[FindingShape]

    @classmethod
    def of(cls, told: Audit, days: int) -> Self:
        return cls(
            at=told.at,
            systems=told.systems,
            unknown=told.unknown,
            days=days,
            shares=[ShareShape.told(share) for share in told.shares],
            spreads=[SpreadShape.told(spread) for spread in told.spreads],
            counts={code.value: many for code, many in counted(told.findings).items()},
            findings=[FindingShape.model_validate(finding) for finding in told.findings],
        )


router = APIRouter(prefix="/api")


async def audited(doors: WebDoors, filters: AuditFilters) -> tuple[Audit, Audit]:
    """The inventory held against what was seen: whole, and with those findings alone that are asked for."""
    estate = doors.estate()
    seen = await doors.witness.seen(estate.policy.audit.responses_over)
    whole = await to_thread(audit, estate, seen)  # thousands of systems take a while, and others wait for this loop
    return whole, only(whole, filters.code, filters.system, filters.criticality)


@router.get("/audit", tags=["systems"], responses=ONE)
async def coverage(doors: Doors, filters: Annotated[AuditFilters, Query()]) -> AuditShape:
    """What the inventory lacks. Shares and response times are of everything; filters choose among the findings."""
    whole, told = await audited(doors, filters)
    known = doors.estate().catalog.systems.keys() | {finding.system for finding in whole.findings}
    if lost := [name for name in filters.system if name not in known]:
        raise NotFound(f"no system {lost[0]}: it is not in the catalog, and nothing publishes under that name")
    return AuditShape.of(told, doors.estate().policy.audit.responses_over.days)
