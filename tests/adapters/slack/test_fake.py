"""The fake in a process of its own: what it took is on disk when everything else is gone."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from incidents.adapters.slack import SlackApi, SlackCarrier
from incidents.flow.ports import Sent, Unknown
from tests.adapters.slack.parts import a_message, asked_about
from tests.fakes.slack import CHANNEL, TOKEN, Ledger
from tests.rig.child import Child, answers, free_ports

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[tuple[Child, str, Ledger]]:
    """A fake Slack, its Web API URL and its ledger."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    (port,) = free_ports(1)
    child = Child("fake-slack")
    command = (sys.executable, "-m", "tests.fakes.slack", "--port", str(port), "--ledger", str(ledger.path))
    home = Path(__file__).parents[2]
    child.start(*command, env={"PYTHONPATH": str(home)}, ready=lambda: answers(port))
    yield child, f"http://127.0.0.1:{port}/api/", ledger
    child.remove()


async def test_the_ledger_outlives_both_ends(alone: tuple[Child, str, Ledger]) -> None:
    child, url, ledger = alone
    carrier = SlackCarrier(SlackApi(TOKEN, url))
    message = a_message()
    async with httpx.AsyncClient() as control:
        script = {"method": "chat.postMessage", "endings": ["store_then_reset"]}
        (await control.post(url.replace("/api/", "/_control/script"), json=script)).raise_for_status()

    assert isinstance(await carrier.carry(message), Unknown)
    assert isinstance(await carrier.find(asked_about(message)), Sent)
    await carrier.close()
    child.kill9()

    assert len(ledger.posts(message.key)) == 1


@pytest.mark.parametrize(
    ("method", "said", "code"),
    [
        ("chat.postMessage", {"channel": CHANNEL}, "no_text"),
        ("chat.postMessage", {"channel": CHANNEL, "text": 7}, "invalid_arguments"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "thread": "1.1"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "thread_ts": "1.1"}, "thread_not_found"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "blocks": [{"type": "image"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "blocks": "[]"}, "invalid_blocks"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "metadata": {"key": "k"}}, "invalid_metadata_format"),
        ("chat.postMessage", {"channel": "C0NOWHERE00", "text": "x"}, "channel_not_found"),
        ("chat.update", {"channel": CHANNEL, "text": "x", "ts": "1.1"}, "message_not_found"),
        ("conversations.history", {"channel": CHANNEL}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1.2.x", "view": {}}, "invalid_trigger_id"),
        ("chat.unfurl", {}, "unknown_method"),
    ],
)
async def test_it_refuses_what_slack_would(
    alone: tuple[Child, str, Ledger], method: str, said: dict[str, object], code: str
) -> None:
    _, url, ledger = alone
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}{method}", json=said, headers=AUTHORIZED)
        unknown = await client.post(f"{url}{method}", json=said)

    assert answer.json()["error"] == code
    assert unknown.json()["error"] == "not_authed"
    assert not any(entry["stored"] for entry in ledger.entries())
