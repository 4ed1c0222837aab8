"""What stands around every page: who is acting, the counts of the navigation, and where forms come back to."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from incidents.adapters.web.doorkeeper import Caller, acting
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.problem import Problem
from incidents.core.estate import ADMIN, Estate
from incidents.core.fact import Actor, ActorType
from incidents.core.people import Person
from incidents.flow.ports import Numbers

COOKIE = "incidents_as"
A_YEAR = 365 * 24 * 3600  # seconds
MAX_FIELDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    numbers: Numbers
    estate: Estate
    actor: Person
    fixed: bool  # signed in under their own name: nobody else can be chosen
    here: str  # path and query of this page
    once: str  # made anew for each page: its forms, sent twice, act once

    @property
    def people(self) -> tuple[Person, ...]:
        """Everyone who can be acted for, the admin first."""
        return (ADMIN, *sorted(self.estate.catalog.people.values(), key=lambda person: person.name))

    def name(self, by: Actor | str | None) -> str:
        """Who that is, as people call them."""
        if isinstance(by, Actor):
            return self.name(by.id) if by.type is ActorType.PERSON else by.id
        return self.estate.person(by).name if by else ""


async def frame_of(request: Request, doors: Doors) -> Frame:
    estate, caller = doors.estate(), request.state.caller
    url = request.url
    return Frame(
        numbers=await doors.reader.numbers(),
        estate=estate,
        actor=estate.person(_remembered(request, caller, estate)),
        fixed=caller.fixed,
        here=url.path + (f"?{url.query}" if url.query else ""),
        once=uuid4().hex,
    )


Framed = Annotated[Frame, Depends(frame_of)]


def _remembered(request: Request, caller: Caller, estate: Estate) -> str:
    chosen = unquote(request.cookies.get(COOKIE, ""))
    return chosen if chosen in estate.catalog.people and not caller.fixed else caller.person


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; blank ones are left out."""
    body = await request.body()
    if not body:
        return {}
    told = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told != "application/x-www-form-urlencoded":
        detail = "content-type: pages send application/x-www-form-urlencoded; programs use the addresses below /api"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=MAX_FIELDS, strict_parsing=False)
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "body: is not a form that can be read", code="invalid") from None
    return {name: value for name, value in pairs if value.strip()}


Form = Annotated[dict[str, str], Depends(form_of)]


def actor_of(request: Request, doors: WebDoors, form: dict[str, str]) -> Actor:
    """Who acts by this form: the page carries the person whose name stood on its buttons."""
    return acting(request, doors, form.get("as"))


def back_to(place: str, doors: WebDoors, actor: Actor | None = None) -> Response:
    """Send the browser to one of our own pages, remembering who acted."""
    parts = urlsplit(place)
    own = place.startswith("/") and not place.startswith(("//", "/\\")) and not parts.netloc and place.isprintable()
    response = RedirectResponse(place if own else "/", HTTPStatus.SEE_OTHER)
    if actor is not None:
        response.set_cookie(
            COOKIE,
            quote(actor.id),
            max_age=A_YEAR,
            httponly=True,
            samesite="strict",
            secure=doors.public_url.startswith("https:"),
        )
    return response
