"""Words about assets at the shell: titles, tags, favourites and collections, kept beside the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import document

if TYPE_CHECKING:
    from application.library.answers import AssetWords
    from application.library.words import AssetCollection
    from infrastructure.cli.rendering import Page

app = typer.Typer()

AssetId = Annotated[str, Argument(metavar="ID", help="An asset's id, as 'imagestudio assets list' shows them.")]


@command(app)
async def describe(
    id: AssetId,
    session: CommandSession,
    title: Annotated[str | None, Option("--title", metavar="TEXT", help="Its title.")] = None,
    description: Annotated[str | None, Option("--description", metavar="TEXT", help="What it is.")] = None,
    account: Account = None,
) -> Report:
    """Give an asset a title or a description; these are kept beside the log, and erased with it."""
    owner = session.account(account)
    async with session.studio() as studio:
        words = await studio.library.words.describe(owner, id, title=title, description=description)
    return _worded(id, words)


@command(app)
async def favourite(
    id: AssetId,
    session: CommandSession,
    undo: Annotated[bool, Option("--undo", help="It is none any more.")] = False,
    account: Account = None,
) -> Report:
    """Make an asset a favourite."""
    owner = session.account(account)
    async with session.studio() as studio:
        words = await studio.library.words.describe(owner, id, favourite=not undo)
    return _worded(id, words)


@command(app)
async def tag(
    id: AssetId,
    session: CommandSession,
    tags: Annotated[list[str] | None, Argument(metavar="TAG...", help="Tags to add.")] = None,
    remove: Annotated[list[str] | None, Option("--remove", metavar="TAG", help="A tag to take away.")] = None,
    account: Account = None,
) -> Report:
    """Add tags to an asset, and take others away."""
    owner = session.account(account)
    async with session.studio() as studio:
        words = await studio.library.words.tag(owner, id, add=tags or (), remove=remove or ())
    return _worded(id, words)


@command(app)
async def collect(
    name: Annotated[str, Argument(metavar="NAME", help="The collection, which is made if there is none.")],
    session: CommandSession,
    ids: Annotated[list[str] | None, Argument(metavar="ID...", help="Assets to put into it.")] = None,
    remove: Annotated[list[str] | None, Option("--remove", metavar="ID", help="An asset to take out.")] = None,
    description: Annotated[str | None, Option("--description", metavar="TEXT", help="What it is for.")] = None,
    account: Account = None,
) -> Report:
    """Put assets into a collection; one asset may be in many."""
    owner = session.account(account)
    async with session.studio() as studio:
        await studio.library.words.make_collection(owner, name, description=description)
        await studio.library.words.collect(owner, name, add=ids or (), remove=remove or ())
        found = await studio.library.words.collections(owner)
    return _collections(found)


@command(app)
async def collections(session: CommandSession, account: Account = None) -> Report:
    """List the account's collections."""
    owner = session.account(account)
    async with session.studio(writes=False) as studio:
        found = await studio.library.words.collections(owner)
    return _collections(found)


@command(app, "rename-collection")
async def rename_collection(
    name: Annotated[str, Argument(metavar="NAME", help="The collection.")],
    new: Annotated[str, Argument(metavar="NEW", help="Its new name.")],
    session: CommandSession,
    account: Account = None,
) -> Report:
    """Give a collection another name; its assets stay in it."""
    owner = session.account(account)
    async with session.studio() as studio:
        await studio.library.words.rename_collection(owner, name, new)
        found = await studio.library.words.collections(owner)
    return _collections(found)


@command(app, "drop-collection")
async def drop_collection(
    name: Annotated[str, Argument(metavar="NAME", help="The collection.")],
    session: CommandSession,
    account: Account = None,
) -> Report:
    """Take a collection away; its assets stay in the library."""
    owner = session.account(account)
    async with session.studio() as studio:
        await studio.library.words.drop_collection(owner, name)
        found = await studio.library.words.collections(owner)
    return _collections(found)


def _worded(id: str, words: AssetWords) -> Report:
    def show(page: Page) -> None:
        page.title(words.title or id)
        page.pairs(
            [
                ("asset", id),
                ("description", words.description),
                ("tags", ", ".join(words.tags)),
                ("favourite", "yes" if words.favourite else "no"),
                ("collections", ", ".join(words.collections)),
            ]
        )

    return Report({"asset": id, **document(words)}, show)


def _collections(found: Sequence[AssetCollection]) -> Report:
    def show(page: Page) -> None:
        if not found:
            page.line("there is none yet", "dim")
        for one in found:
            page.line(f"{one.name}: {counted(one.assets, 'asset')}{f', {one.description}' if one.description else ''}")

    return Report({"collections": document(list(found))}, show)
