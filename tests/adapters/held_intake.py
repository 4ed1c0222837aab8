"""An intake whose commits the test makes, and what comes to it."""

import asyncio
from collections.abc import Iterable

from incidents.core.delivery import Delivery

SOON = 60.0


class HeldIntake:
    """Keeps every delivery pending until the test commits it, or commits each `at_once`."""

    def __init__(self, *, at_once: bool = False) -> None:
        self.deliveries: list[Delivery] = []
        self._futures: list[asyncio.Future[None]] = []
        self._at_once = at_once
        self._came = asyncio.Event()

    def submit(self, delivery: Delivery, /) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        self.deliveries.append(delivery)
        self._futures.append(future)
        if self._at_once:
            future.set_result(None)
        self._came.set()
        return future

    @property
    def bodies(self) -> list[bytes | None]:
        return [delivery.body for delivery in self.deliveries]

    async def holds(self, count: int, *, within: float = SOON) -> list[bytes | None]:
        """Return the bodies once `count` deliveries have come."""
        async with asyncio.timeout(within):
            while len(self.deliveries) < count:
                self._came.clear()
                await self._came.wait()
        return self.bodies

    async def holds_all(self, bodies: Iterable[bytes]) -> list[bytes | None]:
        """Return the bodies once each of these has come at least once."""
        wanted = set(bodies)
        async with asyncio.timeout(SOON):
            while not wanted <= set(self.bodies):
                self._came.clear()
                await self._came.wait()
        return self.bodies

    def commit(self, *bodies: bytes) -> None:
        """Commit the pending deliveries with these bodies, in the order they are named; all when none is named."""
        for body in bodies or dict.fromkeys(self.bodies):
            for delivery, future in zip(self.deliveries, self._futures, strict=True):
                if delivery.body == body and not future.done():
                    future.set_result(None)

    def commit_first(self, count: int) -> None:
        """Commit the deliveries that came first."""
        for future in self._futures[:count]:
            future.set_result(None)

    def commit_from_now_on(self) -> None:
        """Commit what is pending and everything that comes."""
        self._at_once = True
        self.commit()

    def stop(self) -> None:
        """Stop as a service does that never committed what is pending."""
        for future in self._futures:
            future.cancel()

    def fail(self) -> None:
        """Break the intake's promise never to fail a delivery."""
        for future in self._futures:
            if not future.done():
                future.set_exception(RuntimeError("out of memory"))
