"""Events for other systems are carried like everything else: in their order, and again until they are there."""

from dataclasses import replace
from datetime import timedelta

from incidents.core.effect import Channel
from incidents.core.incident import Action, Resolution
from incidents.flow.ports import NotSent, Unknown
from tests.flow.house import House, Postman, harm

LATER = timedelta(minutes=2)


def types(postman: Postman) -> list[str]:
    return [str(message.data["type"]).split(".")[2] for message in postman.carried]


async def story(house: House) -> Postman:
    house.estate = replace(house.estate, bus=True)
    await house.publish(harm())
    await house.act(Action.ACKNOWLEDGE)
    await house.act(Action.MITIGATE)
    await house.act(Action.RESOLVE, reason=Resolution.FIXED)
    return Postman(Channel.BUS)


async def test_every_move_is_carried_in_order_without_a_briefing(house: House) -> None:
    postman = await story(house)
    await house.carry(postman)
    assert types(postman) == ["opened", "acknowledged", "mitigated", "resolved"]
    assert [message.briefing for message in postman.carried] == [None] * 4
    assert Channel.BUS in house.made  # its courier was woken
    await house.is_well()


async def test_a_bus_that_is_away_gets_each_later_and_none_before_its_turn(house: House) -> None:
    postman = await story(house)
    postman.answers["event:"] = [NotSent("the bus is away", after=timedelta(seconds=5))] * 2
    await house.carry(postman)
    house.store.shift(LATER)
    await house.carry(postman)
    house.store.shift(LATER)
    await house.carry(postman)
    assert types(postman) == ["opened", "opened", "opened", "acknowledged", "mitigated", "resolved"]


async def test_one_that_may_have_arrived_is_sent_again_under_its_id_however_often(house: House) -> None:
    postman = await story(house)
    postman.answers["event:"] = [Unknown("no confirmation")] * 5
    for _ in range(12):
        await house.carry(postman)
        house.store.shift(LATER)
    assert types(postman) == ["opened"] * 6 + ["acknowledged", "mitigated", "resolved"]
    assert len({message.key for message in postman.carried[:6]}) == 1
    assert set((await house.effects()).values()) >= {"sent"}
    assert "refused" not in [state for key, state in (await house.effects()).items() if key.startswith("event:")]
