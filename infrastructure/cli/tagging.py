"""Tags of operations, given and taken away after they were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Owner, tags_of
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import tags_text

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.service import Studio

app = typer.Typer()

OperationId = Annotated[str, Argument(metavar="ID", help="The operation, or the batch.")]


@command(app)
async def tag(
    id: OperationId,
    tags: Annotated[list[str], Argument(metavar="NAME=VALUE...", help="Each in place of another of its name.")],
    session: CommandSession,
    account: Owner = None,
) -> Report:
    """Give an operation, or all of a batch, tags: words of your own, beside the log."""
    wanted = tags_of(tags, "NAME=VALUE")
    async with session.studio() as studio:
        owner = await _owner(session, studio, id, account)
        return _answer(id, await studio.operations.tag(id, wanted, account=owner))


@command(app)
async def untag(
    id: OperationId,
    names: Annotated[list[str], Argument(metavar="NAME...", help="Of the tags to take away.")],
    session: CommandSession,
    account: Owner = None,
) -> Report:
    """Take tags away from an operation, or all of a batch."""
    async with session.studio() as studio:
        owner = await _owner(session, studio, id, account)
        return _answer(id, await studio.operations.untag(id, *names, account=owner))


async def _owner(session: CommandSession, studio: Studio, id: str, account: str | None) -> str:
    return session.account(await studio.operations.account_of(id) if account is None else account)


def _answer(id: str, tags: Mapping[str, str]) -> Report:
    def show(page: Page) -> None:
        page.title(f"Operation {id}")
        page.pairs([("tags", tags_text(tags) or "none")])

    return Report({"operation": id, "tags": dict(tags)}, show)
