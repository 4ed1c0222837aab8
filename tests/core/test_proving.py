"""What a run that proved itself does to its incident, and what a release that takes another back does to an offer."""

from dataclasses import replace

import pytest

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.changes import Changes, tell_release
from incidents.core.desk import Desk
from incidents.core.effect import EffectKind
from incidents.core.events import Kind
from incidents.core.fact import FactKind
from incidents.core.grade import Verdict as Judged
from incidents.core.incident import Change, Incident, Resolution, Status
from incidents.core.proof import Measured, Proof
from incidents.core.proving import Proving
from incidents.core.rollback import offered
from incidents.core.run import Run, RunStatus, StepState
from incidents.core.severity import Severity
from tests.make import NOON, a_run, an_estate, an_incident, hours

LATER = NOON + hours(5)
GOOD = tuple(
    Measured(start=NOON + hours(n), end=NOON + hours(n + 1), verdict=Judged.IN, figures="psi 0.05", samples=1000)
    for n in range(4)
)


def proven(state: AlertState = AlertState.CLEAR, name: str = "psi", **more: object) -> Alert:
    known = Alert(
        fingerprint=name,
        system="credit-scoring",
        environment="production",
        kind=Kind.DRIFT,
        metric=name,
        state=state,
        severity=Severity.SEV2,
        incident="INC-1",
        proof=Proof(run="RUN-1", since=NOON, length=hours(1), pace=hours(1), windows=GOOD),
    )
    return replace(known, **more)  # type: ignore[arg-type]


def succeeded() -> Run:
    run = a_run()
    steps = tuple(replace(step, state=StepState.DONE) for step in run.steps)
    return replace(run, status=RunStatus.SUCCEEDED, steps=steps)


def ended(*alerts: Alert, run: Run | None = None, incident: Incident | None = None) -> tuple[Desk, dict[str, Alert]]:
    """The desk after the run has ended, and the alerts that changed with it."""
    desk = Desk(incident or an_incident(system="credit-scoring"), an_estate(), LATER, {})
    sighting = Sighting(
        count=1, first_seen_at=NOON, last_seen_at=NOON, last_firing_at=NOON, last_start=NOON, last_order=NOON
    )
    known = {alert.fingerprint: (alert, sighting) for alert in alerts}
    return desk, {alert.fingerprint: alert for alert in Proving().over(desk, run or succeeded(), known)}


def told(desk: Desk, kind: FactKind) -> list[str]:
    return [fact.text for fact in desk.facts if fact.kind is kind]


def test_a_verified_run_mitigates_and_resolves_its_incident_with_the_evidence() -> None:
    desk, changed = ended(proven())

    assert (desk.incident.status, desk.incident.resolution) == (Status.RESOLVED, Resolution.FIXED)
    assert desk.incident.mitigated_at == desk.incident.verified_at == desk.incident.resolved_at == LATER
    assert not desk.incident.gathering
    assert changed["psi"].proof is None
    (fact,) = [fact for fact in desk.facts if fact.kind is FactKind.RESOLVED]
    assert fact.text == "Resolved by rule: RUN-1 (Rollback model) is verified: 4 windows in a row within limit"
    assert fact.by.id == "incidents"
    assert len(fact.data["evidence"]["alerts"][0]["windows"]) == 4  # type: ignore[index]


def test_the_owners_are_told_of_it_by_name() -> None:
    desk, _ = ended(proven())

    (post,) = [effect for effect in desk.effects if effect.kind is EffectKind.POST]
    assert "For Priya and Lee: is anything left to be done?" in str(post.data["text"])


def test_an_alert_that_is_held_as_flapping_ends_by_the_windows_that_prove_it() -> None:
    desk, changed = ended(proven(AlertState.FLAPPING, flapping_until=LATER + hours(1)))

    assert changed["psi"].state is AlertState.CLEAR
    assert told(desk, FactKind.ALERT_CLEARED) == ["drift psi is clear: the windows since the change say so"]
    assert desk.incident.status is Status.RESOLVED


@pytest.mark.parametrize("more", [{}, {"kind": Kind.REPORT}])
def test_it_is_not_resolved_while_another_alert_burns_and_says_which(more: dict[str, object]) -> None:
    desk, changed = ended(proven(), proven(AlertState.FIRING, "ks", proof=None, **more))

    assert desk.incident.status is Status.TRIGGERED
    assert "ks" not in changed
    (text,) = told(desk, FactKind.VERIFICATION)
    assert text.startswith("RUN-1 is verified, and not resolved: out of limit still: ")
    assert text.endswith(" ks")


def test_one_that_is_waived_does_not_stand_in_the_way() -> None:
    desk, _ = ended(proven(), proven(AlertState.FIRING, "ks", proof=None, waived="a known quirk"))

    assert desk.incident.status is Status.RESOLVED


@pytest.mark.parametrize("status", [RunStatus.UNDONE, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.UNDO_FAILED])
def test_a_run_that_ends_otherwise_resolves_nothing_and_watches_nothing_any_more(status: RunStatus) -> None:
    desk, changed = ended(proven(AlertState.FIRING), run=replace(succeeded(), status=status))

    assert (desk.incident.status, desk.facts) == (Status.TRIGGERED, [])
    assert changed["psi"].proof is None


def test_what_a_person_resolved_meanwhile_stays_as_they_resolved_it() -> None:
    by_hand = an_incident(Status.RESOLVED, resolution=Resolution.ACCEPTED, resolved_at=NOON, system="credit-scoring")

    desk, _ = ended(proven(), incident=by_hand)

    assert desk.incident.resolution is Resolution.ACCEPTED
    assert told(desk, FactKind.RESOLVED) == []
    assert desk.incident.verified_at == LATER


# --- releases that take another one back -----------------------------------------------------------------------------


def version(number: str, at: float, previous: str | None = None) -> Change:
    return Change(kind="model", name="credit", version=number, previous=previous, deployed_at=NOON + hours(at))


def burning(change: Change | None) -> Incident:
    return an_incident(last_change=change, began=(("drift", NOON),))


def desk_with(change: Change | None) -> Desk:
    return Desk(burning(change), an_estate(), LATER, {})


def test_the_release_that_a_rollback_announces_takes_the_suspected_one_back() -> None:
    two = version("2", -1, "1")
    changes, desk = Changes([two]), desk_with(two)

    tell_release(desk, changes.announce(version("1", 1)))

    assert told(desk, FactKind.RELEASE) == [
        "model release 1 was deployed (credit, 2026-11-18 13:00 UTC); it takes back 2, which was suspected"
    ]
    offer = offered(desk.incident)
    assert offer.rollback is None
    assert offer.why.startswith("model credit 2 was taken back already (2026-11-18 13:00 UTC); 1 runs now")


def test_it_is_offered_again_once_that_was_undone() -> None:
    two = version("2", -1, "1")
    changes, desk = Changes([two]), desk_with(two)

    tell_release(desk, changes.announce(version("1", 1)))
    tell_release(desk, changes.announce(version("2", 2)))

    offer = offered(desk.incident)
    assert offer.rollback is not None
    assert (offer.rollback.version, offer.rollback.to) == ("2", "1")


def test_the_same_release_told_late_or_again_takes_nothing_back() -> None:
    two = version("2", -1, "1")
    changes, desk = Changes([two, version("1", -9)]), desk_with(two)

    for again in (version("1", -9), version("2", -1, "1"), version("2", -1, "1")):
        tell_release(desk, changes.announce(again))

    assert offered(desk.incident).rollback is not None
    assert changes.learnt == []


def test_later_trouble_does_not_offer_to_go_forward_to_what_was_taken_back() -> None:
    changes = Changes([version("2", -1, "1"), version("1", -9)])
    changes.announce(version("1", 1))

    (newest, *_) = changes.before(NOON + hours(2), hours(24))
    offer = offered(an_incident(last_change=newest, began=(("drift", NOON + hours(2)),)))

    assert (newest.version, newest.back) == ("1", True)
    assert offer.rollback is None
    assert offer.why == "model credit 1 was itself put back in place of 2: going forward again is no way back"


def test_a_release_that_replaces_the_suspected_one_by_something_new_is_no_way_back() -> None:
    two = version("2", -1, "1")
    changes, desk = Changes([two]), desk_with(two)

    announced = changes.announce(version("3", 1))
    tell_release(desk, announced)

    assert not announced.back
    assert desk.incident.last_change == two
