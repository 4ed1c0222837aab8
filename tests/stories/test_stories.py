"""Stories 2, 4, 5, 6, 8 and 9 from the monitor's message to closure, through real brokers, databases and a third party's Slack."""

import pytest

from incidents.core.events import EventType
from tests.make_events import hallucination_data
from tests.stories.conftest import FULL
from tests.stories.street import Lot, buttons, monday, shown, street, window

pytestmark = pytest.mark.story
on_every_road = pytest.mark.parametrize("lot", FULL, indirect=True)


def judged(flagged: int, sampled: int, start: float, end: float, system: str = "rag-assistant") -> dict[str, object]:
    return hallucination_data(system=system, flagged=flagged, sampled=sampled, window=window(start, end))


@on_every_road
async def test_story_2_a_rag_assistant_gets_worse_as_the_sample_grows(lot: Lot) -> None:
    async with street(lot) as town:
        await town.tell(EventType.HALLUCINATION_MEASURED, judged(4, 30, 9, 10))
        print(await town.incident())
        print(await town.timeline())
        print(await town.slack.cards())
        await town.holds_the_promise()
