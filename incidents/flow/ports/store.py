"""The database behind one door: transactions in their turn, and the markers that outlive a crash."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import IntEnum
from typing import Protocol

from incidents.flow.ports.board import BoardUnit
from incidents.flow.ports.inbox import InboxUnit
from incidents.flow.ports.monitors import MonitorsUnit
from incidents.flow.ports.outbox import OutboxUnit
from incidents.flow.ports.revisions import RevisionsUnit
from incidents.flow.ports.runs import RunsUnit
from incidents.flow.ports.silences import SilencesUnit
from incidents.flow.ports.tasks import TasksUnit


class Turn(IntEnum):
    """Who goes first where there is one writer."""

    PEOPLE = 0
    PAGES = 1
    INTAKE = 2


class LedgerUnit(Protocol):
    async def seal(self) -> int:
        """Chain the heads of all incidents that were written to since the last seal; how many those were."""
        ...

    async def expire(self) -> int:
        """Drop raw bodies, clicks, answers and refreshes whose time is over, some of each; more waits if not zero."""
        ...


class Unit(Protocol):
    """One transaction. `now` is the database's clock, read once."""

    now: datetime

    @property
    def inbox(self) -> InboxUnit: ...

    @property
    def board(self) -> BoardUnit: ...

    @property
    def monitors(self) -> MonitorsUnit: ...

    @property
    def outbox(self) -> OutboxUnit: ...

    @property
    def silences(self) -> SilencesUnit: ...

    @property
    def ledger(self) -> LedgerUnit: ...

    @property
    def revisions(self) -> RevisionsUnit: ...

    @property
    def runs(self) -> RunsUnit: ...

    @property
    def tasks(self) -> TasksUnit: ...


class Store(Protocol):
    """The database, behind one door."""

    def unit(self, turn: Turn) -> AbstractAsyncContextManager[Unit]: ...

    def rehearsal(self, at: datetime | None = None) -> AbstractAsyncContextManager[Unit]:
        """A transaction of which nothing remains, whatever is done in it; its clock is set where `at` is given."""
        ...

    async def mark(self, worker: str, digests: Sequence[bytes], *, solo: bool) -> dict[bytes, int]:
        """Leave a marker before a batch is looked at; which of its messages are suspects, with their solo crashes."""
        ...

    async def unmark(self, worker: str) -> None: ...
