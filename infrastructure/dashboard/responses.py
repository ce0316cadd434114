"""Answers to a browser: a page, a file, an error, each under the same strict policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from domain.errors import ImageStudioError
from domain.meaning import Kind
from infrastructure.dashboard.rendering import rendered
from infrastructure.gateway.faults import figures_of, headers_of
from infrastructure.gateway.native.answering import NO_HEADERS
from infrastructure.showing.codes import status_for
from infrastructure.showing.hints import outside, over_http

ALLOWED: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "media-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
"""Nothing from elsewhere, and nothing that stands in a page itself is run."""
GUARDS: Final[Mapping[str, str]] = {
    "content-security-policy": "; ".join(f"{name} {where}" for name, where in ALLOWED.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
PARTIAL: Final = "hx-request"


def page_response(content: str, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> HTMLResponse:
    """A page."""
    return HTMLResponse(content, status, {**GUARDS, **headers})


def see_other(address: str) -> Response:
    """Go on there, by a GET."""
    return RedirectResponse(address, 303, dict(GUARDS))


def login_address(request: Request) -> str:
    """The address to log in at, and to come back from to what was wanted."""
    wanted = str(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in ("GET", "HEAD") or wanted == "/":
        return "/login"
    return f"/login?{urlencode({'next': wanted})}"


def told_as_page(request: Request, error: ImageStudioError) -> Response:
    """An error to somebody at a browser: the same words and status as at the API; without a session, the login."""
    if error.kind is Kind.UNAUTHENTICATED:
        return see_other(login_address(request))
    message, hint = outside(error, over_http)
    shown: dict[str, Any] = {
        "status": status_for(error),
        "code": error.code,
        "detail": message,
        "hint": hint,
        "figures": figures_of(error),
        "request_id": request.state.request_id,
        "back": _from_here(request),
    }
    content = rendered("partial_error.html" if request.headers.get(PARTIAL) else "error.html", {"error": shown})
    return page_response(content, status_for(error), headers_of(error))


def _from_here(request: Request) -> str:
    """The page of ours that somebody was at, if they were at one."""
    address = request.headers.get("referer", "")
    return address if address.startswith(str(request.base_url)) else ""
