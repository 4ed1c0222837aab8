"""Which runbook an incident is given, and why."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from incidents.core.run_words import freshness
from incidents.core.runbook import AppliesTo, Case, Cause, Runbook, match
from incidents.core.severity import Severity


def a_case(
    *kinds: str,
    drift_kinds: tuple[str, ...] = (),
    severity: Severity = Severity.SEV3,
    named: tuple[str, ...] = (),
    causes: tuple[Cause, ...] = (),
    **labels: str,
) -> Case:
    return Case(
        kinds=kinds or ("drift",),
        drift_kinds=drift_kinds,
        system="credit-scoring",
        severity=severity,
        named=named,
        causes=causes,
        labels=labels,
    )


def a_runbook(id_: str, applies_to: AppliesTo | None = None) -> Runbook:
    return Runbook(id=id_, title=id_, applies_to=applies_to or AppliesTo())


ANY = a_runbook("any")
DRIFT = a_runbook("drift", AppliesTo(kind=("drift",), cause=(Cause.MODEL_RELEASE,)))
DATA = a_runbook("data", AppliesTo(kind=("drift",), drift_kind=("data",)))
COST = a_runbook("cost", AppliesTo(kind=("cost_anomaly",)))
OWN = a_runbook("own", AppliesTo(system=("credit-scoring",)))
OTHER = a_runbook("other", AppliesTo(system=("rag",)))
GRAVE = a_runbook("grave", AppliesTo(severity_at_least=Severity.SEV2))
MLFLOW = a_runbook("mlflow", AppliesTo(kind=("drift",), labels={"registry": ("mlflow", "unity")}))
OF_BOTH = a_runbook("of-both", AppliesTo(labels={"registry": ("mlflow",), "region": ("eu",)}))
SHELF = (ANY, COST, DATA, DRIFT, GRAVE, OTHER, OWN, MLFLOW, OF_BOTH)


@pytest.mark.parametrize(
    ("case", "order"),
    [
        (a_case("drift"), ["own", "drift", "any"]),
        (a_case("drift", drift_kinds=("data",)), ["own", "data", "drift", "any"]),
        (a_case("drift", drift_kinds=("data",), causes=(Cause.MODEL_RELEASE,)), ["own", "drift", "data", "any"]),
        (a_case("drift", causes=(Cause.UNANNOUNCED_CHANGE,)), ["own", "drift", "any"]),
        (a_case("cost_anomaly", "drift"), ["own", "cost", "drift", "any"]),
        (a_case("report", severity=Severity.SEV2), ["own", "grave", "any"]),
        (a_case("report", severity=Severity.SEV1), ["own", "grave", "any"]),
        (a_case("drift", named=("any",)), ["any", "own", "drift"]),
        (a_case("drift", registry="mlflow"), ["own", "mlflow", "drift", "any"]),
        (a_case("drift", registry="unity", region="eu"), ["own", "mlflow", "drift", "any"]),
        (a_case("drift", registry="mlflow", region="eu"), ["own", "of-both", "mlflow", "drift", "any"]),
        (a_case("drift", registry="sagemaker"), ["own", "drift", "any"]),
        (a_case("drift", named=("cost",)), ["own", "drift", "any"]),  # naming does not make it fit
    ],
)
def test_the_closest_runbook_comes_first(case: Case, order: list[str]) -> None:
    assert [runbook.id for runbook, _ in match(SHELF, case)] == order


def test_every_choice_says_why() -> None:
    case = a_case("drift", severity=Severity.SEV2, named=("drift",), causes=(Cause.MODEL_RELEASE,), registry="unity")

    reasons = {runbook.id: why for runbook, why in match(SHELF, case)}

    assert reasons == {
        "drift": "named by the catalog, kind drift, suspected: model release",
        "own": "system credit-scoring",
        "mlflow": "kind drift, label registry unity",
        "grave": "SEV2, and it is for SEV2 or worse",
        "any": "fits any incident",
    }


@pytest.mark.parametrize(
    ("reviewed", "said", "stale"),
    [
        (date(2026, 11, 21), "reviewed today", False),
        (date(2026, 11, 20), "reviewed 1 day ago", False),
        (date(2026, 5, 25), "reviewed 180 days ago", False),
        (date(2026, 5, 24), "reviewed 181 days ago", True),
        (None, "never reviewed", True),
    ],
)
def test_a_runbook_that_nobody_reviewed_lately_says_so(reviewed: date | None, said: str, stale: bool) -> None:  # noqa: FBT001
    fresh = freshness(replace(ANY, last_reviewed=reviewed), timedelta(days=180), datetime(2026, 11, 21, 9, tzinfo=UTC))

    assert (fresh.text, fresh.stale) == (said, stale)
