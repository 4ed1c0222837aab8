"""The API for messages that could not be read."""

import pytest

from incidents.core.cloudevents import Refusal, RefusalKind
from incidents.flow.ports import Taken
from tests.adapters.web_calls import a_front, get, ids, post, problem
from tests.fakes.front import Front
from tests.fakes.told import a_letter


def with_letters() -> Front:
    front = a_front()
    front.world.letters = {
        "1": a_letter(1),
        "2": a_letter(2, body=b"\x00\xff\x1b[31mred", state="discarded"),
        "3": a_letter(3, body=None),
    }
    return front


async def test_a_dead_letter_shows_its_bytes_and_a_readable_preview() -> None:
    body = (await get(with_letters(), "/api/dead-letters/2")).json()
    assert body["body_base64"] == "AP8bWzMxbXJlZA=="
    assert body["preview"] == "\ufffd\ufffd\ufffd[31mred"
    assert (await get(with_letters(), "/api/dead-letters/3")).json()["preview"] is None


async def test_dead_letters_are_listed_by_state() -> None:
    assert ids(await get(with_letters(), "/api/dead-letters?state=open")) == ["1", "3"]
    assert "discarded" in problem(await get(with_letters(), "/api/dead-letters?state=lost"), 400)["detail"]


async def test_a_dead_letter_is_replayed_once() -> None:
    front = with_letters()
    assert (await post(front, "/api/dead-letters/1/replay")).json()["accepted"] == 1
    assert problem(await post(front, "/api/dead-letters/1/replay"), 409)["code"] == "already_done"


async def test_a_replay_that_is_refused_again_says_why() -> None:
    front = with_letters()
    refusal = Refusal(index=0, field="data.value", detail="must be a JSON number", kind=RefusalKind.INVALID)
    front.world.taken = Taken(errors=(refusal,))
    assert (await post(front, "/api/dead-letters/1/replay")).json()["errors"][0]["field"] == "data.value"


async def test_a_dead_letter_is_put_away() -> None:
    answer = await post(with_letters(), "/api/dead-letters/1/discard", {"reason": "A test"}, X_Incidents_As="ada")
    assert (answer.json()["state"], answer.json()["handled_by"]) == ("discarded", "ada")


@pytest.mark.parametrize("path", ["9", "1%20or%201", "9/replay"])
async def test_a_dead_letter_that_is_not_there_is_missing(path: str) -> None:
    front = with_letters()
    problem(await (post if path.endswith("replay") else get)(front, f"/api/dead-letters/{path}"), 404)
