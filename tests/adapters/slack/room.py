"""Who decides and who reads behind the doors, written by hand."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import httpx
from fastapi import FastAPI

from incidents.adapters.slack import Queries, SlackApi, Turns, clicker, doors
from incidents.core.briefing import Briefing
from incidents.core.catalog import Catalog
from incidents.core.errors import NotFound
from incidents.core.estate import Estate
from incidents.core.fact import Actor, ActorType
from incidents.core.feed import Copy
from incidents.core.incident import Incident, Status, after
from incidents.core.response import Ask
from incidents.core.severity import Severity
from incidents.flow.ports import IncidentQuery, Reader, RunDesk, RunReader
from tests.adapters.slack.parts import ADA_OKOYE, NOON, SECRET, a_briefing
from tests.fakes.rota import a_desk, personal_turns

CATALOG = Catalog(people={"ada": ADA_OKOYE})
ADA_ACTS = Actor(type=ActorType.PERSON, id="ada")
WEB = "http://127.0.0.1:8080"


def an_incident(
    name: str = "INC-7", *, status: Status = Status.TRIGGERED, title: str = "Data drift on age"
) -> Incident:
    return Incident(
        id=name,
        system="credit-scoring",
        environment="production",
        title=title,
        status=status,
        severity=Severity.SEV3,
        severity_why="r 3.1",
        policy_version="1",
        opened_at=NOON,
    )


@dataclass
class Room:
    """Decides as the product does: by the lifecycle's table, one effect for one key."""

    status: Status = Status.TRIGGERED
    trouble: Exception | None = None
    hangs: bool = False
    asks: list[Ask] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def act(self, ask: Ask, *, once: str | None = None) -> Incident:
        assert once is not None
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        if ask.incident != "INC-7":
            raise NotFound(f"there is no incident {ask.incident}")
        if once not in self.keys:
            self.status = after(self.status, ask.action)
            self.keys.add(once)
            self.asks.append(ask)
        return an_incident(status=self.status)


@dataclass
class Shelf:
    """Reads out what it holds."""

    held: list[Incident] = field(default_factory=list)
    trouble: Exception | None = None

    async def incidents(self, query: IncidentQuery) -> tuple[list[Incident], str | None]:
        if self.trouble is not None:
            raise self.trouble
        found = [one for one in self.held if one.status in query.status]
        return found[: query.limit], "more" if len(found) > query.limit else None

    async def briefing(self, incident: str) -> Briefing:
        if not any(one.id == incident for one in self.held):
            raise NotFound
        return a_briefing(incident=incident)


def turns_of(catalog: Catalog, *copies: Copy) -> Turns:
    """What people are told of who is on call by `catalog`, at noon."""
    estate = Estate(catalog=catalog, public_url=WEB)
    return Turns(
        on_call=a_desk(lambda: estate, NOON, *copies),
        personal=personal_turns(lambda: estate, NOON),
        people=lambda user: clicker(user, catalog),
        name=lambda id_: estate.person(id_).name,
        public_url=WEB,
    )


def an_entrance(
    api: SlackApi,
    room: Room,
    shelf: Shelf,
    *,
    secret: str | None = SECRET,
    turns: Turns | None = None,
    runs: RunDesk | None = None,
    run_reader: RunReader | None = None,
    catalog: Catalog = CATALOG,
) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(
        doors(
            respond=room,
            runs=cast("RunDesk", runs),  # where there is none, nobody clicks on one
            run_reader=cast("RunReader", run_reader),
            queries=Queries(reader=cast("Reader", shelf), turns=turns or turns_of(CATALOG), public_url=WEB),
            people=lambda user: clicker(user, catalog),
            api=api,
            signing_secret=secret,
            public_url=WEB,
        )
    )
    # An error that is not answered must fail the test.
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=True), base_url="http://doors")
