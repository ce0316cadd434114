"""The studio for an agent, over stdin and stdout, as clients of the Model Context Protocol start it."""

from __future__ import annotations

import typer

from domain.advice import Advice
from domain.errors import InvalidInput, PluginError
from infrastructure.cli.commands import command
from infrastructure.cli.options import Account
from infrastructure.cli.serve import fast_loop
from infrastructure.cli.session import CommandSession
from infrastructure.cli.worker import stopped

app = typer.Typer()


@command(app, loop=fast_loop)
async def mcp(session: CommandSession, account: Account = None) -> int:
    """Serve the studio to an agent, by the Model Context Protocol over stdin and stdout.

    The account of the key in IMAGESTUDIO_API_KEY pays. Without a key it is the one that --account names, for a ledger
    of your own. Over HTTP, 'imagestudio serve' has the same tools at /mcp.
    """
    try:
        from infrastructure.agents import desk
    except ImportError as error:
        raise PluginError(f"agents need {error.name}", hint=Advice("agents.install")) from error
    from infrastructure.settings import revealed

    secret = revealed(session.settings().api_key)
    if not secret and account is None:
        hint = "set IMAGESTUDIO_API_KEY, or give --account for a ledger of your own"
        raise InvalidInput("account", "neither a key nor an account says who pays", hint=hint)
    async with session.service() as studio:
        find = await (desk.by_key(studio, secret, account) if secret else desk.by_owner(studio, account or ""))
        with stopped() as (told, _again):
            await desk.serve_stdio(studio, find, told)
    return 0
