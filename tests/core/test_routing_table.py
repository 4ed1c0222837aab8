"""The routing table: every case of routing_cases.yaml is played, and comes out as it is written there.

A case is added by writing it there; what it may say stands at the head of that file.
"""

from datetime import datetime, timedelta

import pytest

from incidents.core.alert import Alert
from incidents.core.envelope import event_from
from incidents.core.incident import Incident
from tests.core.routing import DEACTIVATED, HOUR, Case, Happening, Outcome, Place, estate, estate_at, outcome
from tests.core.routing_reader import cases
from tests.core.routing_words import Telling
from tests.core.town import Town


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_case_comes_out_as_it_is_written(case: Case) -> None:
    assert str(played(case)) == str(case.expected)


def played(case: Case) -> Outcome:
    """Let a town live through a case, from before anything happens to the end of the ladder's run after it all."""
    town = Town(estate_at(case.begins), now=case.begins, deactivated=case.deactivated)
    town.silences = list(case.silences)
    for happening in case.before:
        _happen(town, case, happening)
    for person, at in case.found.items():
        town.unreachable[person] = (DEACTIVATED, at + HOUR)
    _happen(town, case, (case.at, case.told))
    alert = _alert(town, case.place)
    for happening in case.then:
        _happen(town, case, happening)
    ended = _follow(town, case)
    incident = _incident(town, case.place)
    facts = tuple(chained.fact for chained in town.facts[incident.id]) if incident else ()
    return outcome(case, alert=alert, incident=incident, facts=facts, ended=ended)


def _happen(town: Town, case: Case, happening: Happening) -> None:
    at, what = happening
    _pass_time(town, at)
    if isinstance(what, Telling):
        town.publish(event_from(what.payload), at=at)
        return
    incident = _incident(town, case.place_of(what))
    assert incident is not None, f"nothing is open for {what.who}"
    town.act(what.action, incident.id, who=what.who, **what.asked)


def _pass_time(town: Town, to: datetime) -> None:
    """The clock goes on; what changes hands meanwhile does so when it is due."""
    while (due := estate().catalog.next_handover(town.now)) is not None and due <= to:
        town.pass_time(to=due - timedelta(microseconds=1))
        town.now, town.estate = due, estate_at(due)
    town.pass_time(to=to)


def _follow(town: Town, case: Case) -> datetime | None:
    """Let time pass until the ladder begins again or gives up, and say when that is; or until nothing is due."""
    while (due := _next_due(town)) is not None and due <= case.until:
        _pass_time(town, due)
        incident = _incident(town, case.place)
        if incident and (incident.paging.run or incident.paging.gave_up):
            return town.now
    return None


def _next_due(town: Town) -> datetime | None:
    alerts, incidents = town.alerts.values(), town.incidents.values()
    moments = (*(alert.wake_at for alert in alerts), *(incident.wake_at for incident in incidents))
    return min((at for at in moments if at is not None), default=None)


def _incident(town: Town, place: Place) -> Incident | None:
    """The newest incident of a place."""
    return next((i for i in reversed(town.incidents.values()) if (i.system, i.environment) == place), None)


def _alert(town: Town, place: Place) -> Alert:
    """The newest alert of a place."""
    return next(a for a in reversed(town.alerts.values()) if (a.system, a.environment) == place)
