"""A key is one request's: others replay its answer, wait for it, or are told that it was used for something else."""

import asyncio

from incidents.adapters.store.answers import KeptAnswer, KeptAnswers
from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.flow.ports import Turn
from tests.adapters.store.kept import a_letter
from tests.make import by, hours, minutes

ASKED = ("priya", "POST", "/api/incidents", "key 1")
DONE = KeptAnswer(mine=False, status=201, content_type="application/json", body=b"{}", location="/api/incidents/INC-1")


async def test_the_same_request_again_is_given_the_same_answer(database: Database) -> None:
    answers = KeptAnswers(database)
    assert (await answers.take(*ASKED, "hash")).mine
    await answers.keep(*ASKED, DONE)
    again = await answers.take(*ASKED, "hash")
    assert (again.mine, again.status, again.body, again.location) == (False, 201, b"{}", DONE.location)
    assert (again.content_type, again.body_hash) == ("application/json", "hash")


async def test_a_key_used_for_something_else_shows_what_it_was_used_for(database: Database) -> None:
    answers = KeptAnswers(database)
    await answers.take(*ASKED, "hash")
    assert (await answers.take(*ASKED, "another")).body_hash == "hash"


async def test_a_key_is_one_actors_on_one_path(database: Database) -> None:
    answers = KeptAnswers(database)
    assert (await answers.take(*ASKED, "hash")).mine
    for other in (("dana", *ASKED[1:]), ("priya", "PUT", *ASKED[2:]), (*ASKED[:2], "/x", "key 1"), (*ASKED[:3], "k")):
        assert (await answers.take(*other, "hash")).mine


async def test_of_many_requests_at_once_one_has_the_key_and_the_rest_see_it_in_flight(database: Database) -> None:
    answers = KeptAnswers(database)
    found = await asyncio.gather(*(answers.take(*ASKED, "hash") for _ in range(10)))
    assert [one.mine for one in found].count(True) == 1
    assert all(one.status is None for one in found)


async def test_a_request_that_did_nothing_gives_its_key_back(database: Database) -> None:
    answers = KeptAnswers(database)
    await answers.take(*ASKED, "hash")
    await answers.keep(*ASKED, None)
    assert (await answers.take(*ASKED, "another")).mine
    await answers.keep(*ASKED, DONE)
    await answers.keep(*ASKED, None)
    assert (await answers.take(*ASKED, "another")).status == 201, "an answer that was given stays"


async def test_a_request_that_was_never_answered_loses_its_key_after_a_minute_to_one_other(database: Database) -> None:
    answers = KeptAnswers(database)
    await answers.take(*ASKED, "hash")
    database.shift(minutes(2))
    assert not (await answers.take(*ASKED, "another")).mine
    found = await asyncio.gather(*(answers.take(*ASKED, "hash") for _ in range(5)))
    assert [one.mine for one in found].count(True) == 1


async def test_an_answer_is_kept_for_a_day(store: Store, database: Database) -> None:
    answers = KeptAnswers(database)
    await answers.take(*ASKED, "hash")
    await answers.keep(*ASKED, DONE)
    for time, mine in ((hours(23), False), (hours(2), True)):
        store.shift(time)
        async with store.unit(Turn.INTAKE) as unit:
            await unit.ledger.expire()
        assert (await answers.take(*ASKED, "hash")).mine is mine


async def test_a_letter_is_dealt_with_by_one_person(store: Store, database: Database) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.put_aside([a_letter()])
    answers = KeptAnswers(database)
    both = (answers.handle_letter("1", state, by=by("priya"), note="why") for state in ("replayed", "discarded"))
    assert sorted(await asyncio.gather(*both)) == [False, True]
