"""The service: all of the studio in one process, over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.advice import Advice
from domain.errors import PluginError
from infrastructure.cli.commands import command
from infrastructure.cli.session import CommandSession
from infrastructure.cli.worker import stopped

if TYPE_CHECKING:
    from infrastructure.gateway.starting import FirstKeys

app = typer.Typer()
PORT = 8700
PLACES = 16


def fast_loop() -> asyncio.AbstractEventLoop:
    """An event loop that is made for servers, where there is one."""
    try:
        import uvloop
    except ImportError:  # of other systems
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


@command(app, loop=fast_loop)
async def serve(
    session: CommandSession,
    host: Annotated[str, Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, Option("--port", "-p", min=0, max=65_535, metavar="NUMBER", help="At which port; 0 takes a free one.")
    ] = PORT,
    concurrency: Annotated[
        int, Option("--concurrency", "-c", min=1, max=1_000, metavar="COUNT", help="Queued operations at a time.")
    ] = PLACES,
) -> int:
    """Serve the studio over HTTP, until it is stopped.

    Its first start makes an administrator's key, and an account with a key, and prints each key once.
    """
    try:
        from infrastructure.gateway import serving
        from infrastructure.gateway.starting import first_keys
    except ImportError as error:
        raise PluginError(f"the service needs {error.name}", hint=Advice("service.install")) from error
    from infrastructure.bootstrap import open_studio
    from infrastructure.cli.worker import at_work, refuse_unproved
    from infrastructure.servicelog import service_log

    settings = session.settings()
    await asyncio.to_thread(refuse_unproved, settings)
    with service_log(settings, as_json=session.json), closing(serving.listening(host, port)) as listener:
        async with open_studio(settings) as studio:
            made = await first_keys(studio, settings.account, host)
            with stopped() as (told, again):
                _say(f"http://{_shown(host)}:{listener.getsockname()[1]}", made, as_json=session.json)
                async with at_work(studio, concurrency, settings.wait_seconds, again):
                    await serving.answer_requests(studio, settings, listener, told, again)
    return 0


def _say(url: str, made: FirstKeys | None, *, as_json: bool) -> None:
    """The address where it listens, and the first keys, which nothing can show again."""
    if as_json:
        keys = (
            {"account": made.account, "administrator": made.administrator, "operator": made.operator} if made else None
        )
        lines = [json.dumps({"url": url, "first_keys": keys})]
    else:
        lines = [f"listening on {url}, to be seen there in a browser, documented at {url}/docs"]
        if made is not None:
            lines += [
                "first start, so these keys are new, and shown this once:",
                f"  administrator   {made.administrator}",
                f"  account {made.account}  {made.operator}",
            ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
