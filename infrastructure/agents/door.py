"""`/mcp`: the tools over streamable HTTP, behind the gateway's door; each request shows its key anew.

No session is kept, so that any of several processes answers. So a client of an older version of the protocol cannot be
asked anything in the middle of a call; a newer one calls again with the answer. The protocol's package is loaded by the
first request.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from domain.advice import Advice
from domain.errors import PluginError
from domain.keys import KeyScope
from infrastructure.agents.callers import AgentCaller
from infrastructure.gateway.gate import Gate

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from infrastructure.agents.toolbox import Context

PATH: Final = "/mcp"
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of a message, which is held in memory; larger files are named by their addresses."""
CALLER: Final = "caller"


@dataclass(slots=True)
class AgentsDoor:
    """An ASGI application: lets the key in, and hands the request to the protocol. `path` is its route, as logs say."""

    path: ClassVar[str] = PATH
    gate: Gate
    most: int
    _manager: asyncio.Task[StreamableHTTPSessionManager] | None = field(default=None, init=False)
    _running: asyncio.Task[None] | None = field(default=None, init=False)
    _ending: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Unauthenticated and what else the gateway answers itself."""
        request = Request(scope, receive)
        scope["route"] = self
        caller = await self.gate.door.enter(request, KeyScope.READ)
        scope["state"][CALLER] = AgentCaller.by_key(caller, str(request.base_url).rstrip("/"))
        if self._manager is None:
            self._manager = asyncio.create_task(self._open())
        await (await asyncio.shield(self._manager)).handle_request(scope, receive, send)

    async def close(self) -> None:
        """End what is still answered."""
        self._ending.set()
        if self._running is not None:
            await self._running

    async def _open(self) -> StreamableHTTPSessionManager:
        manager = await asyncio.to_thread(_made, self.gate, min(self.most, LARGEST))
        ready = asyncio.Event()
        self._running = asyncio.create_task(self._run(manager, ready))
        await ready.wait()
        return manager

    async def _run(self, manager: StreamableHTTPSessionManager, ready: asyncio.Event) -> None:
        """Its tasks belong to one of ours, whichever request came first."""
        async with manager.run():
            ready.set()
            await self._ending.wait()


def _made(gate: Gate, most: int) -> StreamableHTTPSessionManager:
    """Raises PluginError if the protocol's package is not installed."""
    try:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    except ImportError as error:
        raise PluginError(f"agents need {error.name}", hint=Advice("agents.install")) from error
    from infrastructure.agents.server import agents_server
    from infrastructure.agents.toolbox import Toolbox

    server = agents_server(Toolbox.of(gate.studio), _who)
    return StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=most)


async def _who(context: Context) -> AgentCaller:
    request: Any = context.request
    caller: AgentCaller = getattr(request.state, CALLER)
    return caller
