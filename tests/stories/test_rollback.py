"""A model is rolled back in a real MLflow: one person asks, another approves, and the metric itself judges it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from incidents.core.events import EventType
from tests.make_events import drift_data, release_data
from tests.rig import Mlflow
from tests.stories.conftest import combination
from tests.stories.street import Lot, Street, buttons, eventually, shown, street, window

RUNBOOK = "rollback-mlflow-alias"
MEASURED = EventType.DRIFT_MEASURED
on_two_roads = pytest.mark.parametrize(
    "lot", [combination("rabbitmq", "postgresql"), combination("http", "sqlite")], indirect=True
)
_models = count(1)


@pytest.fixture
def model(mlflow: Mlflow) -> str:
    """A model of its own in the registry, of which version 2 serves."""
    name = f"credit-{next(_models)}"
    mlflow.register(name, 2, alias="champion", at=2)
    return name


def connected(lot: Lot, mlflow: Mlflow) -> Lot:
    """The lot with MLflow in reach."""
    file = lot.folder / "connections.yaml"
    file.write_text(json.dumps({"version": 1, "connections": {"mlflow": {"url": mlflow.url, "inside": True}}}))
    return replace(lot, connections=file)


def systems_with(model: str) -> Mapping[str, Any]:
    served = {"model": model, "alias": "champion"}
    told = {"title": "Credit scoring", "labels": {"registry": "mlflow"}, "parameters": {RUNBOOK: served}}
    return {"credit-scoring": told}


async def psi(town: Street, value: float, start: float, end: float) -> None:
    """The monitor measures the last window."""
    data = drift_data(value=value, drift_kind="concept", performance="degraded") | {"window": window(start, end)}
    await town.tell(MEASURED, data)


async def an_hour_later(town: Street, value: float, hour: int) -> None:
    """One more window is measured, and looked at within a minute of the shifted clock."""
    await town.wind(hour + 1)
    await psi(town, value, hour, hour + 1)
    town.parts.store.shift(timedelta(minutes=1))


async def drifts(town: Street, model: str) -> str:
    """Version 2 is released at nine, and the hour after it drifts badly: the incident."""
    deployed = {"kind": "model", "name": model, "version": "2", "previous": "1", "deployed_at": window(9, 9)["end"]}
    await town.tell(EventType.RELEASE_DEPLOYED, release_data() | {"release": deployed})
    await psi(town, 0.45, 9, 10)
    return await town.first()


async def run_of(town: Street, run: str = "RUN-1") -> dict[str, Any]:
    found: dict[str, Any] = (await town.http.get(f"/api/runs/{run}")).raise_for_status().json()
    return found


async def proposed(town: Street, incident: str) -> str:
    """Ada asks for it by the button on her page; what people approve is the plan of this hash."""
    (page,) = await town.slack.pages("ada")
    assert "propose" in buttons(page), shown(page)
    assert "Roll back to 1" in shown(page)
    assert (await town.click("ada", "propose", f"{incident} {RUNBOOK}")).is_success
    await eventually(lambda: has(town, incident, "run_proposed"))
    await town.quiet()
    return str((await run_of(town))["plan"])


async def has(town: Street, incident: str, kind: str) -> bool:
    return kind in await town.kinds(incident)


async def approved(town: Street, incident: str, mlflow: Mlflow, model: str) -> None:
    """Ada may not approve what she asked for; Lee does, in Slack, and the alias moves."""
    plan = await proposed(town, incident)
    assert mlflow.version(model, "champion") == "2", "nothing moves before a second person agrees"
    assert (await town.click("ada", "approve", f"RUN-1 {plan}")).is_success
    await eventually(lambda: has(town, incident, "run_refused"))
    assert (await run_of(town))["status"] == "proposed"

    asked = [message for message in await town.slack.pages("lee") if "approve" in buttons(message)]
    assert len(asked) == 1, "one message asks Lee to approve"
    assert (await town.click("lee", "approve", f"RUN-1 {plan}")).is_success
    assert (await town.click("lee", "approve", f"RUN-1 {plan}")).is_success, (
        "a second click is told so, and does nothing"
    )

    async def moved() -> bool:
        return mlflow.version(model, "champion") == "1"

    await eventually(moved)
    await eventually(lambda: has(town, incident, "verification"))


@on_two_roads
async def test_a_rollback_that_helps_is_verified_resolved_and_closed(lot: Lot, mlflow: Mlflow, model: str) -> None:
    async with street(connected(lot, mlflow), systems=systems_with(model)) as town:
        incident = await drifts(town, model)
        await approved(town, incident, mlflow, model)

        for hour in (11, 12, 13, 14):  # the window that began before the alias was moved proves nothing
            await an_hour_later(town, 0.04, hour)
            if hour == 12:
                await eventually(lambda: says(town, incident, "verification 2 of 4, next window 14:00 UTC"))
        await eventually(lambda: has(town, incident, "resolved"))

        assert (await run_of(town))["status"] == "succeeded"
        assert mlflow.version(model, "champion") == "1"
        whole = await town.incident(incident)
        assert (whole["status"], whole["resolution"]) == ("resolved", "fixed")
        closed = await town.act("lee", "close", incident)
        assert closed.json()["status"] == "closed", closed.text

        told = ["opened", "run_proposed", "run_refused", "run_approved", "run_started", "evidence_kept", "step_done"]
        told += ["verification", "run_succeeded", "resolved", "closed"]
        assert in_order(await town.kinds(incident), told), " ".join(await town.kinds(incident))
        await town.holds_the_promise()


@on_two_roads
async def test_a_rollback_that_does_not_help_is_taken_back_and_escalated(lot: Lot, mlflow: Mlflow, model: str) -> None:
    async with street(connected(lot, mlflow), systems=systems_with(model)) as town:
        incident = await drifts(town, model)
        await approved(town, incident, mlflow, model)
        for hour in (11, 12, 13, 14):
            await an_hour_later(town, 0.47, hour)
        await eventually(lambda: has(town, incident, "undone"))

        assert mlflow.version(model, "champion") == "2", "as it was before"
        assert (await run_of(town))["status"] == "undone"
        await town.quiet()
        whole = await town.incident(incident)
        assert whole["status"] == "triggered"
        told = ["opened", "run_approved", "run_started", "step_done", "verification", "step_failed", "undo_begun"]
        told += ["undone", "paged"]
        assert in_order(await town.kinds(incident), told), " ".join(await town.kinds(incident))
        await town.holds_the_promise()


async def says(town: Street, incident: str, words: str) -> bool:
    return any(words in fact["text"] for fact in await town.timeline(incident))


def in_order(kinds: list[str], wanted: list[str]) -> bool:
    """Whether all of these are told, in this order, whatever else is."""
    rest = iter(kinds)
    return all(kind in rest for kind in wanted)
