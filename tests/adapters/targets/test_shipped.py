"""Every shipped runbook that a machine carries out, against a strict fake of its target: planned, done, taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from incidents.adapters.files import read_runbooks
from incidents.adapters.targets import HttpTargets
from incidents.adapters.templates import RunbookTemplates
from incidents.core.answer import Answered, Came, judged, kept
from incidents.core.connection import Auth, AwsAuth, Basic, Bearer, Connection, HeaderAuth, SecretRef
from incidents.core.parameters import values
from incidents.core.runbook import Outline, Runbook
from incidents.core.step import Expectation, Question, Request, Step, StepType
from tests.adapters.targets.ground import SOON
from tests.fakes.argo import FakeArgo
from tests.fakes.flags import FakeLaunchdarkly, FakeUnleash
from tests.fakes.kserve import FakeKserve
from tests.fakes.langfuse import USER, FakeLangfuse
from tests.fakes.litellm import KEY, TEAM, FakeLitellm
from tests.fakes.mlflow import FakeMlflow
from tests.fakes.sagemaker import ACCESS, FakeSagemaker
from tests.fakes.target import FakeTarget
from tests.fakes.webhook import FakeWebhook

SHELF = read_runbooks(None)
TEMPLATES = RunbookTemplates()
SECRET = SecretRef(env="TARGET_SECRET")
BEARER, RAW = Bearer(token=SECRET), HeaderAuth(name="Authorization", value=SECRET)
BASIC = Basic(user=SecretRef(env="TARGET_USER"), password=SECRET)
AWS = AwsAuth(region="eu-west-1", service="sagemaker", access_key=SecretRef(env="TARGET_USER"), secret_key=SECRET)
INCIDENT = {
    "id": "INC-1",
    "title": "{{ nothing }}",
    "system": "credit-scoring",
    "environment": "production",
    "severity": "sev2",
    "kind": "drift",
    "url": "http://127.0.0.1:8080/incidents/INC-1",
    "opened_at": "2026-11-18T12:00:00+00:00",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A runbook, its target, and what the target's state is before and after."""

    target: type[FakeTarget]
    auth: Auth
    rollback: Mapping[str, str]
    parameters: Mapping[str, object]
    state: str  # of the fake: the attribute that the runbook changes
    before: object
    after: object
    user: str = "user-canary"


KUBE = {"namespace": "ml", "service": "credit"}
FLAG = {"flag": "new-model"}
MODEL = {"kind": "model", "name": "credit", "version": "2", "to": "1"}
BUDGET = {"blocked": None, "max_budget": 100.0, "budget_duration": "30d"}
CASES = {
    "rollback-mlflow-alias": Case(
        target=FakeMlflow,
        auth=BEARER,
        rollback=MODEL,
        parameters={},
        state="aliases",
        before={("credit", "champion"): "2"},
        after={("credit", "champion"): "1"},
    ),
    "rollback-langfuse-label": Case(
        target=FakeLangfuse,
        auth=BASIC,
        user=USER,
        rollback={"kind": "prompt", "name": "support/answer", "version": "7", "to": "6"},
        parameters={},
        state="labels",
        before={("support/answer", "production"): 7},
        after={("support/answer", "production"): 6},
    ),
    "block-litellm-key": Case(
        target=FakeLitellm,
        auth=BEARER,
        rollback={},
        parameters={"key": KEY},
        state="keys",
        before={KEY: BUDGET | {"blocked": False}},
        after={KEY: BUDGET | {"blocked": True}},
    ),
    "block-litellm-team": Case(
        target=FakeLitellm,
        auth=BEARER,
        rollback={},
        parameters={"team": TEAM},
        state="teams",
        before={TEAM: {"blocked": False}},
        after={TEAM: {"blocked": True}},
    ),
    "cap-litellm-budget": Case(
        target=FakeLitellm,
        auth=BEARER,
        rollback={},
        parameters={"key": KEY, "budget": 50, "duration": "7d"},
        state="keys",
        before={KEY: BUDGET},
        after={KEY: BUDGET | {"max_budget": 50, "budget_duration": "7d"}},
    ),
    "rollback-kserve-canary": Case(
        target=FakeKserve, auth=BEARER, rollback={}, parameters=KUBE, state="percent", before=20, after=0
    ),
    "rollback-argo-rollout": Case(
        target=FakeArgo,
        auth=BEARER,
        rollback={},
        parameters=KUBE | {"revision": 4, "present": 5},
        state="serves",
        before="model-2",
        after="model-1",
    ),
    "rollback-sagemaker-endpoint": Case(
        target=FakeSagemaker,
        auth=AWS,
        user=ACCESS,
        rollback=MODEL | {"to": "credit-1"},
        parameters={},
        state="config",
        before="credit-2",
        after="credit-1",
    ),
    "switch-off-unleash-flag": Case(
        target=FakeUnleash, auth=RAW, rollback={}, parameters=FLAG, state="on", before=True, after=False
    ),
    "switch-off-launchdarkly-flag": Case(
        target=FakeLaunchdarkly, auth=RAW, rollback={}, parameters=FLAG, state="on", before=True, after=False
    ),
    "call-webhook": Case(
        target=FakeWebhook,
        auth=HeaderAuth(name="X-Token", value=SECRET),
        rollback={},
        parameters={"hook": "warm-standby"},
        state="did",
        before={"RUN-1:call:1": "do", "RUN-1:call:undo": "undo"},
        after={"RUN-1:call:1": "do"},
    ),
}


def book(id_: str) -> Runbook:
    return next(runbook for runbook in SHELF.runbooks if runbook.id == id_)


class Hand:
    """Plans a runbook and sends its requests, one by one, as the engine would."""

    def __init__(self, id_: str, case: Case, target: FakeTarget) -> None:
        runbook = book(id_)
        (self.connection,) = {each for outline in runbook.outlines for each in connections(outline.source)}
        there = Connection(name=self.connection, url=target.url, auth=case.auth, inside=True)
        self.targets = HttpTargets([there])
        self.known: dict[str, Any] = {"incident": INCIDENT, "system": {"id": "credit-scoring"}}
        if case.rollback:
            self.known["rollback"] = case.rollback
        fill = lambda default: TEMPLATES.value(default, self.known)  # noqa: E731 - the port has it so
        self.known["parameters"] = values(runbook, case.parameters, {}, fill)
        self.outlines = runbook.outlines

    async def steps(self) -> list[Step]:
        found = []
        for outline in self.outlines:
            question = TEMPLATES.question(outline, self.known)
            found.append(TEMPLATES.step(outline, self.known, await self.ask(question) if question else {}))
        return found

    async def ask(self, question: Question) -> Mapping[str, object]:
        answer = await self.targets.send(question.request, within=SOON)
        assert judged(question.expect, answer).came is Came.DONE, answer
        assert isinstance(answer, Answered)
        prior = kept(question, answer)
        assert prior is not None, answer
        return prior

    async def done(self, request: Request, expect: Expectation, key: str) -> None:
        answer = await self.targets.send(request, within=SOON, key=key)
        assert judged(expect, answer).came is Came.DONE, answer


def connections(source: object) -> set[str]:
    """Every connection that a step names."""
    if not isinstance(source, Mapping):
        return set()
    own = {str(source["connection"])} if "connection" in source else set()
    return own.union(*(connections(inner) for inner in source.values()))


@pytest.mark.parametrize("id_", CASES)
async def test_a_shipped_runbook_changes_its_target_as_documented_and_takes_it_back(
    id_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[id_]
    target = case.target()
    monkeypatch.setenv("TARGET_SECRET", target.token)
    monkeypatch.setenv("TARGET_USER", case.user)
    async with target.running():
        hand = Hand(id_, case, target)
        changing = [step for step in await hand.steps() if step.changes]
        assert all(call.method == "GET" or "Describe" in call.headers["x-amz-target"] for call in target.calls)
        for step in changing:
            assert step.request is not None
            times = 2 if step.idempotent else 1
            for _ in range(times):  # what says that it is idempotent is: the second changes nothing more
                await hand.done(step.request, step.expect, f"RUN-1:{step.id}:1")
            if step.status is not None:
                assert await hand.ask(step.status) == {}
        assert getattr(target, case.state) == case.after
        for step in reversed(changing):
            assert step.undo is not None
            for _ in range(2 if step.undo.idempotent else 1):
                await hand.done(step.undo.request, step.undo.expect, f"RUN-1:{step.id}:undo")
        assert getattr(target, case.state) == case.before
    assert target.refused == []
    assert not any(target.token in repr(step) for step in changing)


@pytest.mark.parametrize("id_", CASES)
async def test_a_target_that_does_not_know_us_is_not_changed(id_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[id_]
    target = case.target()
    was = repr(getattr(target, case.state))
    monkeypatch.setenv("TARGET_SECRET", "somebody-elses")
    monkeypatch.setenv("TARGET_USER", case.user)
    async with target.running():
        hand = Hand(id_, case, target)
        for outline in hand.outlines:
            prior = {"version": "2", "config": "credit-2", "percent": 20, "enabled": True, "blocked": False}
            step = TEMPLATES.step(outline, hand.known, prior | {"max_budget": 1, "duration": "30d"})
            if step.request is not None:
                answer = await hand.targets.send(step.request, within=SOON, key="RUN-1:x:1")
                assert isinstance(answer, Answered)
                assert judged(step.expect, answer).came is Came.REFUSED
    assert repr(getattr(target, case.state)) == was


def test_every_shipped_runbook_with_a_request_is_tried_here() -> None:
    assert SHELF.problems == ()
    assert {runbook.id for runbook in SHELF.runbooks if any(map(has_request, runbook.outlines))} == set(CASES)


def test_what_changes_something_in_a_shipped_runbook_can_be_taken_back() -> None:
    requests = [outline for runbook in SHELF.runbooks for outline in runbook.outlines if has_request(outline)]
    assert [outline.id for outline in requests if "undo" not in outline.source] == []


@pytest.mark.parametrize("id_", ["retrain-decision", "hallucination-review", "vendor-model-change", "cost-cause-split"])
def test_what_people_decide_is_carried_out_without_touching_anything(id_: str) -> None:
    outlines = book(id_).outlines
    steps = [TEMPLATES.step(outline, {"incident": INCIDENT}, {}) for outline in outlines]
    assert StepType.DECISION in {step.type for step in steps}
    assert not any(step.changes for step in steps)
    assert steps[-1].type is StepType.NOTIFY


def has_request(outline: Outline) -> bool:
    return "request" in outline.source
