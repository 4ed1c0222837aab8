"""Messages that could not be read are listed, looked at, sent again and put away."""

import asyncio

import pytest
from pydantic import SecretStr

from incidents.app.settings import Settings
from incidents.app.wiring import build
from incidents.core.delivery import Origin
from tests.app.desk import Desk
from tests.make_events import delivered, published


async def _deliver(*bodies: object) -> None:
    parts = await build(Settings(api_token=SecretStr("unused")))
    working = asyncio.create_task(parts.intake.run())
    for body in bodies:
        await parts.intake.submit(delivered(body, origin=Origin.RABBITMQ, position="incidents.intake"))
    parts.intake.stop()
    await working
    await parts.close()


@pytest.fixture
def with_letters(kept: Desk) -> Desk:
    bad = published(data={"system": "search", "metric": "psi\x1b[31m", "value": "much", "threshold": 1})
    asyncio.run(_deliver(bad, b'{"not json'))
    return kept


def test_no_dead_letters_is_said_so(kept: Desk) -> None:
    assert kept.type("dead-letters", "list").out == "No dead letters.\n"


def test_each_dead_letter_says_what_is_wrong_with_it(with_letters: Desk) -> None:
    listed = with_letters.type("dead-letters", "list").out
    assert len(listed.splitlines()) == 2
    assert "rabbitmq" in listed
    shown = with_letters.type("dead-letters", "show", "1").out
    assert "much" in shown
    assert "\x1b" not in shown


def test_what_still_cannot_be_read_is_refused_again(with_letters: Desk) -> None:
    again = with_letters.type("dead-letters", "replay", "1")
    assert again.code == 1
    assert "it still cannot be read" in again.err
    assert with_letters.type("dead-letters", "replay", "99").code == 1


def test_a_discarded_letter_is_listed_no_more(with_letters: Desk) -> None:
    assert (
        with_letters.type("dead-letters", "discard", "1", "--reason", "a test").out == "Dead letter 1 is discarded.\n"
    )
    assert with_letters.type("dead-letters", "discard", "1").code == 1
    left = with_letters.type("dead-letters", "list", "--json").json["items"]
    assert [letter["id"] for letter in left] == ["2"]
    gone = with_letters.type("dead-letters", "list", "--state", "discarded").out
    assert "[discarded by admin]" in gone
