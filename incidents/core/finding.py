"""What an audit of the inventory finds wanting, what to do about it, and how many systems have what they need."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from incidents.core.figures import share
from incidents.core.spread import Spread
from incidents.core.system import Criticality


class Code(StrEnum):
    """The closed, published list of what an audit can find wanting."""

    NO_INVENTORY = "no_inventory"
    UNKNOWN_SYSTEM = "unknown_system"
    STILL_PUBLISHING = "still_publishing"
    OWNER_MISSING = "owner_missing"
    OWNER_LEFT = "owner_left"
    NOBODY_ON_CALL = "nobody_on_call"
    NO_MONITOR = "no_monitor"
    MONITOR_SILENT = "monitor_silent"
    MONITOR_UNHEARD = "monitor_unheard"
    NO_RUNBOOK = "no_runbook"
    NO_ROLLBACK = "no_rollback"
    NO_JUSTIFICATION = "no_justification"
    NOT_REVIEWED = "not_reviewed"


ADVICE: Mapping[Code, str] = {
    Code.NO_INVENTORY: "Write the AI systems into a catalog, with their owners",
    Code.UNKNOWN_SYSTEM: "Register it, make it an alias of a known system, or switch it off",
    Code.STILL_PUBLISHING: "Switch it off for good, or put it back into production in the catalog",
    Code.OWNER_MISSING: "Name a person, a team or a schedule for each role under owners",
    Code.OWNER_LEFT: "Hand the role over to somebody who can be reached",
    Code.NOBODY_ON_CALL: "Fill the gap with an override, or name a team or schedule as operational owner",
    Code.NO_MONITOR: "List its monitors in the catalog, and let them publish readings or heartbeats",
    Code.MONITOR_SILENT: "Look whether it still runs, or take it out of the catalog",
    Code.MONITOR_UNHEARD: "Let it publish readings or heartbeats under that name, or take it out of the catalog",
    Code.NO_RUNBOOK: "Name a runbook that is on the shelf under runbooks",
    Code.NO_ROLLBACK: "Write under rollback what to go back to when a release turns out bad",
    Code.NO_JUSTIFICATION: "Write under justification why the business has it",
    Code.NOT_REVIEWED: "Have a person check the entry, and write the day under reviewed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wanting in one system, and what to do about it."""

    code: Code
    system: str  # its id; empty where it is no single system's
    title: str
    criticality: str = ""  # empty of what is not in the catalog
    text: str

    @property
    def advice(self) -> str:
        return ADVICE[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of how many systems have something."""

    name: str
    label: str
    met: int
    of: int

    @property
    def text(self) -> str:
        """Both numbers and the percentage: 12 of 40, 30 %."""
        return f"{self.met:,} of {self.of:,}, {share(self.met / self.of)}" if self.of else "no system yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    at: datetime
    systems: int  # in the catalog and not retired
    unknown: int  # names that are not in the catalog
    shares: tuple[Share, ...]
    spreads: tuple[Spread, ...]
    findings: tuple[Finding, ...]  # by system, the most critical first


def counted(findings: Iterable[Finding]) -> Mapping[Code, int]:
    """How many findings there are of each code, the codes in their order."""
    found = Counter(finding.code for finding in findings)
    return {code: found[code] for code in Code if found[code]}


def only(
    audit: Audit, codes: Collection[Code], systems: Collection[str], criticalities: Collection[Criticality]
) -> Audit:
    """The same with those findings alone that are asked for; several values of one filter mean any of them."""
    found = tuple(
        finding
        for finding in audit.findings
        if (not codes or finding.code in codes)
        and (not systems or finding.system in systems)
        and (not criticalities or finding.criticality in criticalities)
    )
    return replace(audit, findings=found)
