"""Puts the gateway together: routes, and one answer for every error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, cast

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Route

from domain.errors import ImageStudioError, InvalidInput, InvalidRequest
from domain.meaning import Kind
from infrastructure.agents.door import PATH, AgentsDoor
from infrastructure.dashboard.longlooks import LongLooks
from infrastructure.dashboard.mounting import Dashboard, PlainPages
from infrastructure.dashboard.pages import ACTIONS, FILES, PAGES
from infrastructure.dashboard.responses import told_as_page
from infrastructure.gateway import callbacks, health
from infrastructure.gateway.addresses import check_text
from infrastructure.gateway.arrivals import Arrivals, Exchange
from infrastructure.gateway.describing import errors
from infrastructure.gateway.faults import PROBLEM, Defect, headers_of, openai_error, problem_of
from infrastructure.gateway.gate import Gate
from infrastructure.gateway.native import (
    accounts,
    alerts,
    approvals,
    assets,
    books,
    carrying,
    collection,
    corrections,
    invoices,
    keys,
    operations,
    past,
    prices,
    queues,
    reports,
    repricing,
    seals,
    statements,
    terms,
    upkeep,
    views,
    wallets,
    webhooks,
)
from infrastructure.gateway.openai import images, models, videos
from infrastructure.showing.codes import STATUSES, STATUSES_BY_CODE, status_for

LOGGER: Final = logging.getLogger("imagestudio.gateway")
ACCESS: Final = logging.getLogger("imagestudio.access")
OPENAI: Final = ("/v1/images", "/v1/models", "/v1/videos")
"""The addresses whose errors are told in OpenAI's envelope."""
ABOUT: Final = "AI images and films over HTTP: held before they are paid, charged once, and explained from a log."
VERSION: Final = "1"
"""Of the routes, not of the package."""
KEEPING: Final = (queues, upkeep, corrections, invoices, repricing, past, carrying)
OWN_PARTS: Final = (collection, assets, approvals, terms, wallets, accounts, keys, seals, webhooks, alerts, *KEEPING)
"""A route with a word of its own stands before one that takes any word there."""
OWN: Final = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""The framework's telemetry is off: its spans hold whole queries, and with them the signatures of links."""
UNKNOWN_YET: Final = 424
"""The status of what a provider may or may not have done: no client sends such a request again by itself."""


class NoSuchRoute(InvalidRequest):
    """There is nothing at the address."""

    code = "no_such_route"
    kind = Kind.NOT_FOUND


class NotAllowed(InvalidRequest):
    """The address is not for this method."""

    code = "not_allowed"


def gateway(gate: Gate, *, most: int, seconds: int, looks: LongLooks | None = None) -> FastAPI:
    """The application for an open studio; `most` bytes of a body are taken, each piece of it within `seconds`."""
    told: dict[str, Any] = {"title": "Image Studio", "version": VERSION, "static_url": "/docs/files"}
    app = FastAPIOffline("/docs", None, **told, telemetry=OWN, dependencies=[Depends(check_text)])
    app.state.gate = gate
    for part in (images, videos, models):
        app.include_router(part.router, responses=errors(402, 409, 410, 415, 416, 422, 424, 502, openai=True))
    for part in (operations, views, statements, reports, books, prices, *OWN_PARTS, callbacks, health):
        app.include_router(part.router, responses=errors(402, 409, 410, 415, 416, 422, 502))
    app.state.agents = AgentsDoor(gate, most)
    app.router.routes.append(Route(PATH, app.state.agents, methods=["POST"], include_in_schema=False))
    board = Dashboard(gate, PAGES, ACTIONS, FILES, looks=looks or LongLooks()).routes()
    app.router.routes[:] = [PlainPages(board), *app.router.routes, *board]
    app.add_exception_handler(ImageStudioError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _frameworks)
    app.add_exception_handler(Exception, _defect)
    app.openapi = partial(_described, app)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    app.add_middleware(Arrivals, most=most, seconds=seconds, answered=partial(_answered, gate))
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, written once, with the key that requests bring."""
    if not app.openapi_schema:
        found = get_openapi(title=app.title, version=app.version, routes=app.routes, description=ABOUT)
        found.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"key": []}]
        app.openapi_schema = found
    return app.openapi_schema


def _answered(gate: Gate, one: Exchange) -> None:
    gate.meters.answered(one)
    level = logging.DEBUG if one.route in health.ROUTES else logging.INFO
    if ACCESS.isEnabledFor(level):
        told = {"request": one.request, "operation": one.operation, "key": one.key, "trace": one.trace}
        numbers = {"status": one.status, "ms": round(1000 * one.seconds, 1)}
        ACCESS.log(level, "%s %s %d", one.method, one.route, one.status, extra={**told, **numbers})


async def _ours(request: Request, error: Any) -> Response:
    return _answer(request, error)


async def _invalid(request: Request, error: Any) -> Response:
    """A parameter of an address, or a body, that is not of its shape."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return _answer(request, InvalidInput("body", "is not JSON", hint="see /docs for what is taken"))
    field = ".".join(str(part) for part in first["loc"][1:]) or "body"
    return _answer(request, InvalidInput(field, first["msg"], hint="see /docs for what is taken"))


async def _frameworks(request: Request, error: Any) -> Response:
    told = f"{request.method} {request.url.path}"
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/"):
        request.state.tell = partial(told_as_page, request)
    if error.status_code == STATUSES_BY_CODE[NotAllowed.code]:
        return _answer(request, NotAllowed(f"{told} is not taken", hint="see /docs for what is"), error.headers)
    if error.status_code == STATUSES[Kind.INVALID]:
        return _answer(request, InvalidInput("body", "cannot be read", hint="see /docs for what is taken"))
    return _answer(request, NoSuchRoute(f"there is nothing at {told}", hint="see /docs for what there is"))


async def _defect(request: Request, error: Exception) -> Response:
    id = request.state.request_id
    LOGGER.error(
        "something of ours is broken", exc_info=error, extra={"request": id, "key": request.scope["state"].get("key")}
    )
    return _answer(request, Defect("something of ours is broken", hint=f"tell whoever runs this service: {id}"))


def _answer(request: Request, error: ImageStudioError, more: Mapping[str, str] | None = None) -> Response:
    """The one answer to an error, in the shape that the route's clients read; `tell` is a page's own way."""
    if hasattr(request.state, "tell"):
        return cast("Response", request.state.tell(error))
    headers = {**headers_of(error), **(more or {})}
    if request.url.path.startswith(OPENAI):
        status = UNKNOWN_YET if error.kind is Kind.PENDING else status_for(error)
        return JSONResponse(openai_error(error), status, headers)
    return JSONResponse(problem_of(error, request.state.request_id), status_for(error), headers, PROBLEM)
