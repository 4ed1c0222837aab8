"""A plan is a runbook filled in for one incident, with the target asked what is there now; it changes nothing."""
# ruff: noqa: ANN401 - a parameter has whatever type its runbook wants

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.files import read_runbooks
from incidents.adapters.targets import HttpTargets
from incidents.adapters.templates import RunbookTemplates
from incidents.core.connection import Connection
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.events import EventType
from incidents.core.fact import FactKind
from incidents.core.plan import Plan
from incidents.core.run import RunStatus
from incidents.core.step import Approval, StepType
from incidents.core.system import RiskClass, Role
from incidents.flow.planner import Planner
from incidents.flow.ports import PlanRequest, RunRequest, Word
from incidents.flow.runs import Runs
from tests.fakes.registry import Registry
from tests.flow.house import House, drift, open_house
from tests.make import a_catalog, a_system, an_estate, by
from tests.make_events import published

RUNBOOK = """\
---
id: move-alias
title: Move the serving alias back
parameters:
  model: {type: string, default: "{{ rollback.name }}", description: Registered model}
  alias: {type: string, default: champion, pattern: "[a-z-]{1,60}"}
  version: {type: string, default: "{{ rollback.to }}"}
---
1. Move it

```yaml step
id: gate
title: A model owner agrees
type: approve
approval: {roles: [model, accountable]}
```

```yaml step
id: move
title: "Point {{ parameters.alias }} of {{ parameters.model }} to version {{ parameters.version }}"
type: http
look:
  request:
    connection: mlflow
    path: /api/2.0/mlflow/registered-models/alias
    query: {name: "{{ parameters.model }}", alias: "{{ parameters.alias }}"}
  keep: {version: /model_version/version}
request:
  connection: mlflow
  method: POST
  path: /api/2.0/mlflow/registered-models/alias
  body: {name: "{{ parameters.model }}", alias: "{{ parameters.alias }}", version: "{{ parameters.version }}"}
undo:
  request:
    connection: mlflow
    method: POST
    path: /api/2.0/mlflow/registered-models/alias
    body: {name: "{{ parameters.model }}", alias: "{{ parameters.alias }}", version: "{{ prior.version }}"}
idempotent: true
```

```yaml step
id: tell
title: Tell them
type: notify
when: "{{ incident.severity == 'sev4' }}"
text: It is over
```
"""
SECRET = "canary-4f1d9c0e7b"  # must be found nowhere


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    async with Registry().running() as registry:
        yield registry


@pytest.fixture
async def town(url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose shelf holds the runbook and two that no machine carries out; the credit system is not high-risk."""
    shelf = read_runbooks(a_file(tmp_path))
    assert shelf.problems == ()
    estate = an_estate(a_catalog(a_system()))
    house = await open_house(url, replace(estate, runbooks=(*estate.runbooks, *shelf.runbooks)))
    yield house
    await house.database.close()


def a_file(folder: Path, text: str = RUNBOOK) -> Path:
    file = folder / "move-alias.md"
    file.write_text(text, encoding="utf-8")
    return file


def planner(house: House, *connections: Connection) -> Planner:
    return Planner(house.store, lambda: house.estate, HttpTargets(connections), RunbookTemplates())


async def drifted(house: House, *, hours_before: float | None = 3, previous: str | None = "1") -> None:
    """Drift of the last hour, in a model that was released so long before."""
    now = await house.now()
    if hours_before is not None:
        release = {"kind": "model", "name": "credit", "version": "2", "previous": previous}
        data = {"system": "credit-scoring", "release": {name: said for name, said in release.items() if said}}
        at = (now - timedelta(hours=hours_before)).isoformat()
        await house.publish(published(EventType.RELEASE_DEPLOYED, data, id="release", time=at))
    await house.publish(drift("bad", now, value=0.45, performance="degraded"))


async def planned(house: House, *connections: Connection, **parameters: Any) -> Plan:
    wanted = PlanRequest(incident="INC-1", runbook="move-alias", parameters=parameters)
    return await planner(house, *connections).plan(wanted)


async def refused(code: str, doing: Any) -> str:
    with pytest.raises(NotAllowed) as no:
        await doing
    assert no.value.code == code, no.value.why
    return no.value.why


async def test_a_plan_names_the_versions_of_the_release_and_what_the_target_serves_now(
    town: House, registry: Registry
) -> None:
    await drifted(town)
    plan = await planned(town, registry.connection())
    assert plan.parameters == {"model": "credit", "alias": "champion", "version": "1"}
    assert plan.rollback is not None
    assert (plan.rollback.name, plan.rollback.version, plan.rollback.to) == ("credit", "2", "1")
    assert [(step.id, step.type) for step in plan.steps] == [
        ("gate", StepType.APPROVE),
        ("move", StepType.HTTP),
        ("verify", StepType.VERIFY),
    ]
    move = plan.steps[1]
    assert move.title == "Point champion of credit to version 1"
    assert move.prior == {"version": "2"}
    assert move.undo is not None
    assert move.undo.request.body == {"name": "credit", "alias": "champion", "version": "2"}
    assert plan.approval == Approval(roles=(Role.MODEL, Role.ACCOUNTABLE))
    assert registry.ledger == [("GET", "2")], "nothing was changed"
    assert await planned(town, registry.connection()) == plan


async def test_a_plan_to_another_version_or_of_another_remedy_claims_no_rollback(
    town: House, registry: Registry, tmp_path: Path
) -> None:
    await drifted(town)
    assert (await planned(town, registry.connection(), version="7")).rollback is None
    assert (await planned(town, registry.connection(), version="1")).rollback is not None
    named = RUNBOOK.replace("{{ rollback.name }}", "credit").replace('"{{ rollback.to }}"', '"1"')
    assert "rollback" not in named
    town.estate = replace(town.estate, runbooks=read_runbooks(a_file(tmp_path, named)).runbooks)
    assert (await planned(town, registry.connection())).rollback is None


async def test_the_hash_is_another_where_anything_is(town: House, registry: Registry) -> None:
    await drifted(town)
    first = await planned(town, registry.connection())
    assert (await planned(town, registry.connection())).hash == first.hash
    registry.serves["champion"] = "1"
    assert (await planned(town, registry.connection())).hash != first.hash


async def test_without_a_release_before_the_trouble_no_rollback_is_offered(town: House, registry: Registry) -> None:
    await drifted(town, hours_before=None)
    why = await refused("no_rollback", planned(town, registry.connection()))
    assert "fallback model" in why
    plan = await planned(town, registry.connection(), model="credit", version="1")
    assert (plan.rollback, plan.parameters["version"]) == (None, "1")


async def test_where_nobody_said_what_ran_before_it_has_to_be_given(town: House, registry: Registry) -> None:
    await drifted(town, previous=None)
    assert "give the version to go back to" in await refused("no_rollback", planned(town, registry.connection()))
    assert (await planned(town, registry.connection(), version="1")).parameters["model"] == "credit"


async def test_a_parameter_of_the_system_goes_before_the_runbook_s_and_one_given_before_both(
    town: House, registry: Registry
) -> None:
    await drifted(town)
    registry.serves |= {"prod": "2", "other": "2"}
    system = a_system(parameters={"move-alias": {"alias": "prod"}})
    town.estate = replace(town.estate, catalog=a_catalog(system))
    assert (await planned(town, registry.connection())).parameters["alias"] == "prod"
    assert (await planned(town, registry.connection(), alias="other")).parameters["alias"] == "other"


@pytest.mark.parametrize(
    "given", [{"alias": "UPPER"}, {"alias": ["a"]}, {"nothing": 1}, {"version": "{{ 7 * 7 }}\n"}, {"version": ""}]
)
async def test_a_parameter_that_is_not_as_its_runbook_wants_it_is_refused(
    town: House, registry: Registry, given: dict[str, Any]
) -> None:
    await drifted(town)
    await refused("parameter", planned(town, registry.connection(), **given))
    assert registry.ledger == []


async def test_what_a_person_gives_is_never_a_template(town: House, registry: Registry) -> None:
    await drifted(town)
    plan = await planned(town, registry.connection(), version="{{ 7 * 7 }}")
    assert plan.steps[1].request is not None
    assert plan.steps[1].request.body == {"name": "credit", "alias": "champion", "version": "{{ 7 * 7 }}"}


async def test_a_connection_that_is_not_set_up_is_named(town: House, registry: Registry) -> None:
    await drifted(town)
    why = await refused("no_connection", planned(town, registry.connection("langfuse")))
    assert "mlflow" in why
    assert "langfuse" in why
    assert registry.ledger == []


async def test_a_target_that_says_no_or_something_else_is_told_of(town: House, registry: Registry) -> None:
    await drifted(town)
    assert "404" in await refused("target", planned(town, registry.connection(), model="fraud"))
    for version in ({}, {"version": "x" * 5_000}):
        registry.says = {"model_version": version}
        await refused("target", planned(town, registry.connection()))
    dead = Connection(name="mlflow", url="http://127.0.0.1:1", inside=True)
    await refused("target", planned(town, dead))


async def test_what_looks_like_a_secret_is_not_kept_of_an_answer(town: House, registry: Registry) -> None:
    await drifted(town)
    registry.says = {"model_version": {"version": "ghp_" + "a1B2" * 9}}
    why = await refused("target", planned(town, registry.connection()))
    assert "ghp_" not in why


@pytest.mark.parametrize(
    "secret", ["sk-proj-a1B2c3D4e5F6g7H8i9J0", "ghp_" + "a1B2" * 9, "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"]
)
async def test_a_secret_that_somebody_types_is_refused_and_said_again_nowhere(
    town: House, registry: Registry, secret: str
) -> None:
    await drifted(town)
    why = await refused("parameter", planned(town, registry.connection(), model=secret))
    assert "looks like a secret" in why
    assert secret not in why
    assert registry.ledger == [], "nor was it sent anywhere"


@pytest.mark.parametrize(
    "plain", ["credit-20251119-120000", "team/credit@2", "arn:aws:sagemaker:eu-west-1:123456789012", "ab" * 32]
)
async def test_what_is_long_or_full_of_digits_is_no_secret(town: House, registry: Registry, plain: str) -> None:
    await drifted(town)
    why = await refused("target", planned(town, registry.connection(), model=plain))
    assert "404" in why, "the registry was asked for it"


async def test_a_runbook_without_machine_steps_is_read_and_not_run(town: House, registry: Registry) -> None:
    await drifted(town)
    for runbook in ("rollback-model", "no-such"):
        wanted = PlanRequest(incident="INC-1", runbook=runbook)
        await refused("not_runnable", planner(town, registry.connection()).plan(wanted))
    with pytest.raises(NotFound):
        await planner(town).plan(PlanRequest(incident="INC-7", runbook="move-alias"))


async def test_of_a_high_risk_system_the_plan_warns_of_article_73(town: House, registry: Registry) -> None:
    await drifted(town)
    assert (await planned(town, registry.connection())).warning == ""
    for risk in (RiskClass.HIGH, RiskClass.PROHIBITED):
        town.estate = replace(town.estate, catalog=a_catalog(a_system(risk_class=risk)))
        assert "Article 73(6)" in (await planned(town, registry.connection())).warning


async def test_no_secret_is_in_a_plan_a_fact_a_message_or_the_evidence(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TOKEN", SECRET)
    async with Registry(token=SECRET).running() as registry:
        await drifted(town)
        runs = Runs(town.store, planner(town, registry.connection(variable="MLFLOW_TOKEN")), lambda: town.estate)
        wanted = PlanRequest(incident="INC-1", runbook="move-alias")
        run = await runs.request(RunRequest(wanted=wanted, by=by("dana")))
        started = await runs.approve(Word(run=run.id, by=by("priya"), plan=run.hash))
    assert started.status is RunStatus.RUNNING
    assert registry.ledger == [("GET", "2")], "the target was asked with the token"
    _, kept = await town.shelf.evidence(run.id)
    written = [str(fact) for fact in await town.timeline()]
    written += [str(row) for row in await town.found("select * from effects")]
    written += [row.doc for row in await town.found("select doc from runs")]
    assert len(await town.said(FactKind.EVIDENCE_KEPT)) == 1
    assert json.loads(kept)["prior"] == {"move": {"version": "2"}}
    assert SECRET not in " ".join([*written, kept.decode()])
