"""Makes a write that is sent twice under one Idempotency-Key happen once, and be answered twice."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, assert_never

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from incidents.adapters.web.doorkeeper import acting
from incidents.adapters.web.doors import Doors, WebDoors, doors_of
from incidents.adapters.web.ports import Answer, Claim, Conflict, Go, InFlight, Replay
from incidents.adapters.web.problem import Problem, bad_field, problem_of
from incidents.core.errors import IncidentsError, StoreAway
from incidents.core.fact import Actor

KEY = r"^[\x21-\x7e]{1,200}$"

_As = Annotated[str | None, Header(alias="X-Incidents-As", description="The person who acts, by id; default admin.")]
_Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="Sent again within 24 h, the write happens once.", pattern=KEY),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who writes, and the key that makes it happen once."""

    by: Actor
    once: str | None


async def _deed(request: Request, doors: Doors, named: _As = None, key: _Key = None) -> Deed:
    by = acting(request, doors, named)
    return Deed(by=by, once=f"http:{by.id}:{request.url.path}:{key}" if key else None)


ByDeed = Annotated[Deed, Depends(_deed)]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class OnceRoute(APIRoute):
    """A route whose writes honour Idempotency-Key."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            keys = request.headers.getlist("idempotency-key")
            if request.method == "GET":
                return await handle(request)
            await _check_json(request)
            return await _once(_key(keys), request, handle) if keys else await handle(request)

        return handle_once


async def _check_json(request: Request) -> None:
    """What other sites' forms can send is no JSON by its name, whatever it holds."""
    told = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told != "application/json" and not told.endswith("+json") and await request.body():
        detail = f"content-type: {told[:80] or 'nothing'} is not taken here; send application/json"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


def _key(keys: list[str]) -> str:
    if len(keys) > 1 or not re.fullmatch(KEY, keys[0]):
        raise bad_field("Idempotency-Key", "must be one header of 1 to 200 printable ASCII characters without spaces")
    return keys[0]


async def _once(key: str, request: Request, handle: Handler) -> Response:
    doors = doors_of(request)
    by = acting(request, doors, request.headers.get("x-incidents-as"))
    claim = Claim(by=by.id, method=request.method, path=request.url.path, key=key)
    begun = await doors.answers.begin(claim, sha256(await request.body()).hexdigest())
    match begun:
        case Replay(answer):
            return _again(answer)
        case Conflict():
            detail = "Idempotency-Key: came before with another body; use a new key for a new request"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, code="key_reused")
        case InFlight():
            detail = "the first request with this Idempotency-Key is still being answered; ask again"
            raise Problem(HTTPStatus.CONFLICT, detail, code="in_flight", headers={"Retry-After": "1"})
        case Go():
            return await _first(claim, request, handle, doors)
        case never:
            assert_never(never)


async def _first(claim: Claim, request: Request, handle: Handler, doors: WebDoors) -> Response:
    """Do it and keep the answer, refusals too; what was surely not done gives the key back."""
    try:
        response = await handle(request)
    except StoreAway:
        await _given_back(claim, doors)
        raise
    except (IncidentsError, Problem, RequestValidationError, HTTPException) as error:
        response = problem_of(error).answer()
    answer = Answer(
        status=response.status_code,
        content_type=response.headers.get("content-type", "application/json"),
        body=bytes(response.body),
        location=response.headers.get("location"),
    )
    await doors.answers.finish(claim, answer)
    return response


async def _given_back(claim: Claim, doors: WebDoors) -> None:
    try:
        await doors.answers.finish(claim, None)
    except StoreAway:
        return  # the claim lapses by itself


def _again(answer: Answer) -> Response:
    headers = {"Idempotent-Replayed": "true"} | ({"Location": answer.location} if answer.location else {})
    return Response(answer.body, answer.status, headers, answer.content_type)
