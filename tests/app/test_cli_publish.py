"""Events are published from a file, to the service or to the bus; each refusal is told with its line."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.app.desk import Desk
from tests.make_events import Payload, drift_data, published


def event(number: int, **data: Any) -> Payload:  # noqa: ANN401 - a builder takes any field of what it builds
    return published(id=f"e-{number}", data=drift_data(**data))


def until_ready(url: str) -> None:
    """Return when the service consumes from its bus."""
    until = time.monotonic() + 90
    while not httpx.get(f"{url}/readyz").is_success:
        assert time.monotonic() < until


def test_an_object_an_array_and_json_lines_are_all_taken(desk: Desk) -> None:
    desk.write("one.json", json.dumps(event(1), indent=2))
    desk.write("array.json", json.dumps([event(2), event(3)], indent=2))
    desk.write("lines.jsonl", "\n\n".join(json.dumps(event(number)) for number in (4, 5, 1)))
    with desk.serving() as url:
        assert desk.type("publish", "one.json").out == f"1 accepted, 0 refused by {url}\n"
        assert desk.type("publish", "array.json").out == f"2 accepted, 0 refused by {url}\n"
        lines = desk.type("publish", "lines.jsonl", "--json")
        assert (lines.code, lines.json) == (
            0,
            {"to": url, "accepted": 2, "duplicates": 1, "conflicts": 0, "errors": []},
        )
        given = desk.type("publish", "-", "--url", url, given=json.dumps(event(6)))
        assert given.out == f"1 accepted, 0 refused by {url}\n"


def test_refusals_name_the_line_and_keep_nothing_else_back(desk: Desk) -> None:
    lines = [json.dumps(event(1)), "", '{"broken": ', json.dumps(event(2, value="much")), json.dumps(event(3))]
    desk.write("events.jsonl", "\n".join(lines))
    desk.write("array.json", f"[\n{json.dumps(event(4))},\n{json.dumps(event(5, threshold=None))}\n]")
    with desk.serving():
        told = desk.type("publish", "events.jsonl")
        assert told.code == 1
        assert told.out.startswith("2 accepted, 2 refused")
        assert [line.split(": ")[:2] for line in told.err.splitlines()] == [
            ["events.jsonl:3", "body"],
            ["events.jsonl:4", "data.value"],
        ]
        (error,) = desk.type("publish", "array.json", "--json").json["errors"]
        assert (error["line"], error["field"]) == (3, "data.threshold")


def test_what_is_too_large_is_refused_alone(desk: Desk) -> None:
    large = event(2, labels={"a": "x" * 1_100_000})
    desk.write("events.jsonl", "\n".join(json.dumps(each) for each in (event(1), large, event(3))))
    with desk.serving():
        told = desk.type("publish", "events.jsonl")
    assert told.code == 1
    assert told.out.startswith("2 accepted, 1 refused")
    assert told.err.startswith("events.jsonl:2: body: is larger than")


def test_more_events_than_one_request_takes_go_in_several(desk: Desk) -> None:
    desk.write("events.jsonl", "\n".join(json.dumps(event(number)) for number in range(1_100)))
    with desk.serving():
        assert desk.type("publish", "events.jsonl").out.startswith("1100 accepted, 0 refused")


@pytest.mark.parametrize("text", ["", "[]", "\n \n"])
def test_a_file_without_events_is_found_wanting(desk: Desk, text: str) -> None:
    said = desk.type("publish", desk.write("events.json", text))
    assert said.code == 1
    assert "there are no events in events.json" in said.err


def test_a_file_that_is_not_there_is_wrong_usage(desk: Desk) -> None:
    assert desk.type("publish", "nothing.json").code == 2


def test_without_a_service_nothing_is_published(desk: Desk) -> None:
    said = desk.type("publish", desk.write("one.json", json.dumps(event(1))), PUBLIC_URL="http://127.0.0.1:1")
    assert said.code == 1
    assert "nothing answers at http://127.0.0.1:1" in said.err


def test_events_go_over_rabbitmq_to_the_service(desk: Desk, rabbitmq_url: str) -> None:
    desk.write("events.jsonl", f"{json.dumps(event(1))}\n{json.dumps(event(2, value='much'))}\n")
    desk.settings["BUS_URL"] = rabbitmq_url
    early = desk.type("publish", "events.jsonl")
    assert early.code == 1
    assert "start `incidents serve` first" in early.err
    with desk.serving() as url:
        until_ready(url)
        told = desk.type("publish", "events.jsonl")
        assert told.code == 1
        assert told.out.startswith("1 accepted, 1 refused by amqp://")
        assert told.err.startswith("events.jsonl:2: data.value")
        assert "guest:guest" not in told.out + told.err
        assert desk.type("publish", "events.jsonl", "--url", url, "--json").json["errors"][0]["line"] == 2


def test_a_bus_that_is_away_is_told(desk: Desk) -> None:
    said = desk.type(
        "publish", desk.write("one.json", json.dumps(event(1))), BUS_URL="amqp://me:secret-word@127.0.0.1:1"
    )
    assert said.code == 1
    assert "127.0.0.1:1" in said.err
    assert "secret-word" not in said.err
