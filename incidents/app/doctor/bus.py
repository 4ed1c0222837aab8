"""Looks at the bus: whether its address makes sense, and whether it answers."""

import asyncio
from collections.abc import AsyncIterator

from incidents.adapters.bus import (
    OUTLET,
    BadAddress,
    BusAway,
    BusRefused,
    Publisher,
    bus_address,
    open_outlet,
    open_publisher,
)
from incidents.app.doctor.finding import Finding, Grade, fail, ok
from incidents.app.settings import Settings

_PATIENCE = 10.0  # seconds for its answer


async def examine_bus(settings: Settings) -> AsyncIterator[Finding]:
    if settings.bus_url is None:
        yield ok("bus", "none is set; events come by HTTP")
        return
    try:
        address = bus_address(settings.bus_url.get_secret_value())
    except BadAddress as error:
        yield fail("bus", str(error), "mend INCIDENTS_BUS_URL")
        return
    found = await _answer(open_publisher(address), "bus", f"{address.shown} answers")
    yield found
    if found.grade is Grade.OK:
        yield await _answer(open_outlet(address), "events out", f"lifecycle events go to {OUTLET} at {address.shown}")


async def _answer(publisher: Publisher, what: str, well: str) -> Finding:
    advice = "check the broker and INCIDENTS_BUS_URL"
    try:
        async with asyncio.timeout(_PATIENCE):
            await publisher.start()
        return ok(what, well)
    except (BusAway, BusRefused) as error:
        return fail(what, str(error), advice)
    except TimeoutError:
        return fail(what, f"no answer in {_PATIENCE:.0f} s", advice)
    finally:
        await publisher.stop()
