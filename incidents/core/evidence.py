"""Decides what is kept as evidence of the trouble before anything is changed for it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from incidents.core.alert import Alert, Sighting
from incidents.core.incident import Incident
from incidents.core.run import Run
from incidents.core.system import System


def evidence(
    run: Run, incident: Incident, alerts: Iterable[tuple[Alert, Sighting]], system: System
) -> Mapping[str, object]:
    """How the incident, its alerts and the target stood, what ran, and what is about to be done; JSON values and times.

    The facts are named by the head of their chain, which proves them.
    """
    held = sorted(alerts, key=lambda pair: pair[0].fingerprint)
    return {
        "run": run.id,
        "plan": {"hash": run.hash, **asdict(run.plan)},
        "prior": {step.id: dict(step.prior) for step in run.plan.steps if step.prior},
        "incident": asdict(incident),
        "facts": {"seq": incident.head_seq, "hash": incident.head_hash},
        "alerts": [{"alert": asdict(alert), "sighting": asdict(sighting)} for alert, sighting in held],
        "system": {
            "id": system.id,
            "risk_class": system.risk_class.value,
            "model": system.model,
            "prompt": system.prompt,
            "vendor": system.vendor,
            "data_sources": list(system.data_sources),
            "owners": {role.value: owner for role, owner in system.owners.items()},
        },
    }
