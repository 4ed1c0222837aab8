"""Runs by Slack, over the real desk and store: asked for by one button, approved by another person's, once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from incidents.adapters.slack import SlackApi, SlackCarrier
from incidents.core.errors import NotAllowed
from incidents.core.fact import FactKind
from incidents.core.plan import Plan
from incidents.core.run import Run, RunStatus
from incidents.flow.deliver import Courier
from incidents.flow.ports import PlanRequest, Turn
from tests.adapters.slack.parts import SECRET
from tests.adapters.slack.room import WEB, Room, Shelf, an_entrance
from tests.fakes.clicks import Clicks
from tests.fakes.mrkdwn import reach_of_message
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_workspace import User
from tests.flow.house import House, Settled, harm, open_house
from tests.make import a_catalog, by

PRIYA, LEE, OMAR = "U0PRIYA", "U0LEE", "U0OMAR"
WANTED = "INC-1 rollback-mlflow-alias"
WARNING = "Was the authority informed? <!channel>"


class Deciding(Settled):
    """Plans, or says why not; and can be kept waiting for its targets."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: NotAllowed | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def plan(self, wanted: PlanRequest) -> Plan:
        await self.answers.wait()
        if self.trouble is not None:
            raise self.trouble
        return await super().plan(wanted)


@dataclass
class Town:
    """A house, the Slack that its people look at, and their fingers."""

    house: House
    planner: Deciding
    slack: FakeSlack
    clicks: Clicks
    courier: Courier

    async def press(self, user: str, action: str, value: str, **more: str) -> list[str]:
        """Press a button; what its person was told, and nobody else."""
        before = len(self.slack.replies())
        answer = await self.clicks.click(user, action, value, response_url=self.slack.hook, **more)
        assert (answer.status_code, answer.content) == (200, b"")
        return self.slack.replies()[before:]

    async def carried(self) -> None:
        while await self.courier.round():
            pass

    async def asked(self) -> Run:
        """Priya asks for a rollback by the button, and everybody has the message."""
        await self.press(PRIYA, "propose", WANTED)
        await self.carried()
        return await self.run()

    async def run(self) -> Run:
        return await self.house.shelf.run("RUN-1")

    def buttons_of(self, user: str) -> list[str]:
        """What `user` can press on the message that asks for their approval."""
        [message] = [one for one in self.messages_of(user) if "approve RUN-1" in one["text"]]
        blocks = [block for block in message["blocks"] if block["type"] == "actions"]
        return [button["action_id"] for block in blocks for button in block["elements"]]

    def messages_of(self, user: str) -> list[dict[str, Any]]:
        channels = self.slack.workspace.channels.values()
        return [message for channel in channels if channel.user == user for message in channel.messages]


@pytest.fixture
async def town(tmp_path: Any, fake: FakeSlack, api: SlackApi, carrier: SlackCarrier) -> AsyncIterator[Town]:  # noqa: ANN401
    catalog, planner = a_catalog(), Deciding()
    for person in catalog.people.values():
        fake.workspace.add(User(id=person.slack or "", name=person.id))
    house = await open_house(f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}", planner=planner)
    house.estate = replace(house.estate, public_url=WEB)
    await house.publish(harm())
    entrance = an_entrance(api, Room(), Shelf(), runs=house.runs, run_reader=house.shelf, catalog=catalog)
    async with entrance as client:
        courier = Courier(house.store, lambda: house.estate, carrier, house.shelf)
        yield Town(house, planner, fake, Clicks(client, SECRET), courier)
    await house.database.close()


async def test_one_button_asks_for_a_run_and_its_person_hears_what_follows(town: Town) -> None:
    told = await town.press(PRIYA, "propose", WANTED)
    assert told == [f"RUN-1, Move the serving alias back: another person must approve it. {WEB}/runs/RUN-1"]
    run = await town.run()
    assert (run.status, run.requested_by) == (RunStatus.PROPOSED, by("priya"))
    await town.clicks.again()  # Slack sends a click again that it believes lost
    assert len(await town.house.found("select number from runs")) == 1


async def test_slack_is_answered_before_any_target_is_asked(town: Town) -> None:
    town.planner.answers.clear()
    sent = asyncio.Event()
    app = town.clicks.doors._transport.app  # type: ignore[attr-defined]  # noqa: SLF001  (the transport waits for all)

    async def watched(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  (as ASGI has them)
        async def told(event: Any) -> None:  # noqa: ANN401
            await send(event)
            if event["type"] == "http.response.body":
                sent.set()

        await app(scope, receive, told)

    town.clicks.doors._transport.app = watched  # type: ignore[attr-defined]  # noqa: SLF001
    pressing = asyncio.create_task(town.press(PRIYA, "propose", WANTED))
    async with asyncio.timeout(60):
        await sent.wait()
    assert not pressing.done()
    assert town.slack.replies() == []
    town.planner.answers.set()
    assert (await pressing)[0].startswith("RUN-1, ")


@pytest.mark.parametrize("code", ["warning", "parameter"])
async def test_what_a_button_cannot_answer_is_done_on_the_page(town: Town, code: str) -> None:
    town.planner.trouble = NotAllowed(code, "say which version <!channel>")
    assert await town.press(PRIYA, "propose", WANTED) == [
        f"INC-1: say which version &lt;!channel&gt;; do it on the page {WEB}/incidents/INC-1."
    ]


async def test_why_no_run_can_be_asked_for_is_told_to_whoever_clicked(town: Town) -> None:
    town.planner.trouble = NotAllowed("target", "mlflow was asked what is there now: answered 503")
    assert await town.press(PRIYA, "propose", WANTED) == ["INC-1: mlflow was asked what is there now: answered 503."]
    town.planner.trouble = None
    assert "another person" not in (await town.press("U0STRANGER", "propose", WANTED))[0]
    assert await town.house.found("select number from runs") == []


async def test_each_person_who_may_approve_has_the_buttons_and_whoever_asked_has_not(town: Town) -> None:
    await town.asked()
    assert town.buttons_of(LEE) == town.buttons_of(OMAR) == ["approve", "reject", "open"]
    assert not [one for one in town.messages_of(PRIYA) if "approve RUN-1" in one["text"]]


async def test_another_person_approves_by_one_click_and_the_messages_ask_no_more(town: Town) -> None:
    run = await town.asked()
    assert await town.press(LEE, "approve", f"RUN-1 {run.hash}") == []
    assert ((await town.run()).status, (await town.run()).approvals[0].by) == (RunStatus.RUNNING, "lee")
    await town.carried()
    assert town.buttons_of(LEE) == town.buttons_of(OMAR) == ["open"]
    await town.house.is_well()


async def test_whoever_asked_is_refused_alone_and_hears_why(town: Town) -> None:
    run = await town.asked()
    [told] = await town.press(PRIYA, "approve", f"RUN-1 {run.hash}")
    assert told.startswith("RUN-1: ")
    assert (await town.run()).status is RunStatus.PROPOSED
    [fact] = [fact for fact in await town.house.timeline() if fact.kind is FactKind.RUN_REFUSED]
    assert fact.data["code"] == "same_person"
    (reply,) = town.slack.ledger.calls("response_url")[-1:]
    assert reply["said"]["response_type"] == "ephemeral"


async def test_fifty_clicks_of_one_person_and_two_of_others_are_one_approval(town: Town) -> None:
    run = await town.asked()
    value = f"RUN-1 {run.hash}"
    await town.press(LEE, "approve", value)
    await asyncio.gather(*(town.clicks.again() for _ in range(20)))
    [late] = await town.press(OMAR, "approve", value)
    assert late.startswith("RUN-1: ")
    assert [each.by for each in (await town.run()).approvals] == ["lee"]


async def test_a_plan_that_is_another_by_now_is_not_approved(town: Town) -> None:
    await town.asked()
    assert len(await town.press(LEE, "approve", f"RUN-1 {'0' * 64}")) == 1
    assert (await town.run()).status is RunStatus.PROPOSED


async def test_a_stranger_to_the_catalog_approves_nothing(town: Town) -> None:
    run = await town.asked()
    assert len(await town.press("U0STRANGER", "approve", f"RUN-1 {run.hash}")) == 1
    assert (await town.run()).status is RunStatus.PROPOSED


async def test_a_run_is_rejected_by_one_click(town: Town) -> None:
    run = await town.asked()
    assert await town.press(LEE, "reject", f"RUN-1 {run.hash}") == []
    assert (await town.run()).status is RunStatus.REJECTED
    await town.carried()
    assert town.buttons_of(LEE) == ["open"]


async def test_a_warning_is_answered_in_a_form_before_anything_is_approved(town: Town) -> None:
    run = await town.asked()
    warned = replace(run, plan=replace(run.plan, warning=WARNING))
    await _kept(town.house, warned)
    value = f"RUN-1 {warned.hash}"
    trigger = town.slack.workspace.new_trigger()
    assert await town.press(LEE, "approve_warned", value, trigger=trigger) == []
    (view,) = town.slack.workspace.views
    assert WARNING in view["blocks"][0]["text"]["text"]
    assert reach_of_message({"text": "", "blocks": view["blocks"][:1], "parse": "none"}).mentions == ()

    unticked = await town.clicks.submit(LEE, view)
    assert list(unticked.json()["errors"]) == ["warned"]
    assert (await town.run()).status is RunStatus.PROPOSED
    assert (await town.clicks.submit(LEE, view, warned="warned")).content == b""
    assert ((await town.run()).status, (await town.run()).approvals[0].by) == (RunStatus.RUNNING, "lee")


async def test_the_form_tells_whoever_asked_why_they_may_not(town: Town) -> None:
    run = await town.asked()
    await _kept(town.house, replace(run, plan=replace(run.plan, warning=WARNING)))
    trigger = town.slack.workspace.new_trigger()
    await town.press(PRIYA, "approve_warned", f"RUN-1 {(await town.run()).hash}", trigger=trigger)
    (view,) = town.slack.workspace.views
    refused = await town.clicks.submit(PRIYA, view, warned="warned")
    assert refused.json()["errors"]["warned"].startswith("RUN-1: ")
    assert (await town.run()).status is RunStatus.PROPOSED


@pytest.mark.parametrize("action", ["propose", "approve", "approve_warned", "reject"])
@pytest.mark.parametrize("value", ["", "RUN-1", "INC-1", "RUN-1 nothash", "RUN-x " + "a" * 64, "a b c"])
async def test_a_click_that_names_no_run_does_nothing(town: Town, action: str, value: str) -> None:
    assert (await town.clicks.click(LEE, action, value)).status_code == 400
    assert await town.house.found("select number from runs") == []


async def _kept(house: House, run: Run) -> None:
    async with house.store.unit(Turn.PEOPLE) as unit:
        await unit.runs.save(run)
