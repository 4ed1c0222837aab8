"""What a click asks of a run: to propose one, to approve or to reject one; its person is told what came of it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from incidents.adapters.slack import modals
from incidents.adapters.slack.api import SlackApi, SlackSaidNo
from incidents.adapters.slack.approvals import APPROVE, APPROVE_WARNED, REJECT
from incidents.adapters.slack.cards import PROPOSE
from incidents.adapters.slack.once import LIMIT, Errors, once, once_of_click, page_of
from incidents.adapters.slack.payloads import BlockActions, Malformed, ViewSubmission
from incidents.core.errors import NotAllowed, NotFound, StoreAway
from incidents.core.fact import Actor
from incidents.core.run import Run, RunStatus
from incidents.flow.ports import PlanRequest, RunDesk, RunReader, RunRequest, Word

PATIENCE = 60.0  # seconds for the targets to say what is there now; nobody waits for it at the button
_WANTED = re.compile("(INC-[0-9]{1,18}) (\\S{1,200})")
_SHOWN = re.compile("(RUN-[0-9]{1,18}) ([0-9a-f]{64})")
_ON_PAGE = frozenset({"warning", "parameter"})  # what a button cannot answer
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClicks:
    """The same functions as behind the web and the API, with a key made of the click, so that a repeat is none."""

    desk: RunDesk
    reader: RunReader
    people: Callable[[str], Actor]
    api: SlackApi
    public_url: str
    patience: float = field(default=PATIENCE)

    def knows(self, action: str) -> bool:
        return action in {PROPOSE, APPROVE, APPROVE_WARNED, REJECT}

    def takes_long(self, said: BlockActions) -> bool:
        """Whether what came of it is told later: a plan asks the targets first. Malformed where it asks for nothing."""
        button = said.actions[0]
        return button.action_id == PROPOSE and bool(_read(_WANTED, button.value))

    async def propose(self, said: BlockActions) -> str:
        """Ask for a run with its usual parameters; what came of it, in any case."""
        incident, runbook = _read(_WANTED, said.actions[0].value)
        wanted = PlanRequest(incident=incident, runbook=runbook)
        by = self.people(said.user.id)
        try:
            async with asyncio.timeout(self.patience):
                run = await self.desk.request(RunRequest(wanted=wanted, by=by), once=once_of_click(said))
        except NotAllowed as refused:
            there = f"; do it on the page {self._page(incident)}" if refused.code in _ON_PAGE else ""
            return f"{incident}: {refused.why}{there}."
        except NotFound as missing:
            return f"{str(missing) or 'there is no such incident or runbook'}."
        except (StoreAway, TimeoutError) as away:
            _log.warning("slack_run_not_requested", incident=incident, runbook=runbook, reason=str(away))
            return f"No run was asked for: {str(away) or 'it took too long'}. Try again on {self._page(incident)}"
        waits = "another person must approve it" if run.status is RunStatus.PROPOSED else f"it is {run.status}"
        return f"{run.id}, {run.plan.title}: {waits}. {self._run(run.id)}"

    async def pressed(self, said: BlockActions) -> str | None:
        """Approve or reject at once, or open the form first; what to tell the person where nothing happened."""
        button, key = said.actions[0], once_of_click(said)
        run, plan = _read(_SHOWN, button.value)
        if button.action_id == APPROVE_WARNED:
            return await self._opened(run, f"{run} {plan}", said.trigger_id)
        word = Word(run=run, by=self.people(said.user.id), plan=plan)
        act = self.desk.reject if button.action_id == REJECT else self.desk.approve
        return await self._said(run, act(word, once=key))

    async def submitted(self, said: ViewSubmission) -> Errors:
        """Approve with the warning answered; what stands in its way, by field."""
        view = said.view
        run, plan = _read(_SHOWN, view.private_metadata)
        if not view.state.ticked(modals.WARNED):
            return {modals.WARNED: "Tick the box, or reject the run."}
        word = Word(run=run, by=self.people(said.user.id), plan=plan, warned=True)
        key = once(said.user.id, APPROVE, run, view.id, view.hash)
        why = await self._said(run, self.desk.approve(word, once=key))
        return {modals.WARNED: why} if why else {}

    async def _said(self, run: str, asked: Awaitable[Run]) -> str | None:
        try:
            async with asyncio.timeout(LIMIT):
                await asked
        except NotAllowed as refused:
            return f"{run}: {refused.why}."
        except NotFound as missing:
            return f"{str(missing) or 'there is no such run'}."
        except (StoreAway, TimeoutError) as away:
            _log.warning("slack_click_not_saved", run=run, reason=str(away) or "the database did not answer in time")
            return f"Not saved; try again or use the web page {self._run(run)}"
        return None

    async def _opened(self, run: str, value: str, trigger: str) -> str | None:
        try:
            async with asyncio.timeout(LIMIT):
                warning = (await self.reader.run(run)).plan.warning
                view = modals.answered(run, value, warning)
                await self.api.write("views.open", trigger_id=trigger, view=view)
        except NotFound as missing:
            return f"{str(missing) or 'there is no such run'}."
        except (SlackSaidNo, StoreAway, TimeoutError) as no:
            return f"The form did not open: {str(no) or 'no answer in time'}. Try again or use {self._run(run)}"
        return None

    def _page(self, incident: str) -> str:
        return page_of(self.public_url, incident)

    def _run(self, run: str) -> str:
        return f"{self.public_url.rstrip('/')}/runs/{run}"


def _read(shape: re.Pattern[str], value: str | None) -> tuple[str, str]:
    found = shape.fullmatch(value or "")
    if found is None:
        raise Malformed("the click names no run")
    return found[1], found[2]
