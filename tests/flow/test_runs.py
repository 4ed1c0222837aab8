"""People act on runs: one proposes, another approves, once; whoever may not is told why, and that is kept."""
# ruff: noqa: ANN401 - what a person says has whatever type its story needs

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from incidents.core.effect import EffectKind
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Resolution, Status
from incidents.core.plan import Plan
from incidents.core.run import Run, RunStatus, StepState
from incidents.core.step import Approval, Step, StepType
from incidents.core.system import Role
from incidents.flow.ports import PlanRequest, RunQuery, RunRequest, Word
from tests.flow.house import House, Settled, harm, open_house
from tests.flow.shop import Shop
from tests.make import OWNERS, a_catalog, a_system, an_estate, by
from tests.make_runs import a_manual, a_plan, a_step

HALF_AN_HOUR = timedelta(minutes=30)


async def asks(house: House, who: str = "priya", incident: str = "INC-1", **more: Any) -> Run:
    once = more.pop("once", None)
    wanted = PlanRequest(incident=incident, runbook="rollback-mlflow-alias")
    return await house.runs.request(RunRequest(wanted=wanted, by=by(who), **more), once=once)


async def approves(house: House, run: Run, who: str = "lee", **more: Any) -> Run:
    once, told = more.pop("once", None), {"plan": run.hash, **more}
    return await house.runs.approve(Word(run=run.id, by=by(who), **told), once=once)


async def says_no(code: str, doing: Any) -> NotAllowed:
    with pytest.raises(NotAllowed) as refused:
        await doing
    assert refused.value.code == code, refused.value.why
    return refused.value


def plans(house: House, plan: Plan) -> None:
    house.planner.settled = plan


async def proposed(house: House, **more: Any) -> Run:
    """Harm at the triage bot; Priya asks for a rollback."""
    await house.publish(harm())
    return await asks(house, **more)


async def test_a_proposal_is_told_and_each_person_who_may_approve_it_is_asked(house: House) -> None:
    run = await proposed(house, note="It began with version 2")
    assert (run.id, run.status, run.requested_by) == ("RUN-1", RunStatus.PROPOSED, by("priya"))
    assert run.expires_at == run.requested_at + HALF_AN_HOUR
    [told] = await house.said(FactKind.RUN_PROPOSED)
    assert told.startswith("RUN-1 proposed by Priya: Move the serving alias back: It began with version 2. It needs")
    found = await house.found("select target, channel, data from effects where kind = 'approval' order by target")
    assert [row.target for row in found] == ["dana", "gita", "kim", "lee", "omar"], "everybody but who asked"
    data = json.loads(found[0].data)
    assert (data["run"], data["plan"], data["path"]) == ("RUN-1", run.hash, "/runs/RUN-1")
    assert data["text"] == "1. Step move (POST mlflow; can be taken back)"
    assert await house.shelf.run("RUN-1") == run
    await house.is_well()


async def test_the_second_person_s_yes_begins_it_with_the_evidence_kept(house: House) -> None:
    run = await proposed(house)
    before = await house.incident()
    started = await approves(house, run, note="Go")
    assert (started.status, started.ready_at) == (RunStatus.RUNNING, started.started_at)
    assert [(each.by, each.plan, each.note) for each in started.approvals] == [("lee", run.hash, "Go")]
    kinds = [fact.kind for fact in await house.timeline()][-3:]
    assert kinds == [FactKind.RUN_APPROVED, FactKind.RUN_STARTED, FactKind.EVIDENCE_KEPT]
    digest, kept = await house.shelf.evidence("RUN-1")
    assert digest == started.evidence == sha256(kept).hexdigest()
    assert digest in (await house.said(FactKind.EVIDENCE_KEPT))[0]
    held = json.loads(kept)
    assert held["facts"] == {"seq": before.head_seq, "hash": before.head_hash}
    assert held["plan"]["hash"] == run.hash
    assert [alert["alert"]["system"] for alert in held["alerts"]] == ["triage-bot"]
    assert {"priya", "lee"} <= set((await house.incident()).responders)
    await house.is_well()


async def test_a_plan_that_changes_nothing_begins_at_once(house: House) -> None:
    plans(house, a_plan(a_manual(), system="triage-bot", approval=None))
    run = await proposed(house)
    assert (run.status, run.expires_at) == (RunStatus.RUNNING, None)
    assert await house.said(FactKind.RUN_PROPOSED) == []
    assert not [key for key in await house.effects() if key.startswith("approval:")]
    assert run.evidence == (await house.shelf.evidence(run.id))[0]


async def test_whoever_asked_cannot_approve_and_that_is_kept_for_whoever_audits(house: House) -> None:
    run = await proposed(house)
    refused = await says_no("same_person", approves(house, run, "priya"))
    [fact] = [fact for fact in await house.timeline() if fact.kind is FactKind.RUN_REFUSED]
    assert fact.by == by("priya")
    assert fact.data == {"run": "RUN-1", "plan": run.hash, "code": "same_person"}
    assert refused.why in fact.text
    assert (await house.shelf.run("RUN-1")).status is RunStatus.PROPOSED


REFUSED = [
    ("no_person", {"who": "admin"}),
    ("no_person", {"who": "slack:U0STRANGER"}),
    ("no_role", {"who": "max"}),
    ("changed", {"plan": "0" * 64}),
    ("changed", {"plan": None}),
]


@pytest.mark.parametrize(("code", "word"), REFUSED)
async def test_every_refusal_of_an_approval_is_kept_with_its_code(
    house: House, code: str, word: dict[str, Any]
) -> None:
    run = await proposed(house)
    await says_no(code, approves(house, run, **word))
    facts = [fact for fact in await house.timeline() if fact.kind is FactKind.RUN_REFUSED]
    assert [fact.data["code"] for fact in facts] == [code]
    assert (await house.shelf.run("RUN-1")).status is RunStatus.PROPOSED
    await house.is_well()


async def test_a_role_that_was_taken_away_meanwhile_counts_no_more(house: House) -> None:
    run = await proposed(house)
    fewer = a_catalog(a_system("triage-bot", owners={**OWNERS, Role.ACCOUNTABLE: "gita"}))
    house.estate = an_estate(fewer)
    await says_no("no_role", approves(house, run, "lee"))
    assert (await approves(house, run, "gita")).status is RunStatus.RUNNING


async def test_an_approval_that_is_played_again_changes_nothing(house: House) -> None:
    run = await proposed(house)
    first = await approves(house, run, once="click 1")
    assert await approves(house, run, once="click 1") == first, "the same click"
    assert await house.said(FactKind.RUN_REFUSED) == []
    await says_no("already_done", approves(house, run, "gita", once="click 2"))
    await says_no("already_done", approves(house, run, "gita", once="click 2"))
    assert len(await house.said(FactKind.RUN_REFUSED)) == 1, "one click is told once"
    assert len(await house.said(FactKind.RUN_STARTED)) == 1


async def test_a_proposal_that_nobody_approves_in_time_expires(house: House) -> None:
    run = await proposed(house)
    house.store.shift(HALF_AN_HOUR - timedelta(minutes=1))
    await house.clock.tick()
    assert (await house.shelf.run("RUN-1")).status is RunStatus.PROPOSED
    house.store.shift(timedelta(minutes=1))
    await says_no("expired", approves(house, run))
    await house.clock.tick()
    over = await house.shelf.run("RUN-1")
    assert (over.status, over.ready_at, over.expires_at) == (RunStatus.EXPIRED, None, None)
    assert len(await house.said(FactKind.RUN_EXPIRED)) == 1
    await says_no("expired", approves(house, run))
    await house.clock.tick()
    assert len(await house.said(FactKind.RUN_EXPIRED)) == 1


async def test_nothing_is_changed_for_an_incident_that_is_over(house: House) -> None:
    run = await proposed(house)
    await house.act(Action.RESOLVE, reason=Resolution.FALSE_POSITIVE)
    await says_no("closed", approves(house, run))
    await says_no("closed", asks(house, "dana"))
    assert len(await house.said(FactKind.RUN_REFUSED)) == 1


async def test_one_run_at_a_time_changes_a_system(house: House) -> None:
    first = await proposed(house)
    plans(house, a_plan(a_step("other"), system="triage-bot"))
    second = await asks(house, "dana")
    await approves(house, first)
    refused = await says_no("one_runs", approves(house, second))
    assert "RUN-1" in refused.why
    plans(house, a_plan(a_step("third"), system="triage-bot"))
    await says_no("one_runs", asks(house, "gita"))
    assert len(await house.said(FactKind.RUN_REFUSED)) == 1


async def test_what_is_proposed_already_is_not_proposed_twice(house: House) -> None:
    first = await proposed(house, once="click 1")
    assert await asks(house, once="click 1") == first
    refused = await says_no("already_done", asks(house, "dana"))
    assert "RUN-1" in refused.why


async def test_a_plan_that_changed_since_it_was_seen_is_not_proposed(house: House) -> None:
    await house.publish(harm())
    seen = await house.runs.plan(PlanRequest(incident="INC-1", runbook="rollback-mlflow-alias"))
    plans(house, a_plan(a_step(prior={"version": "3"}), system="triage-bot"))
    refused = await says_no("changed", asks(house, plan=seen.hash))
    assert house.planner.settled.hash in refused.why
    assert await house.shelf.runs(RunQuery()) == ([], None)


async def test_the_warning_of_a_high_risk_system_is_answered_by_both(house: House) -> None:
    plans(house, a_plan(system="triage-bot", warning="Was the authority informed?"))
    await house.publish(harm())
    await says_no("warning", asks(house))
    run = await asks(house, warned=True)
    assert run.warned == "priya"
    await says_no("warning", approves(house, run))
    started = await approves(house, run, warned=True)
    assert started.status is RunStatus.RUNNING
    [fact] = [fact for fact in await house.timeline() if fact.kind is FactKind.RUN_REFUSED]
    assert fact.data["code"] == "warning"


async def test_where_two_must_approve_the_first_yes_does_not_begin_it(house: House) -> None:
    plans(house, a_plan(system="triage-bot", approval=Approval(people=2)))
    run = await proposed(house)
    waits = await approves(house, run, "lee")
    assert (waits.status, len(waits.approvals)) == (RunStatus.PROPOSED, 1)
    await says_no("already_done", approves(house, run, "lee"))
    assert (await approves(house, run, "gita")).status is RunStatus.RUNNING


async def test_a_person_rejects_or_takes_back_a_proposal(house: House) -> None:
    run = await proposed(house)
    over = await house.runs.reject(Word(run="RUN-1", by=by("max"), note="not now"))
    assert (over.status, over.why) == (RunStatus.REJECTED, "rejected by Max: not now")
    await says_no("already_done", approves(house, run))
    await says_no("already_done", house.runs.reject(Word(run="RUN-1", by=by("max"))))
    again = await asks(house)
    taken = await house.runs.cancel(Word(run=again.id, by=by("priya")))
    assert (taken.id, taken.status) == ("RUN-2", RunStatus.CANCELLED)
    await says_no("no_person", house.runs.cancel(Word(run="RUN-1", by=by("slack:U1"))))
    await house.is_well()


async def test_a_run_that_is_cancelled_is_taken_back_and_a_question_is_answered(house: House) -> None:
    run = await approves(house, await proposed(house))
    stopped = await house.runs.cancel(Word(run=run.id, by=by("max"), note="wrong model"), once="click")
    assert (stopped.status, stopped.cancelled_by) == (RunStatus.UNDOING, "max")
    assert await house.runs.cancel(Word(run=run.id, by=by("max")), once="click") == stopped
    await says_no("already_done", house.runs.cancel(Word(run=run.id, by=by("max"))))
    await says_no("not_asked", house.runs.answer(Word(run=run.id, by=by("max"), step="move", answer="done")))


async def test_a_step_that_waits_for_approval_goes_on_with_its_own_approver(house: House) -> None:
    gates = [
        Step(id=role, title="Go on?", type=StepType.APPROVE, approval=Approval(roles=(role,)))
        for role in (Role.ACCOUNTABLE, Role.GOVERNANCE)
    ]
    plans(house, a_plan(gates[0], a_step(), gates[1], system="triage-bot", approval=gates[0].approval))
    shop, run = Shop(house), await proposed(house)
    await approves(house, run, "lee")
    await shop.work(hours=0)
    waits = await house.shelf.run(run.id)
    states = [step.state for step in waits.steps]
    assert states == [StepState.DONE, StepState.DONE, StepState.WAITING], "the first was given with the whole plan"
    await says_no("no_role", approves(house, run, "lee"))
    await says_no("same_person", approves(house, run, "priya"))
    await approves(house, run, "gita", step="governance")
    await shop.work(hours=0)
    assert (await house.shelf.run(run.id)).status is RunStatus.SUCCEEDED
    assert [fact.data["code"] for fact in await house.timeline() if fact.kind is FactKind.RUN_REFUSED] == [
        "no_role",
        "same_person",
    ]


async def test_where_nobody_but_the_one_who_asked_holds_the_role_that_is_said_and_escalated(house: House) -> None:
    plans(house, a_plan(system="triage-bot", approval=Approval(roles=(Role.MODEL,))))
    await proposed(house)
    [fact] = [fact for fact in await house.timeline() if fact.kind is FactKind.RUN_PROPOSED]
    assert fact.data["nobody_can_approve"] is True
    assert "Nobody can approve it: name a second model owner of triage-bot in the catalog." in fact.text
    notices = await house.found("select target, data from effects where kind = 'notice'")
    assert [(row.target, json.loads(row.data)["title"]) for row in notices] == [("lee", "Nobody can approve RUN-1")]
    assert not [key for key in await house.effects() if key.startswith("approval:")]


async def test_an_incident_with_an_open_run_is_neither_closed_nor_merged(house: House) -> None:
    run = await proposed(house)
    await house.publish(harm("another", "rag-assistant"))
    refused = await says_no("run_open", house.act(Action.MERGE, to="INC-2"))
    assert "RUN-1" in refused.why
    [view] = (await house.shelf.incident("INC-1")).alerts
    await house.act(Action.WAIVE, alert=view.alert.fingerprint, note="looked at")
    await house.act(Action.RESOLVE, reason=Resolution.FALSE_POSITIVE)
    await says_no("run_open", house.act(Action.CLOSE))
    await house.runs.cancel(Word(run=run.id, by=by("priya")))
    assert (await house.act(Action.CLOSE)).status is Status.CLOSED


async def test_only_a_known_person_asks(house: House) -> None:
    await house.publish(harm())
    for who in ("admin", "slack:U0STRANGER", "nobody"):
        await says_no("no_person", asks(house, who))
    assert await house.shelf.runs(RunQuery()) == ([], None)


async def test_a_run_that_is_not_there_is_not_found(house: House) -> None:
    for run in ("RUN-1", "RUN-999999999999999999999", "INC-1", "x"):
        with pytest.raises(NotFound):
            await house.runs.approve(Word(run=run, by=by("lee"), plan="0"))
        with pytest.raises(NotFound):
            await house.shelf.run(run)


async def at_once(one: House, other: House) -> None:
    """Two owners approve, each at their own process, both of what the first proposed."""
    run = await proposed(one)
    who = [(one, "lee"), (other, "gita"), (one, "dana"), (other, "omar")]
    came = await asyncio.gather(*(approves(house, run, name) for house, name in who), return_exceptions=True)
    begun = [each for each in came if isinstance(each, Run)]
    assert [each.status for each in begun] == [RunStatus.RUNNING], "one of them began it"
    assert [each.code for each in came if isinstance(each, NotAllowed)] == ["already_done"] * 3
    assert len(await one.said(FactKind.RUN_STARTED)) == 1
    assert len(await one.said(FactKind.RUN_REFUSED)) == 3
    await one.is_well()


async def test_of_several_who_approve_at_once_one_begins_the_run(house: House) -> None:
    await at_once(house, house)


@pytest.mark.postgres
async def test_of_several_who_approve_at_once_in_two_processes_one_begins_the_run(houses: list[House]) -> None:
    await at_once(*houses)


async def both_at_once(one: House, other: House) -> None:
    """Two incidents of one system cannot be; two proposals of one incident can, and both are approved at once."""
    first = await proposed(one)
    for house in {id(each): each for each in (one, other)}.values():
        plans(house, a_plan(a_step("other"), system="triage-bot"))
    second = await asks(one, "dana")
    doing = (approves(one, first, "lee"), approves(other, second, "gita"))
    came = await asyncio.gather(*doing, return_exceptions=True)
    assert sum(isinstance(each, Run) for each in came) == 1
    assert [each.code for each in came if isinstance(each, NotAllowed)] == ["one_runs"]
    await one.is_well()


async def test_of_two_proposals_that_are_approved_at_once_one_begins(house: House) -> None:
    await both_at_once(house, house)


@pytest.mark.postgres
async def test_of_two_proposals_that_are_approved_at_once_in_two_processes_one_begins(houses: list[House]) -> None:
    await both_at_once(*houses)


async def test_expiry_and_approval_in_one_moment_agree(house: House) -> None:
    run = await proposed(house)
    house.store.shift(HALF_AN_HOUR)
    came = await asyncio.gather(approves(house, run), house.clock.tick(), return_exceptions=True)
    assert [each.code for each in came if isinstance(each, NotAllowed)] == ["expired"]
    assert (await house.shelf.run("RUN-1")).status is RunStatus.EXPIRED


async def test_without_a_catalog_the_local_admin_may_ask_and_nobody_may_approve(url: str) -> None:
    bare = replace(an_estate(), catalog=a_catalog().__class__(), slack=False)
    house = await open_house(url, bare, Settled(a_plan(system="triage-bot")))
    try:
        run = await proposed(house, who="admin")
        assert "Nobody can approve it" in (await house.said(FactKind.RUN_PROPOSED))[0]
        await says_no("no_person", approves(house, run, "admin"))
        assert (await house.runs.cancel(Word(run=run.id, by=by("admin")))).status is RunStatus.CANCELLED
    finally:
        await house.database.close()


async def test_asking_for_approval_is_made_in_the_same_transaction(house: House) -> None:
    await proposed(house)
    kinds = await house.found("select distinct kind from effects where key like '%RUN-1%'")
    assert [row.kind for row in kinds] == [EffectKind.APPROVAL]
