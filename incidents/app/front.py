"""Hands the stations of the road to the web application, each in the shape that it asks for."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI

from incidents.adapters.bus import Bus
from incidents.adapters.slack import Queries, SlackCarrier, Turns, clicker
from incidents.adapters.slack.doors import doors as slack_doors
from incidents.adapters.store.answers import KeptAnswer, KeptAnswers
from incidents.adapters.store.run_shelf import RunShelf
from incidents.adapters.store.witness import Witnesses
from incidents.adapters.web import Answer, Begun, Claim, Conflict, Go, Health, InFlight, Replay, WebDoors, build
from incidents.app.schemas import schemas
from incidents.app.wiring import Parts
from incidents.core.errors import StoreAway
from incidents.core.fact import Actor


class _Answers:
    """Idempotency keys, in the shape that the web asks for."""

    def __init__(self, kept: KeptAnswers) -> None:
        self._kept = kept

    async def begin(self, claim: Claim, body_hash: str) -> Begun:
        found = await self._kept.take(claim.by, claim.method, claim.path, claim.key, body_hash)
        if found.mine:
            return Go()
        if found.body_hash != body_hash:
            return Conflict()
        if found.status is None:
            return InFlight()
        return Replay(
            Answer(status=found.status, content_type=found.content_type, body=found.body, location=found.location)
        )

    async def finish(self, claim: Claim, answer: Answer | None) -> None:
        kept = None
        if answer is not None:
            kept = KeptAnswer(
                mine=True,
                status=answer.status,
                content_type=answer.content_type,
                body=answer.body,
                location=answer.location,
            )
        await self._kept.keep(claim.by, claim.method, claim.path, claim.key, kept)


def application(parts: Parts, *, bus: Callable[[], Bus | None] = lambda: None) -> FastAPI:
    """The web application over these parts; `bus` is asked for its health."""
    token = parts.settings.api_token
    return build(
        WebDoors(
            intake=parts.intake,
            respond=parts.responder,
            open_incident=parts.responder.open,
            reader=parts.shelf,
            witness=Witnesses(parts.database),
            dead_letters=parts.letters,
            explain=parts.explainer,
            silences=parts.silences,
            runs=RunShelf(parts.database),
            desk=parts.runs,
            tasks=parts.tasks,
            catalog=parts.registrar,
            on_call=parts.calendars.rosters,
            personal=parts.calendars.personal,
            answers=_Answers(parts.answers),
            estate=lambda: parts.estate,
            ready=lambda: _ready(parts, bus()),
            alive=lambda: Health(name="process", ok=True, why="the event loop turns"),
            token=token.get_secret_value() if token else None,
            public_url=parts.settings.url,
            schemas=schemas(),
            routers=_routers(parts),
        )
    )


async def _ready(parts: Parts, bus: Bus | None) -> Sequence[Health]:
    """The parts that the service leans on, each as it is now."""
    try:
        await parts.store.now()
        found = [Health(name="database", ok=True, why="answers")]
    except StoreAway as away:
        found = [Health(name="database", ok=False, why=str(away))]
    if bus is not None:
        health = bus.healthy()
        found.append(Health(name="bus", ok=health.ok, why=health.reason))
    return found


def _routers(parts: Parts) -> tuple[APIRouter, ...]:
    """Slack's addresses, where Slack is connected."""
    if parts.slack is None:
        return ()
    known = next((carrier.people for carrier in parts.carriers if isinstance(carrier, SlackCarrier)), None)
    secret = parts.settings.slack_signing_secret

    def person(user: str) -> Actor:
        return clicker(user, parts.estate.catalog, known)

    turns = Turns(
        on_call=parts.calendars.rosters,
        personal=parts.calendars.personal,
        people=person,
        name=lambda id_: parts.estate.person(id_).name,
        public_url=parts.settings.url,
    )
    router = slack_doors(
        respond=parts.responder,
        runs=parts.runs,
        run_reader=parts.shelf,
        queries=Queries(reader=parts.shelf, turns=turns, public_url=parts.settings.url),
        people=person,
        api=parts.slack,
        signing_secret=secret.get_secret_value() if secret else None,
        public_url=parts.settings.url,
    )
    return (router,)
