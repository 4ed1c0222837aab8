"""A fake Slack, what carries to it, and the doors it calls."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from incidents.adapters.slack import SlackApi, SlackCarrier
from tests.adapters.slack.parts import SECRET, a_carrier
from tests.adapters.slack.room import Room, Shelf, an_entrance
from tests.fakes.clicks import Clicks
from tests.fakes.slack import TOKEN, FakeSlack


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(tmp_path / "slack.jsonl").running() as slack:
        yield slack


@pytest.fixture
async def carrier(fake: FakeSlack) -> AsyncIterator[SlackCarrier]:
    carrier = a_carrier(fake)
    yield carrier
    await carrier.close()


@pytest.fixture
async def restarted(fake: FakeSlack) -> AsyncIterator[SlackCarrier]:
    """The carrier of a new process, which remembers nothing."""
    carrier = a_carrier(fake)
    yield carrier
    await carrier.close()


@pytest.fixture
async def api(fake: FakeSlack) -> AsyncIterator[SlackApi]:
    api = SlackApi(TOKEN, fake.url)
    yield api
    await api.close()


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def clicks(api: SlackApi, room: Room, shelf: Shelf) -> AsyncIterator[Clicks]:
    async with an_entrance(api, room, shelf) as client:
        yield Clicks(client, SECRET)
