"""Sessions with the official client: with a process over stdio, and with the gateway over streamable HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ElicitResult

from infrastructure.gateway.door import ACCOUNT
from tests import patience
from tests.infrastructure.cli.test_processes import ROOT, environment

AUTO, LEGACY = "auto", "legacy"
"""The newest version of the protocol, and those of before, which begin with a handshake."""
PROGRAM = "import sys; from infrastructure.cli import main; sys.exit(main())"
PICTURE = {"prompt": "a lake", "model": "scripted-image"}
Asked = Any
"""A callback of the client's."""


@asynccontextmanager
async def on_stdio(
    home: Path, *arguments: str, mode: str = AUTO, person: Asked = None, pid: Path | None = None, **more: str
) -> AsyncIterator[Client]:
    """A session with a process of its own, on the ledger in `home`; `more` are settings, `pid` gets its process id."""
    known = environment(home)
    del known["IMAGESTUDIO_ACCOUNT"]
    env = {**known, **{f"IMAGESTUDIO_{name.upper()}": value for name, value in more.items()}}
    noted = f"import os, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); " if pid else ""
    args = ["-c", f"{noted}{PROGRAM}", "mcp", *arguments]
    server = StdioServerParameters(command=sys.executable, args=args, env=env, cwd=ROOT)
    async with _client(server, mode, person) as client:
        yield client


@asynccontextmanager
async def over_http(
    url: str, secret: str, *, mode: str = AUTO, person: Asked = None, account: str = ""
) -> AsyncIterator[Client]:
    """A session with a gateway, by a key, for an account if it is one of the studio's own."""
    sent = {"authorization": f"Bearer {secret}", **({ACCOUNT: account} if account else {})}
    async with (
        httpx2.AsyncClient(headers=sent, timeout=patience.SECONDS) as http,
        _client(streamable_http_client(f"{url}/mcp", http_client=http), mode, person) as client,
    ):
        yield client


def _client(server: Any, mode: str, person: Asked) -> Client:
    return Client(server, mode=mode, elicitation_callback=person, read_timeout_seconds=patience.SECONDS)


async def call(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    """What a tool answers, which is the same in its text; it must not be an error."""
    found = await client.call_tool(tool, arguments)
    assert not found.is_error, told(found)
    return told(found)


async def refused(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    """The error of a tool."""
    found = await client.call_tool(tool, arguments)
    assert found.is_error, told(found)
    error: dict[str, Any] = told(found)["error"]
    return error


def told(found: CallToolResult) -> dict[str, Any]:
    """The document of a result."""
    first: Any = found.content[0]
    document: dict[str, Any] = found.structured_content
    assert json.loads(first.text) == document
    return document


def says(questions: list[str], *answers: bool) -> Asked:
    """A person who says this one after the other, and what they were asked."""
    left = list(answers)

    async def person(_context: Any, params: Any) -> ElicitResult:
        questions.append(params.message)
        agrees = left.pop(0)
        return ElicitResult(action="accept" if agrees else "decline", content={"approve": True} if agrees else None)

    return person


def hears(told: Callable[[float, str], None]) -> Any:
    """A client's callback that is told of progress: how much is done, and in words."""

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total == 1
        told(progress, message or "")

    return hear
