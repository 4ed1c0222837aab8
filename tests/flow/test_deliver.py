"""Effects out: sent once, fallen back on, asked about, marked where a repeat is possible, and told on the timeline."""

import asyncio
from datetime import timedelta

import pytest

from incidents.core.effect import Channel, EffectKind
from incidents.core.errors import Stale, StoreAway
from incidents.core.fact import FactKind
from incidents.core.incident import Action
from incidents.core.run import Run
from incidents.flow import deliver
from incidents.flow.ports import (
    MessageRef,
    NotSent,
    NotThere,
    PlanRequest,
    Refused,
    RunRequest,
    Sent,
    Turn,
    Unknown,
    Word,
)
from tests.adapters.store.kept import an_effect
from tests.fakes.works import Works
from tests.flow.house import House, Postman, harm
from tests.flow.shop import Shop
from tests.make import by, minutes
from tests.make_runs import a_manual, a_step

LEASE = deliver.LEASE + timedelta(seconds=1)
PAGE = "page:INC-1:1:0:priya"
HERE = Sent(MessageRef(channel="C1", ts="9.9"))


@pytest.fixture
async def slack(house: House) -> Postman:
    """Somebody is harmed; the card and the first page wait to be carried."""
    await house.publish(harm())
    assert list(await house.effects()) == ["card:INC-1", PAGE]
    return Postman()


async def test_a_page_is_sent_once_and_told_on_the_timeline(house: House, slack: Postman) -> None:
    await house.carry(slack)
    await house.carry(slack)
    assert slack.keys.count(PAGE) == 1
    [page] = [message for message in slack.carried if message.key == PAGE]
    assert page.person is not None
    assert (page.person.id, page.incident, page.possible_repeat) == ("priya", "INC-1", False)
    assert page.about.incident == "INC-1"
    assert len(await house.said(FactKind.PAGED)) == 1
    await house.is_well()


async def test_the_card_is_posted_in_the_systems_channel_and_a_refresh_knows_every_message(
    house: House, slack: Postman
) -> None:
    await house.carry(slack)
    await house.act(Action.NOTE, note="Looked")
    await house.carry(slack)
    cards = [message for message in slack.carried if message.key == "card:INC-1"]
    assert [card.place for card in cards] == ["#ai-incidents"]
    refreshes = [message for message in slack.carried if message.key.startswith("refresh:")]
    assert {ref.ts for ref in refreshes[-1].refs} == {"1.0", "2.0"}


async def test_a_post_stands_under_its_card(house: House, slack: Postman) -> None:
    await house.publish(harm("second", category="another"))
    await house.carry(slack)
    [post] = [message for message in slack.carried if message.key.startswith("post:")]
    card = next(n for n, message in enumerate(slack.carried) if message.key == "card:INC-1")
    assert post.thread is not None
    assert post.thread.ts == f"{card + 1}.0"
    assert post.text


async def test_whoever_is_not_there_is_skipped_and_the_next_one_asked_at_once(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [Refused("is deactivated in Slack", absent=True)]
    await house.carry(slack)
    assert slack.pages()[:2] == ["priya", "omar"]
    [failed] = await house.said(FactKind.PAGE_FAILED)
    assert failed == "Priya could not be paged: is deactivated in Slack"
    assert await house.said(FactKind.TARGET_SKIPPED)
    assert not [key for key in await house.effects() if key.startswith("fallback:")]
    async with house.store.unit(1) as unit:
        assert await unit.board.unreachable() == {"priya": "is deactivated in Slack"}
    await house.is_well()


async def test_whoever_is_reached_again_is_no_longer_skipped(house: House, slack: Postman) -> None:
    async with house.store.unit(1) as unit:
        await unit.outbox.skip("priya", "was away", unit.now + minutes(60))
    await house.carry(slack)
    async with house.store.unit(1) as unit:
        assert await unit.board.unreachable() == {}


async def test_a_channel_that_refuses_is_fallen_back_on_at_once(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [Refused("channel_not_found")]
    webhook = Postman(Channel.WEBHOOK)
    await house.carry(slack, webhook)
    assert webhook.keys == [f"fallback:{PAGE}"]
    assert [message.person.id for message in webhook.carried if message.person] == ["priya"]
    [used] = await house.said(FactKind.FALLBACK_USED)
    assert used == "Fallback notifier used for Priya: slack refused the page: channel_not_found"
    await house.is_well()


async def test_what_was_surely_not_sent_is_tried_again_ever_more_patiently(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [NotSent("no connection")] * 3
    waits = []
    for _ in range(3):
        await house.carry(slack)
        [row] = await house.found("select due_at, state, why from effects where key = :key", key=PAGE)
        assert (row.state, row.why) == ("due", "no connection")
        waits.append(row.due_at)
        house.store.shift(timedelta(seconds=6))
    await house.carry(slack)
    assert (await house.effects())[PAGE] == "sent"
    assert slack.asked == [], "nothing was to be asked about"
    assert waits == sorted(waits)


async def test_slacks_own_patience_is_kept(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [NotSent("ratelimited", after=timedelta(seconds=30))]
    await house.carry(slack)
    house.store.shift(timedelta(seconds=28))
    await house.carry(slack)
    assert slack.keys.count(PAGE) == 1
    house.store.shift(timedelta(seconds=3))
    await house.carry(slack)
    assert slack.keys.count(PAGE) == 2


async def test_what_may_have_arrived_is_looked_for_and_found(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [Unknown("no answer")]
    slack.findings[PAGE] = [HERE]
    await house.carry(slack)
    assert (await house.effects())[PAGE] == "unknown"
    house.store.shift(timedelta(seconds=2))
    await house.carry(slack)
    assert slack.keys.count(PAGE) == 1, "never sent again blindly"
    assert (await house.effects())[PAGE] == "sent"
    [row] = await house.found("select ref_ts, possible_repeat from effects where key = :key", key=PAGE)
    assert (row.ref_ts, bool(row.possible_repeat)) == ("9.9", False)
    assert len(await house.said(FactKind.PAGED)) == 1
    await house.is_well()


async def test_what_is_surely_not_there_is_sent_again_unmarked(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [Unknown("no answer")]
    slack.findings[PAGE] = [NotThere(), NotThere()]
    for _ in range(4):
        await house.carry(slack)
        house.store.shift(timedelta(seconds=3))
    assert slack.keys.count(PAGE) == 2
    assert not [message for message in slack.carried if message.possible_repeat]


async def test_what_was_sent_just_now_may_not_be_found_yet(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [Unknown("no answer")]
    slack.findings[PAGE] = [NotThere()]
    await house.carry(slack)
    house.store.shift(timedelta(seconds=1, milliseconds=100))
    await house.carry(slack)
    assert len(slack.asked) == 1
    assert slack.keys.count(PAGE) == 1


async def test_after_a_minute_of_doubt_it_is_sent_once_more_and_says_so(house: House, slack: Postman) -> None:
    """A possible second page rather than a possible silence, and never a third."""
    slack.answers[PAGE] = [Unknown("no answer"), Unknown("no answer")]
    slack.findings[PAGE] = [Unknown("cannot say")] * 50
    webhook = Postman(Channel.WEBHOOK)
    for _ in range(80):
        await house.carry(slack)
        house.store.shift(timedelta(seconds=3))
    pages = [message for message in slack.carried if message.key == PAGE]
    assert [page.possible_repeat for page in pages] == [False, True]
    assert (await house.effects())[PAGE] == "refused"
    await house.carry(webhook)
    assert webhook.keys == [f"fallback:{PAGE}"]


async def test_a_repeat_that_arrived_is_told_as_one(house: House, slack: Postman) -> None:
    slack.answers[PAGE] = [Unknown("no answer")]
    slack.findings[PAGE] = [Unknown("cannot say")] * 50
    for _ in range(30):
        await house.carry(slack)
        house.store.shift(timedelta(seconds=3))
    [told] = [text for text in await house.said(FactKind.PAGED) if "Priya" in text]
    assert told.endswith("(may be a repeat)")


async def test_a_carrier_that_breaks_leaves_the_fate_unknown_and_the_others_carried(
    house: House, slack: Postman
) -> None:
    slack.answers[PAGE] = [RuntimeError("a library of somebody else's")]
    await house.carry(slack)
    effects = await house.effects()
    assert (effects[PAGE], effects["card:INC-1"]) == ("unknown", "sent")


async def test_nothing_is_begun_under_a_lease_that_is_too_old(
    house: House, slack: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another courier might take it over while it is on its way."""
    monkeypatch.setattr(deliver, "_SEND_WITHIN", -1.0)
    assert await house.courier(slack).round() == 2
    assert slack.carried == []
    assert set((await house.effects()).values()) == {"leased"}
    monkeypatch.undo()
    house.store.shift(LEASE)
    await house.carry(slack)
    house.store.shift(LEASE)
    await house.carry(slack)
    assert slack.keys.count(PAGE) == 1
    assert PAGE in [message.key for message in slack.asked], "it is looked for first, since nobody knows"


async def test_a_courier_that_died_between_sending_and_saving_sends_nothing_twice(house: House, slack: Postman) -> None:
    house.store.fails = []
    courier = house.courier(slack)
    saving = courier._settle  # noqa: SLF001  (the process ends here)

    async def dies(_: object) -> None:
        raise StoreAway("the process ended")

    courier._settle = dies  # type: ignore[method-assign,assignment]  # noqa: SLF001
    with pytest.raises(StoreAway):
        await courier.round()
    courier._settle = saving  # type: ignore[method-assign]  # noqa: SLF001
    slack.findings[PAGE] = [HERE]
    slack.findings["card:"] = [Sent(MessageRef(channel="C1", ts="8.8"))]
    house.store.shift(LEASE)
    await house.carry(slack)
    assert (slack.keys.count(PAGE), slack.keys.count("card:INC-1")) == (1, 1)
    assert len(await house.said(FactKind.PAGED)) == 1
    await house.is_well()


async def test_a_race_lost_while_saving_loses_no_answer(house: House, slack: Postman) -> None:
    courier, real = house.courier(slack), house.store.unit
    house.store.fails = []
    began = 0

    def unit(turn: object) -> object:
        nonlocal began
        began += 1
        if began == 2:
            house.store.fails = [Stale("somebody acted")]
        return real(turn)

    house.store.unit = unit  # type: ignore[method-assign,assignment]
    await courier.round()
    assert began == 3
    assert (await house.effects())[PAGE] == "sent"


async def test_an_acknowledgement_before_the_claim_means_no_page(house: House, slack: Postman) -> None:
    await house.act(Action.ACKNOWLEDGE)
    await house.carry(slack)
    assert slack.pages() == []
    assert (await house.effects())[PAGE] == "cancelled"
    await house.is_well()


async def test_an_incident_that_cannot_be_described_holds_up_no_page_of_another(house: House, slack: Postman) -> None:
    await house.publish(harm("other", "rag-assistant"))
    real = house.shelf.briefings

    async def failing(wanted: list[str]) -> object:
        if "INC-1" in wanted:
            raise ValueError("a name that nobody foresaw")
        return await real(wanted)

    house.shelf.briefings = failing  # type: ignore[method-assign,assignment]
    await house.carry(slack)
    assert {message.incident for message in slack.carried} == {"INC-2"}
    house.shelf.briefings = real  # type: ignore[method-assign]
    house.store.shift(timedelta(seconds=2))
    await house.carry(slack)
    assert PAGE in slack.keys


async def test_a_courier_runs_until_stopped_and_looks_at_once_when_woken(house: House, slack: Postman) -> None:
    courier = house.courier(slack)
    running = asyncio.create_task(courier.run())
    async with asyncio.timeout(60):
        while PAGE not in slack.keys:
            courier.wake()
            await house.effects()
    courier.stop()
    async with asyncio.timeout(60):
        await running


async def test_a_courier_outlives_a_database_that_is_away(house: House, slack: Postman) -> None:
    house.store.away = True
    courier = house.courier(slack)
    running, tries = asyncio.create_task(courier.run()), house.store.tries
    async with asyncio.timeout(60):
        while house.store.tries < tries + 2:
            courier.wake()
            await house.effects()
        house.store.away = False
        while PAGE not in slack.keys:
            courier.wake()
            await house.effects()
        courier.stop()
        await running


async def a_notice(house: House, person: str = "priya") -> None:
    data = {"title": "Handover of an AI system", "text": "To you. Bot", "path": "/catalog?revision=1"}
    async with house.store.unit(Turn.PEOPLE) as unit:
        await unit.board.enqueue([an_effect(EffectKind.NOTICE, None, key=f"notice:1:{person}", data=data)])


async def test_a_notice_is_told_to_its_person_once_beside_the_pages(house: House, slack: Postman) -> None:
    await a_notice(house)
    await house.carry(slack)
    await house.carry(slack)
    [notice] = [message for message in slack.carried if message.kind is EffectKind.NOTICE]
    assert notice.person is not None
    assert (notice.person.id, notice.incident, notice.title) == ("priya", None, "Handover of an AI system")
    assert (notice.text, notice.url) == ("To you. Bot", f"{house.estate.public_url}/catalog?revision=1")
    assert (await house.effects())["notice:1:priya"] == "sent"
    await house.is_well()


async def test_a_notice_of_unknown_fate_is_looked_for_and_one_that_is_refused_holds_nothing_up(
    house: House, slack: Postman
) -> None:
    await a_notice(house, "priya")
    await a_notice(house, "dana")
    slack.answers = {"notice:1:priya": [Unknown("no answer")], "notice:1:dana": [Refused("is gone", absent=True)]}
    slack.findings = {"notice:1:priya": [Sent(MessageRef(channel="D1", ts="1.0"))]}
    await house.carry(slack)
    house.store.shift(minutes(1))
    await house.carry(slack)
    effects = await house.effects()
    assert (effects["notice:1:priya"], effects["notice:1:dana"], effects[PAGE]) == ("sent", "refused", "sent")
    assert slack.keys.count("notice:1:priya") == 1


# --- whoever may approve a run is asked ------------------------------------------------------------------------------


async def proposal(house: House) -> Run:
    await house.publish(harm())
    wanted = PlanRequest(incident="INC-1", runbook="rollback-mlflow-alias")
    return await house.runs.request(RunRequest(wanted=wanted, by=by("priya"), note="It began with version 2"))


async def test_each_person_who_may_approve_is_sent_the_plan_with_all_that_it_says(house: House) -> None:
    run, postman = await proposal(house), Postman()
    await house.carry(postman)
    sent = [message for message in postman.carried if message.kind is EffectKind.APPROVAL]
    assert sorted(message.person.id for message in sent if message.person) == ["dana", "gita", "kim", "lee", "omar"]
    assert {message.data["plan"] for message in sent} == {run.hash}
    assert sent[0].url == "http://127.0.0.1:8080/runs/RUN-1"
    assert sent[0].text == "1. Step move (POST mlflow; can be taken back)"
    assert sent[0].about.incident == "INC-1"


async def test_a_refresh_brings_what_was_decided_to_everybody_who_was_asked_and_nothing_before(house: House) -> None:
    run, postman = await proposal(house), Postman()
    await house.carry(postman)
    await house.act(Action.NOTE, note="Looking")
    await house.carry(postman)
    assert not [ref for message in postman.carried for ref in message.refs if ref.approval]
    await house.runs.reject(Word(run=run.id, by=by("lee"), plan=run.hash))
    await house.carry(postman)
    refs = [ref for ref in postman.carried[-1].refs if ref.approval]
    assert len(refs) == 5
    assert {(ref.ended, ref.url) for ref in refs} == {("rejected", "http://127.0.0.1:8080/runs/RUN-1")}
    house.store.shift(timedelta(hours=2))
    await house.act(Action.NOTE, note="Long after")
    await house.carry(postman)
    assert not [ref for ref in postman.carried[-1].refs if ref.approval]


async def test_nobody_is_asked_to_approve_what_was_decided_while_the_channel_was_away(house: House) -> None:
    run, postman = await proposal(house), Postman()
    postman.answers = {f"approval:RUN-1:{who}": [NotSent("Slack is away")] for who in ("dana", "gita", "kim", "omar")}
    await house.carry(postman)
    await house.runs.approve(Word(run=run.id, by=by("lee"), plan=run.hash))
    house.store.shift(minutes(1))
    await house.carry(postman)

    effects = await house.effects()
    assert effects["approval:RUN-1:lee"] == "sent"
    assert {effects[f"approval:RUN-1:{who}"] for who in ("dana", "gita", "kim", "omar")} == {"cancelled"}
    assert [key for key in postman.keys if key.startswith("approval:RUN-1:dana")] == ["approval:RUN-1:dana"]
    await house.is_well()


async def test_the_fallback_of_an_approval_is_cancelled_too(house: House) -> None:
    postman, fallback = Postman(), Postman(Channel.WEBHOOK)
    postman.answers["approval:RUN-1:lee"] = [Refused("a rule of the workspace forbids it")]
    run = await proposal(house)
    await house.carry(postman)
    await house.runs.reject(Word(run=run.id, by=by("dana"), plan=run.hash))
    await house.carry(fallback)

    assert (await house.effects())["fallback:approval:RUN-1:lee"] == "cancelled"
    assert not [message for message in fallback.carried if "approval" in message.key]


async def test_nobody_is_told_that_a_step_waits_for_them_once_it_was_answered(house: House) -> None:
    shop, postman = Shop(house, Works("cut")), Postman()
    await shop.begin(a_step(), a_manual())
    await shop.work()
    unknown = [key for key in await house.effects() if key.startswith("notice:RUN-1:move:")]
    assert unknown
    await shop.change(await shop.now(), "move", "done")
    await shop.work()
    await house.carry(postman)

    effects = await house.effects()
    assert {effects[key] for key in unknown} == {"cancelled"}
    assert {state for key, state in effects.items() if key.startswith("notice:RUN-1:retrain:")} == {"sent"}


async def test_an_approval_that_slack_refuses_is_told_and_goes_out_by_the_fallback(house: House) -> None:
    postman, fallback = Postman(), Postman(Channel.WEBHOOK)
    postman.answers["approval:RUN-1:lee"] = [Refused("a rule of the workspace forbids it")]
    await proposal(house)
    await house.carry(postman, fallback)
    [told] = await house.said(FactKind.PAGE_FAILED)
    assert told == "Lee could not be asked to approve RUN-1: a rule of the workspace forbids it"
    [stand_in] = [message for message in fallback.carried if "approval" in message.key]
    assert stand_in.text == (
        "Priya asks you to approve RUN-1: Move the serving alias back: http://127.0.0.1:8080/runs/RUN-1"
    )
    await house.is_well()
