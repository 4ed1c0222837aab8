"""A write under an Idempotency-Key happens once."""

import pytest

from tests.adapters.web_calls import a_front, post, problem


async def test_a_write_sent_twice_under_one_key_happens_once_and_is_answered_twice() -> None:
    front = a_front()
    first = await post(front, "/api/incidents/INC-1/note", {"note": "x"}, Idempotency_Key="k1")
    second = await post(front, "/api/incidents/INC-1/note", {"note": "x"}, Idempotency_Key="k1")
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert len(front.world.asked) == 1


async def test_a_refusal_is_replayed_too() -> None:
    front = a_front()
    first = await post(front, "/api/incidents/INC-3/note", {"note": "x"}, Idempotency_Key="k1")
    second = await post(front, "/api/incidents/INC-3/note", {"note": "x"}, Idempotency_Key="k1")
    assert problem(first, 409) == problem(second, 409)


async def test_a_key_with_another_body_is_refused() -> None:
    front = a_front()
    await post(front, "/api/incidents/INC-1/note", {"note": "x"}, Idempotency_Key="k1")
    told = problem(await post(front, "/api/incidents/INC-1/note", {"note": "y"}, Idempotency_Key="k1"), 422)
    assert told["code"] == "key_reused"


async def test_a_key_is_a_persons_own_and_an_addresss_own() -> None:
    front = a_front()
    for path, person in (("INC-1/note", "ada"), ("INC-1/note", "lee"), ("INC-2/note", "ada")):
        await post(front, f"/api/incidents/{path}", {"note": "x"}, Idempotency_Key="k1", X_Incidents_As=person)
    assert len(front.world.asked) == 3


async def test_a_key_whose_first_request_is_not_answered_yet_has_to_wait() -> None:
    front = a_front()
    front.world.away = True
    await post(front, "/api/incidents/INC-1/note", {"note": "x"}, Idempotency_Key="k1")
    assert front.answers.kept == {}, "nothing was done: the key is free again"
    front.world.away = False
    await post(front, "/api/incidents/INC-1/note", {"note": "x"}, Idempotency_Key="k1")
    ((claim, (body_hash, _)),) = front.answers.kept.items()
    front.answers.kept[claim] = body_hash, None
    answer = await post(front, "/api/incidents/INC-1/note", {"note": "x"}, Idempotency_Key="k1")
    assert problem(answer, 409)["code"] == "in_flight"


@pytest.mark.parametrize("key", ["", "has space", "x" * 201])
async def test_a_key_that_is_none_is_refused(key: str) -> None:
    told = problem(await post(a_front(), "/api/incidents/INC-1/note", {"note": "x"}, Idempotency_Key=key), 400)
    assert told["errors"][0]["field"] == "Idempotency-Key"
