"""How a name finds its system, and an owner the people behind it."""

from datetime import timedelta

import pytest

from incidents.core.catalog import Catalog
from incidents.core.people import Person, Team
from incidents.core.system import Handover, Role, System
from tests.make import NOON, a_catalog, a_system, hours


def an_inventory() -> Catalog:
    people = {name: Person(id=name, name=name.title(), slack=f"U0{name.upper()}") for name in ("ada", "lee", "kim")}
    return Catalog(
        people=people,
        teams={"ml-platform": Team(id="ml-platform", members=("lee", "ada"))},
        systems={
            "credit-scoring": System(id="credit-scoring", title="Credit scoring", aliases=("mlflow/credit",)),
            "café": System(id="café", title="Café"),
        },
    )


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("credit-scoring", "credit-scoring"),
        ("mlflow/credit", "credit-scoring"),
        ("cafe\u0301", "café"),  # the same word in another Unicode form
        ("credit-scorng", None),
        ("", None),
    ],
)
def test_a_name_or_an_alias_finds_its_system(name: str, system: str | None) -> None:
    found = an_inventory().system(name)

    assert (found.id if found else None) == system


def test_an_id_wins_over_the_alias_of_another_system() -> None:
    systems = {"a": System(id="a", title="A"), "b": System(id="b", title="B", aliases=("a",))}

    found = Catalog(systems=systems).system("a")

    assert found is not None
    assert found.id == "a"


@pytest.mark.parametrize(
    ("name", "nearest"), [("credit-scorng", "credit-scoring"), ("mlflow/credti", "mlflow/credit"), ("billing", None)]
)
def test_a_mistyped_name_is_answered_with_the_nearest_known_one(name: str, nearest: str | None) -> None:
    assert an_inventory().nearest(name) == nearest


@pytest.mark.parametrize(("owner", "asked"), [("kim", ["kim"]), ("ml-platform", ["lee", "ada"]), ("nobody", [])])
def test_an_owner_is_a_person_or_a_team_in_its_own_order(owner: str, asked: list[str]) -> None:
    assert [person.id for person in an_inventory().members(owner)] == asked


def test_a_click_in_slack_is_known_by_the_member_id() -> None:
    inventory = an_inventory()

    assert inventory.person_by_slack("U0ADA") == inventory.people["ada"]
    assert inventory.person_by_slack("U0NOBODY") is None


def test_where_an_entry_was_written_makes_no_difference_to_what_it_says() -> None:
    assert Catalog(places={("systems", "a"): ("catalog.yaml", 3)}) == Catalog()


def test_an_owner_hands_over_at_the_minute_that_was_written_and_not_before() -> None:
    handover = Handover(role=Role.OPERATIONAL, to="acme-ops", at=NOON)
    catalog = a_catalog(a_system("credit-scoring", handovers=(handover,)))

    before = catalog.as_of(NOON - timedelta(microseconds=1)).systems["credit-scoring"]
    after = catalog.as_of(NOON).systems["credit-scoring"]

    assert before.owners[Role.OPERATIONAL] == "ops"
    assert after.owners == {**before.owners, Role.OPERATIONAL: "acme-ops"}
    assert catalog.as_of(NOON).systems["rag-assistant"] == catalog.systems["rag-assistant"]


def test_of_several_handovers_of_one_role_the_last_that_is_due_counts() -> None:
    chain = tuple(
        Handover(role=Role.MODEL, to=to, at=NOON + hours(ahead)) for to, ahead in (("kim", 0), ("lee", 1), ("max", 2))
    )
    catalog = a_catalog(a_system("credit-scoring", handovers=chain))

    owners = [catalog.as_of(NOON + hours(at)).systems["credit-scoring"].owners[Role.MODEL] for at in (-1, 0, 1.5, 9)]

    assert owners == ["priya", "kim", "lee", "max"]


def test_a_catalog_knows_when_it_next_answers_otherwise() -> None:
    chain = tuple(Handover(role=Role.MODEL, to=to, at=NOON + hours(ahead)) for to, ahead in (("kim", 0), ("lee", 1)))
    catalog = a_catalog(a_system("credit-scoring", handovers=chain))

    assert catalog.next_handover(NOON - hours(1)) == NOON
    assert catalog.next_handover(NOON) == NOON + hours(1)
    assert catalog.next_handover(NOON + hours(1)) is None
    assert catalog.as_of(NOON - hours(1)) is catalog
