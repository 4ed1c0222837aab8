"""Runs over real HTTP: a registry behind a socket that does the work, and may cut the line before it answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web

from incidents.adapters.targets import HttpTargets
from incidents.core.answer import Answered
from incidents.core.connection import Connection
from incidents.core.run import RunStatus
from incidents.core.step import Method, Request
from tests.fakes.works import Works
from tests.flow.house import House
from tests.flow.shop import Shop
from tests.make_runs import LOOK, RUNS_ONE, a_flag, a_step

WITHIN = timedelta(seconds=30)


@asynccontextmanager
async def served(works: Works) -> AsyncIterator[HttpTargets]:
    """The works behind a real socket, and the way to them."""

    async def take(asked: web.Request) -> web.StreamResponse:
        body = await asked.json() if asked.can_read_body else None
        said = Request(
            connection="unleash" if asked.path.startswith("/api/admin") else "mlflow",
            method=Method(asked.method),
            path=asked.path,
            query=tuple(asked.query.items()),
            body=body,
        )
        answer = await works.send(said, within=WITHIN, key=asked.headers.get("Idempotency-Key"))
        if isinstance(answer, Answered):
            return web.json_response(answer.body, status=answer.status)
        assert asked.transport is not None
        asked.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield HttpTargets([Connection(name=name, url=url, inside=True) for name in ("mlflow", "unleash")])
    finally:
        await runner.cleanup()


async def test_a_run_looks_and_moves_the_alias_over_http(house: House) -> None:
    works = Works()
    async with served(works) as targets:
        shop = Shop(house, targets)
        await shop.begin(a_step(look=LOOK, prior={"version": "2"}), a_flag())
        await shop.work()

    assert works.done == ["alias 1", "feature off"]
    assert works.keys == ["RUN-1:move:1", "RUN-1:flag:1"]
    assert (await shop.now()).status is RunStatus.SUCCEEDED


async def test_a_registry_that_does_the_work_and_cuts_the_line_is_never_sent_it_again(house: House) -> None:
    works = Works("cut")
    async with served(works) as targets:
        shop = Shop(house, targets)
        await shop.begin(a_step())
        await shop.work(hours=24)

    assert (len(works.sent), works.done) == (1, ["alias 1"])
    assert await shop.states() == ["unknown"]


async def test_one_that_can_say_whether_it_was_done_is_asked(house: House) -> None:
    works = Works("cut")
    async with served(works) as targets:
        shop = Shop(house, targets)
        await shop.begin(a_step(status=RUNS_ONE))
        await shop.work()

    assert (len(works.sent), works.done) == (1, ["alias 1"])
    assert (await shop.now()).status is RunStatus.SUCCEEDED


async def test_what_is_idempotent_is_sent_again_and_is_once_in_its_ledger(house: House) -> None:
    works = Works("cut", "cut")
    async with served(works) as targets:
        shop = Shop(house, targets)
        await shop.begin(a_step(idempotent=True))
        await shop.work()

    assert (len(works.sent), works.done) == (3, ["alias 1"])
    assert (await shop.now()).status is RunStatus.SUCCEEDED


async def test_a_refusal_at_the_third_step_takes_back_the_first_two(house: House) -> None:
    works = Works("well", "well", "refuse")
    async with served(works) as targets:
        shop = Shop(house, targets)
        await shop.begin(a_step(), a_flag(), a_step("third"))
        await shop.work()

    assert works.done == ["alias 1", "feature off", "feature on", "alias 2"]
    assert (await shop.now()).status is RunStatus.UNDONE


async def test_a_target_that_is_gone_was_surely_not_touched(house: House) -> None:
    works = Works()
    async with served(works) as targets:
        pass
    shop = Shop(house, targets)
    await shop.begin(a_step())
    await shop.work()

    assert works.done == []
    assert (await shop.now()).status is RunStatus.FAILED
    assert "Nothing was changed" in (await shop.now()).why
