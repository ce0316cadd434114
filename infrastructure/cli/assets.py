"""The asset library: what an account made and brought, with what paid for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli import assetwords
from infrastructure.cli.asking import confirm
from infrastructure.cli.asof import Then, dated_document, dated_page
from infrastructure.cli.assetpages import added_report, show_asset, show_assets, show_lineage, show_totals
from infrastructure.cli.assetwords import AssetId
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing_whole
from infrastructure.cli.options import MOST, Account, Cursor, Why, Yes
from infrastructure.cli.ranges import bytes_within
from infrastructure.cli.run import make_out_folder
from infrastructure.cli.session import CommandSession
from infrastructure.showing.batches import archived_document, archived_text
from infrastructure.showing.formats import document, instant_of, iso, spanned

if TYPE_CHECKING:
    from application.library.answers import ErasedAssets
    from application.library.library import Library
    from application.library.records import AssetQuery, AssetRecord
    from infrastructure.cli.rendering import Page

app = typer.Typer()

AssetIds = Annotated[list[str], Argument(metavar="ID...", help="Assets' ids.")]
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

    tag: Annotated[str | None, Option("--tag", metavar="WORD", help="Only with this tag.")] = None
    favourite: Annotated[bool, Option("--favourite", help="Only favourites.")] = False
    collection: Annotated[str | None, Option("--collection", metavar="NAME", help="Only in this collection.")] = None
    made: Annotated[
        bool | None,
        Option("--made/--brought", help="Only made by an operation here, or only brought.", show_default=False),
    ] = None
    since: Annotated[
        str | None, Option("--since", metavar="DAY", help="First seen on this day or instant, or later.")
    ] = None
    until: Annotated[str | None, Option("--until", metavar="DAY", help="First seen before this day or instant.")] = None
    least: Annotated[
        str | None, Option("--min-size", metavar="SIZE", help="At least so many bytes, such as 200kB.")
    ] = None
    most: Annotated[str | None, Option("--max-size", metavar="SIZE", help="At most so many bytes, such as 2MB.")] = None

    def query(self, zone: str, text: str | None = None, sort: str = "newest") -> AssetQuery:
        """The question that these options ask of the library; days begin in the zone. Raises InvalidInput."""
        from application.library.records import AssetQuery

        return AssetQuery(
            made=self.made,
            seen=spanned(self.since, self.until, zone, ("--since", "--until")),
            sizes=bytes_within(self.least, self.most),
            sort=sort,
            standing=self.standing,
            type=self.type,
            kind=self.kind,
            model=self.model,
            provider=self.provider,
            user=self.user,
            project=self.project,
            text=text,
            tag=self.tag,
            favourite=self.favourite,
            collection=self.collection,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """WhichAssets part of the list."""

    sort: Annotated[
        str, Option("--sort", metavar="ORDER", help="newest, oldest, largest, smallest, dearest, cheapest or title.")
    ] = "newest"
    limit: Annotated[int, Option("--limit", "-l", min=1, max=MOST, metavar="COUNT", help="At most so many.")] = PAGE
    after: Cursor = None


@command(app, "list")
async def list_assets(which: WhichAssets, then: Then, part: Part, session: CommandSession) -> Report:
    """List an account's assets with what each cost, the newest first unless they are sorted otherwise."""
    if then.as_of is None:
        return await _listed(which, part, session, None)
    return await _as_of(which, then, part, session)


@command(app)
async def search(
    text: Annotated[str, Argument(metavar="TEXT", help='Words, "a phrase", beginn*, -without.')],
    which: WhichAssets,
    part: Part,
    session: CommandSession,
) -> Report:
    """Find assets by words in titles, descriptions, tags and prompts."""
    return await _listed(which, part, session, text)


async def _as_of(which: WhichAssets, then: Then, part: Part, session: CommandSession) -> Report:
    from infrastructure.showing.assets import page_document

    account = session.account(which.account)
    async with session.reading() as reading:
        zone = (await reading.accounts.show(account)).zone
        moment = await then.moment(reading, account, zone)
        assert moment is not None, "one is asked for"
        wanted = which.query(zone, None, part.sort)
        found = await reading.past.assets(account, wanted, moment, after=part.after, limit=part.limit)
    show = dated_page(lambda page: show_assets(page, found, account, zone, part.sort), moment, zone)
    return Report(dated_document(page_document(found), moment), show)


async def _listed(which: WhichAssets, part: Part, session: CommandSession, text: str | None) -> Report:
    from infrastructure.showing.assets import page_document

    account = session.account(which.account)
    async with session.studio(writes=text is not None) as studio:
        zone = (await studio.accounts.show(account)).zone
        wanted = which.query(zone, text, part.sort)
        found = await studio.library.list(account, wanted, after=part.after, limit=part.limit)
    return Report(page_document(found), lambda page: show_assets(page, found, account, zone, part.sort))


@command(app)
async def stats(which: WhichAssets, then: Then, session: CommandSession) -> Report:
    """Count an account's assets, their bytes and what they cost, by type and by what made them."""
    account = session.account(which.account)
    if then.as_of is not None:
        async with session.reading() as reading:
            zone = (await reading.accounts.show(account)).zone
            moment = await reading.past.moment(then.as_of, account, zone)
            totals = await reading.past.statistics(account, which.query(zone), moment)
        show = dated_page(lambda page: show_totals(page, totals, account), moment, zone)
        return Report(dated_document(document(totals), moment), show)
    async with session.studio(writes=False) as studio:
        zone = (await studio.accounts.show(account)).zone
        found = await studio.library.statistics(account, which.query(zone))
    return Report(document(found), lambda page: show_totals(page, found, account))


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
async def lineage(id: AssetId, then: Then, session: CommandSession, account: Account = None) -> Report:
    """Show what an asset came from, what came of it, and what it cost with all that it came from."""
    from infrastructure.showing.assets import lineage_document

    owner = session.account(account)
    if then.as_of is not None:
        async with session.reading() as reading:
            zone = (await reading.accounts.show(owner)).zone
            moment = await reading.past.moment(then.as_of, owner, zone)
            kin = await reading.past.lineage(owner, id, moment)
        show = dated_page(lambda page: show_lineage(page, kin), moment, zone)
        return Report(dated_document(lineage_document(kin), moment), show)
    async with session.studio(writes=False) as studio:
        found = await studio.library.lineage(owner, id)
    return Report(lineage_document(found), lambda page: show_lineage(page, found))


@command(app)
async def add(
    files: Annotated[list[Path], Argument(metavar="FILE...", help="Pictures, films, sounds or models.")],
    session: CommandSession,
    title: Annotated[str, Option("--title", metavar="TEXT", help="Its title; otherwise the file's name.")] = "",
    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Who brings it.")] = None,
    project: Annotated[str | None, Option("--project", "-p", metavar="ID", help="What it is for.")] = None,
    account: Account = None,
) -> Report:
    """Bring files into the library as they are; the same bytes are one asset.

    Operations take each of them as asset:ID.
    """
    from application.library.answers import Bringing

    owner = session.account(account)
    if title and len(files) > 1:
        raise InvalidInput("--title", f"is for one file, and here are {len(files)}", hint="leave it out")
    new = Bringing(user=user, project=project, title=title)
    async with session.studio() as studio:
        added = [await studio.library.add(owner, file, new=new) for file in files]
    return added_report(files, added)


@command(app)
async def trash(ids: AssetIds, session: CommandSession, account: Account = None, reason: Why = "") -> Report:
    """Put assets into the trash, from which they can be restored for a while."""
    return await _decided(ids, session, account, lambda library, *one: library.trash(*one, reason=reason))


@command(app)
async def restore(ids: AssetIds, session: CommandSession, account: Account = None, reason: Why = "") -> Report:
    """Take assets out of the trash."""
    return await _decided(ids, session, account, lambda library, *one: library.restore(*one, reason=reason))


@command(app)
async def until(
    id: AssetId,
    when: Annotated[str, Argument(metavar="INSTANT", help="A day or an instant, or never.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Set when an asset is erased by itself."""
    owner = session.account(account)
    async with session.studio() as studio:
        zone = (await studio.accounts.show(owner)).zone
        at = None if when == "never" else instant_of(when, zone, "INSTANT")
        found = await studio.library.expire(owner, id, at=at, reason=reason)
    return _standing((found,))


@command(app)
async def erase(
    ids: AssetIds, session: CommandSession, account: Account = None, reason: Why = "", yes: Yes = False
) -> Report:
    """Delete the files of assets, for ever.

    Their facts stay: what they cost, what they came from and what came of them.
    """
    confirm(f"Delete the files of {counted(len(ids), 'asset')} for ever?", yes=yes)
    owner = session.account(account)
    async with session.studio() as studio:
        erased = await studio.library.erase(owner, *ids, reason=reason)
    return _erased(erased)


@command(app)
async def empty(session: CommandSession, account: Account = None, reason: Why = "", yes: Yes = False) -> Report:
    """Erase all that is in the account's trash, for ever."""
    owner = session.account(account)
    confirm(f"Delete the files of all assets in the trash of {owner} for ever?", yes=yes)
    async with session.studio() as studio:
        erased = await studio.library.empty_trash(owner, reason=reason)
    return _erased(erased)


@command(app)
async def expire(session: CommandSession) -> Report:
    """Erase what has expired, and what was in the trash long enough, of all accounts; a service does so by itself."""
    async with session.studio() as studio:
        erased = await studio.library.erase_due()
    return _erased(erased)


@command(app)
async def link(
    id: AssetId,
    session: CommandSession,
    seconds: Annotated[
        int, Option("--seconds", min=1, metavar="COUNT", help="How long it leads there; at most seven days.")
    ] = 3_600,
    account: Account = None,
) -> Report:
    """Print a link by which anybody reads an asset's file for a time.

    In a bucket it is the store's own; of a folder it is a path of the HTTP door.
    """
    owner = session.account(account)
    async with session.studio() as studio:
        found = await studio.library.link(owner, id, expires=seconds)
    written = {"asset": id, "url": found.url, "expires": iso(found.expires)}
    return Report(written, lambda page: page.line(found.url))


@command(app)
async def thumbnail(
    ids: AssetIds,
    session: CommandSession,
    out: Annotated[Path, Option("--out", "-o", metavar="FOLDER", help="Where to write them, as ID.webp.")],
    account: Account = None,
) -> Report:
    """Write small pictures of pictures, films and models; each is drawn once, and kept beside its file."""
    owner, wanted = session.account(account), list(dict.fromkeys(ids))
    files = {id: out / f"{id}.webp" for id in wanted}
    async with session.studio() as studio:
        make_out_folder(out)
        drawn = {id: await studio.library.thumbnail(owner, id) for id in wanted}
    for id, file in files.items():
        with replacing_whole(file, "--out") as stream:
            stream.write(drawn[id].content)
    rows = [
        {"id": id, "file": str(file), "width": drawn[id].width, "height": drawn[id].height}
        for id, file in files.items()
    ]

    def show(page: Page) -> None:
        page.title(f"Wrote {counted(len(files), 'thumbnail')}")
        for file in files.values():
            page.line(f"  {file}", "cyan")

    return Report({"thumbnails": rows}, show)


@command(app)
async def export(
    session: CommandSession,
    out: Annotated[Path, Option("--out", "-o", metavar="FILE", help="The ZIP file to write; - is stdout.")],
    ids: Annotated[list[str] | None, Argument(metavar="ID...", help="Assets' ids.")] = None,
    operation: Annotated[
        str | None, Option("--operation", metavar="ID", help="All that an operation or a batch made.")
    ] = None,
    account: Account = None,
) -> Report:
    """Write assets into one ZIP file, with a manifest of what each is, what it came from and what it cost."""
    owner = session.account(account)
    if bool(ids) == (operation is not None):
        raise InvalidInput("ID...", "name assets, or one operation with --operation", hint="one of the two")
    async with session.studio(writes=False) as studio:
        if operation is not None:
            links = await studio.library.of_operation(owner, operation)
            ids = [link.asset for link in links if link.role == "output"]
        with replacing_whole(out, "--out") as stream:
            archived = await studio.library.archive(owner, ids or (), stream)
    return Report(archived_document(out, archived), lambda page: page.title(archived_text(out, archived)))


async def _decided(
    ids: Sequence[str],
    session: CommandSession,
    account: str | None,
    decide: Callable[[Library, str, str], Awaitable[AssetRecord]],
) -> Report:
    owner = session.account(account)
    async with session.studio() as studio:
        found = [await decide(studio.library, owner, id) for id in ids]
    return _standing(found)


def _standing(found: Sequence[AssetRecord]) -> Report:
    from infrastructure.showing.assets import asset_document

    def show(page: Page) -> None:
        for one in found:
            expires = f", until {iso(one.expires)}" if one.expires is not None else ""
            page.line(f"{one.id} is {one.standing}{expires}")

    return Report({"assets": [asset_document(one) for one in found]}, show)


def _erased(erased: ErasedAssets) -> Report:
    told = f"Erased {counted(len(erased.assets), 'asset')}, {counted(erased.files, 'file')}; the facts about them stay"
    return Report(document(erased), lambda page: page.title(told))


app.registered_commands += assetwords.app.registered_commands
