"""`POST /events`: hands a body to the intake as it came and answers with what became of it, after the commit."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from incidents.adapters.web.doors import Doors
from incidents.adapters.web.problem import Flaw, Problem, documented
from incidents.core.cloudevents import Refusal, RefusalKind
from incidents.core.delivery import Delivery, Origin
from incidents.core.errors import StoreAway
from incidents.core.transport import BATCH, PREFIXES, STRUCTURED
from incidents.flow.ports import Taken

# Refusals of the whole message; every other one is about one event and answered with 400, or 207 in a batch.
WHOLE: Mapping[str, HTTPStatus] = {
    RefusalKind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusalKind.TOO_MANY: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusalKind.UNSUPPORTED_CONTENT_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    RefusalKind.EMPTY_BATCH: HTTPStatus.BAD_REQUEST,
}


class TakenBody(BaseModel):
    """What became of the events."""

    accepted: int
    duplicates: int
    conflicts: int
    errors: list[Flaw]


_NEEDED = ("specversion", "id", "source", "type")
_EVENT = {
    "type": "object",
    "required": list(_NEEDED),
    "properties": {name: {"type": "string", "minLength": 1} for name in _NEEDED} | {"data": {"type": "object"}},
    "additionalProperties": True,
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": 1000}},
            "application/json": {
                "schema": {"type": "object", "description": "Binary mode: the data; the attributes are ce-* headers."}
            },
        },
    }
}

_SOME: dict[int | str, dict[str, Any]] = {
    207: {"model": TakenBody, "description": "Some events of the batch were refused"}
}

router = APIRouter(tags=["events"])


@router.post(
    "/events",
    status_code=HTTPStatus.ACCEPTED,
    response_model=TakenBody,
    responses=_SOME
    | documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    openapi_extra=BODY,
)
async def publish(request: Request, doors: Doors) -> Response:
    """Take CloudEvents (structured, batch or binary); 202 means that they are saved."""
    taken = await _saved(doors.intake.submit(await delivery_of(request)))
    flaws = refuse(taken.errors, batch=is_batch(request))
    body = TakenBody(accepted=taken.accepted, duplicates=taken.duplicates, conflicts=taken.conflicts, errors=flaws)
    return JSONResponse(body.model_dump(), HTTPStatus.MULTI_STATUS if flaws else HTTPStatus.ACCEPTED)


async def delivery_of(request: Request) -> Delivery:
    """What was sent, as it came."""
    client = request.client.host if request.client else "unknown"
    return Delivery(
        body=await request.body(),
        headers=tuple(_attributes(request.headers.raw)),
        content_type=request.headers.get("content-type"),
        origin=Origin.HTTP,
        position=f"POST {request.url.path} from {client}",
    )


def is_batch(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == BATCH


def _attributes(raw: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, bytes | str | None]]:
    """The headers that may be attributes; the others are the transport's and would make each sending look new."""
    named = ((name.decode("latin-1"), value) for name, value in raw)
    return [(name, value) for name, value in named if name.lower().startswith(PREFIXES)]


async def _saved(future: "asyncio.Future[Taken]") -> Taken:
    """Wait for the commit. A client that goes away leaves its events with the intake, which keeps what it accepted."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if future.cancelled():  # the intake is stopping and will not commit it
            raise StoreAway("the service is stopping") from None
        raise


def refuse(errors: Sequence[Refusal], *, batch: bool) -> list[Flaw]:
    """The flaws of single events in a batch; raises the problem of whatever else was refused."""
    flaws = [_flaw(error) for error in errors]
    whole = next((error for error in errors if error.kind in WHOLE and not (batch and error.raw)), None)
    if whole is not None:
        raise Problem(WHOLE[whole.kind], f"{whole.field}: {whole.detail}", code=whole.kind, errors=[_flaw(whole)])
    unread = len(errors) == 1 and errors[0].raw is None  # a batch that could not be taken apart
    if errors and (not batch or unread):
        first = errors[0]
        raise Problem(HTTPStatus.BAD_REQUEST, f"{first.field}: {first.detail}", code=first.kind, errors=flaws)
    return flaws


def _flaw(refusal: Refusal) -> Flaw:
    return Flaw(index=refusal.index, field=refusal.field, detail=refusal.detail)
