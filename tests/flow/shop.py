"""An engine in a house: runs begun for the house's incident, targets with a ledger, a metric that a story tells."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from incidents.core.alert import Alert, Sighting
from incidents.core.decision import Decision
from incidents.core.desk import Desk
from incidents.core.progress import answered, cancelled, started
from incidents.core.run import Run
from incidents.core.step import Step
from incidents.core.verdict import Verdict, Verification
from incidents.flow.engine import Engine, Verifier
from incidents.flow.ports import Targets, Turn, Unit
from tests.fakes.works import Works
from tests.flow.house import House, harm
from tests.make import by
from tests.make_runs import a_plan, a_run

_READY = "select ready_at from runs where ready_at is not null"


def moment(kept: str | datetime) -> datetime:
    return datetime.fromisoformat(kept) if isinstance(kept, str) else kept


class Metric:
    """Says what its story says, look by look; then that it helped."""

    def __init__(self, *verdicts: Verification) -> None:
        self._verdicts = list(verdicts)
        self.over_for: list[str] = []

    def look(
        self,
        desk: Desk,
        run: Run,
        step: str,
        alerts: Mapping[str, tuple[Alert, Sighting]],  # noqa: ARG002  (as the engine calls it)
    ) -> tuple[Verification, Iterable[Alert]]:
        began = run.step(step)
        assert began is not None
        assert began.began_at is not None
        assert began.began_at <= desk.now
        helped = Verification(verdict=Verdict.VERIFIED, said="within its limit in 4 windows")
        return (self._verdicts.pop(0) if self._verdicts else helped), ()

    def over(
        self,
        desk: Desk,
        run: Run,
        alerts: Mapping[str, tuple[Alert, Sighting]],  # noqa: ARG002  (as the engine calls it)
    ) -> Iterable[Alert]:
        self.over_for.append(f"{desk.incident.id} {run.id}")
        return ()


class Shop:
    """One process with an engine."""

    def __init__(self, house: House, works: Targets | None = None, metric: Verifier | None = None) -> None:
        self.house = house
        self.engine = Engine(
            house.store, lambda: house.estate, works or Works(), metric or Metric(), made=house.made.extend, every=0.01
        )

    async def propose(self, *steps: Step, incident: str = "INC-1") -> Run:
        """An incident of the triage bot, and a run that somebody has asked for."""
        if not await self.house.found("select number from incidents"):
            await self.house.publish(harm())
        found = await self.house.incident(incident)
        plan = a_plan(*steps, incident=incident, system=found.system, environment=found.environment)
        async with self.house.store.unit(Turn.PEOPLE) as unit:
            made: Run = await unit.runs.add(a_run(plan=plan, requested_at=unit.now, expires_at=None))
        return made

    async def begin(self, *steps: Step) -> Run:
        return await self.change(await self.propose(*steps), "start")

    async def change(self, run: Run, what: str, *said: str) -> Run:
        """What a person does, as every door does it."""
        async with self.house.store.unit(Turn.PEOPLE) as unit:
            incident, _ = await unit.board.incident(run.incident)
            desk = Desk(incident, self.house.estate, unit.now, {})
            held = await unit.runs.one(run.id)
            match what:
                case "start":
                    held = started(desk, held)
                case "cancel":
                    held = cancelled(desk, held, by("priya"))
                case _:
                    held = answered(desk, held, by("priya"), what, *said)
            saved: Run = await unit.runs.save(held)
            await _close(unit, desk)
        return saved

    async def work(self, *, hours: float = 1) -> None:
        """Let the engine look again and again while time passes."""
        until = await self.house.now() + timedelta(hours=hours)
        while await self.engine.round():
            ready = min([at for (at,) in await self.house.found(_READY)], default=None)
            if ready is None or moment(ready) > until:
                break
            self.house.store.shift(max(timedelta(), moment(ready) - await self.house.now()))

    async def now(self, run: str = "RUN-1") -> Run:
        async with self.house.store.unit(Turn.PEOPLE) as unit:
            found: Run = await unit.runs.one(run)
        return found

    async def states(self, run: str = "RUN-1") -> list[str]:
        return [each.state.value for each in (await self.now(run)).steps]


async def _close(unit: Unit, desk: Desk) -> None:
    incident, facts, effects = desk.close()
    await unit.board.save([Decision(incidents=(incident,), facts=tuple(facts), effects=tuple(effects))], {})
