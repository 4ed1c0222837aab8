"""A release is rolled back only where it came before the trouble; else people are told what may help instead."""
# ruff: noqa: ANN401 - a change is whatever its story needs

from datetime import datetime, timedelta
from typing import Any

import pytest

from incidents.core.incident import Change
from incidents.core.rollback import Rollback, offered
from tests.make import NOON, an_incident, hours


def a_change(**more: Any) -> Change:
    """Version 2 of the credit model, deployed an hour before noon; 1 ran before it."""
    known = {"version": "2", "previous": "1", "deployed_at": NOON - hours(1)}
    return Change(kind="model", name="credit", **{**known, **more})


def test_the_version_before_is_offered_where_the_release_preceded_the_trouble() -> None:
    change = a_change()
    offer = offered(an_incident(last_change=change, began=(("drift", NOON),)))
    assert offer.rollback == Rollback(kind="model", name="credit", version="2", to="1", deployed_at=NOON - hours(1))
    assert offer.before == change
    assert offer.why == "model credit 2 preceded the trouble; 1 ran before it"


@pytest.mark.parametrize(
    ("deployed_at", "is_offered"),
    [(NOON - timedelta(seconds=1), True), (NOON, True), (NOON + timedelta(seconds=1), False)],
)
def test_what_came_after_the_trouble_began_is_not_its_cause(deployed_at: datetime, is_offered: bool) -> None:  # noqa: FBT001
    began = (("hallucination", NOON + hours(2)), ("drift", NOON))
    offer = offered(an_incident(last_change=a_change(deployed_at=deployed_at), began=began))
    assert (offer.rollback is not None) is is_offered
    assert is_offered or "would not end it" in offer.why


def test_where_no_kind_says_when_it_began_the_incident_does() -> None:
    assert offered(an_incident(last_change=a_change(), opened_at=NOON)).rollback is not None
    assert offered(an_incident(last_change=a_change(), opened_at=NOON - hours(2))).rollback is None


def test_without_a_release_something_else_is_tried() -> None:
    offer = offered(an_incident())
    assert (offer.rollback, offer.before) == (None, None)
    assert "pin the vendor's version" in offer.why
    assert "fallback model" in offer.why


def test_where_nobody_said_what_ran_before_the_version_has_to_be_given() -> None:
    offer = offered(an_incident(last_change=a_change(previous=None)))
    assert (offer.rollback, offer.before) == (None, a_change(previous=None))
    assert "give the version to go back to" in offer.why


def test_a_release_of_an_unknown_time_is_not_said_to_have_come_after() -> None:
    offer = offered(an_incident(last_change=a_change(deployed_at=None)))
    assert offer.rollback is None
    assert offer.why.startswith("Nobody said when model credit 2 was released")
