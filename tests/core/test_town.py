"""Whatever happens in whatever order: what must hold in any town."""
# ruff: noqa: ANN401 - a happening tells whatever it needs

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.core.errors import NotAllowed, NotFound
from incidents.core.events import Event
from incidents.core.incident import UNRESOLVED, Action, Resolution, Status
from incidents.core.severity import Severity
from tests.core.town import Town
from tests.make import NIGHT, an_estate, cost, drift, hallucination, hours, over, release, report

SYSTEMS = st.sampled_from(["rag-assistant", "triage-bot", "shadow-bot"])
LENGTHS = st.sampled_from([timedelta(minutes=10), hours(1), hours(8)])
HAPPENINGS = st.one_of(
    st.tuples(st.just("drift"), st.sampled_from([0.05, 0.15, 0.35]), LENGTHS, SYSTEMS),
    st.tuples(st.just("hallucination"), st.integers(0, 60), LENGTHS, SYSTEMS),
    st.tuples(st.just("cost"), st.sampled_from([100, 400, 4000]), LENGTHS, SYSTEMS),
    st.tuples(st.just("over"), st.sampled_from(["drift", "hallucination", "cost_anomaly"]), SYSTEMS),
    st.tuples(st.just("report"), st.sampled_from(["possible", "confirmed"]), SYSTEMS),
    st.tuples(st.just("release"), st.sampled_from(["1", "2"]), SYSTEMS),
    st.tuples(st.just("act"), st.sampled_from(Action), st.integers(1, 4), st.sampled_from(Resolution)),
    st.tuples(st.just("wait"), st.sampled_from([1, 14, 31, 61, 600, 1500])),
    st.tuples(st.just("outage"), st.sampled_from([40, 400])),
    st.tuples(st.just("leaves"), st.sampled_from(["priya", "omar", "lee"])),
)


def event(kind: str, at: datetime, *told: Any) -> Event:
    value, system = told[0], told[-1]
    make = {
        "drift": lambda: drift(value, at=at, window=told[1], system=system),
        "hallucination": lambda: hallucination(value, 120, at=at, window=told[1], system=system),
        "cost": lambda: cost(value, 100, at=at, window=told[1], system=system),
        "over": lambda: over(value, at=at, system=system),
        "report": lambda: report(value, at=at, system=system),
        "release": lambda: release(value, at=at, system=system),
    }
    return make[kind]()


def happens(town: Town, kind: str, *told: Any) -> None:
    at = town.now
    match kind, told:
        case "act", (Action() as action, number, reason):
            acts(town, action, f"INC-{number}", str(reason))
        case "wait", (int(minutes),):
            town.pass_time(to=at + timedelta(minutes=minutes))
        case "outage", (int(minutes),):
            town.outage(to=at + timedelta(minutes=minutes))
        case "leaves", (person,):
            town.deactivated.add(person)
        case _:
            town.publish(event(kind, at, *told))


def acts(town: Town, action: Action, incident: str, reason: str) -> None:
    to = {Action.SEVERITY: "sev3", Action.ASSIGN: "kim", Action.MERGE: "INC-1"}.get(action, "")
    alert = next((key for key, held in town.alerts.items() if held.incident == incident), "none")
    if incident in town.incidents:
        try:
            town.act(action, incident, reason=reason, of="INC-1", to=to, note="why", alert=alert)
        except (NotAllowed, NotFound):
            return


def holds(town: Town) -> None:
    """What must be true after every happening; the town itself sees to unique effects and one gathering incident."""
    for incident in town.incidents.values():
        asked = [entry.person for entry in incident.paging.asked]
        assert len(asked) == len(set(asked)), "asked once in a round"
        assert incident.status in UNRESOLVED or not incident.gathering
        assert incident.wake_at is None or incident.wake_at > town.now, "nothing is overdue"
        assert incident.severity is not Severity.SEV1, "nobody said SEV1"
        assert incident.head_seq == len(town.facts[incident.id])
        assert (incident.status is Status.MITIGATED) or incident.status not in UNRESOLVED or not incident.verified_at
    for key, alert in town.alerts.items():
        assert not alert.burning or alert.incident in town.incidents, "whatever burns has an incident"
        assert alert.wake_at is None or alert.wake_at > town.now
        assert town.sightings[key].count > 0


@settings(max_examples=200, deadline=None)
@given(happenings=st.lists(HAPPENINGS, max_size=25))
def test_whatever_happens_nothing_burns_unseen_is_overdue_or_asked_twice(happenings: list[tuple[str, object]]) -> None:
    town = Town(an_estate(), now=NIGHT)

    for happening in happenings:
        happens(town, *happening)
        holds(town)


@settings(max_examples=50, deadline=None)
@given(happenings=st.lists(HAPPENINGS, max_size=20))
def test_the_same_happenings_come_to_the_same(happenings: list[tuple[str, object]]) -> None:
    towns = [Town(an_estate(), now=NIGHT) for _ in range(2)]

    for town in towns:
        for happening in happenings:
            happens(town, *happening)

    assert towns[0].facts == towns[1].facts
    assert towns[0].pages == towns[1].pages
