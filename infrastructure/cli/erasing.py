"""Erasure: of an operation, of a user or of an account, with a document that says what was erased where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.asking import confirm
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing
from infrastructure.cli.options import Owner, Why, Yes
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER
from infrastructure.showing.erasure import ERASED, evidence_document

if TYPE_CHECKING:
    from application.keeping.upkeep import Upkeep
    from domain.erasure import ErasureEvidence
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def erase(
    session: CommandSession,
    id: Annotated[str | None, Argument(metavar="[ID]", help="An operation; otherwise --user or --everything.")] = None,
    account: Owner = None,
    user: Annotated[
        str | None, Option("--user", "-u", metavar="ID", help="All that this user asked for and brought.")
    ] = None,
    everything: Annotated[
        bool, Option("--everything", help="All that the account asked for, brought and named.")
    ] = False,
    out: Annotated[
        Path | None, Option("--out", "-o", metavar="FILE", help="Write the evidence there, as JSON.")
    ] = None,
    reason: Why = "",
    yes: Yes = False,
) -> Report:
    """Delete prompts and files for ever: of an operation, of a user, or of an account.

    Their facts stay, and still verify. Files that others of the account need stay too. Ends with 1 if anything is left.
    """
    if [id is not None, user is not None, everything].count(True) != 1:
        raise InvalidInput(
            "ID", "is not what to erase", hint="give an operation, --user ID or --everything, one of them"
        )
    what = id or (f"user {user}" if user is not None else "everything")
    confirm(f"Delete the prompts and files of {what} for ever?", yes=yes)
    with replacing(out, "--out") as stream:
        async with session.studio() as studio:
            owner = await studio.operations.account_of(id) if id is not None and account is None else account
            found = await _erased(studio.upkeep, session.account(owner), id, user, reason)
        evidence = evidence_document(found)
        if stream is not None:
            json.dump(evidence, stream, indent=2)
    return Report(evidence, lambda page: _show(page, found, out), OTHER if found.left else 0)


async def _erased(upkeep: Upkeep, account: str, id: str | None, user: str | None, reason: str) -> ErasureEvidence:
    if id is not None:
        return await upkeep.erase_operation(id, account=account, reason=reason)
    if user is not None:
        return await upkeep.erase_user(user, account=account, reason=reason)
    return await upkeep.erase_account(account, reason=reason)


def _show(page: Page, found: ErasureEvidence, out: Path | None) -> None:
    if not found.digest:
        page.title("Nothing was left to erase; the facts about it stay")
        return
    whose = {"operation": "batch", "user": "user", "account": "account"}[found.scope]
    page.title(f"Erased {whose} {found.subject}; the facts about it stay")
    page.pairs([(ERASED[name], f"{count:,}") for name, count in found.erased.items()])
    if found.kept:
        page.line(f"  {counted(len(found.kept), 'file')} kept, as others of the account need them")
    if found.left:
        page.line(f"  left: {', '.join(f'{count} in {name}' for name, count in found.left.items())}", "red")
    page.line(f"  evidence {found.digest}", "dim")
    if out is not None:
        page.line(f"  written: {out}", "cyan")
