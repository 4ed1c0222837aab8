"""Builders for runs: a plan that moves an alias and flips a flag, and whatever else a story needs."""
# ruff: noqa: ANN401 - a step is whatever its story needs

from dataclasses import replace
from datetime import timedelta
from typing import Any

from incidents.core.plan import Plan
from incidents.core.run import Run, RunStatus, StepRun
from incidents.core.step import Approval, Choice, Expectation, Method, Question, Request, Step, StepType, Undo
from tests.make import NOON, by

MLFLOW = "/api/2.0/mlflow/registered-models/alias"


def alias(version: str) -> Request:
    """Point the serving alias to a version."""
    body = {"name": "credit", "alias": "champion", "version": version}
    return Request(connection="mlflow", method=Method.POST, path=MLFLOW, body=body)


LOOK = Question(
    request=Request(connection="mlflow", path=MLFLOW, query=(("name", "credit"), ("alias", "champion"))),
    keep=(("version", "/model_version/version"),),
)
RUNS_ONE = Question(request=LOOK.request, expect=Expectation(fields=(("/model_version/version", "1"),)))


def a_step(id_: str = "move", **more: Any) -> Step:
    """Move the alias from version 2 to version 1, and back."""
    told: dict[str, Any] = {
        "title": f"Step {id_}",
        "type": StepType.HTTP,
        "request": alias("1"),
        "undo": Undo(request=alias("2")),
    }
    return Step(id=id_, **{**told, **more})


def a_flag(id_: str = "flag", **more: Any) -> Step:
    """Turn a feature off, and on again."""
    path = "/api/admin/projects/p/features/f/environments/production"
    told: dict[str, Any] = {
        "title": "Turn it off",
        "type": StepType.HTTP,
        "request": Request(connection="unleash", method=Method.POST, path=f"{path}/off"),
        "undo": Undo(request=Request(connection="unleash", method=Method.POST, path=f"{path}/on")),
    }
    return Step(id=id_, **{**told, **more})


def a_manual(id_: str = "retrain", **more: Any) -> Step:
    return Step(id=id_, **{"title": "Retrain it", "type": StepType.MANUAL, "text": "As the card says", **more})


def a_wait(id_: str = "settle", minutes: float = 10) -> Step:
    return Step(id=id_, title="Let it settle", type=StepType.WAIT, wait=timedelta(minutes=minutes))


def a_verify(id_: str = "verify", **more: Any) -> Step:
    return Step(id=id_, title="Did it help?", type=StepType.VERIFY, **more)


def a_notify(id_: str = "tell") -> Step:
    return Step(id=id_, title="Tell them", type=StepType.NOTIFY, text="The old model serves again")


def a_decision(id_: str = "how") -> Step:
    ways = (Choice(name="pin", title="Pin the version"), Choice(name="wait", title="Wait for it", goto="settle"))
    return Step(id=id_, title="How to go on?", type=StepType.DECISION, choices=ways)


def a_plan(*steps: Step, **more: Any) -> Plan:
    known: dict[str, Any] = {
        "runbook": "rollback-mlflow-alias",
        "title": "Move the serving alias back",
        "runbook_hash": "0" * 64,
        "incident": "INC-1",
        "system": "rag-assistant",
        "environment": "production",
        "approval": Approval(),
    }
    return Plan(steps=steps or (a_step(),), **{**known, **more})


def a_run(*steps: Step, status: RunStatus = RunStatus.PROPOSED, **more: Any) -> Run:
    """Dana asks for a run at noon."""
    plan = more.pop("plan", None) or a_plan(*steps)
    run = Run(
        id="RUN-1",
        incident=plan.incident,
        system=plan.system,
        environment=plan.environment,
        plan=plan,
        status=status,
        requested_by=by("dana"),
        requested_at=NOON,
        expires_at=NOON + timedelta(minutes=30),
        steps=tuple(StepRun(id=step.id) for step in plan.steps),
    )
    return replace(run, **more)
