"""The tools over stdio: one client, which started this process, and whose key is looked at again with each message."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from mcp.server.stdio import stdio_server

from infrastructure.agents.callers import AgentCaller
from infrastructure.agents.server import agents_server
from infrastructure.agents.toolbox import Toolbox
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.rates import Rates
from infrastructure.service import Studio

if TYPE_CHECKING:
    from infrastructure.agents.toolbox import Context

FindCaller = Callable[[], Awaitable[AgentCaller]]
LONGEST: Final = 32 * 1024 * 1024
"""Bytes of a message, which is one line."""


async def by_key(studio: Studio, secret: str, account: str | None) -> FindCaller:
    """Finds the holder of a key anew each time; `account` is for which a key of the studio's own acts.

    Raises Unauthenticated, InvalidInput, UnknownAccount if it opens nothing now.
    """
    rates = Rates()

    async def find() -> AgentCaller:
        holder = await studio.keys.known(secret)
        if holder.terms.per_minute is not None:
            rates.take(holder.key, holder.terms.per_minute)
        return AgentCaller.by_key(KeyCaller(holder, account))

    await find()
    return find


async def by_owner(studio: Studio, account: str) -> FindCaller:
    """Finds the operator of this machine, for an account. Raises UnknownAccount."""
    await studio.accounts.show(account)

    async def find() -> AgentCaller:
        return AgentCaller(account, studio.operations.operator)

    return find


async def serve_stdio(studio: Studio, find: FindCaller, told: asyncio.Event) -> None:
    """Answer until the client closes the stream, or it is told to end; what was begun goes on until all is closed."""

    async def who(_context: Context) -> AgentCaller:
        return await find()

    server = agents_server(Toolbox.of(studio), who)
    lines, close = await _stdin()
    async with stdio_server(stdin=lines) as (read, write):
        answering = asyncio.create_task(server.run(read, write, server.create_initialization_options()))
        hearing = asyncio.create_task(told.wait())
        await asyncio.wait([answering, hearing], return_when=asyncio.FIRST_COMPLETED)
        for one in (answering, hearing):
            one.cancel()
        await asyncio.gather(answering, hearing, return_exceptions=True)
        close()


async def _stdin() -> tuple[Any, Callable[[], None]]:
    """The lines of stdin, and what ends them: they are read by the loop and not by a thread, which nobody could stop.

    A file is nothing that a loop waits for; it ends by itself, and is left to the protocol's package (None).
    """
    reader, loop = asyncio.StreamReader(limit=LONGEST), asyncio.get_running_loop()
    try:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (ValueError, OSError):
        return None, lambda: None
    return _lines(reader), transport.close


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    while line := await reader.readline():
        yield line.decode("utf-8", "replace")
