"""One account, written out of a ledger into a file, and taken into another."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import is_stdout
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import document, size

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.copying.accounts import AccountCopy, ImportedAccount

app = typer.Typer()


@command(app, "export-account")
async def export_account(
    session: CommandSession,
    out: Annotated[Path, Option("--out", "-o", metavar="FILE", help="A new file; nothing is overwritten.")],
    id: Annotated[str | None, Argument(metavar="[ID]", help="The account; otherwise as --account says.")] = None,
    account: Account = None,
    with_files: Annotated[bool, Option("--with-files", help="Its pictures, films and other files, too.")] = False,
) -> Report:
    """Write one account's whole log into a file, to be taken into another ledger.

    All that stands beside its facts comes along: keys, content, words and, if they are wanted, files.
    """
    from infrastructure.copying.accounts import export_account as write_out
    from infrastructure.opening import Access, belonging, open_log
    from infrastructure.shards.opening import settings_with

    if is_stdout(out):
        raise InvalidInput("--out", "an account is written into a file, and not to stdout", hint="name a new file")
    named = session.account(id or account)
    settings = await asyncio.to_thread(settings_with, session.settings(), named)
    with session.progress("export") as report, closing(open_log(settings, Access.READ)) as log:
        files = belonging(settings, log)
        made = await asyncio.to_thread(write_out, log.database, files, named, out, report, with_files=with_files)
    return Report(copy_document(out, made), lambda page: show_copy(page, out, made))


@command(app, "import-account")
async def import_account(
    file: Annotated[Path, Argument(metavar="FILE", help="An export of an account.")], session: CommandSession
) -> Report:
    """Take an account in from its export, all of it or nothing.

    Its facts, their hashes and all ids stay as they are; the facts get new positions, at the end of the log.
    """
    from infrastructure.copying.accounts import import_account as take_in
    from infrastructure.opening import Access, claimed, open_log
    from infrastructure.shards.copying import adopt_imported, place_export

    settings = await asyncio.to_thread(place_export, session.settings(), file)
    with session.progress("import") as report, closing(open_log(settings, Access.WRITE)) as log:
        files = claimed(settings, log)
        found = await asyncio.to_thread(take_in, log.database, log.codec, files, file, report)
        await asyncio.to_thread(adopt_imported, session.settings(), settings.shard)
    return Report(document(found), lambda page: show_imported(page, found))


def copy_document(out: Path, made: AccountCopy) -> dict[str, object]:
    """Whose log, how much of it, and what it is sealed as."""
    manifest = made.manifest
    rows = {name: part.rows for name, part in manifest.parts.items()}
    told = {"file": str(out), "account": made.account, "ledger": manifest.ledger, "seal": manifest.seal, "rows": rows}
    counts = {name: getattr(manifest, name) for name in ("files", "size", "missing", "damaged")}
    return {**told, "with_files": made.with_files, **counts}


def show_copy(page: Page, out: Path, made: AccountCopy) -> None:
    """One line, and what is not as it should be."""
    manifest = made.manifest
    files = f", {counted(manifest.files, 'file')}, {size(manifest.size)}" if made.with_files else ", without files"
    page.title(f"Account {made.account} is in {out}: {counted(manifest.parts['log'].rows, 'fact')}{files}")
    page.line(f"  seal {manifest.seal}", "dim")
    for name in ("missing", "damaged"):
        if count := getattr(manifest, name):
            page.prose(f"{counted(count, 'file')} {name}", "red", indent=2)


def show_imported(page: Page, found: ImportedAccount) -> None:
    """The account, and its place in the log."""
    page.title(f"Account {found.account} was taken in: {counted(found.facts, 'fact')}, {counted(found.files, 'file')}")
    page.line(f"  at positions {found.first:,} to {found.last:,}", "dim")
