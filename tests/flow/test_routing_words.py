"""The routing table through the whole service: explained, taken in and lived through, in the same words each time."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidents.adapters.store.columns import moment
from incidents.core.alert import Alert
from incidents.core.effect import Channel
from incidents.core.explanation import IncidentTold, Told
from incidents.core.incident import Incident
from incidents.flow.explain import Explainer
from incidents.flow.ports import Message, Outcome, Refused, Turn
from tests.core.routing import DEACTIVATED, HOUR, Case, Happening, Place, estate, estate_at, outcome, skipped
from tests.core.routing_reader import cases
from tests.core.routing_words import Telling
from tests.flow.house import House, Postman, message, open_house

TICK = timedelta(milliseconds=1)  # a stored moment is cut to it
JUST_AFTER = timedelta(milliseconds=800)  # more than the machine's clock is set back while a case is lived through
ALSO_ON_POSTGRES = (
    "A minute before Friday evening",
    "London's clocks go back",
    "In the last minute of a shift",
    "On leave until noon",
    "Handed over with a note",
    "Silenced it burns unheard",
    "Trouble upstream explains it",
)


class Slack(Postman):
    """A workspace in which some people are deactivated."""

    def __init__(self, deactivated: frozenset[str]) -> None:
        super().__init__()
        self._deactivated = deactivated

    async def carry(self, message: Message) -> Outcome:
        gone = message.person is not None and message.person.id in self._deactivated
        return Refused(DEACTIVATED, absent=True) if gone else await super().carry(message)


class Life:
    """A house that lives through a case by the database's own clock, shifted."""

    def __init__(self, house: House, case: Case) -> None:
        self.house, self.case = house, case
        self._postmen = (Slack(case.deactivated), Postman(Channel.CONSOLE), Postman(Channel.WEBHOOK))

    async def prepare(self) -> None:
        """Whatever was before: silences, who was found deactivated, what happened."""
        self.house.database.offset = self.case.begins + JUST_AFTER - datetime.now(UTC)
        self.house.estate = estate_at(self.case.begins)
        async with self.house.store.unit(Turn.PEOPLE) as unit:
            for silence in self.case.silences:
                await unit.silences.add(silence, begun=True)
            for person, at in self.case.found.items():
                await unit.outbox.skip(person, DEACTIVATED, at + HOUR)
        for happening in self.case.before:
            await self.happen(happening)
        await self.pass_time(self.case.at)

    async def happen(self, happening: Happening) -> None:
        at, what = happening
        await self.pass_time(at)
        if isinstance(what, Telling):
            await self.house.publish(what.payload)
        else:
            incident = await self.incident(self.case.place_of(what))
            assert incident is not None
            await self.house.act(what.action, incident.id, who=what.who, **what.asked)
        await self.house.carry(*self._postmen)

    async def pass_time(self, to: datetime) -> None:
        """Tick whenever something is due, and let what changes hands do so when it is."""
        while True:
            now = await self.house.now()
            handover = estate().catalog.next_handover(now)
            due = min((at for at in (await self._next_due(), handover) if at is not None), default=None)
            if due is None or due > to:
                break
            await self._tick(due)
        await self._set_clock(to)

    async def follow(self) -> datetime | None:
        """Until the ladder is run again or given up, and when that is; or until nothing is due."""
        while (due := await self._next_due()) is not None and due <= self.case.until:
            await self.pass_time(due + TICK)
            incident = await self.incident(self.case.place)
            if incident and (incident.paging.run or incident.paging.gave_up):
                return due
        return None

    async def explained(self) -> Told:
        explainer = Explainer(self.house.store, lambda: self.house.estate)
        (told,) = (await explainer.explain(message(self.case.told.payload))).told
        return told

    async def incident(self, place: Place) -> Incident | None:
        """The newest incident of a place."""
        query = "select number from incidents where system = :system and environment = :environment order by number"
        found = await self.house.found(query, system=place[0], environment=place[1])
        return await self.house.incident(f"INC-{found[-1].number}") if found else None

    async def alert(self) -> Alert:
        """The newest alert of what the case tells."""
        views = (await self.house.shelf.alerts(()))[0]
        here = [view for view in views if (view.alert.system, view.alert.environment) == self.case.place]
        return max(here, key=lambda view: view.sighting.first_seen_at).alert

    async def _tick(self, due: datetime) -> None:
        await self._set_clock(due + TICK)
        self.house.estate = estate_at(due)
        await self.house.clock.tick()
        await self.house.carry(*self._postmen)

    async def _next_due(self) -> datetime | None:
        rows = await self.house.found("select wake_at from incidents union select wake_at from alerts")
        moments = [moment(row.wake_at) if isinstance(row.wake_at, str) else row.wake_at for row in rows]
        return min((at for at in moments if at is not None), default=None)

    async def _set_clock(self, to: datetime) -> None:
        self.house.store.shift(to + JUST_AFTER - await self.house.now())


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file in which nothing has happened yet: made once, copied for each case."""
    path = tmp_path_factory.mktemp("emptied") / "incidents.db"

    async def make() -> None:
        await (await open_house(f"sqlite+aiosqlite:///{path}")).database.close()

    asyncio.run(make())
    return path


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
async def test_explained_and_lived_through_the_case_is_as_it_is_written(
    case: Case, emptied: Path, tmp_path: Path
) -> None:
    shutil.copy(emptied, tmp_path / "incidents.db")
    await _live(case, f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}")


@pytest.mark.postgres
@pytest.mark.parametrize("begins", ALSO_ON_POSTGRES)
async def test_postgres_says_the_same(begins: str, postgres_url: str) -> None:
    (case,) = [case for case in cases() if case.name.startswith(begins)]
    await _live(case, postgres_url)


async def _live(case: Case, url: str) -> None:
    house = await open_house(url, estate())
    life = Life(house, case)
    try:
        await life.prepare()
        told = await life.explained()
        await life.happen((case.at, case.told))
        alert = await life.alert()
        await _says_the_same(life, told, alert)
        for happening in case.then:
            await life.happen(happening)
        ended = await life.follow()
        incident = await life.incident(case.place)
        facts = await house.timeline(incident.id) if incident else []
        came = outcome(case, alert=alert, incident=incident, facts=facts, ended=ended)
        assert str(came) == str(case.expected)
        if told.incidents and not case.then and not case.deactivated:
            later = [fact for fact in facts if fact.at >= case.at]
            since = outcome(case, alert=alert, incident=incident, facts=later, ended=ended)
            asked = tuple(line for line in since.asked if not line.startswith("nobody:"))
            assert _foreseen(case, told.incidents[0]) == asked + since.skipped
        await house.is_well()
    finally:
        await house.database.close()


async def _says_the_same(life: Life, told: Told, alert: Alert) -> None:
    """The alert and its incident just after the event, in the words in which it was explained."""
    explained = {each.alert.fingerprint: each.alert for each in told.alerts}[alert.fingerprint]
    assert (explained.state, explained.severity, explained.why) == (alert.state, alert.severity, alert.why)
    assert (explained.muted and explained.muted.why) == (alert.muted and alert.muted.why)
    incident = await life.incident(life.case.place)
    words = [(incident.severity, incident.severity_why)] if incident else []
    assert [(each.incident.severity, each.incident.severity_why) for each in told.incidents] == words


def _foreseen(case: Case, told: IncidentTold) -> tuple[str, ...]:
    """Who would be asked from then on, and who left out."""
    ahead = told.outlook
    pages = [(each.at, each.person.id, each.why) for each in ahead.askings if each.at >= case.at]
    ends = [case.end(ahead.again_at, more=ahead.more_runs > 0)] if ahead.again_at else []
    left_out = [skipped({"whom": skip.whom, "role": skip.role, "why": skip.why}) for skip in ahead.skips]
    return (*case.lines(pages), *ends, *left_out)
