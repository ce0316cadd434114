"""The asset library: what an account made and brought, with what paid for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer import Argument, Option

from infrastructure.cli.assetpages import show_asset, show_assets, show_lineage
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession

app = typer.Typer()

AssetId = Annotated[str, Argument(metavar="ID", help="An asset's id, as 'imagestudio assets list' shows them.")]
PAGE = 50


@dataclass(frozen=True, slots=True)
class WhichAssets:
    """WhichAssets assets of the account."""

    account: Account = None
    type: Annotated[
        str | None, Option("--type", "-t", metavar="TYPE", help="Only of this type: image, video, audio, model, text.")
    ] = None
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only made by this kind of operation.")] = None
    model: Annotated[str | None, Option("--model", "-m", metavar="ID", help="Only made by this model.")] = None
    provider: Annotated[str | None, Option("--provider", metavar="ID", help="Only made by this provider.")] = None
    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Only of this user.")] = None
    project: Annotated[str | None, Option("--project", "-p", metavar="ID", help="Only of this project.")] = None
    standing: Annotated[
        str, Option("--standing", metavar="WORD", help="Kept ones, or those that are trashed or erased.")
    ] = "kept"


@dataclass(frozen=True, slots=True)
class Part:
    """WhichAssets part of the list."""

    limit: Annotated[int, Option("--limit", "-l", min=1, metavar="COUNT", help="At most so many.")] = PAGE
    after: Annotated[
        str | None, Option("--after", metavar="CURSOR", help="Go on after a page that ended with this cursor.")
    ] = None


@command(app, "list")
async def list_assets(which: WhichAssets, part: Part, session: CommandSession) -> Report:
    """List an account's assets, the newest first, with what each cost."""
    from application.library.records import AssetQuery
    from infrastructure.showing.assets import page_document

    account = session.account(which.account)
    wanted = AssetQuery(
        standing=which.standing,
        type=which.type,
        kind=which.kind,
        model=which.model,
        provider=which.provider,
        user=which.user,
        project=which.project,
    )
    async with session.studio(writes=False) as studio:
        found = await studio.library.list(account, wanted, after=part.after, limit=part.limit)
        zone = (await studio.accounts.show(account)).zone
    return Report(page_document(found), lambda page: show_assets(page, found, account, zone))


@command(app)
async def show(id: AssetId, session: CommandSession, account: Account = None) -> Report:
    """Show one asset: its file, what made it, what it was used for, and what it cost."""
    from infrastructure.showing.assets import shown_document

    owner = session.account(account)
    async with session.studio(writes=False) as studio:
        found = await studio.library.show(owner, id)
        zone = (await studio.accounts.show(owner)).zone
    return Report(shown_document(found), lambda page: show_asset(page, found, zone))


@command(app)
async def lineage(id: AssetId, session: CommandSession, account: Account = None) -> Report:
    """Show what an asset came from, what came of it, and what it cost with all that it came from."""
    from infrastructure.showing.assets import lineage_document

    owner = session.account(account)
    async with session.studio(writes=False) as studio:
        found = await studio.library.lineage(owner, id)
    return Report(lineage_document(found), lambda page: show_lineage(page, found))
