"""Looks at the bus: whether its address makes sense, and whether it answers."""

import asyncio
from collections.abc import AsyncIterator

from incidents.adapters.bus import BadAddress, BusAway, BusRefused, bus_address, open_publisher
from incidents.app.doctor.finding import Finding, fail, ok
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
    publisher = open_publisher(address)
    try:
        async with asyncio.timeout(_PATIENCE):
            await publisher.start()
        yield ok("bus", f"{address.shown} answers")
    except (BusAway, BusRefused) as error:
        yield fail("bus", str(error), "check the broker and INCIDENTS_BUS_URL")
    except TimeoutError:
        yield fail("bus", f"{address.shown} did not answer in {_PATIENCE:.0f} s", "check the broker and the network")
    finally:
        await publisher.stop()
