"""What a person may do with a message that could not be read: send it through the front door again, or discard it."""

from typing import Protocol

from incidents.core.delivery import Delivery, Origin
from incidents.core.errors import NotAllowed
from incidents.core.fact import Actor
from incidents.core.transport import BATCH, STRUCTURED
from incidents.flow.intake import Intake
from incidents.flow.ports import DeadLetter, Taken

# Makes another message of it, so that one which was put aside for killing the process is looked at again.
_REPLAYED = "incidents-replayed"


class LetterBox(Protocol):
    """Where dead letters lie."""

    async def dead_letter(self, letter: str) -> DeadLetter: ...


class LetterMarks(Protocol):
    """Where it is noted that one was dealt with."""

    async def handle_letter(self, letter: str, state: str, *, by: Actor, note: str | None = None) -> bool: ...


class Letters:
    """Replays and discards, each once."""

    def __init__(self, box: LetterBox, marks: LetterMarks, intake: Intake) -> None:
        self._box, self._marks, self._intake = box, marks, intake

    async def replay(self, letter: str, *, by: Actor) -> Taken:
        """Take it in again as if it came now; NotAllowed where it still cannot be read, or is no longer open."""
        found = await self._open(letter)
        if found.body is None:
            raise NotAllowed("expired", "its body has expired, or it never had one: there is nothing to send again")
        delivery = Delivery(
            body=found.body,
            headers=(*found.headers, (_REPLAYED, letter)),
            content_type=found.content_type,
            origin=Origin.HTTP,  # so that a refusal comes back here instead of making another dead letter
            position=f"dead letter {letter}",
        )
        taken = await self._intake.submit(_bus_like(delivery))
        if taken.errors and not (taken.accepted or taken.duplicates):
            why = "; ".join(f"{error.field}: {error.detail}" for error in taken.errors[:3])
            raise NotAllowed("still_refused", f"it still cannot be read: {why}")
        await self._marks.handle_letter(letter, "replayed", by=by)
        return taken

    async def discard(self, letter: str, *, by: Actor, reason: str | None = None) -> None:
        """Put it away for good."""
        await self._open(letter)
        if not await self._marks.handle_letter(letter, "discarded", by=by, note=reason):
            raise NotAllowed("already_done", "somebody has just dealt with it")

    async def _open(self, letter: str) -> DeadLetter:
        found = await self._box.dead_letter(letter)
        if found.state != "open":
            raise NotAllowed("already_done", f"it was {found.state} by {found.handled_by}")
        return found


def _bus_like(delivery: Delivery) -> Delivery:
    """A bus is lenient where HTTP is strict: without a helpful content type the body is looked at.

    Not where the headers hold the event: its body is the data alone.
    """
    if any(name.lower().endswith("specversion") for name, _ in delivery.headers):
        return delivery
    if delivery.content_type is None or "json" not in delivery.content_type:
        body = (delivery.body or b"").lstrip()[:1]
        delivery.content_type = BATCH if body == b"[" else STRUCTURED
    return delivery
