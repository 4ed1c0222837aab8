"""What a click or a filled form asks of an incident, and what its person is told when nothing came of it."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote

import structlog

from incidents.adapters.slack import modals
from incidents.adapters.slack.api import SlackApi, SlackSaidNo
from incidents.adapters.slack.payloads import BlockActions, Malformed, Pressed, State, ViewSubmission
from incidents.core.errors import NotAllowed, NotFound, StoreAway
from incidents.core.fact import Actor
from incidents.core.incident import Action, Resolution
from incidents.core.response import Ask
from incidents.flow.ports import Respond

LIMIT = 2.4  # seconds to act in: Slack shows a failure after three
_INCIDENT = re.compile("[A-Z]{1,10}-[0-9]{1,18}")
_AT_ONCE = frozenset({Action.ACKNOWLEDGE, Action.ESCALATE, Action.SNOOZE})
_SNOOZE = 60  # minutes, as its button says; other lengths are on the web page
_BY_FORM = frozenset({Action.MITIGATE, Action.RESOLVE})
_log = structlog.get_logger(__name__)

Errors = dict[str, str]  # by the field of the form that they stand under


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicks:
    """Turns what people do in Slack into asks; every ask carries a key made of the click, so that a repeat is none."""

    respond: Respond
    people: Callable[[str], Actor]
    api: SlackApi
    public_url: str

    async def pressed(self, said: BlockActions) -> str | None:
        """Act or open the form; what to tell the person where neither happened."""
        button = said.actions[0]
        action = next((one for one in Action if one == button.action_id), None)
        if action in _AT_ONCE:
            minutes = _SNOOZE if action is Action.SNOOZE else None
            by = self.people(said.user.id)
            ask = Ask(incident=_incident(button.value), action=action, by=by, minutes=minutes)
            once = _once(said.user.id, action, ask.incident, *_click(said, button))
            return await self._asked(ask, once)
        if action in _BY_FORM:
            return await self._opened(action, _incident(button.value), said.trigger_id)
        return None  # a link, which Slack reports too

    async def submitted(self, said: ViewSubmission) -> Errors:
        """Act on a form; what stands in its way, by field."""
        view = said.view
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
        why = await self._asked(ask, _once(said.user.id, action, ask.incident, view.id, view.hash))
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


def _click(said: BlockActions, button: Pressed) -> tuple[str, str, str]:
    return said.container.message_ts, button.action_ts, said.trigger_id


def _once(*parts: str) -> str:
    return f"slack:{sha256(json.dumps(parts).encode()).hexdigest()}"


def page_of(public_url: str, incident: str) -> str:
    """Where an incident is in the browser."""
    return f"{public_url.rstrip('/')}/incidents/{quote(incident, safe='')}"
