"""What was seen of systems, monitors, people and answers, for the coverage audit to hold the catalog against."""

from datetime import timedelta
from typing import Protocol

from incidents.core.coverage import Seen


class Witness(Protocol):
    async def seen(self, over: timedelta | None = None) -> Seen:
        """Everything seen by now; response times are of the incidents opened within `over`, and none without it."""
        ...
