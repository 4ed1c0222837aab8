"""What `/incidents` answers: the open incidents, one of them, or who is on call."""

import re
from dataclasses import dataclass

from incidents.adapters.slack import cards
from incidents.adapters.slack.blocks import link, mrkdwn
from incidents.adapters.slack.escape import escape
from incidents.adapters.slack.once import page_of
from incidents.adapters.slack.replies import private
from incidents.adapters.slack.turns import Turns
from incidents.core.errors import NotFound
from incidents.core.incident import UNRESOLVED, Incident, Status
from incidents.flow.ports import IncidentQuery, Reader

_MOST = 20
_INCIDENT = re.compile("[A-Z]{1,10}-[0-9]{1,18}")
_USAGE = (
    "Say /incidents for all that are open, /incidents INC-1 for one, /incidents oncall for who is on call, "
    "or /incidents oncall NAME for one schedule."
)
_ON_CALL = frozenset({"oncall", "on-call"})
_OPEN = tuple(status for status in Status if status in UNRESOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    reader: Reader
    turns: Turns
    public_url: str

    async def answer(self, asked: str, user: str) -> dict[str, object]:
        """The answer, for the asking person's eyes only."""
        word, _, rest = asked.strip().partition(" ")
        if word.lower() in _ON_CALL:
            return await self.turns.answer(rest.strip(), user)
        wanted = asked.strip().upper()
        if not wanted:
            return await self._open()
        return await self._one(wanted) if _INCIDENT.fullmatch(wanted) else private(_USAGE)

    async def _one(self, incident: str) -> dict[str, object]:
        try:
            briefing = await self.reader.briefing(incident)
        except NotFound:
            return private(f"There is no incident {incident}.")
        return private(briefing.headline, cards.card(briefing).blocks)

    async def _open(self) -> dict[str, object]:
        found, more = await self.reader.incidents(IncidentQuery(status=_OPEN, limit=_MOST))
        if not found:
            return private("No incident is open.")
        said = f"The {len(found)} newest open incidents:" if more else f"Open incidents: {len(found)}"
        blocks = [{"type": "section", "text": mrkdwn(self._line(one))} for one in found]
        return private(said, ({"type": "section", "text": mrkdwn(f"*{said}*")}, *blocks))

    def _line(self, one: Incident) -> str:
        where = escape(f"{one.system}, {one.environment}", 300)
        said = f"{one.severity.label} {one.status}: {escape(one.title, 400)} ({where})"
        return f"{link(page_of(self.public_url, one.id), one.id, 40)} {said}"
