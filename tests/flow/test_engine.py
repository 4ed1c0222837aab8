"""Runs over a real store: written down before anything is sent, kept where the lease holds, taken back in reverse."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from incidents.core.answer import Answer
from incidents.core.effect import Channel
from incidents.core.errors import StoreAway
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Status
from incidents.core.proving import Proving
from incidents.core.run import RunStatus
from incidents.core.severity import Severity
from incidents.core.step import Request
from incidents.core.verdict import Verdict, Verification
from incidents.flow.engine import Engine
from tests.fakes.works import Works
from tests.flow.house import House, Postman, open_house
from tests.flow.shop import Metric, Shop
from tests.make_runs import LOOK, RUNS_ONE, a_flag, a_manual, a_step, a_verify, a_wait

Pair = tuple[House, House]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def two(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """Two processes on one database, of either kind."""
    url = request.getfixturevalue("postgres_url" if request.param == "postgresql" else "url")
    houses = await open_house(url), await open_house(url)
    yield houses
    for house in houses:
        await house.database.close()


async def test_a_run_does_its_steps_and_says_so_on_the_timeline(two: Pair) -> None:
    works, metric = Works(), Metric()
    shop = Shop(two[0], works, metric)
    await shop.begin(a_step(look=LOOK, prior={"version": "2"}), a_flag(), a_verify())

    await shop.engine.round()

    assert works.done == ["alias 1", "feature off"]
    assert works.keys == ["RUN-1:move:1", "RUN-1:flag:1"]
    assert (await shop.now()).status is RunStatus.SUCCEEDED
    kinds = [fact.kind for fact in await two[0].timeline() if "run" in fact.data]
    assert kinds == [
        FactKind.RUN_STARTED,
        FactKind.STEP_BEGUN,
        FactKind.STEP_DONE,
        FactKind.STEP_BEGUN,
        FactKind.STEP_DONE,
        FactKind.STEP_BEGUN,
        FactKind.VERIFICATION,
        FactKind.STEP_DONE,
        FactKind.RUN_SUCCEEDED,
    ]
    assert metric.over_for == ["INC-1 RUN-1"]
    await two[0].is_well()


async def test_the_target_does_the_work_and_cuts_so_a_person_is_asked_and_nothing_is_repeated(two: Pair) -> None:
    works = Works("cut")
    shop = Shop(two[0], works)
    await shop.begin(a_step(retries=3), a_flag())

    await shop.work(hours=24)

    assert works.done == ["alias 1"]
    assert await shop.states() == ["unknown", "pending"]
    assert "nobody knows whether it was done" in (await two[0].said(FactKind.STEP_UNKNOWN))[0]
    assert any(key.startswith("notice:RUN-1:move:unknown:") for key in await two[0].effects())

    await shop.change(await shop.now(), "move", "done")
    await shop.work()
    assert works.done == ["alias 1", "feature off"]
    assert (await shop.now()).status is RunStatus.SUCCEEDED


async def test_declared_idempotent_it_is_once_in_the_targets_ledger(two: Pair) -> None:
    works = Works("cut", "cut")
    shop = Shop(two[0], works)
    await shop.begin(a_step(idempotent=True))

    await shop.work()

    assert len(works.sent) == 3
    assert set(works.keys) == {"RUN-1:move:1"}
    assert works.done == ["alias 1"]
    assert (await shop.now()).status is RunStatus.SUCCEEDED


async def test_a_target_that_can_say_so_is_asked(two: Pair) -> None:
    works = Works("cut")
    shop = Shop(two[0], works)
    await shop.begin(a_step(status=RUNS_ONE))

    await shop.work()

    assert (len(works.sent), works.done) == (1, ["alias 1"])
    assert (await shop.now()).status is RunStatus.SUCCEEDED


async def test_two_engines_carry_a_run_out_once(two: Pair) -> None:
    works = Works()
    shops = [Shop(house, works) for house in two]
    await shops[0].begin(a_step(), a_flag(), a_step("again"))

    for _ in range(3):
        await asyncio.gather(*(shop.engine.round() for shop in shops))

    assert works.done == ["alias 1", "feature off", "alias 1"]
    assert works.keys == ["RUN-1:move:1", "RUN-1:flag:1", "RUN-1:again:1"]
    assert (await shops[1].now()).status is RunStatus.SUCCEEDED


class Watched(Works):
    """Says when something was done."""

    def __init__(self) -> None:
        super().__init__()
        self.called = asyncio.Event()

    async def send(self, request: Request, *, within: timedelta, key: str | None = None) -> Answer:
        answer = await super().send(request, within=within, key=key)
        self.called.set()
        return answer


class Stopping(Works):
    """The first time that something is asked of it, the process that asks is told to stop."""

    stops: Engine | None = None

    async def send(self, request: Request, *, within: timedelta, key: str | None = None) -> Answer:
        if self.stops is not None:
            self.stops.stop()
            self.stops = None
        return await super().send(request, within=within, key=key)


class Slow(Works):
    """Answers when its story lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def send(self, request: Request, *, within: timedelta, key: str | None = None) -> Answer:
        answer = await super().send(request, within=within, key=key)
        self.reached.set()
        await self.go_on.wait()
        return answer


async def test_whoever_lost_the_lease_changes_nothing(two: Pair) -> None:
    slow, quick = Slow(), Works()
    one, other = Shop(two[0], slow), Shop(two[1], quick)
    await one.begin(a_step(), a_flag())
    carrying = asyncio.create_task(one.engine.round())
    await slow.reached.wait()

    for house in two:
        house.store.shift(timedelta(minutes=10))  # the lease is over while the answer is awaited
    await other.engine.round()
    assert await other.states() == ["unknown", "pending"]
    before = await other.now()
    slow.go_on.set()
    await carrying

    assert await other.now() == before
    assert slow.done == ["alias 1"]
    assert quick.done == []


async def test_a_lease_is_longer_than_the_request_may_take(two: Pair) -> None:
    slow, quick = Slow(), Works()
    one, other = Shop(two[0], slow), Shop(two[1], quick)
    await one.begin(a_step(timeout=timedelta(minutes=5)))
    carrying = asyncio.create_task(one.engine.round())
    await slow.reached.wait()

    two[1].store.shift(timedelta(minutes=5))
    assert await other.engine.round() == 0
    slow.go_on.set()
    await carrying

    assert (await one.now()).status is RunStatus.SUCCEEDED


async def test_a_person_may_cancel_while_it_is_sent_and_what_was_done_is_taken_back(two: Pair) -> None:
    slow = Slow()
    shop = Shop(two[0], slow)
    run = await shop.begin(a_step(), a_flag())
    carrying = asyncio.create_task(shop.engine.round())
    await slow.reached.wait()

    await Shop(two[1]).change(run, "cancel")
    slow.go_on.set()
    await carrying

    assert slow.done == ["alias 1", "alias 2"]
    assert (await shop.now()).status is RunStatus.UNDONE
    assert await shop.states() == ["undone", "skipped"]
    assert "cancelled by Priya" in (await shop.now()).why


async def test_a_failure_takes_back_what_was_done_in_reverse(two: Pair) -> None:
    works = Works("well", "well", "refuse")
    shop = Shop(two[0], works)
    await shop.begin(a_step(), a_flag(), a_step("third"))

    await shop.engine.round()

    assert works.done == ["alias 1", "feature off", "feature on", "alias 2"]
    assert works.keys[3:] == ["RUN-1:flag:undo", "RUN-1:move:undo"]
    assert (await shop.now()).status is RunStatus.UNDONE


async def test_a_failed_undo_raises_the_severity_and_pages_people_anew(two: Pair) -> None:
    shop = Shop(two[0], Works("well", "refuse", "refuse"))
    await shop.propose()
    await two[0].clock.tick()
    before = await two[0].incident()
    await two[0].act(Action.ACKNOWLEDGE)
    await shop.change(await shop.propose(a_step(), a_flag()), "start")

    await shop.engine.round()

    after = await two[0].incident()
    assert (await shop.now("RUN-2")).status is RunStatus.UNDO_FAILED
    assert (before.severity, after.severity) == (Severity.SEV2, Severity.SEV1)
    assert after.status is Status.TRIGGERED
    pages = [key for key in await two[0].effects() if key.startswith(f"page:INC-1:{after.paging.round}:")]
    assert after.paging.round > before.paging.round
    assert pages
    await two[0].is_well()


async def test_a_metric_that_does_not_recover_takes_it_back_and_asks_people(two: Pair) -> None:
    works = Works()
    waits = Verification(verdict=Verdict.WAITING, said="verification 1 of 4, next window 13:00")
    failed = Verification(
        verdict=Verdict.FAILED, said="verification failed: 4 windows out of limit", data={"psi": 0.31}
    )
    shop = Shop(two[0], works, Metric(waits, waits, failed))
    await shop.begin(a_step(), a_verify())

    await shop.work()

    assert works.done == ["alias 1", "alias 2"]
    assert (await shop.now()).status is RunStatus.UNDONE
    assert await two[0].said(FactKind.VERIFICATION) == [waits.said, failed.said]
    assert "verification failed" in (await two[0].incident()).paging.why


async def test_without_a_metric_a_person_says_whether_it_helped_and_nothing_is_taken_back_before(two: Pair) -> None:
    works = Works()
    shop = Shop(two[0], works, Proving())
    await shop.begin(a_step(), a_verify())

    await shop.work()
    two[0].store.shift(timedelta(hours=24))
    await shop.work()

    assert works.done == ["alias 1"]
    assert "a person must" in (await shop.now()).steps[-1].said
    await shop.change(await shop.now(), a_verify().id, "done")
    await shop.work()
    assert (await shop.now()).status is RunStatus.SUCCEEDED
    assert (await two[0].incident()).status is not Status.RESOLVED, "whoever looked says that too"
    await two[0].carry(Postman(), Postman(Channel.CONSOLE), Postman(Channel.WEBHOOK))
    await two[0].is_well()


async def test_a_person_who_sees_that_it_did_not_help_has_it_taken_back(two: Pair) -> None:
    works = Works()
    shop = Shop(two[0], works, Proving())
    await shop.begin(a_step(), a_verify())
    await shop.work()

    await shop.change(await shop.now(), a_verify().id, "failed")
    await shop.work()

    assert works.done == ["alias 1", "alias 2"]
    assert (await shop.now()).status is RunStatus.UNDONE
    await two[0].carry(Postman(), Postman(Channel.CONSOLE), Postman(Channel.WEBHOOK))
    await two[0].is_well()


async def test_waiting_costs_no_look_before_its_time(two: Pair) -> None:
    works = Works()
    shop = Shop(two[0], works)
    await shop.begin(a_wait(minutes=30), a_step())

    await shop.engine.round()
    assert await shop.engine.round() == 0
    two[0].store.shift(timedelta(minutes=30))
    await shop.engine.round()

    assert works.done == ["alias 1"]


async def test_a_manual_step_waits_for_its_person(two: Pair) -> None:
    works = Works()
    shop = Shop(two[0], works)
    await shop.begin(a_manual(), a_step())
    await shop.engine.round()
    assert works.done == []

    await shop.change(await shop.now(), "retrain", "done")
    await shop.engine.round()

    assert works.done == ["alias 1"]


async def test_an_answer_is_kept_although_the_database_was_away_when_it_came(two: Pair) -> None:
    works = Works()
    shop = Shop(two[0], works)
    await shop.begin(a_step())
    two[0].store.fails = [None, None, StoreAway("the disk is gone")]  # claimed, written down, and then the answer

    await shop.engine.round()

    assert works.done == ["alias 1"]
    assert (await shop.now()).status is RunStatus.SUCCEEDED


async def test_a_process_that_is_stopped_begins_no_further_step_and_another_goes_on(two: Pair) -> None:
    works = Stopping()
    first, second = Shop(two[0], works), Shop(two[1], works)
    works.stops = first.engine
    await first.begin(a_step(), a_flag())

    async with asyncio.timeout(60):
        await first.engine.run()
    assert await first.states() == ["done", "pending"]

    two[1].store.shift(timedelta(minutes=2))
    await second.engine.round()
    assert works.done == ["alias 1", "feature off"]
    assert (await second.now()).status is RunStatus.SUCCEEDED


async def test_the_loop_works_until_it_is_stopped(two: Pair) -> None:
    works = Watched()
    shop = Shop(two[0], works)
    running = asyncio.create_task(shop.engine.run())
    await shop.begin(a_step())
    shop.engine.wake()
    async with asyncio.timeout(60):
        await works.called.wait()
    shop.engine.stop()
    await running

    assert (await shop.now()).status is RunStatus.SUCCEEDED
