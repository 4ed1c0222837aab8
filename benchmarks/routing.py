"""What the largest inventory adds to the decision about one event: whose it is, who is asked, what keeps it quiet."""

import time
from itertools import count
from statistics import median

from incidents.adapters.files import catalog_from_texts
from incidents.core.catalog import Catalog
from incidents.core.correlate import Room
from incidents.core.decision import Scene
from incidents.core.estate import Estate
from tests.make import NOON, a_reading, hallucination
from tests.make_inventory import an_inventory

AIM = 1_000  # microseconds


def decided(estate: Estate, systems: int, events: int) -> list[float]:
    """Microseconds of each of so many decisions: every event fires, opens an incident and asks for a ladder."""
    taken, ids = [], (f"INC-{number}" for number in count(1))
    for number in range(events):
        name = f"system-{number * 7 % systems}"
        reading = a_reading(hallucination(60, 120, at=NOON, system=name))
        began = time.perf_counter()
        room = Room(Scene(system=name, environment="production"), estate, now=NOON, ids=ids)
        room.take(reading)
        decision = room.decision()
        taken.append(1e6 * (time.perf_counter() - began))
        assert len(decision.incidents) == 1
    return taken


def report(*, systems: int = 5_000, people: int = 500, schedules: int = 200, events: int = 5_000) -> str:
    """Medians with that inventory and with none, and what the one takes longer than the other."""
    files = an_inventory(systems=systems, people=people, schedules=schedules)
    known = decided(Estate(catalog=catalog_from_texts(files.items()).catalog, slack=True), systems, events)
    bare = decided(Estate(catalog=Catalog(), slack=True), systems, events)
    return (
        f"routing one firing event among {systems:,} systems: {median(known):,.0f} us, with no inventory "
        f"{median(bare):,.0f} us: adds {median(known) - median(bare):,.0f} us (aim < {AIM:,} us)"
    )


if __name__ == "__main__":
    print(report())
