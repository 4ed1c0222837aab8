"""Refusals as problem+json (RFC 9457): each says what is wrong, where, and what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from incidents.core.errors import CatalogRefused, IncidentsError, NotAllowed, NotFound, StoreAway, Unstorable

MEDIA_TYPE = "application/problem+json"
MOST_MISTAKES = 500  # of a catalog's files, in one answer
RETRY_AFTER = "5"  # seconds; a failover or a locked file takes about this long


class Flaw(BaseModel):
    """One thing that is wrong with what was sent."""

    index: int = Field(0, description="Which event of a batch, from 0.")
    field: str
    detail: str


class FileFlaw(BaseModel):
    """One thing that is wrong in a file that was sent."""

    file: str
    line: int | None = Field(description="From 1; null where the file as a whole is meant.")
    where: str = Field(description="The dotted path to the value, as in systems.bot.owners.model.")
    detail: str
    suggestion: str


class ProblemBody(BaseModel):
    """Every refusal looks like this."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="For machines; the detail is for people.")
    errors: list[Flaw | FileFlaw] = []


class Problem(Exception):
    """A request that is refused; carries its whole answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[Flaw] = (),
        mistakes: Sequence[FileFlaw] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or status.name.lower()
        self.errors = list(errors)
        self.mistakes = list(mistakes)  # told beside the errors
        self.headers = dict(headers or {})

    def answer(self) -> JSONResponse:
        told: list[Flaw | FileFlaw] = [*self.errors, *self.mistakes]
        body = ProblemBody(
            title=self.status.phrase, status=self.status, detail=self.detail, code=self.code, errors=told
        )
        return JSONResponse(body.model_dump(), self.status, self.headers, MEDIA_TYPE)


def bad_field(field: str, detail: str) -> Problem:
    """One wrong field, named."""
    return Problem(
        HTTPStatus.BAD_REQUEST, f"{field}: {detail}", code="invalid", errors=[Flaw(field=field, detail=detail)]
    )


def problem_of(error: Exception) -> Problem:
    """The refusal that an error wants; anything unforeseen is a 500 that tells nothing of the inside."""
    match error:
        case Problem():
            return error
        case IncidentsError():
            return _of_ours(error)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _refused(error)
        case _:
            detail = "something went wrong in here; the log of the service has the reason"
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _of_ours(error: IncidentsError) -> Problem:
    match error:
        case NotAllowed():
            return Problem(HTTPStatus.CONFLICT, error.why, code=error.code)
        case NotFound():
            return Problem(HTTPStatus.NOT_FOUND, str(error) or "nothing has this id")
        case StoreAway():
            return _away()
        case CatalogRefused():
            return _of_files(error)
        case Unstorable():
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"put aside as a dead letter: {error}", code="put_aside")
        case _:  # somebody else was first
            return Problem(HTTPStatus.CONFLICT, str(error) or "it has changed meanwhile; look again", code="stale")


def _of_files(error: CatalogRefused) -> Problem:
    """A catalog is refused whole, with everything that is wrong in it."""
    mistakes = error.mistakes[:MOST_MISTAKES]
    more = f" (and {len(error.mistakes) - 1:,} more)" if len(error.mistakes) > 1 else ""
    flaws = [
        FileFlaw(file=each.file, line=each.line, where=each.where, detail=each.detail, suggestion=each.suggestion)
        for each in mistakes
    ]
    detail = f"{mistakes[0] if mistakes else 'the catalog cannot be read'}{more}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, code="catalog_refused", mistakes=flaws)


def _away() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"the database is away and nothing was saved; try again in {RETRY_AFTER} seconds",
        code="database_away",
        headers={"Retry-After": RETRY_AFTER},
    )


def _invalid(error: RequestValidationError) -> Problem:
    flaws = [_flaw(found) for found in error.errors()]
    first = flaws[0]
    more = f" (and {len(flaws) - 1} more)" if len(flaws) > 1 else ""
    return Problem(HTTPStatus.BAD_REQUEST, f"{first.field}: {first.detail}{more}", code="invalid", errors=flaws)


def _flaw(found: Mapping[str, Any]) -> Flaw:
    """What pydantic found, without the input itself and with its own words in ours."""
    if found["type"] == "json_invalid":
        return Flaw(field="body", detail="is not valid JSON")
    place = [str(part) for part in found["loc"] if part not in {"body", "query", "path", "header"}]
    if found["type"] == "extra_forbidden":
        return Flaw(field=".".join(place), detail="is not a known field here")
    if place and found["loc"][0] == "query":
        place = place[:1]  # a repeated parameter is named as its sender wrote it, without a count
    if found["type"] == "string_too_short" and found["ctx"]["min_length"] == 1:
        return Flaw(field=".".join(place), detail="must not be empty")
    detail = str(found["msg"]).removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    return Flaw(field=".".join(place) or "body", detail="is missing" if found["type"] == "missing" else detail)


def _refused(error: HTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.NOT_FOUND:
        return Problem(status, "there is nothing at this address")
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        return Problem(status, f"this address takes {allowed}", headers=error.headers)
    if status is HTTPStatus.BAD_REQUEST and "parsing the body" in error.detail:
        return bad_field("body", "is not JSON that can be read")
    return Problem(status, error.detail or status.phrase, headers=error.headers)


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for the published description."""
    answer = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}}
    told: dict[int | str, dict[str, Any]] = {
        int(status): answer | {"description": status.phrase} for status in statuses
    }
    return told | {"default": answer | {"description": "Any other refusal"}}
