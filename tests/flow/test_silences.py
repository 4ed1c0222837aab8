"""People ask for quiet over a real store: what burns is muted at once, what ends is heard again, nothing is lost."""
# ruff: noqa: ANN401 - a silence and an event have whatever their story needs

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from incidents.adapters.store.board import Board
from incidents.core.alert import Alert
from incidents.core.effect import Channel
from incidents.core.errors import NotAllowed, NotFound, Stale
from incidents.core.events import EventType
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Held, Resolution, Status
from incidents.core.run import RunStatus
from incidents.core.silence import Amount, Matcher, Silence, SilenceState, Trait
from incidents.flow.ports import Silencing, Turn
from incidents.flow.reroute import reroute
from tests.flow.house import House, Postman, drift, harm
from tests.flow.shop import Shop
from tests.make import a_catalog, a_system, an_estate, by, hours, minutes
from tests.make_events import cost_data, published
from tests.make_runs import a_step, a_verify

CREDIT = (Matcher(field=Trait.SYSTEM, value="credit-*"),)


def quiet(*matchers: Matcher, who: str = "priya", **more: Any) -> Silencing:
    asked: dict[str, Any] = {"lasting": hours(2), **more}
    return Silencing(matchers=matchers or CREDIT, reason="Backfill of last week", by=by(who), **asked)


async def alert(house: House) -> Alert:
    ((view,), _) = await house.shelf.alerts(())
    return view.alert


async def bad(house: House, id_: str = "bad", *, value: float = 0.45, **more: Any) -> None:
    """Drift so bad that it pages: 4.5 times its limit, on the model that a critical system is."""
    await house.publish(drift(id_, await house.now(), value=value, performance="degraded", **more))


async def passes(house: House, time: timedelta, *postmen: Postman) -> None:
    house.store.shift(time)
    await house.clock.tick()
    await house.carry(*postmen)


async def test_what_fires_under_a_silence_pages_nobody_until_it_is_over(house: House) -> None:
    slack = Postman()
    await house.silences.make(quiet())
    await bad(house)
    await passes(house, minutes(119), slack)
    muted = (await alert(house)).muted
    assert muted is not None
    assert muted.why.startswith("silenced by Priya until")
    assert await house.effects() == {}
    await house.is_well()

    await bad(house, "still bad")
    await passes(house, minutes(2), slack)
    assert slack.pages()
    assert await house.said(FactKind.UNMUTED) == ["drift psi fires on after the silence of Priya ended"]
    assert (await alert(house)).muted is None
    await house.is_well()


async def test_what_is_clear_before_the_silence_ends_is_never_heard_of(house: House) -> None:
    await house.silences.make(quiet())
    await bad(house)
    for n in (1, 2):
        house.store.shift(hours(1))
        await house.publish(drift(f"good {n}", await house.now(), value=0.01) | {"type": "ai.drift.measured.v1"})
    await passes(house, hours(3))
    assert await house.effects() == {}
    assert (await alert(house)).muted is None
    await house.is_well()


async def test_a_silence_takes_back_a_page_that_was_not_sent_and_its_end_asks_anew(house: House) -> None:
    slack = Postman()
    await bad(house)
    begun = await house.silences.make(quiet())
    made = begun.silence
    assert (begun.muted, begun.state) == (1, SilenceState.ACTIVE)
    await house.carry(slack)
    assert slack.pages() == []
    assert (await house.incident()).held is Held.SILENCED
    assert [text.partition(" until")[0] for text in await house.said(FactKind.SILENCED)] == [
        "drift psi muted: silenced by Priya"
    ]
    await passes(house, minutes(40), slack)
    assert slack.pages() == []
    await house.is_well()

    ended = await house.silences.end(made.id, by=by("lee"))
    assert ended.state(await house.now()) is SilenceState.EXPIRED
    await passes(house, timedelta(seconds=1), slack)
    assert slack.pages() == ["dana"]
    assert await house.said(FactKind.UNMUTED) == ["drift psi fires on after Lee ended the silence of Priya"]
    assert (await house.incident()).held is None
    await house.is_well()


async def test_who_was_asked_before_the_silence_is_asked_again_after_it_and_nobody_between(house: House) -> None:
    slack, webhook = Postman(), Postman(Channel.WEBHOOK)
    await bad(house)
    await house.carry(slack)
    asked = slack.pages()
    await house.silences.make(quiet(lasting=minutes(30)))
    await passes(house, minutes(29), slack, webhook)
    assert slack.pages() == asked
    await passes(house, minutes(2), slack, webhook)
    assert slack.pages() == asked * 2
    await house.is_well()


async def test_a_silence_for_part_of_an_incident_lets_the_rest_ask_on(house: House) -> None:
    slack = Postman()
    await bad(house)
    await bad(house, "another", metric="ks")
    await house.silences.make(quiet(Matcher(field=Trait.METRIC, value="ks")))
    await house.carry(slack)
    first = slack.pages()
    await passes(house, minutes(16), slack)
    assert len(slack.pages()) > len(first) > 0
    assert (await house.incident()).held is None
    await house.is_well()


async def test_an_acknowledged_incident_that_is_silenced_is_not_asked_about_again_until_it_is_heard(
    house: House,
) -> None:
    slack, webhook = Postman(), Postman(Channel.WEBHOOK)
    await bad(house)
    await house.act(Action.ACKNOWLEDGE)
    await house.silences.make(quiet(lasting=hours(3)))
    await passes(house, hours(2), slack, webhook)
    assert (await house.incident()).status is Status.ACKNOWLEDGED
    await bad(house, "still bad")
    await passes(house, hours(1) + minutes(1), slack, webhook)
    assert (await house.incident()).status is Status.TRIGGERED
    assert slack.pages()
    await house.is_well()


async def test_a_silence_for_later_begins_when_its_time_has_come(house: House) -> None:
    slack = Postman()
    await house.silences.make(quiet(starts_at=await house.now() + hours(1)))
    await bad(house)
    await house.carry(slack)
    asked = slack.pages()
    assert asked
    await passes(house, minutes(61))
    assert (await house.incident()).held is Held.SILENCED
    await bad(house, "another", metric="ks")
    assert (await house.incident()).held is Held.SILENCED
    assert len((await house.shelf.incident("INC-1")).alerts) == 1
    await house.is_well()


async def test_harm_is_heard_whatever_is_silenced(house: House) -> None:
    slack = Postman()
    await house.silences.make(quiet(Matcher(field=Trait.SYSTEM, value="*")))
    await house.publish(harm())
    await house.carry(slack)
    assert slack.pages()
    await house.is_well()


async def test_an_alias_means_the_system_that_it_stands_for(house: House) -> None:
    made = await house.silences.make(quiet(Matcher(field=Trait.KIND, value=" DRIFT ")))
    assert made.silence.matchers == (Matcher(field=Trait.KIND, value="drift"),)


@pytest.mark.parametrize(
    ("wanted", "code"), [({"lasting": None}, "end_missing"), ({"lasting": hours(900)}, "too_long")]
)
async def test_what_is_no_silence_is_refused_and_leaves_nothing_behind(
    house: House, wanted: dict[str, Any], code: str
) -> None:
    with pytest.raises(NotAllowed) as refused:
        await house.silences.make(quiet(**wanted))
    assert refused.value.code == code
    assert await house.silences.list() == ([], None)


async def test_a_silence_ends_once(house: House) -> None:
    made = (await house.silences.make(quiet())).silence
    await house.silences.end(made.id, by=by("lee"))
    with pytest.raises(NotAllowed, match="ended by Lee"):
        await house.silences.end(made.id, by=by("priya"))
    with pytest.raises(NotFound):
        await house.silences.end("77", by=by("priya"))


async def test_what_would_be_muted_is_shown_before_anything_is(house: House) -> None:
    await bad(house)
    (view,) = await house.silences.preview(quiet())
    assert view.alert.muted is not None
    assert (await alert(house)).muted is None
    assert await house.silences.list() == ([], None)


async def test_silences_are_listed_newest_first_with_what_they_mute(house: House) -> None:
    made: list[Silence] = [(await house.silences.make(quiet())).silence for _ in range(2)]
    made.append((await house.silences.make(quiet(starts_at=await house.now() + hours(1)))).silence)
    await bad(house)
    await house.silences.end(made[0].id, by=by("priya"))

    listed, _ = await house.silences.list()
    assert [view.state for view in listed] == [SilenceState.PENDING, SilenceState.ACTIVE, SilenceState.EXPIRED]
    assert sorted(view.muted for view in listed) == [0, 0, 1]
    active, _ = await house.silences.list((SilenceState.ACTIVE,))
    assert [view.silence.id for view in active] == [made[1].id]
    first, cursor = await house.silences.list(limit=2)
    rest, end = await house.silences.list(limit=2, cursor=cursor)
    assert [view.silence.id for view in (*first, *rest)] == [made[2].id, made[1].id, made[0].id]
    assert end is None
    with pytest.raises(ValueError):  # noqa: PT011  (whatever is wrong with a cursor)
        await house.silences.list(cursor="%%%")


async def test_planned_cost_pages_by_the_first_telling_beyond_the_plan_even_if_it_is_no_worse(house: House) -> None:
    async def spends(actual: float) -> None:
        house.store.shift(hours(8))
        end = await house.now()
        window = {"start": (end - hours(8)).isoformat(), "end": end.isoformat()}
        data = cost_data(system="rag-assistant", actual=actual, expected=100, window=window)
        await house.publish(
            published(EventType.COST_ANOMALY_MEASURED, data, id=f"spent {actual}", time=end.isoformat())
        )

    plan = Amount(amount=Decimal(900), currency="USD")
    await house.silences.make(quiet(Matcher(field=Trait.KIND, value="cost_*"), planned=plan, lasting=hours(48)))
    for actual in (700, 899.5, 900):
        await spends(actual)
    assert await house.effects() == {}
    await house.is_well()
    await spends(900.01)
    assert await house.said(FactKind.UNMUTED) == [
        "cost anomaly spend fires on: 900.01 USD is beyond the 900 USD planned by Priya"
    ]
    await house.carry(Postman(), Postman(Channel.WEBHOOK))
    await house.is_well()


# --- what else may have changed by the time a mute is over -----------------------------------------------------------


async def test_a_flood_of_unknown_names_is_one_incident_also_when_it_was_silenced(house: House) -> None:
    await house.silences.make(quiet(Matcher(field=Trait.SYSTEM, value="*")))
    now = await house.now()
    await house.publish(*(drift(f"bad {n}", now, system=f"name {n}") for n in range(15)))
    assert await house.found("select 1 from incidents") == []
    for _ in range(3):
        await passes(house, hours(1), Postman(), Postman(Channel.WEBHOOK))
    opened = await house.found("select system from incidents")
    assert len(opened) == 11  # ten names an hour, and one for all others
    assert [row.system for row in opened].count("unknown systems") == 1
    await house.is_well()


async def test_alerts_of_two_systems_that_shared_an_incident_join_it_again_one_after_the_other(house: House) -> None:
    for name in ("credit-scoring", "rag-assistant"):
        await bad(house, name, system=name)
    await house.act(Action.MERGE, "INC-1", to="INC-2")
    await house.act(Action.RESOLVE, "INC-2", reason=Resolution.FIXED)
    await house.silences.make(quiet(Matcher(field=Trait.SYSTEM, value="*"), lasting=minutes(10)))
    house.store.shift(minutes(5))
    for name in ("credit-scoring", "rag-assistant"):
        await bad(house, f"{name} again", system=name)
    assert await house.found("select 1 from alerts where burning and muted_by is null") == []
    for _ in range(3):
        await passes(house, minutes(5), Postman(), Postman(Channel.WEBHOOK))
    assert await house.found("select 1 from alerts where muted_by is not null") == []
    assert await house.found("select 1 from alerts where burning and incident is null") == []
    await house.is_well()


async def test_a_silenced_stranger_that_is_registered_has_owners_who_are_asked_once_it_is_heard(house: House) -> None:
    slack, webhook = Postman(), Postman(Channel.WEBHOOK)
    await bad(house, system="portal")
    await house.silences.make(quiet(Matcher(field=Trait.SYSTEM, value="portal")))
    house.estate = an_estate(a_catalog(a_system("portal")))
    assert await reroute(house.store, house.estate, house.made.extend) == 1
    assert (await house.incident()).held is Held.SILENCED
    await passes(house, minutes(60), slack, webhook)
    assert slack.pages() == []
    await house.is_well()
    await passes(house, minutes(61), slack, webhook)
    assert slack.pages()
    await house.is_well()


async def test_a_stranger_s_incident_keeps_its_alerts_while_a_run_is_to_be_verified_by_them(house: House) -> None:
    await bad(house, "gate", system="gate")
    house.estate = an_estate(a_catalog(a_system("gate")))
    await reroute(house.store, house.estate, house.made.extend)
    await bad(house, system="portal")
    shop = Shop(house)
    await shop.change(await shop.propose(a_step(), a_verify(), incident="INC-2"), "start")

    house.estate = an_estate(a_catalog(a_system("gate", aliases=("portal",))))
    assert await reroute(house.store, house.estate, house.made.extend) == 1
    stays = await house.incident("INC-2")
    assert (stays.system, stays.status, stays.gathering) == ("gate", Status.TRIGGERED, False)
    assert await house.found("select 1 from alerts where incident = 2")

    await shop.work()
    assert (await shop.now()).status is RunStatus.SUCCEEDED
    await house.is_well()


async def test_a_stranger_s_incident_that_changes_while_it_is_rerouted_finds_its_owners_all_the_same(
    house: House,
) -> None:
    await bad(house, system="portal")
    await bad(house, "gate", system="gate")
    house.estate = an_estate(a_catalog(a_system("portal"), a_system("gate")))
    house.store.fails = [None, Stale("somebody was first")]
    assert await reroute(house.store, house.estate, house.made.extend) == 2
    assert (await house.incident()).registered

    await bad(house, "desk", system="desk")
    house.estate = an_estate(a_catalog(a_system("portal"), a_system("gate"), a_system("desk")))
    house.store.fails = [None, *(Stale("somebody was first") for _ in range(6))]
    with pytest.raises(NotAllowed):
        await reroute(house.store, house.estate, house.made.extend)
    assert await reroute(house.store, house.estate, house.made.extend) == 1
    await house.is_well()


async def test_a_stranger_s_incident_is_rerouted_once_however_many_processes_see_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bad(house, system="portal")
    async with house.store.unit(Turn.PEOPLE) as unit:
        seen: list[tuple[str, str, str]] = await unit.board.strangers()
    house.estate = an_estate(a_catalog(a_system("portal")))
    assert await reroute(house.store, house.estate, house.made.extend) == 1
    before = await house.incident()

    async def saw(_: Board) -> list[tuple[str, str, str]]:
        return seen

    monkeypatch.setattr(Board, "strangers", saw)
    assert await reroute(house.store, house.estate, house.made.extend) == 0
    assert await house.incident() == before


async def test_a_stranger_s_incident_that_is_resolved_just_then_is_not_opened_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bad(house, system="portal")
    async with house.store.unit(Turn.PEOPLE) as unit:
        seen: list[tuple[str, str, str]] = await unit.board.strangers()
    await house.act(Action.RESOLVE, reason=Resolution.FALSE_POSITIVE)
    house.estate = an_estate(a_catalog(a_system("portal")))

    async def saw(_: Board) -> list[tuple[str, str, str]]:
        return seen

    monkeypatch.setattr(Board, "strangers", saw)
    assert await reroute(house.store, house.estate, house.made.extend) == 0
    assert (await house.incident()).status is Status.RESOLVED


async def test_trouble_upstream_mutes_and_its_end_lets_what_depends_on_it_be_heard(house: House) -> None:
    slack, webhook = Postman(), Postman(Channel.WEBHOOK)
    house.estate = an_estate(a_catalog(a_system("portal", depends_on=("credit-scoring",))))
    await bad(house)
    await bad(house, "portal", system="portal")
    await house.carry(slack, webhook)
    assert slack.pages() == ["dana"]
    (muted,) = await house.found("select muted_by from alerts where system = 'portal'")
    assert muted.muted_by == "incident:INC-1"
    await house.act(Action.MITIGATE)
    for _ in range(2):
        await passes(house, minutes(5), slack, webhook)
    assert slack.pages() == ["dana", "dana"]
    assert await house.said(FactKind.UNMUTED, "INC-2")
    await house.is_well()
