"""What a click or a filled form asks of an incident, and what its person is told when nothing came of it."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from incidents.adapters.slack import modals
from incidents.adapters.slack.api import SlackApi, SlackSaidNo
from incidents.adapters.slack.once import LIMIT, Errors, once, once_of_click, page_of
from incidents.adapters.slack.payloads import BlockActions, Malformed, State, ViewSubmission
from incidents.adapters.slack.runs import RunClicks
from incidents.core.errors import NotAllowed, NotFound, StoreAway
from incidents.core.fact import Actor
from incidents.core.incident import Action, Resolution
from incidents.core.response import Ask
from incidents.flow.ports import Respond

_INCIDENT = re.compile("[A-Z]{1,10}-[0-9]{1,18}")
_AT_ONCE = frozenset({Action.ACKNOWLEDGE, Action.ESCALATE, Action.SNOOZE})
_SNOOZE = 60  # minutes, as its button says; other lengths are on the web page
_BY_FORM = frozenset({Action.MITIGATE, Action.RESOLVE})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicks:
    """Turns what people do in Slack into asks; every ask carries a key made of the click, so that a repeat is none."""

    respond: Respond
    people: Callable[[str], Actor]
    api: SlackApi
    public_url: str
    runs: RunClicks

    def takes_long(self, said: BlockActions) -> bool:
        """Whether it is answered first and done after that."""
        return self.runs.takes_long(said)

    async def later(self, said: BlockActions) -> str:
        """Do what takes long; what came of it."""
        return await self.runs.propose(said)

    async def pressed(self, said: BlockActions) -> str | None:
        """Act or open the form; what to tell the person where neither happened."""
        button = said.actions[0]
        if self.runs.knows(button.action_id):
            return await self.runs.pressed(said)
        action = next((one for one in Action if one == button.action_id), None)
        if action in _AT_ONCE:
            minutes = _SNOOZE if action is Action.SNOOZE else None
            by = self.people(said.user.id)
            ask = Ask(incident=_incident(button.value), action=action, by=by, minutes=minutes)
            return await self._asked(ask, once_of_click(said))
        if action in _BY_FORM:
            return await self._opened(action, _incident(button.value), said.trigger_id)
        return None  # a link, which Slack reports too

    async def submitted(self, said: ViewSubmission) -> Errors:
        """Act on a form; what stands in its way, by field."""
        view = said.view
        if self.runs.knows(view.callback_id):
            return await self.runs.submitted(said)
        action = next((one for one in _BY_FORM if one == view.callback_id), None)
        if action is None:
            return {}
        by = self.people(said.user.id)
        ask = Ask(incident=_incident(view.private_metadata), action=action, by=by, note=view.state.text(modals.NOTE))
        field = modals.NOTE
        if action is Action.RESOLVE:
            field = modals.REASON
            ask, errors = _resolving(ask, view.state)
            if errors:
                return errors
        why = await self._asked(ask, once(said.user.id, action, ask.incident, view.id, view.hash))
        return {field: why} if why else {}

    def page(self, incident: str) -> str:
        """Where the incident is in the browser, with the same buttons."""
        return page_of(self.public_url, incident)

    async def _asked(self, ask: Ask, once: str) -> str | None:
        try:
            async with asyncio.timeout(LIMIT):
                await self.respond.act(ask, once=once)
        except NotAllowed as refused:
            return f"{ask.incident}: {refused.why}."
        except NotFound as missing:
            return f"{str(missing) or 'there is no such incident'}."
        except (StoreAway, TimeoutError) as away:
            reason = str(away) or "the database did not answer in time"
            _log.warning("slack_click_not_saved", incident=ask.incident, action=ask.action, reason=reason)
            return f"Not saved; try again or use the web page {self.page(ask.incident)}"
        return None

    async def _opened(self, action: Action, incident: str, trigger: str) -> str | None:
        try:
            async with asyncio.timeout(LIMIT):
                await self.api.write("views.open", trigger_id=trigger, view=modals.form(action, incident))
        except (SlackSaidNo, TimeoutError) as no:
            reason = str(no) or "Slack does not answer"
            _log.warning("slack_form_not_opened", incident=incident, action=action, reason=reason)
            return f"The form did not open: {reason}. Try again or use the web page {self.page(incident)}"
        return None


def _resolving(ask: Ask, state: State) -> tuple[Ask, Errors]:
    """The ask with its reason, or what the form lacks."""
    reason = next((one for one in Resolution if one == state.choice(modals.REASON)), None)
    if reason is None:
        return ask, {modals.REASON: "Choose why it is over."}
    of = (state.text(modals.OF) or "").upper() if reason is Resolution.DUPLICATE else None
    if of is not None and not _INCIDENT.fullmatch(of):
        return ask, {modals.OF: "Name the incident that this one is a duplicate of, for example INC-1."}
    return replace(ask, reason=reason, of=of), {}


def _incident(said: str | None) -> str:
    if said is None or not _INCIDENT.fullmatch(said):
        raise Malformed("the click names no incident")
    return said
