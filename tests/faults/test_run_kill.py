"""kill -9 at every point of a run, then another process: it goes on where it was, and nothing is done twice."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from incidents.core.run import RunStatus
from incidents.core.step import Method, Request
from tests.fakes.works import Works
from tests.faults.household import KILLED
from tests.flow.house import TO_NOON, House, open_house
from tests.flow.shop import Shop
from tests.make import hours
from tests.make_runs import MLFLOW, a_flag, a_step

LEASE_OVER = 3_600.0
BROKEN = Request(connection="mlflow", method=Method.POST, path=MLFLOW, body={})  # the target refuses it
FORTH = ["alias 1", "feature off"]
BACK = ["feature on", "alias 2"]
REQUESTS = 5  # three steps forth, two back
POINTS = ["run.claimed:1", *(f"{at}:{n}" for n in range(1, REQUESTS + 1) for at in ("run.doing", "run.sent"))]
POINTS += [f"run.saved:{n}" for n in range(1, REQUESTS + 1)]
URLS = [*((point, "sqlite") for point in POINTS), *((f"{at}:2", "postgresql") for at in ("run.doing", "run.sent"))]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"


async def carried(url: str, ledger: Path, *, offset: float = 0.0, fault: str = "") -> int:
    """What the process that carries the runs ended with."""
    said = (url, str(ledger), str(TO_NOON.total_seconds() + offset), fault)
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.faults.run_child", *said)
    return await child.wait()


def received(ledger: Path) -> Counter[str]:
    """How often the target was sent each Idempotency-Key."""
    return Counter(ledger.with_suffix(".received").read_text().split())


def done(ledger: Path) -> list[str]:
    return Works(ledger=ledger).done


@pytest.mark.parametrize(
    ("point", "kind"),
    [pytest.param(*each, marks=[pytest.mark.postgres] if each[1] == "postgresql" else []) for each in URLS],
)
async def test_a_run_that_is_killed_goes_on_where_it_was(
    request: pytest.FixtureRequest, tmp_path: Path, point: str, kind: str
) -> None:
    url = request.getfixturevalue("postgres_url" if kind == "postgresql" else "url")
    ledger, house = tmp_path / "ledger.jsonl", await open_house(url)
    shop = Shop(house)
    await shop.begin(a_step(idempotent=True), a_flag(idempotent=True), a_step("broken", request=BROKEN))

    if point.endswith(":3") and "saved" not in point:
        await _refused_in_the_dark(house, shop, ledger, url, point)
        return
    assert await carried(url, ledger, fault=point) == KILLED
    assert await carried(url, ledger, offset=LEASE_OVER) == 0

    assert done(ledger) == [*FORTH, *BACK]
    again = [key for key, times in received(ledger).items() if times > 1]
    assert len(again) == (1 if "sent" in point else 0)
    assert (await shop.now()).status is RunStatus.UNDONE
    await house.database.close()


async def _refused_in_the_dark(house: House, shop: Shop, ledger: Path, url: str, point: str) -> None:
    """The third step must not be sent twice, so a person is asked; they say that it was not done."""
    assert await carried(url, ledger, fault=point) == KILLED
    assert await carried(url, ledger, offset=LEASE_OVER) == 0
    assert await shop.states() == ["done", "done", "unknown"]
    house.store.shift(hours(1))
    await shop.change(await shop.now(), "broken", "failed")
    assert await carried(url, ledger, offset=2 * LEASE_OVER) == 0

    assert done(ledger) == [*FORTH, *BACK]
    assert received(ledger)["RUN-1:broken:1"] == (1 if "sent" in point else 0)
    assert (await shop.now()).status is RunStatus.UNDONE
    await house.database.close()


@pytest.mark.parametrize("point", ["run.doing:2", "run.sent:2", "run.saved:2"])
async def test_what_must_not_be_sent_twice_is_asked_of_a_person(tmp_path: Path, url: str, point: str) -> None:
    ledger, house = tmp_path / "ledger.jsonl", await open_house(url)
    shop = Shop(house)
    await shop.begin(a_step(), a_flag(), a_step("third"))

    assert await carried(url, ledger, fault=point) == KILLED
    assert await carried(url, ledger, offset=LEASE_OVER) == 0
    if point != "run.saved:2":
        assert await shop.states() == ["done", "unknown", "pending"]
        was_done = done(ledger) == FORTH
        assert was_done == (point == "run.sent:2")
        house.store.shift(hours(1))
        await shop.change(await shop.now(), "flag", "done" if was_done else "retry")
        assert await carried(url, ledger, offset=2 * LEASE_OVER) == 0

    assert done(ledger) == ["alias 1", "feature off", "alias 1"]
    assert set(received(ledger).values()) == {1}
    assert (await shop.now()).status is RunStatus.SUCCEEDED
    await house.database.close()
