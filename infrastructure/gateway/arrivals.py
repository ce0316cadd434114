"""Every request as it arrives: it gets an id, and its body has to come within bounds of bytes and of time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import InvalidRequest
from infrastructure.clock import new_id

BROKEN: Final = 500
"""The status of an answer that never began."""
_PLAIN_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that was answered, in `seconds`: the pattern of its route, its ids, and of its key the id."""

    route: str
    method: str
    status: int
    seconds: float
    request: str
    operation: str | None
    key: str | None
    trace: str | None


Answered = Callable[[Exchange], None]
"""Hears of each."""


class BodyTooLarge(InvalidRequest):
    """The body has more bytes than are taken."""

    code = "too_large"


class BodyTooSlow(InvalidRequest):
    """No byte of the body came for longer than is waited."""

    code = "too_slow"


class BodyCut(InvalidRequest):
    """The connection ended before the body did."""

    code = "cut_off"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The outermost part of the application. `most` is in bytes, a body; `seconds` are waited for each piece of one.

    A client's own `x-request-id` is kept if it is a plain word. A route may leave `more_headers` in the state, and the
    door the id of the `key`; whoever traces requests has left the `trace`.
    """

    app: ASGIApp
    most: int
    seconds: int
    answered: Answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        id = _id_of(scope)
        scope.setdefault("state", {})["request_id"] = id
        status, operation, began = 0, None, monotonic()

        async def answering(message: Message) -> None:
            nonlocal status, operation
            if message["type"] == "http.response.start":
                status, operation = message["status"], _operation_in(message)
                more = {"x-request-id": id, **scope["state"].get("more_headers", {})}
                told = [(name.encode(), value.encode()) for name, value in more.items()]
                message["headers"] = [*message["headers"], *told]
            await send(message)

        try:
            await self.app(scope, self._bounded(scope, receive), answering)
        finally:
            state = scope["state"]
            self.answered(
                Exchange(
                    route=_route_of(scope),
                    method=scope["method"],
                    status=status or BROKEN,
                    seconds=monotonic() - began,
                    request=id,
                    operation=operation,
                    key=state.get("key"),
                    trace=state.get("trace"),
                )
            )

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        told = _length_of(scope)
        seen, whole = 0, False

        async def bounded() -> Message:
            nonlocal seen, whole
            if whole:
                return await receive()
            if told is not None and told > self.most:
                raise self._too_large()
            try:
                async with asyncio.timeout(self.seconds):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTooSlow(f"the body did not go on for {self.seconds} s", hint="send it again") from error
            if message["type"] == "http.disconnect":
                raise BodyCut("the connection ended before the body did", hint="send it again")
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > self.most:
                raise self._too_large()
            return message

        return bounded

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"the body has more than {self.most:,} bytes", hint="send smaller or fewer files")


def _id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _PLAIN_ID.fullmatch(value):
            return bytes(value).decode()
    return new_id()


def _operation_in(answer: Message) -> str | None:
    for name, value in answer["headers"]:
        if name == b"x-imagestudio-operation":
            return bytes(value).decode("latin-1")
    return None


def _length_of(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


def _route_of(scope: Scope) -> str:
    """The pattern of the address, without ids; all that leads nowhere is one."""
    return str(getattr(scope.get("route"), "path", "none"))
