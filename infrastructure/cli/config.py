"""The settings in force: each one's variable, what it is, and where that was said. No secret is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrastructure.cli.rendering import Page
    from infrastructure.said import Said

app = typer.Typer()


@command(app)
async def config(session: CommandSession) -> Report:
    """List every setting, with its value and where it was set; of a secret only whether it is set."""
    from infrastructure.said import said

    found = said(session.settings(), option="--db" if session.db is not None else "")
    document = [{"name": one.name, "value": one.value, "from": one.source} for one in found]
    return Report({"settings": document}, lambda page: _show(page, found))


def _show(page: Page, found: Sequence[Said]) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title("Settings")
    page.table(
        PageColumn("NAME", [one.name for one in found]),
        PageColumn("FROM", [one.source for one in found]),
        PageColumn("VALUE", [one.value for one in found], wrap=12),
    )
