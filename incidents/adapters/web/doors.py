"""Everything that the web is given, as one value, and how a route gets at it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from prometheus_client import REGISTRY, CollectorRegistry

from incidents.adapters.web.ports import Answers, Health, Intake, OpenIncident
from incidents.core.estate import Estate
from incidents.flow.ports import (
    CatalogDoor,
    DeadLetters,
    Explain,
    OnCall,
    PersonalTurns,
    Reader,
    Respond,
    RunDesk,
    RunReader,
    SilenceDesk,
    TaskDesk,
    Witness,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDoors:
    intake: Intake
    respond: Respond
    open_incident: OpenIncident
    reader: Reader
    witness: Witness
    dead_letters: DeadLetters
    explain: Explain
    catalog: CatalogDoor
    on_call: OnCall
    personal: PersonalTurns
    silences: SilenceDesk
    runs: RunReader
    desk: RunDesk
    tasks: TaskDesk
    answers: Answers
    estate: Callable[[], Estate]
    ready: Callable[[], Awaitable[Sequence[Health]]]
    alive: Callable[[], Health]
    token: str | None = field(default=None, repr=False)
    public_url: str = "http://127.0.0.1:8080"
    metrics: CollectorRegistry = REGISTRY
    schemas: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # of files and events, by their name
    routers: tuple[APIRouter, ...] = ()  # of others; they guard themselves and live below /slack


def doors_of(request: Request) -> WebDoors:
    return cast("WebDoors", request.app.state.doors)


Doors = Annotated[WebDoors, Depends(doors_of)]
