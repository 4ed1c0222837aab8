"""Which values a runbook's parameters have, and which are refused."""

import pytest

from incidents.core.errors import NotAllowed
from incidents.core.parameters import judged, slow, values
from incidents.core.runbook import Parameter, ParameterType, Runbook

BOOK = Runbook(
    id="rollback",
    title="Roll back",
    parameters=(
        Parameter(name="alias", default="champion", pattern="[a-z-]{1,60}"),
        Parameter(name="model", default="{{ rollback.name }}"),
        Parameter(name="share", type=ParameterType.INTEGER, default="5", choices=(5, 10)),
        Parameter(name="version", description="The version to go back to"),
    ),
)


def filled(default: object) -> object:
    """As if every default were a template that says so."""
    return "credit" if default == "{{ rollback.name }}" else default


def test_what_is_given_goes_before_the_system_and_the_system_before_the_default() -> None:
    found = values(BOOK, {"version": "3"}, {"alias": "live", "version": "2", "of-another-time": "x"}, filled)

    assert found == {"alias": "live", "model": "credit", "share": 5, "version": "3"}


def test_only_a_default_is_a_template() -> None:
    given = {"model": "{{ rollback.name }}", "version": "{{ 7*7 }}"}

    found = values(BOOK, given, {}, filled)

    assert (found["model"], found["version"]) == ("{{ rollback.name }}", "{{ 7*7 }}")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "the parameter version must be given: The version to go back to"),
        ({"version": "1", "aliass": "a"}, "no parameter aliass in runbook rollback: alias, model, share, version"),
        ({"version": "1", "alias": "Champion"}, "the parameter alias must look like [a-z-]{1,60}"),
        ({"version": "1", "alias": "a" * 201}, "the parameter alias is longer than 200 characters"),
        ({"version": "1", "share": 7}, "the parameter share must be one of 5, 10"),
        ({"version": "1", "share": "many"}, "the parameter share must be a number"),
        ({"version": "1\n2"}, "the parameter version must be in one line, without control characters"),
        ({"version": ""}, "the parameter version must be text of 1 to 1000 characters"),
        ({"version": "x" * 1001}, "the parameter version must be text of 1 to 1000 characters"),
        ({"version": ["1"]}, "the parameter version must be text"),
        ({"version": None}, "the parameter version must be text"),
        ({"version": True}, "the parameter version must be text"),
    ],
)
def test_a_value_that_its_runbook_does_not_want_is_refused(given: dict[str, object], why: str) -> None:
    with pytest.raises(NotAllowed) as told:
        values(BOOK, given, {}, filled)

    assert (told.value.code, told.value.why) == ("parameter", why)


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        (ParameterType.STRING, 7, "7"),
        (ParameterType.STRING, "007", "007"),
        (ParameterType.INTEGER, "7", 7),
        (ParameterType.INTEGER, 7.0, 7),
        (ParameterType.INTEGER, -7, -7),
        (ParameterType.NUMBER, "0.5", 0.5),
        (ParameterType.NUMBER, "10", 10),
        (ParameterType.BOOLEAN, "true", True),
        (ParameterType.BOOLEAN, False, False),
    ],
)
def test_a_value_gets_the_type_that_its_runbook_declares(type_: ParameterType, given: object, value: object) -> None:
    found = judged(Parameter(name="a", type=type_), given)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (ParameterType.INTEGER, 7.5),
        (ParameterType.INTEGER, "nan"),
        (ParameterType.INTEGER, "9" * 100),
        (ParameterType.INTEGER, 10**400),
        (ParameterType.INTEGER, True),
        (ParameterType.NUMBER, "inf"),
        (ParameterType.NUMBER, "1" * 300),
        (ParameterType.NUMBER, {}),
        (ParameterType.BOOLEAN, 1),
        (ParameterType.BOOLEAN, "yes"),
    ],
)
def test_a_value_of_another_type_is_refused(type_: ParameterType, given: object) -> None:
    with pytest.raises(NotAllowed):
        judged(Parameter(name="a", type=type_), given)


@pytest.mark.parametrize("pattern", ["[a-z-]{1,60}", "(dev|prod)", "v?[0-9]+", "[0-9]+\\.[0-9]+\\.[0-9]+", "(?:a|b)"])
def test_a_plain_pattern_is_fine(pattern: str) -> None:
    assert slow(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*b", "(a{1,9}){1,9}", "(a)\\1", "(?=a)b", "a*a*a*a*b", "[a", "(", "a" * 5 + "{99999999999}"],
)
def test_a_pattern_that_may_take_long_or_cannot_be_read_says_why(pattern: str) -> None:
    assert slow(pattern) != ""
