"""The pages that people read: the list, the alerts, and choosing who acts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from incidents.adapters.web.api import foreign_cursor
from incidents.adapters.web.chips import address, but, chips
from incidents.adapters.web.doors import Doors, WebDoors
from incidents.adapters.web.filters import AlertFilters
from incidents.adapters.web.frame import Form, Framed, actor_of, back_to
from incidents.adapters.web.list_view import OPEN, ListFilters, choices, who_has, worst_first
from incidents.adapters.web.silence_form import quieten
from incidents.adapters.web.template import asset, page
from incidents.core.alert import AlertState
from incidents.core.incident import Incident, Status
from incidents.flow.ports import AlertView, IncidentQuery

LATELY = 10  # resolved and closed ones shown below the open ones

Group = tuple[AlertState, Sequence[AlertView], str | None]  # and the address of the rest

router = APIRouter(include_in_schema=False)


@router.get("/")
async def list_page(doors: Doors, frame: Framed, filters: Annotated[ListFilters, Query()]) -> Response:
    """The unresolved first, unless statuses are asked for."""
    query, pairs = filters.query(), filters.pairs()
    main, following = await _found(doors, query if filters.status else _with(query, OPEN))
    lately: list[Incident] = []
    if not filters.status and not filters.cursor:
        lately, _ = await _found(doors, _with(query, (Status.RESOLVED, Status.CLOSED), limit=LATELY))
    whole = following is None and filters.cursor is None
    told: dict[str, Any] = {
        "frame": frame,
        "filters": filters,
        "incidents": worst_first(main) if whole and not filters.status else main,
        "worst_first": whole and not filters.status,
        "lately": lately,
        "chips": chips("/", pairs),
        "choices": choices(filters, await doors.reader.systems(), frame),
        "following": address("/", pairs, cursor=following) if following else None,
        "first": address("/", pairs) if filters.cursor else None,
        "paused": address("/", but(pairs, "refresh"), refresh="off"),
        "resumed": address("/", but(pairs, "refresh")),
        "who_has": who_has,
        "public_url": doors.public_url,
        "guarded": bool(doors.token),
        "known": sum(frame.numbers.by_status.values()),
    }
    return page("list.html", told)


async def _found(doors: WebDoors, query: IncidentQuery) -> tuple[list[Incident], str | None]:
    try:
        found, following = await doors.reader.incidents(query)
    except ValueError:
        raise foreign_cursor() from None
    return list(found), following


def _with(query: IncidentQuery, status: tuple[Status, ...], *, limit: int | None = None) -> IncidentQuery:
    return replace(query, status=status, limit=limit or query.limit, cursor=None if limit else query.cursor)


@router.get("/alerts")
async def alerts_page(doors: Doors, frame: Framed, filters: Annotated[AlertFilters, Query()]) -> Response:
    """Watching first: what may become trouble; then what burns; the clear ones only when asked for."""
    shown = filters.state or [AlertState.WATCHING, AlertState.FIRING, AlertState.FLAPPING]
    if filters.cursor and len(shown) > 1:
        raise foreign_cursor()  # each state is a list of its own
    groups = [await _alerts(doors, state, filters) for state in sorted(shown, key=list(AlertState).index)]
    told = {"frame": frame, "groups": groups, "states": list(AlertState), "chosen": filters.state}
    return page("alerts.html", told | {"quieten": quieten})


async def _alerts(doors: WebDoors, state: AlertState, filters: AlertFilters) -> Group:
    try:
        found, following = await doors.reader.alerts((state,), limit=filters.limit, cursor=filters.cursor)
    except ValueError:
        raise foreign_cursor() from None
    more = f"/alerts?{urlencode({'state': state, 'cursor': following})}" if following else None
    return state, found, more


@router.post("/as")
async def act_as(request: Request, doors: Doors, form: Form) -> Response:
    """Remember who sits here, and go back to where they were."""
    return back_to(form.get("back", "/"), doors, actor_of(request, doors, form))


@router.get("/static/style.css")
async def style() -> Response:
    return _asset("style.css", "text/css; charset=utf-8")


@router.get("/static/icon.svg")
async def icon() -> Response:
    return _asset("icon.svg", "image/svg+xml")


def _asset(name: str, media_type: str) -> Response:
    """A file whose address changes with it, so that browsers may keep it."""
    return Response(asset(name)[0], headers={"Cache-Control": "max-age=31536000, immutable"}, media_type=media_type)
