"""A span for each request, on the outside of the gateway: it goes on with the caller's trace, if that brings one.

The address is told by the pattern of its route alone: a path may hold what nobody meant to show, and a query holds
signatures. The frameworks' own spans hold both, so that they stay off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind

from infrastructure.telemetry.tracing import HEADER, W3C, Tracing, failed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATE: Final = "tracestate"
OPERATION: Final = b"x-imagestudio-operation"
BROKEN: Final = 500


@dataclass(frozen=True, slots=True)
class TracedRequests:
    """An ASGI application with a span around each request; `request_id` and `key` are what the gateway left in the
    state."""

    app: ASGIApp
    tracing: Tracing = field(repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parent = W3C.extract(_carried(scope), Context())
        about = {"http.request.method": scope["method"], "url.scheme": scope.get("scheme", "http")}
        with self.tracing.span(scope["method"], about, kind=SpanKind.SERVER, parent=parent) as span:
            scope.setdefault("state", {})["trace"] = f"{span.get_span_context().trace_id:032x}"

            async def answering(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _tell(span, message)
                await send(message)

            try:
                await self.app(scope, receive, answering)
            finally:
                _name(span, scope)


def _carried(scope: Scope) -> dict[str, str]:
    """The context that a request brings; one that is sent twice is none."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        if name in (HEADER.encode(), STATE.encode()):
            found.setdefault(name.decode(), []).append(value.decode("latin-1"))
    return {name: ",".join(values) for name, values in found.items() if name == STATE or len(values) == 1}


def _tell(span: Span, answer: Message) -> None:
    span.set_attribute("http.response.status_code", answer["status"])
    if answer["status"] >= BROKEN:
        failed(span, str(answer["status"]))
    for name, value in answer["headers"]:
        if name == OPERATION:
            span.set_attribute("imagestudio.operation", value.decode("latin-1"))


def _name(span: Span, scope: Scope) -> None:
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    for name in ("request_id", "key"):
        if name in scope["state"]:
            span.set_attribute(f"imagestudio.{name}", scope["state"][name])
