"""Stories 2, 4, 5, 6, 8 and 9 from the monitor's message to closure, on real brokers, databases and a foreign Slack.

Each is told on three roads: RabbitMQ with PostgreSQL, Kafka with PostgreSQL, and HTTP with SQLite.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from incidents.core.estate import UNKNOWN_SYSTEMS
from incidents.core.events import EventType
from incidents.core.incident import Action
from tests.fakes.slack import ADA, GONE, LEE, TOKEN, FakeSlack
from tests.make_events import Payload, cost_data, drift_data, hallucination_data, release_data
from tests.stories.conftest import FULL
from tests.stories.street import NAMES, SYSTEMS, Lot, Message, Street, buttons, monday, shown, street, window
from tests.stories.wires import batched

pytestmark = pytest.mark.story
on_every_road = pytest.mark.parametrize("lot", FULL, indirect=True)
MEASURED = EventType.HALLUCINATION_MEASURED
DETECTED = EventType.DRIFT_DETECTED
THIRD = 1 / 3  # of an hour
CLOSURE = ["alert_cleared", "verified", "mitigated", "resolved", "closed"]


def judged(flagged: int, sampled: int, start: float, end: float, system: str = "rag-assistant") -> Payload:
    return hallucination_data(system=system, flagged=flagged, sampled=sampled) | {"window": window(start, end)}


async def paged(town: Street) -> dict[str, int]:
    """Who was paged, and how often."""
    found = {person: len(await town.slack.pages(person)) for person in NAMES}
    return {person: times for person, times in found.items() if times}


async def messages_of(town: Street, *people: str) -> list[Message]:
    """The card, and the pages of these people."""
    pages = [page for person in people for page in await town.slack.pages(person)]
    return [*await town.slack.cards(), *pages]


async def recovers(town: Street, begin: float, system: str = "rag-assistant") -> None:
    """Two good windows of twenty minutes, before anybody would be asked for a word: the first proves nothing yet."""
    for start in (begin, begin + THIRD):
        assert (await town.incident())["verified_at"] is None
        await town.wind(start + THIRD)
        await town.tell(MEASURED, judged(0, 120, start, start + THIRD, system))
    assert (await town.incident())["status"] == "mitigated"
    assert (await town.incident())["verified_at"] is not None


async def resolved_and_closed(town: Street, person: str) -> None:
    """The person resolves it by the form in Slack, and Lee closes it on the web."""
    incident = await town.first()
    sent = await town.fill(person, Action.RESOLVE, incident, reason="fixed", note="The old prompt is back.")
    assert (sent.status_code, sent.text) == (200, "")
    resolved = await town.incident()
    assert (resolved["status"], resolved["resolution"]) == ("resolved", "fixed")
    closed = await town.act("lee", "close", incident)
    assert closed.json()["status"] == "closed", closed.text


@on_every_road
async def test_story_2_an_assistant_is_posted_then_paged_for_as_the_sample_grows(lot: Lot) -> None:
    async with street(lot) as town:
        await town.tell(MEASURED, judged(4, 30, 9, 10))

        (card,) = await town.slack.cards()
        assert card["text"].startswith("SEV4 RAG assistant: at least 5.3 % of answers flagged (4 of 30), limit 5 %")
        assert await paged(town) == {}

        await town.wind(11)
        await town.tell(MEASURED, judged(22, 120, 10, 11))

        (raised,) = await town.slack.cards()
        assert raised["ts"] == card["ts"]
        assert raised["text"].startswith("SEV3 RAG assistant: at least 12.4 %")
        (line,) = await town.slack.lines(raised)
        assert line.startswith("Raised from SEV4 to SEV3")
        assert await paged(town) == {"ada": 1}
        (page,) = await town.slack.pages("ada")
        assert "you are the model owner of RAG assistant" in shown(page)

        assert (await town.click("ada", "acknowledge", message_ts=page["ts"])).is_success

        assert (await town.incident())["acknowledged_by"] == "ada"
        updated = await messages_of(town, "ada")
        assert [message["ts"] for message in updated] == [card["ts"], page["ts"]]
        assert not any("acknowledge" in buttons(message) for message in updated)
        assert all("Ada Okoye has it" in shown(message) for message in updated)
        assert "you are the model owner of RAG assistant" in shown(updated[1])

        await recovers(town, 11)
        await resolved_and_closed(town, "ada")
        begun = ["opened", "alert_joined", "severity_raised", "target_skipped", "paged", "acknowledged"]
        assert await town.kinds() == [*begun, *CLOSURE]
        assert await paged(town) == {"ada": 1}
        await town.holds_the_promise()


@on_every_road
async def test_story_2_on_a_critical_system_waits_for_the_morning_until_it_is_sev2(lot: Lot) -> None:
    async with street(lot, begins=3) as town:
        await town.tell(MEASURED, judged(4, 30, 2, 3, "triage-bot"))
        assert (await town.incident())["severity"] == "sev3"
        assert await paged(town) == {}

        await town.wind(4)
        await town.tell(MEASURED, judged(22, 120, 3, 4, "triage-bot"))

        assert (await town.incident())["severity"] == "sev2"
        assert await paged(town) == {"ada": 1}
        (page,) = await town.slack.pages("ada")
        assert page["text"].startswith("SEV2 Triage bot: at least 12.4 %")
        await town.holds_the_promise()


def prompt_released(at: float) -> Payload:
    data = release_data(system="rag-assistant", kind="prompt", name="answer", version="42", previous="41")
    data["release"]["deployed_at"] = monday(at).isoformat()
    return data


async def tells_of_the_release(town: Street) -> None:
    facts = await town.timeline()
    assert [fact["data"]["owner"] for fact in facts if fact["kind"] == "owner_added"] == ["priya", "sam"]
    (release,) = [fact["text"] for fact in facts if fact["kind"] == "release"]
    assert "preceded the window" in release
    assert release.endswith("roll back to 41")
    (raised,) = [fact["text"] for fact in facts if fact["kind"] == "severity_raised"]
    assert "SEV3 -> SEV2: drift and hallucination began within 1 d after prompt release 42" in raised


@on_every_road
async def test_story_4_all_three_kinds_after_one_prompt_release_are_one_incident(lot: Lot) -> None:
    async with street(lot) as town:
        await town.tell(EventType.RELEASE_DEPLOYED, prompt_released(1))
        await town.tell(MEASURED, judged(22, 120, 9, 10))
        assert (await town.incident())["severity"] == "sev3"
        drifted = drift_data(system="rag-assistant", window=window(9, 10))
        await town.tell(EventType.DRIFT_MEASURED, drifted)
        spent = cost_data(system="rag-assistant", window=window(2, 10))
        await town.tell(EventType.COST_ANOMALY_MEASURED, spent)

        (incident,) = await town.incidents()
        assert incident["kinds"] == ["hallucination", "drift", "cost_anomaly"]
        assert (incident["severity"], incident["last_change"]["version"]) == ("sev2", "42")
        await tells_of_the_release(town)
        # Ada was asked as it opened and again when it became SEV2; the others when they were added.
        assert await paged(town) == {"ada": 2, "priya": 1, "sam": 1}
        assert len(await town.slack.cards()) == 1

        await town.click("priya", "acknowledge")
        everywhere = await messages_of(town, "ada", "priya", "sam")
        assert len(everywhere) == 5
        assert all("Priya Nair has it" in shown(message) for message in everywhere)

        for end in (10 + THIRD, 10 + 2 * THIRD):
            late = {"window": window(end - THIRD, end)}
            await town.wind(end)
            await town.tell(EventType.DRIFT_MEASURED, drifted | {"value": 0.02} | late)
            await town.tell(EventType.COST_ANOMALY_MEASURED, spent | {"actual": 160} | late)
            assert (await town.incident())["status"] == "acknowledged"
            await town.tell(MEASURED, judged(0, 120, end - THIRD, end))
        assert (await town.incident())["status"] == "mitigated"
        await resolved_and_closed(town, "priya")
        assert (await town.kinds())[-7:] == ["alert_cleared", "alert_cleared", *CLOSURE]
        await town.holds_the_promise()


@on_every_road
async def test_story_5_a_monitor_that_flips_all_night_is_one_page_and_one_line(lot: Lot) -> None:
    ten = 1 / 6
    async with street(lot, begins=22) as town:
        for flip in range(48):
            hour = 22 + flip * ten
            if flip:
                await town.wind(hour)
            await town.tell(MEASURED, judged(0 if flip % 2 else 22, 120, hour - ten, hour, "triage-bot"))

        (incident,) = await town.incidents()
        assert (incident["status"], incident["severity"]) == ("triggered", "sev2")
        assert await paged(town) == {"ada": 1}
        assert await town.kinds() == ["opened", "alert_joined", "target_skipped", "paged", "flapping"]
        (card,) = await town.slack.cards()
        (line,) = await town.slack.lines(card)
        assert "hallucination_rate is flapping" in line
        assert "Monitor //monitors.example/nightly, for Ada Okoye" in line

        for step in range(48, 57):  # an hour and a half in which it stays good
            hour = 22 + step * ten
            await town.wind(hour)
            await town.tell(MEASURED, judged(0, 120, hour - ten, hour, "triage-bot"))
        assert (await town.incident())["status"] == "mitigated"
        assert await paged(town) == {"ada": 1}
        await resolved_and_closed(town, "ada")
        assert (await town.kinds())[5:] == CLOSURE
        await town.holds_the_promise()


@on_every_road
async def test_story_6_one_misspelt_name_gets_a_hint_and_a_flood_of_names_one_incident(lot: Lot) -> None:
    names = Random(6)
    strangers = [f"bot-{names.getrandbits(64):016x}" for _ in range(5_009)]
    async with street(lot) as town:
        await town.tell(DETECTED, drift_data(system="credit-scorng", window=window(9, 10)))

        (incident,) = await town.incidents()
        assert (incident["system"], incident["registered"], incident["severity"]) == ("credit-scorng", False, "sev3")
        (stranger,) = [one for one in (await town.incident())["alerts"] if one["kind"] == "unknown_system"]
        assert stranger["figures"].startswith("credit-scorng is not in the catalog; did you mean credit-scoring?")
        assert any(stranger["figures"] in fact["text"] for fact in await town.timeline())
        assert await paged(town) == {"lee": 1}
        (page,) = await town.slack.pages("lee")
        assert "you are the default owner" in shown(page)
        await town.click("lee", "acknowledge")
        assert (await town.incident())["acknowledged_by"] == "lee"

        told = [town.event(DETECTED, drift_data(system=name, window=window(9, 10))) for name in strangers]
        await town.publish(batched(told[:9]), events=9)
        assert len(await town.incidents()) == 10

        await town.publish(batched(told[9:]), events=5_000)

        everything = await town.incidents()
        assert len(everything) == 11
        (flood,) = [one for one in everything if one["system"] == UNKNOWN_SYSTEMS]
        assert (flood["registered"], flood["severity"]) == (False, "sev3")
        alerts = (await town.incident(flood["id"]))["alerts"]
        assert [alert["figures"] for alert in alerts if alert["kind"] == "unknown_system"] == [
            "5,000 unknown names past those that may each have an incident"
        ]
        joined = (await town.kinds(flood["id"])).count("alert_joined")
        assert joined <= 60
        await town.holds_the_promise()


@asynccontextmanager
async def strict_slack(folder: Path) -> AsyncIterator[FakeSlack]:
    """The third party's Slack cannot deactivate anybody; ours can, and has: Priya."""
    async with FakeSlack(folder / "slack.jsonl").running() as slack:
        yield slack


@on_every_road
async def test_story_8_a_deactivated_model_owner_is_passed_over_at_once_and_the_gap_is_told(lot: Lot) -> None:
    owners = {"accountable": "lee", "model": "priya", "operational": "ada"}
    systems = {**SYSTEMS, "rag-assistant": {"title": "RAG assistant", "owners": owners}}
    people = {"ada": ADA, "lee": LEE, "priya": GONE}
    async with strict_slack(lot.folder) as slack:
        theirs = replace(lot, slack=slack.url, slack_token=TOKEN, people=people)
        async with street(theirs, begins=3, systems=systems) as town:
            harm = {"level": "confirmed", "reported_by": "a nurse"}
            await town.tell(MEASURED, judged(1, 3, 2, 3) | {"harm": harm})

            (page,) = await town.slack.pages("ada")
            why = "you are the operational owner of RAG assistant, because Priya Nair is deactivated in Slack"
            assert why in shown(page)
            facts = await town.timeline()
            (gap,) = [fact for fact in facts if fact["kind"] == "owner_gap"]
            assert gap["text"].startswith("Task for Lee Park: name a model owner")
            assert gap["data"]["accountable"] == "lee"
            (card,) = await town.slack.cards()
            assert gap["text"] in await town.slack.lines(card)
            kinds = [fact["kind"] for fact in facts]
            assert kinds.index("page_failed") < kinds.index("owner_gap") < kinds.index("paged")
            assert slack.ledger.posts("page:INC-1:1:0:priya") == []

            await town.click("ada", "acknowledge")
            assert (await town.incident())["acknowledged_by"] == "ada"
            await town.holds_the_promise()


@on_every_road
async def test_story_9_one_confirmed_harm_in_three_answers_is_sev2_at_once(lot: Lot) -> None:
    harm = {"level": "confirmed", "kind": "dangerous dose", "reported_by": "a nurse"}
    async with street(lot, begins=3) as town:
        await town.tell(MEASURED, judged(1, 3, 2, 3) | {"harm": harm})

        assert (await town.incident())["severity"] == "sev2"
        assert "confirmed harm (dangerous dose) reported by a nurse: SEV2" in (await town.incident())["severity_why"]
        assert await paged(town) == {"ada": 1}

        await town.wind(3.25 - 1 / 60)
        assert await paged(town) == {"ada": 1}
        await town.wind(3.25 + 1 / 60)
        assert await paged(town) == {"ada": 1, "sam": 1}

        # Sam's catalog entry holds no Slack id: he was found by his e-mail address, and is known by it when he clicks.
        (page,) = await town.slack.pages("sam")
        await town.click("sam", "acknowledge", message_ts=page["ts"])
        assert (await town.incident())["acknowledged_by"] == "sam"
        assert all("Sam Reed has it" in shown(message) for message in await messages_of(town, "ada", "sam"))

        await recovers(town, 3 + THIRD)
        await resolved_and_closed(town, "sam")
        assert await paged(town) == {"ada": 1, "sam": 1}
        begun = ["opened", "alert_joined", "harm_reported", "target_skipped", "paged", "escalated", "paged"]
        assert await town.kinds() == [*begun, "acknowledged", *CLOSURE]
        await town.holds_the_promise()
