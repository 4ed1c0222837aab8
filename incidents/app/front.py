"""Hands the stations of the road to the web application, each in the shape that it asks for."""

from collections.abc import Callable, Sequence
from typing import get_args

from fastapi import APIRouter, FastAPI

from incidents.adapters.bus import Bus
from incidents.adapters.files import schema
from incidents.adapters.files.schema import Which
from incidents.adapters.slack import SlackCarrier, clicker
from incidents.adapters.slack.doors import doors as slack_doors
from incidents.adapters.store.answers import KeptAnswer, KeptAnswers
from incidents.adapters.web import (
    Answer,
    Begun,
    Claim,
    Conflict,
    Go,
    Health,
    InFlight,
    Opening,
    Replay,
    WebDoors,
    build,
)
from incidents.app.wiring import Parts
from incidents.core.errors import StoreAway
from incidents.core.fact import Actor
from incidents.core.incident import Incident
from incidents.flow.respond import Opened


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
    settings = parts.settings

    async def open_incident(opening: Opening) -> Incident:
        opened = Opened(
            system=opening.system,
            environment=opening.environment,
            title=opening.title,
            summary=opening.summary,
            severity=opening.severity,
            kind=opening.kind,
            by=opening.by,
            once=opening.once,
        )
        return await parts.responder.open(opened)

    async def ready() -> Sequence[Health]:
        found = []
        try:
            await parts.store.now()
            found.append(Health(name="database", ok=True, why="answers"))
        except StoreAway as away:
            found.append(Health(name="database", ok=False, why=str(away)))
        if (running := bus()) is not None:
            health = running.healthy()
            found.append(Health(name="bus", ok=health.ok, why=health.reason))
        return found

    slack_carriers = [carrier for carrier in parts.carriers if isinstance(carrier, SlackCarrier)]

    def person(user: str) -> Actor:
        return clicker(user, parts.estate.catalog, next((carrier.people for carrier in slack_carriers), None))

    routers: tuple[APIRouter, ...] = ()
    if parts.slack is not None:
        secret = settings.slack_signing_secret
        routers = (
            slack_doors(
                respond=parts.responder,
                reader=parts.shelf,
                people=person,
                api=parts.slack,
                signing_secret=secret.get_secret_value() if secret else None,
                public_url=settings.url,
            ),
        )
    return build(
        WebDoors(
            intake=parts.intake,
            respond=parts.responder,
            open_incident=open_incident,
            reader=parts.shelf,
            dead_letters=parts.letters,
            answers=_Answers(parts.answers),
            estate=lambda: parts.estate,
            ready=ready,
            alive=lambda: Health(name="process", ok=True, why="the event loop turns"),
            token=settings.api_token.get_secret_value() if settings.api_token else None,
            public_url=settings.url,
            schemas={which: schema(which) for which in get_args(Which)},
            routers=routers,
        )
    )
