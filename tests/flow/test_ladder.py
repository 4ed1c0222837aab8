"""Hours of nobody answering, told fast: who is asked when, on which round and level, and after which answer no more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from incidents.core.catalog import Escalation
from incidents.core.effect import Channel
from incidents.core.estate import Estate
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Resolution, Status
from incidents.core.schedule import Override, Schedule, Shift, ShiftSource
from incidents.core.severity import Severity
from incidents.core.system import Role
from tests.flow.house import House, Postman, harm, open_house
from tests.make import OWNERS, a_catalog, a_system, an_estate, hours, minutes

STEP = 5  # minutes between two looks; how long a look itself takes changes nothing
ROUNDS, AT_ONCE = 1_000, 20
Call = tuple[int, str, int, int]  # minute, person, round, level


@pytest.fixture
def postmen() -> list[Postman]:
    return [Postman(Channel.SLACK), Postman(Channel.WEBHOOK)]


async def paged(house: House, incident: str = "INC-1") -> list[tuple[str, int, int]]:
    """Whom the timeline says were paged: person, round, level."""
    told = [fact.data for fact in await house.timeline(incident) if fact.kind is FactKind.PAGED]
    return [(str(data["to"]), int(str(data["round"])), int(str(data["level"]))) for data in told]


async def look(house: House, postmen: list[Postman]) -> None:
    await house.clock.tick()
    await house.carry(*postmen)


async def goes_by(house: House, postmen: list[Postman], start: int, end: int) -> list[Call]:
    """All runs as it should from one minute to another since the beginning; who is paged in which."""
    calls: list[Call] = []
    for minute in range(start, end + 1, STEP):
        if minute > start:
            house.store.shift(minutes(STEP))
        known = len(await paged(house))
        await look(house, postmen)
        calls += [(minute, *page) for page in (await paged(house))[known:]]
    return calls


async def test_nobody_answers_for_three_hours(house: House, postmen: list[Postman]) -> None:
    await house.publish(harm())

    assert await goes_by(house, postmen, 0, 180) == [
        (0, "priya", 1, 0),
        (15, "omar", 1, 1),
        (30, "lee", 1, 2),
        (45, "max", 1, 3),
        (60, "priya", 2, 0),
        (75, "omar", 2, 1),
        (90, "lee", 2, 2),
        (105, "max", 2, 3),
        (120, "priya", 3, 0),
        (135, "omar", 3, 1),
        (150, "lee", 3, 2),
        (165, "max", 3, 3),
        (180, "priya", 4, 0),
    ]
    await house.is_well()


async def test_nobody_answers_for_three_hours_while_shifts_change(house: House, postmen: list[Postman]) -> None:
    now = await house.now()
    turns = (("omar", -60, 40), ("kim", 40, 110), ("gita", 110, 24 * 60))
    shifts = tuple(Override(start=now + minutes(a), end=now + minutes(b), person=who) for who, a, b in turns)
    house.estate = an_estate(
        a_catalog(
            a_system("triage-bot", owners={**OWNERS, Role.OPERATIONAL: "oncall"}, escalation="slow"),
            schedules={"oncall": Schedule(id="oncall", overrides=shifts)},
            escalations={
                "slow": Escalation(
                    id="slow",
                    rungs=(("kind",), ("operational",), ("accountable",)),
                    patience={Severity.SEV2: minutes(30)},
                    repeat=1,
                )
            },
        )
    )
    await house.publish(harm())

    assert await goes_by(house, postmen, 0, 180) == [
        (0, "priya", 1, 0),
        (30, "omar", 1, 1),
        (40, "kim", 1, 1),  # who takes over is asked at once, and the ladder goes on in its time
        (60, "lee", 1, 2),
        (90, "max", 1, 3),
        (110, "gita", 1, 1),
        (120, "priya", 2, 0),
        (150, "gita", 2, 1),
        (180, "lee", 2, 2),
    ]
    assert await house.said(FactKind.SHIFT_CHANGED) == [
        "Kim took over from Omar and is asked",
        "Gita took over from Kim and is asked",
    ]
    await house.is_well()


async def test_whoever_acknowledged_and_says_nothing_more_is_asked_again(house: House, postmen: list[Postman]) -> None:
    await house.publish(harm())
    calls = await goes_by(house, postmen, 0, 20)
    await house.act(Action.ACKNOWLEDGE, who="omar")
    calls += await goes_by(house, postmen, 20, 120)

    assert calls == [
        (0, "priya", 1, 0),
        (15, "omar", 1, 1),
        (80, "priya", 2, 0),
        (95, "omar", 2, 1),
        (110, "lee", 2, 2),
    ]
    assert await house.said(FactKind.ASKED_AGAIN) == ["Asked again: no word from Omar for 1 h"]
    await house.is_well()


async def test_whoever_snoozed_it_is_left_alone_until_then(house: House, postmen: list[Postman]) -> None:
    await house.publish(harm())
    calls = await goes_by(house, postmen, 0, 5)
    await house.act(Action.SNOOZE, minutes=120)
    calls += await goes_by(house, postmen, 5, 145)

    assert calls == [(0, "priya", 1, 0), (125, "priya", 2, 0), (140, "omar", 2, 1)]
    await house.is_well()


async def test_whoever_it_is_handed_over_to_comes_first(house: House, postmen: list[Postman]) -> None:
    await house.publish(harm())
    calls = await goes_by(house, postmen, 0, 5)
    await house.act(Action.ACKNOWLEDGE)
    await house.act(Action.HAND_OVER, to="kim", note="the dose table is yours")
    calls += await goes_by(house, postmen, 5, 40)

    assert calls == [(0, "priya", 1, 0), (5, "kim", 2, 0), (20, "priya", 2, 1), (35, "omar", 2, 2)]
    assert "it was handed over to you by Priya: the dose table is yours" in (await house.said(FactKind.PAGED))[1]
    await house.is_well()


@pytest.mark.parametrize(
    ("off_at", "calls"),
    [
        (5, [(0, "omar", 1, 0), (5, "lee", 1, 0), (305, "kim", 1, 0)]),  # takes over from whoever was asked
        (-5, [(0, "lee", 1, 0), (305, "kim", 2, 0), (320, "lee", 2, 1)]),  # nobody was: the ladder is run once more
    ],
)
async def test_where_the_ladder_has_given_up_whoever_is_on_shift_next_is_asked(
    house: House, postmen: list[Postman], off_at: int, calls: list[Call]
) -> None:
    now = await house.now()
    turns = (("omar", -60, off_at), ("kim", 302, 600))
    shifts = tuple(
        Shift(person=who, start=now + minutes(a), end=now + minutes(b), source=ShiftSource.CALENDAR)
        for who, a, b in turns
    )
    oncall = Schedule(id="oncall", calendar="https://example.com/rota.ics", shifts=shifts)
    alone = Escalation(id="alone", rungs=(("oncall",),), last_resort="lee", repeat=0)
    system = a_system("triage-bot", escalation="alone")
    house.estate = an_estate(a_catalog(system, schedules={"oncall": oncall}, escalations={"alone": alone}))
    await house.publish(harm())
    called = await goes_by(house, postmen, 0, 60)
    assert (await house.incident()).paging.gave_up
    house.store.shift(minutes(240))
    called += await goes_by(house, postmen, 300, 330)

    assert called == calls
    await house.is_well()


def owned_by(person: str) -> Estate:
    """The triage bot is this person's alone, and nobody else is asked."""
    mine = a_system("triage-bot", owners={Role.MODEL: person}, escalation="alone")
    return an_estate(
        a_catalog(mine, escalations={"alone": Escalation(id="alone", rungs=(("kind",),), last_resort=person)})
    )


async def test_whoever_owns_it_by_a_catalog_that_changes_is_asked_at_once(house: House, postmen: list[Postman]) -> None:
    house.estate = owned_by("priya")
    await house.publish(harm())
    calls = await goes_by(house, postmen, 0, 5)
    house.estate = owned_by("kim")
    calls += await goes_by(house, postmen, 5, 10)

    assert calls == [(0, "priya", 1, 0), (5, "kim", 1, 0)]
    await house.is_well()


async def test_where_the_ladder_has_given_up_others_are_asked_as_soon_as_the_catalog_names_them(
    house: House, postmen: list[Postman]
) -> None:
    house.estate = owned_by("priya")
    await house.publish(harm())
    await goes_by(house, postmen, 0, 180)
    assert (await house.incident()).paging.gave_up
    house.estate = owned_by("kim")
    calls = await goes_by(house, postmen, 180, 200)

    assert calls == [(180, "kim", 5, 0), (195, "kim", 6, 0)]
    await house.is_well()


async def test_where_nothing_changes_for_an_incident_a_new_catalog_leaves_it_alone(
    house: House, postmen: list[Postman]
) -> None:
    await house.publish(harm())
    await goes_by(house, postmen, 0, 5)
    before = await house.incident()
    house.estate = an_estate()
    await look(house, postmen)

    assert await house.incident() == before


async def test_whoever_a_calendar_that_changes_gives_the_turn_is_asked_at_once(
    house: House, postmen: list[Postman]
) -> None:
    now = await house.now()

    def on_call(person: str) -> Estate:
        shift = Shift(person=person, start=now - hours(1), end=now + hours(9), source=ShiftSource.CALENDAR)
        rota = Schedule(id="rota", calendar="https://example.com/rota.ics", shifts=(shift,))
        system = a_system("triage-bot", owners={Role.MODEL: "rota"})
        return an_estate(a_catalog(system, schedules={"rota": rota}))

    house.estate = on_call("priya")
    await house.publish(harm())
    calls = await goes_by(house, postmen, 0, 5)
    house.estate = on_call("kim")
    calls += await goes_by(house, postmen, 5, 10)

    assert calls == [(0, "priya", 1, 0), (5, "kim", 1, 0)]
    await house.is_well()


async def test_after_three_hours_of_outage_one_page_for_each_open_incident_at_its_level(
    house: House, postmen: list[Postman]
) -> None:
    systems = ("credit-scoring", "rag-assistant", "triage-bot")
    known = {}
    for late, system in enumerate(systems):
        await house.publish(harm(system, system))
        known[system] = f"INC-{late + 1}"
        await look(house, postmen)
        house.store.shift(minutes(10))
    await house.act(Action.ACKNOWLEDGE, known["triage-bot"])
    await house.act(Action.RESOLVE, known["rag-assistant"], reason=Resolution.FIXED)
    before = {incident: await paged(house, incident) for incident in known.values()}
    assert list(before.values()) == [[("priya", 1, 0), ("omar", 1, 1)], [("priya", 1, 0)], [("priya", 1, 0)]]

    house.store.shift(hours(3))
    await look(house, postmen)

    after = {incident: (await paged(house, incident))[len(before[incident]) :] for incident in known.values()}
    assert after == {
        known["credit-scoring"]: [("lee", 4, 2)],  # 210 minutes are fourteen calls of a quarter of an hour each
        known["rag-assistant"]: [],  # resolved
        known["triage-bot"]: [("priya", 2, 0)],  # no word for more than an hour
    }
    await look(house, postmen)
    assert {incident: len(await paged(house, incident)) for incident in known.values()} == {
        incident: len(before[incident]) + len(after[incident]) for incident in known.values()
    }
    await house.is_well()


# --- in the same millisecond -----------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """Two processes on one PostgreSQL; on SQLite there is one, which does both."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    estate = an_estate(a_catalog(*(a_system(f"system-{n}") for n in range(ROUNDS))))
    one = await open_house(url, estate)
    other = await open_house(url, estate) if request.param == "postgresql" else one
    yield one, other
    await one.database.close()
    if other is not one:
        await other.database.close()


async def a_moment(chance: Random) -> None:
    """Who is first is anybody's guess."""
    await asyncio.sleep(chance.random() / 20)


async def race(people: House, time: House, slack: Postman, incidents: list[str], chance: Random) -> None:
    """Omar acknowledges each of them while its timer escalates and pages are carried, all at once."""

    async def acknowledges(incident: str) -> None:
        await a_moment(chance)
        await people.act(Action.ACKNOWLEDGE, incident, who="omar")

    async def escalates(incident: str) -> None:
        await a_moment(chance)
        await time.clock._lapse_alone(incident)  # noqa: SLF001  (this one's timer alone)

    async def carries() -> None:
        for _ in range(5):
            await time.courier(slack).round()

    async def in_turn(incident: str, *deeds: Callable[[str], Awaitable[None]]) -> None:
        for deed in deeds:
            await deed(incident)

    first, *others, last = incidents  # of these two it is certain who is first, so that both orders are always there
    certain = in_turn(first, acknowledges, escalates), in_turn(last, escalates, acknowledges)
    both = (do(incident) for incident in others for do in (acknowledges, escalates))
    await asyncio.gather(carries(), *certain, *both)


async def test_an_acknowledgement_and_the_timer_in_the_same_millisecond(two: tuple[House, House]) -> None:
    (people, time), chance = two, Random(20261118)
    slack, webhook = Postman(), Postman(Channel.WEBHOOK)
    for start in range(0, ROUNDS, AT_ONCE):
        await people.publish(*(harm(f"e-{n}", f"system-{n}") for n in range(start, start + AT_ONCE)))
        await people.carry(slack)
    assert len(slack.pages()) == ROUNDS
    for house in {id(house): house for house in two}.values():
        house.store.shift(minutes(15) + timedelta(seconds=30))

    async with asyncio.timeout(500):
        for start in range(1, ROUNDS + 1, AT_ONCE):
            await race(people, time, slack, [f"INC-{n}" for n in range(start, start + AT_ONCE)], chance)
            begun = len(slack.pages())
            await people.carry(slack, webhook)
            assert len(slack.pages()) == begun, "a page was begun after everybody's acknowledgement"

    await assert_one_order(people)
    await people.is_well()


async def assert_one_order(house: House) -> None:
    """Every incident was acknowledged once, and escalated before that or not at all."""
    told = await house.found(
        "select incident, seq, kind from facts where kind in ('acknowledged', 'escalated') order by incident, seq"
    )
    orders: dict[int, list[str]] = {}
    for row in told:
        orders.setdefault(row.incident, []).append(row.kind)
    assert len(orders) == ROUNDS
    found = {tuple(order) for order in orders.values()}
    assert found == {("acknowledged",), ("escalated", "acknowledged")}
    statuses = await house.found("select distinct status from incidents")
    assert [row.status for row in statuses] == [Status.ACKNOWLEDGED]
    escalated = sum("escalated" in order for order in orders.values())
    made = await house.found("select count(*) many from effects where kind = 'page' and key like 'page:%:1:1:%'")
    assert made[0].many == escalated
