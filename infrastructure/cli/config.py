"""The settings in force: each one's variable, what it is, and where that was said; and all that is wrong with them.

No secret is ever shown.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument

from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrastructure.cli.rendering import Page
    from infrastructure.configcheck import Trouble
    from infrastructure.said import Said

app = typer.Typer()


class ConfigPart(StrEnum):
    """A thing to do with settings besides listing them."""

    CHECK = "check"


@command(app, checks=False)
async def config(
    session: CommandSession,
    wanted: Annotated[
        ConfigPart | None, Argument(metavar="[check]", help="Say all that is wrong with them, and change nothing.")
    ] = None,
) -> Report:
    """List every setting, with its value and where it was set; of a secret only whether it is set.

    'config check' says all that is wrong with them at once: names, values, folders, database, keys, providers. It exits
    with 2 if a setting is wrong, and with 6 if only the database is.
    """
    if wanted is ConfigPart.CHECK:
        return await asyncio.to_thread(_checked, session)
    session.check_settings()
    from infrastructure.said import said

    options = {"option": "--db" if session.db is not None else "", "file_option": "--config" if session.config else ""}
    found = said(session.settings(), **options)
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


def _checked(session: CommandSession) -> Report:
    from infrastructure.configcheck import settings_troubles
    from infrastructure.showing.codes import EXIT_CODES

    found = settings_troubles(session.db)
    fatal = [one for one in found if one.is_fatal]
    document = {
        "ok": not fatal,
        "problems": [_document(one) for one in fatal],
        "notes": [_document(one) for one in found if not one.is_fatal],
    }
    codes = sorted(EXIT_CODES[one.kind] for one in fatal)
    return Report(document, lambda page: _show_troubles(page, found), codes[0] if codes else 0)


def _document(one: Trouble) -> dict[str, Any]:
    from infrastructure.showing.hints import in_shell

    error = one.error
    told = {"setting": one.setting or None, "code": error.code, "kind": str(error.kind)}
    return {**told, "message": error.message, "hint": in_shell(error.advice)}


def _show_troubles(page: Page, found: Sequence[Trouble]) -> None:
    from domain.counts import counted
    from infrastructure.showing.hints import in_shell

    fatal = [one for one in found if one.is_fatal]
    page.title(counted(len(fatal), "problem") if fatal else "Nothing is wrong with the settings")
    for one in (*fatal, *(one for one in found if not one.is_fatal)):
        page.prose(one.error.message, "red" if one.is_fatal else "", indent=2)
        if hint := in_shell(one.error.advice):
            page.prose(hint, "dim", indent=6)
