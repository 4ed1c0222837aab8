"""Puts the web together: one FastAPI application over the doors that it is given."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from incidents.adapters.web import (
    actions,
    api,
    audit,
    audit_page,
    catalog,
    catalog_page,
    events,
    explain,
    explain_page,
    health,
    incident_page,
    letters,
    letters_page,
    on_call,
    on_call_page,
    pages,
    plan_page,
    runbooks,
    runbooks_page,
    runs,
    runs_page,
    shelf,
    silences,
    silences_page,
    system_page,
    systems,
    tasks,
    tasks_page,
)
from incidents.adapters.web.doorkeeper import Doorkeeper
from incidents.adapters.web.doors import WebDoors
from incidents.adapters.web.passage import SAFE, SafeHeaders, WholeBody
from incidents.adapters.web.problem import Problem, ProblemBody, problem_of
from incidents.adapters.web.template import page
from incidents.core.errors import IncidentsError

FORESEEN: tuple[type[Exception], ...] = (Problem, IncidentsError, RequestValidationError, HTTPException, Exception)
MODULES = (
    events,
    explain,
    api,
    actions,
    audit,
    letters,
    catalog,
    health,
    runs,
    runbooks,
    pages,
    plan_page,
    tasks,
    tasks_page,  # an incident's tasks before its actions, which any word could name
    incident_page,
    runs_page,
    runbooks_page,
    explain_page,
    audit_page,
    letters_page,
    on_call,
    on_call_page,
    catalog_page,
    silences,
    silences_page,
    systems,
    system_page,
    shelf,
)
FOR_PROGRAMS = (
    "/api",
    "/events",
    "/slack",
    "/calendar",
    "/healthz",
    "/readyz",
    "/metrics",
    "/schemas",
    "/openapi.json",
)
ABOUT = "Takes CloudEvents about AI systems in trouble; lists, shows and moves the incidents that they make."


def build(doors: WebDoors) -> FastAPI:
    """The application, ready to be served; it reads no settings and starts nothing."""
    app = FastAPI(
        title="incidents",
        description=ABOUT,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        middleware=[Middleware(SafeHeaders), Middleware(Doorkeeper, doors), Middleware(WholeBody)],
        exception_handlers=dict.fromkeys(FORESEEN, _answer),
    )
    app.state.doors = doors
    for module in MODULES:
        app.include_router(module.router)
    for router in doors.routers:
        app.include_router(router, include_in_schema=False)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


async def _answer(request: Request, error: Exception) -> Response:
    """A refusal in the form that the asker reads: a page in a browser, problem+json everywhere else."""
    problem = problem_of(error)
    answer = _page_of(problem) if _wants_page(request) else problem.answer()
    if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:  # made outside the middleware that adds these
        answer.headers.update(SAFE)
    return answer


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(FOR_PROGRAMS)


def _page_of(problem: Problem) -> Response:
    answer = page("problem.html", {"problem": problem}, problem.status)
    answer.headers.update(problem.headers)
    return answer


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, made once: with the problem's shape and the two ways of being let in."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version="0.1.0", description=ABOUT, routes=app.routes)
        shapes = schema.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        shapes |= problem.pop("$defs", {}) | {"ProblemBody": problem}
        schema["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic"},
        }
        schema["security"] = [{"bearer": []}, {"basic": []}]
        schema["paths"]["/healthz"]["get"]["security"] = []
        app.openapi_schema = schema
    return app.openapi_schema
