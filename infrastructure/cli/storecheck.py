"""Whether a database keeps what the ledger rests on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrastructure.cli.rendering import Page
    from infrastructure.storecheck import StoreLine

app = typer.Typer()

UNFIT = 6
"""The exit code for a database that does not keep a rule, as for one that does not do its work."""


@command(app)
async def storecheck(
    session: CommandSession,
    url: Annotated[
        str | None, Argument(metavar="[URL]", help="Such as postgresql://HOST/NAME; otherwise the one of --db.")
    ] = None,
) -> Report:
    """Try whether a database keeps what the ledger rests on.

    It is tried in a schema of its own, or in a file beside, which is taken away again. A ledger that is there is
    neither read nor written. It exits with 6 if a rule is not kept.
    """
    from infrastructure.storecheck import check_store

    wanted = url or session.settings().database
    with session.progress("storecheck"):
        found = await asyncio.to_thread(check_store, wanted)
    fit = all(line.kept for line in found)
    lines = [{"rule": line.name, "says": line.says, "kept": line.kept, "because": line.broken} for line in found]
    return Report({"fit": fit, "rules": lines}, lambda page: _show(page, found), 0 if fit else UNFIT)


def _show(page: Page, found: Sequence[StoreLine]) -> None:
    broken = [line for line in found if not line.kept]
    page.title(f"{counted(len(broken), 'rule')} not kept" if broken else f"All {len(found)} rules are kept")
    for line in found:
        word, style = ("kept    ", "") if line.kept else ("NOT KEPT", "red")
        page.prose(f"{word}  {line.name}: {line.says}", style, indent=2)
        if line.broken is not None:
            page.prose(line.broken, "red", indent=12)
