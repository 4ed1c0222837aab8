"""Works out what a runbook would do for an incident: its steps filled in, with the targets asked what is there now."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from incidents.core.answer import Answered, Came, judged, kept
from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.fact import canonical
from incidents.core.incident import Incident
from incidents.core.parameters import values
from incidents.core.plan import Plan
from incidents.core.planning import connections, described, finished
from incidents.core.redaction import SECRET, redact, redact_value
from incidents.core.rollback import Offer, offered
from incidents.core.runbook import Outline, Runbook
from incidents.core.step import Question, Step
from incidents.flow.ports import PlanRequest, Store, Targets, Templates, Turn

Known = Mapping[str, object]
_WITHIN = timedelta(seconds=20)  # for a target's answer: a person waits
_KEPT = 4_000  # bytes of what is kept of an answer


class Planner:
    """Reads the incident, then asks the targets outside of any transaction; it changes nothing."""

    def __init__(self, store: Store, estate: Callable[[], Estate], targets: Targets, templates: Templates) -> None:
        self._store, self._estate, self._targets, self._templates = store, estate, targets, templates

    async def plan(self, wanted: PlanRequest) -> Plan:
        """The whole plan, or NotAllowed with what stands in its way."""
        estate = self._estate()
        runbook = _runnable(estate, wanted.runbook)
        async with self._store.unit(Turn.PEOPLE) as unit:
            incident = (await unit.board.held([wanted.incident]))[wanted.incident]
        offer = offered(incident)
        try:
            return await self._planned(runbook, incident, estate, offer, wanted.parameters)
        except NotAllowed as refused:
            if offer.rollback is None and _wants_rollback(refused):
                raise NotAllowed("no_rollback", offer.why) from refused
            raise

    async def _planned(self, runbook: Runbook, incident: Incident, estate: Estate, offer: Offer, given: Known) -> Plan:
        known = described(incident, estate, offer)
        of_system = estate.system(incident.system).parameters.get(runbook.id, {})
        parameters = values(runbook, given, of_system, lambda default: self._templates.value(default, known))
        _without_secrets(parameters)
        steps = await self._steps(runbook, {**known, "parameters": parameters})
        plan = finished(runbook, incident, estate, offer, parameters, steps)
        self._reaches(connections(plan.steps))
        return plan

    async def _steps(self, runbook: Runbook, known: Known) -> tuple[Step, ...]:
        """Each step in its turn: a later one may depend on what was there before an earlier one."""
        steps: list[Step] = []
        for outline in runbook.outlines:
            before = {**known, "prior_of": {step.id: step.prior for step in steps if step.prior}}
            if not self._templates.holds(outline, before):
                continue
            question = self._templates.question(outline, before)
            prior = await self._ask(outline, question) if question else {}
            steps.append(self._templates.step(outline, before, prior))
        return tuple(steps)

    async def _ask(self, outline: Outline, question: Question) -> Known:
        """What is there now, as the target says."""
        self._reaches({question.request.connection: outline.id})
        answer = await self._targets.send(question.request, within=_WITHIN)
        found, where = judged(question.expect, answer), f"step {outline.id}: {question.request.connection}"
        prior = kept(question, answer) if isinstance(answer, Answered) else None
        if found.came is not Came.DONE:
            raise NotAllowed("target", f"{where} was asked what is there now: {found.why}")
        if prior is None:
            raise NotAllowed("target", f"{where} did not say what is kept of its answer")
        if len(canonical(prior)) > _KEPT:
            raise NotAllowed("target", f"{where} said more than can be kept of its answer")
        if redact_value(prior) != prior:
            raise NotAllowed("target", f"{where} answered with what looks like a secret, and that is not kept")
        return prior

    def _reaches(self, wanted: Mapping[str, str]) -> None:
        there = self._targets.connections()
        for name, step in wanted.items():
            if name not in there:
                known = f"known are {', '.join(sorted(there))}" if there else "none is set up"
                raise NotAllowed("no_connection", f"step {step} uses the connection {name}: {known}")


def _runnable(estate: Estate, wanted: str) -> Runbook:
    runbook = next((each for each in estate.runbooks if each.id == wanted), None)
    if runbook is None:
        raise NotAllowed("not_runnable", f"there is no runbook {wanted[:80]}")
    if not runbook.outlines:
        raise NotAllowed("not_runnable", f"{runbook.id} is read and done by people: it holds no step for a machine")
    return runbook


def _without_secrets(parameters: Known) -> None:
    """A plan is kept and shown word for word, so what is secret stands with the connection alone."""
    for name, value in parameters.items():
        if redact(str(value)).count(SECRET) > str(value).count(SECRET):
            raise NotAllowed("parameter", f"the parameter {name} looks like a secret: it would be kept with the plan")


def _wants_rollback(refused: NotAllowed) -> bool:
    return refused.code == "no_rollback" or (refused.code == "template" and "rollback." in refused.why)
