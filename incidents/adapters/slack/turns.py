"""What `/incidents oncall` answers: whose turn it is, who comes then, and where one's own turns are to be had."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from incidents.adapters.slack.blocks import link, mrkdwn
from incidents.adapters.slack.escape import escape
from incidents.adapters.slack.replies import private
from incidents.core.errors import NotFound
from incidents.core.fact import Actor
from incidents.core.figures import local
from incidents.core.on_call import Roster
from incidents.core.schedule import Shift
from incidents.flow.ports import OnCall, PersonalTurns

_MOST = 20  # schedules in one answer; Slack takes fifty blocks
_WORDS = 300
_LINES = 8  # turns of one schedule, and sentences about what is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    on_call: OnCall
    personal: PersonalTurns
    people: Callable[[str], Actor]
    name: Callable[[str], str]
    public_url: str

    async def answer(self, schedule: str, user: str) -> dict[str, object]:
        """Every schedule, or the one that is named; words that others wrote are escaped."""
        try:
            found = await self.on_call.rosters(schedule=schedule or None)
        except NotFound as unknown:
            return private(f"{unknown}.")
        if not found:
            return private("The catalog has no schedule: owners are asked by name.")
        lines = [self._summary(roster) for roster in found[:_MOST]]
        if schedule:
            lines += self._details(found[0])
        if len(found) > _MOST:
            lines.append(f"and {len(found) - _MOST} more, on {link(f'{self.public_url}/on-call', 'the page', 40)}")
        address = self.personal.address(self.people(user).id)
        if address:
            lines.append(link(address, "Your own turns as a calendar", 60))
        return private("On call", tuple({"type": "section", "text": mrkdwn(line)} for line in lines))

    def _summary(self, roster: Roster) -> str:
        now = self._turn(roster, roster.now, "until") if roster.now else "*nobody*"
        then = f"; then {self._turn(roster, roster.then, 'from')}" if roster.then else ""
        wrong = f" :warning: {escape(roster.warnings[0], _WORDS)}" if roster.warnings else ""
        return f"*{escape(roster.schedule.id, 100)}*: {now}{then}{wrong}"

    def _turn(self, roster: Roster, shift: Shift, word: str) -> str:
        at = local(shift.end if word == "until" else shift.start, roster.schedule.timezone, roster.at)
        return f"{escape(self.name(shift.person), 100)} {word} {at}"

    def _details(self, roster: Roster) -> Iterator[str]:
        if roster.warnings[1:]:
            yield "\n".join(f":warning: {escape(words, _WORDS)}" for words in roster.warnings[1:_LINES])
        zone = roster.schedule.timezone
        turns = [f"{local(one.start, zone, roster.at)}: {escape(self.name(one.person), 100)}" for one in roster.ahead]
        if turns:
            yield "\n".join(turns[:_LINES])
