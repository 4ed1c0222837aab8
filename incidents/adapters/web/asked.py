"""What the body of a request may hold, with its limits; unknown fields are refused by name."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal

from fastapi import Depends, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from incidents.adapters.web.problem import bad_field
from incidents.core.catalog import Catalog
from incidents.core.errors import NotFound
from incidents.core.estate import ADMIN
from incidents.core.event_data import PRODUCTION
from incidents.core.fact import Actor
from incidents.core.incident import LONGEST_SNOOZE, Action, Resolution
from incidents.core.response import Ask
from incidents.core.severity import Severity

# No control characters; in names no format characters either, which hide and make look-alikes. Spelled out, since
# these patterns are published and JSON Schema's readers know no character classes by name.
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_NAME = r"^[^\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=_TEXT)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_NAME)]
IncidentRef = Annotated[str, StringConstraints(pattern=r"^INC-[1-9][0-9]{0,15}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_NAME)]  # or none, as forms do

# Moments that can be asked about: within these every clock sum of the road has room.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

_LONGEST = LONGEST_SNOOZE // timedelta(minutes=1)
_INCIDENT = re.compile(r"INC-[1-9][0-9]{0,15}")
_LETTER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _whole(said: object) -> object:
    """A form knows no numbers."""
    return int(said) if isinstance(said, str) and re.fullmatch("[0-9]{1,9}", said) else said


class Said(BaseModel):
    """A body. Strict: a number is not a text; enums are spelled out, which strict Python input would refuse."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    def told(self) -> dict[str, Any]:
        """What was said, by the names of `Ask`."""
        return self.model_dump(exclude_none=True)


class Nothing(Said):
    """An action that needs no words."""


class Noted(Said):
    note: Text | None = None


class Note(Said):
    note: Text


class Resolve(Said):
    reason: Annotated[Resolution, Field(strict=False)]
    note: Text | None = None
    of: IncidentRef | None = Field(
        None, validate_default=True, description="With reason duplicate: the incident that this one repeats."
    )

    @field_validator("of")
    @classmethod
    def _goes_with_duplicate(cls, of: str | None, info: ValidationInfo) -> str | None:
        if (info.data.get("reason") is Resolution.DUPLICATE) != (of is not None):
            raise ValueError("names the other incident when the reason is duplicate, and only then")
        return of


class Assign(Said):
    to: Name
    note: Text | None = None


class Snooze(Said):
    minutes: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=_LONGEST, description="Asked again after so many.")]
    note: Text | None = None


class HandOver(Assign):
    """To whom; they are asked first."""


class SetSeverity(Said):
    to: Annotated[Severity, Field(strict=False)]
    reason: Text

    def told(self) -> dict[str, Any]:
        return {"to": self.to, "note": self.reason}


class Waive(Said):
    alert: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,100}$")]
    reason: Text

    def told(self) -> dict[str, Any]:
        return {"alert": self.alert, "note": self.reason}


class Merge(Said):
    into: IncidentRef

    def told(self) -> dict[str, Any]:
        return {"to": self.into}


class Open(Said):
    system: Name
    environment: Name = PRODUCTION
    title: Name
    summary: Text | None = None
    severity: Annotated[Severity, Field(strict=False)] = Severity.SEV3
    kind: Literal["drift", "hallucination", "cost_anomaly", "report"] = "report"


class Discard(Said):
    reason: Text | None = None


class CatalogFile(Said):
    name: Name = Field(description="As its problems are to name it; files are merged in the order of their names.")
    text: str


class CatalogFiles(Said):
    files: Annotated[list[CatalogFile], Field(min_length=1, max_length=1_000)]


class ApplyCatalog(CatalogFiles):
    note: Text | None = None
    expected: Annotated[int, Field(ge=0)] | None = Field(
        None, description="The revision that the plan was made for (0: none): refused where another one runs by now."
    )


SAID: Mapping[Action, type[Said]] = MappingProxyType(
    {
        Action.ACKNOWLEDGE: Noted,
        Action.ESCALATE: Noted,
        Action.SNOOZE: Snooze,
        Action.HAND_OVER: HandOver,
        Action.MITIGATE: Noted,
        Action.RESOLVE: Resolve,
        Action.REOPEN: Noted,
        Action.CLOSE: Noted,
        Action.NOTE: Note,
        Action.ASSIGN: Assign,
        Action.SEVERITY: SetSeverity,
        Action.WAIVE: Waive,
        Action.MERGE: Merge,
    }
)


def ask_of(incident: str, action: Action, by: Actor, said: Said | None, catalog: Catalog) -> Ask:
    """What a body asks for; refuses to give it to nobody."""
    if isinstance(said, Assign) and said.to != ADMIN.id and said.to not in catalog.people:
        known = ", ".join(sorted([*catalog.people, ADMIN.id])[:20])
        raise bad_field("to", f"nobody in the catalog has this id; known are {known}")
    return Ask(incident=incident, action=action, by=by, **(said.told() if said else {}))


async def _incident(incident: Annotated[str, Path(examples=["INC-1"])]) -> str:
    if not _INCIDENT.fullmatch(incident):
        raise NotFound("no incident has this id; ids read INC-1")
    return incident


async def _letter(letter: Annotated[str, Path(examples=["1"])]) -> str:
    if not _LETTER.fullmatch(letter):
        raise NotFound("no dead letter has this id")
    return letter


IncidentId = Annotated[str, Depends(_incident)]
LetterId = Annotated[str, Depends(_letter)]
