"""The API for silences: what is quiet on purpose, by whom, until when and why; making one, trying one, ending one."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from incidents.adapters.web.api import READS, WRITES, foreign_cursor
from incidents.adapters.web.asked import Name, Nothing, Said, Text
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import SilenceFilters
from incidents.adapters.web.once import ByDeed, OnceRoute
from incidents.adapters.web.shapes import AlertShape, PlainDecimal, Shape
from incidents.core.errors import NotFound
from incidents.core.fact import Actor
from incidents.core.mute import hint
from incidents.core.silence import LONGEST, MOST, Amount, Matcher, Silence, SilenceState, Trait
from incidents.flow.ports import SilenceView, Silencing

_LONGEST = LONGEST // timedelta(minutes=1)
_ID = re.compile(r"[1-9][0-9]{0,17}")

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Money = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=6, allow_inf_nan=False, strict=False)]
Moment = Annotated[AwareDatetime, Field(strict=False)]


class MatcherSaid(Said):
    """One condition: `value` to the letter, or with `*` for any characters; every one of a silence must hold."""

    field: Annotated[Trait, Field(strict=False)]
    value: Name
    negated: bool = False


class PlannedSaid(Said):
    amount: Money
    currency: Currency


class SilenceSaid(Said):
    """A silence: from now on or from `starts_at`, for so many minutes or until `ends_at`."""

    matchers: Annotated[list[MatcherSaid], Field(min_length=1, max_length=MOST)]
    reason: Annotated[Text, StringConstraints(max_length=500)]
    minutes: Annotated[int, Field(ge=1, le=_LONGEST)] | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    planned: PlannedSaid | None = Field(
        None, description="Means cost anomalies only, while what was spent in a window is at most this."
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if (self.minutes is None) == (self.ends_at is None):
            raise ValueError("say how long: either minutes or ends_at")
        return self

    def wanted(self, by: Actor) -> Silencing:
        return Silencing(
            matchers=tuple(Matcher(field=m.field, value=m.value, negated=m.negated) for m in self.matchers),
            reason=self.reason,
            by=by,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            lasting=timedelta(minutes=self.minutes) if self.minutes else None,
            planned=Amount(amount=self.planned.amount, currency=self.planned.currency) if self.planned else None,
        )


class MatcherShape(Shape):
    field: Trait
    value: str
    negated: bool


class PlannedShape(Shape):
    amount: PlainDecimal
    currency: str


class SilenceMade(Shape):
    id: str
    matchers: list[MatcherShape]
    reason: str
    by: str
    made_at: datetime
    starts_at: datetime
    ends_at: datetime
    ended_by: str | None
    planned: PlannedShape | None


Hint = Annotated[
    str | None, Field(description="What may have been overlooked: it mutes no alert now and names what nobody knows.")
]


class SilenceBegun(SilenceMade):
    mutes: Annotated[int, Field(description="Alerts that it mutes just now.")]
    hint: Hint


class SilenceShape(SilenceMade):
    state: SilenceState
    muted: Annotated[int, Field(description="Alerts that it mutes just now.")]

    @classmethod
    def of(cls, view: SilenceView) -> Self:
        made = SilenceMade.model_validate(view.silence)
        return cls(**dict(made), state=view.state, muted=view.muted)


class SilencesShape(Shape):
    items: list[SilenceShape]
    next: str | None


class PreviewShape(Shape):
    """The alerts that a silence would mute now."""

    alerts: list[AlertShape]
    hint: Hint


router = APIRouter(prefix="/api/silences", route_class=OnceRoute, tags=["silences"])


@router.get("", responses=READS)
async def list_silences(doors: Doors, filters: Annotated[SilenceFilters, Query()]) -> SilencesShape:
    """Silences, newest first; all states unless some are asked for."""
    try:
        found, following = await doors.silences.list(tuple(filters.state), limit=filters.limit, cursor=filters.cursor)
    except ValueError:
        raise foreign_cursor() from None
    return SilencesShape(items=[SilenceShape.of(view) for view in found], next=following)


@router.post("", status_code=HTTPStatus.CREATED, responses=WRITES)
async def make_silence(doors: Doors, deed: ByDeed, said: SilenceSaid, response: Response) -> SilenceBegun:
    """Be quiet about what every matcher means: alerts fire, are counted and shown, and ask nobody. Harm never is."""
    made = await doors.silences.make(said.wanted(deed.by))
    response.headers["Location"] = "/api/silences"
    said_of = hint(made.silence.matchers, made.muted, doors.estate())
    return SilenceBegun(**dict(shape_of(made.silence)), mutes=made.muted, hint=said_of)


@router.post("/preview", responses=WRITES)
async def try_silence(doors: Doors, deed: ByDeed, said: SilenceSaid) -> PreviewShape:
    """The burning alerts that such a silence would mute now; it is not made."""
    wanted = said.wanted(deed.by)
    found = await doors.silences.preview(wanted)
    said_of = hint(wanted.matchers, len(found), doors.estate())
    return PreviewShape(alerts=[AlertShape.of(view) for view in found], hint=said_of)


async def _silence(silence: Annotated[str, Path(examples=["1"])]) -> str:
    if not _ID.fullmatch(silence):
        raise NotFound("no silence has this id; ids read 7")
    return silence


SilenceId = Annotated[str, Depends(_silence)]


@router.post("/{silence}/end", responses=WRITES)
async def end_silence(doors: Doors, silence: SilenceId, deed: ByDeed, _said: Nothing | None = None) -> SilenceMade:
    """End it now: whatever still burns and is muted by nothing else joins an incident, as if it fired now."""
    return shape_of(await doors.silences.end(silence, by=deed.by))


def shape_of(silence: Silence) -> SilenceMade:
    return SilenceMade.model_validate(silence)
