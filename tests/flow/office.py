"""The registrar's office: one process's keeper and registrar over a real store, with files that a test writes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from incidents.adapters.store.archive import Archive
from incidents.adapters.store.database import Database
from incidents.adapters.store.schema import upgrade
from incidents.adapters.store.tables import effects
from incidents.app.drafts import Drafts
from incidents.app.wiring import assembled
from incidents.core.catalog import Catalog
from incidents.core.estate import Estate
from incidents.core.revision import Draft
from incidents.flow.keeper import Keeper
from incidents.flow.ports import Applied, ChangeQuery, ChangeView, FileText, Plan
from incidents.flow.registrar import Registrar
from tests.flow.house import MIGRATIONS, Troubled
from tests.make import by

SOON = 20.0
CATALOG = """\
version: 1
defaults: {owner: lee}
people:
  ada: {name: Ada Okoye, email: ada@example.com}
  kim: {name: Kim Rao, email: kim@acme.example}
  lee: {name: Lee Park, email: lee@example.com}
teams:
  ops: [ada]
  acme-ops: {members: [kim], company: Acme Ltd}
systems:
  bot:
    title: Support bot
    criticality: high
    owners: {accountable: lee, operational: ops}
"""


async def until(look: Callable[[], object]) -> None:
    """Return once it is so; a bound, not a wait."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SOON
    while not look():
        assert loop.time() < end, "not in time"
        await asyncio.sleep(0.01)


def with_handover(at: datetime) -> str:
    """The same catalog, with its operation announced to pass to Acme at that moment."""
    announced = f"role: operational, to: acme-ops, at: {at.isoformat(timespec='minutes')}, note: Run by Acme"
    return f"{CATALOG}    handovers: [{{{announced}}}]\n"


@dataclass(slots=True)
class Office:
    """What one process knows of catalogs, and what it has told."""

    store: Troubled
    archive: Archive
    keeper: Keeper
    registrar: Registrar
    estates: list[Estate] = field(default_factory=list)  # as they were adopted

    async def plan(self, text: str = CATALOG, name: str = "catalog.yaml") -> Plan:
        return await self.registrar.plan([FileText(name, text)])

    async def apply(self, text: str = CATALOG, *, who: str = "lee", expected: int | None = None) -> Applied:
        return await self.registrar.apply([FileText("catalog.yaml", text)], by=by(who), expected=expected)

    async def history(self, **filters: object) -> list[ChangeView]:
        views, _ = await self.archive.changes(ChangeQuery(**filters))  # type: ignore[arg-type]
        return list(views)

    async def told(self) -> dict[str, str]:
        """Every notice by its key, with the text."""
        async with self.store.database.read() as connection:
            rows = await connection.execute(select(effects).where(effects.c.kind == "notice").order_by(effects.c.id))
            return {row.key: row.data["text"] for row in rows}

    @property
    def estate(self) -> Estate:
        return self.estates[-1]


@asynccontextmanager
async def office(url: str, base: Estate | None = None) -> AsyncIterator[Office]:
    """A process that has begun with whatever was applied before."""
    database, known = Database(url), base or Estate(slack=True)
    await upgrade(database, MIGRATIONS)
    store, archive, drafts = Troubled(database), Archive(database), Drafts(known.policy, known.runbooks)
    estates: list[Estate] = []

    async def adopt(catalog: Catalog, now: datetime, trouble: str) -> None:
        estates.append(assembled(known, catalog, now, trouble))

    keeper = Keeper(archive, drafts, adopt, every=0.02)
    registrar = Registrar(store, archive, drafts, keeper, lambda: estates[-1])
    await keeper.begin(Draft())
    try:
        yield Office(store, archive, keeper, registrar, estates)
    finally:
        await database.close()
