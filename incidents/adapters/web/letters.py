"""The API for messages that could not be read: look at them, send them through the front door again, put them away."""

import base64
from typing import Annotated

from fastapi import APIRouter, Query

from incidents.adapters.web.api import ONE, READS, WRITES, foreign_cursor
from incidents.adapters.web.asked import Discard, LetterId, Nothing
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.events import TakenBody
from incidents.adapters.web.filters import LetterFilters
from incidents.adapters.web.once import ByDeed, OnceRoute
from incidents.adapters.web.problem import Flaw
from incidents.adapters.web.shapes import DeadLetterShape, DeadLettersShape, DeadLetterWhole
from incidents.flow.ports import DeadLetter

PREVIEW = 4_000  # characters

router = APIRouter(prefix="/api/dead-letters", route_class=OnceRoute, tags=["dead letters"])


@router.get("", responses=READS)
async def list_dead_letters(doors: Doors, filters: Annotated[LetterFilters, Query()]) -> DeadLettersShape:
    """Messages that could not be read, newest first; all states unless some are asked for."""
    try:
        found, following = await doors.reader.dead_letters(
            tuple(filters.state), limit=filters.limit, cursor=filters.cursor
        )
    except ValueError:
        raise foreign_cursor() from None
    return DeadLettersShape(items=[DeadLetterShape.of(letter) for letter in found], next=following)


@router.get("/{letter}", responses=ONE)
async def show_dead_letter(doors: Doors, letter: LetterId) -> DeadLetterWhole:
    """One message with its raw bytes."""
    return whole(await doors.reader.dead_letter(letter))


@router.post("/{letter}/replay", responses=WRITES)
async def replay_dead_letter(doors: Doors, letter: LetterId, deed: ByDeed, _said: Nothing | None = None) -> TakenBody:
    """Send it through the front door again."""
    taken = await doors.dead_letters.replay(letter, by=deed.by)
    errors = [Flaw(index=error.index, field=error.field, detail=error.detail) for error in taken.errors]
    return TakenBody(accepted=taken.accepted, duplicates=taken.duplicates, conflicts=taken.conflicts, errors=errors)


@router.post("/{letter}/discard", responses=WRITES)
async def discard_dead_letter(
    doors: Doors, letter: LetterId, deed: ByDeed, said: Discard | None = None
) -> DeadLetterShape:
    """Put it away for good."""
    await doors.dead_letters.discard(letter, by=deed.by, reason=said.reason if said else None)
    return DeadLetterShape.of(await doors.reader.dead_letter(letter))


def whole(letter: DeadLetter) -> DeadLetterWhole:
    return DeadLetterWhole(
        **DeadLetterShape.of(letter).model_dump(),
        headers=[(name, value) for name, value in letter.headers],
        body_base64=None if letter.body is None else base64.b64encode(letter.body).decode(),
        preview=preview(letter.body),
    )


def preview(body: bytes | None) -> str | None:
    """The beginning of a body as text; bytes and characters that cannot be shown become a replacement mark."""
    if body is None:
        return None
    text = body[: 4 * PREVIEW].decode(errors="replace")[:PREVIEW]
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
