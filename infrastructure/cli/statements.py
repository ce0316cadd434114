"""Billing periods closed, and their statements previewed, issued, shown and voided."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import handed_text, replacing_whole
from infrastructure.cli.options import Account, Why
from infrastructure.cli.session import CommandSession
from infrastructure.cli.statementpages import show_billing_periods, show_closed, show_statement, show_statements
from infrastructure.showing.formats import iso
from infrastructure.showing.statements import (
    period_document,
    periods_document,
    statement_document,
    statements_document,
)

if TYPE_CHECKING:
    from application.keeping.statements import StatementView

app = typer.Typer()
periods = typer.Typer()

PeriodName = Annotated[
    str | None,
    Argument(metavar="[PERIOD]", help="Such as 2026-04-01 or 2026-04; otherwise the first that is not closed."),
]


@command(periods, "list")
async def list_periods(session: CommandSession, account: Account = None) -> Report:
    """List an account's billing periods, whether each is closed, and its statement."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.statements.periods(named)
    return Report(periods_document(found), lambda page: show_billing_periods(page, found))


@command(periods, "close")
async def close_period(
    session: CommandSession,
    period: PeriodName = None,
    account: Account = None,
    carry: Annotated[
        bool, Option("--carry", help="Although operations are open in it: each is billed in the period it ends in.")
    ] = False,
    reason: Why = "",
) -> Report:
    """Close a period that is over: what it is billed never changes again.

    Whatever comes later for its operations is billed in the open period, as a correction.
    """
    named = session.account(account)
    async with session.studio() as studio:
        closed = await studio.statements.close(named, period, carry=carry, reason=reason)
    return Report(period_document(closed), lambda page: show_closed(page, closed))


Which = Annotated[
    str, Argument(metavar="NUMBER|PERIOD", help="A statement's number, or a period such as 2026-04-01 or 2026-04.")
]


@dataclass(frozen=True, slots=True)
class AsDocument:
    """In which format, and where to."""

    format: Annotated[
        str, Option("--format", "-f", metavar="FORMAT", help="text, json, csv, html, or pdf, which needs --out.")
    ] = "text"
    out: Annotated[Path | None, Option("--out", "-o", metavar="FILE", help="Write it there.")] = None
    issuer: Annotated[
        list[str] | None, Option("--issuer", metavar="LINE", help="A line about who issues it, in HTML and PDF.")
    ] = None
    customer: Annotated[
        list[str] | None, Option("--customer", metavar="LINE", help="A line about who pays, in HTML and PDF.")
    ] = None
    font: Annotated[
        list[Path] | None, Option("--font", metavar="FILE", help="For letters that Roboto does not have, in PDF.")
    ] = None

    def answer(self, one: StatementView, session: CommandSession) -> Report | int:
        """The statement as a page or a document, or in a file. Raises InvalidInput."""
        if self.format == "text" and self.out is None:
            return _answer(one)
        from infrastructure.documents.drawing import Letterhead, written_as

        if self.out is None and (self.format == "pdf" or session.json):
            raise InvalidInput("--out", "is needed to write a document", hint="give the path of a file")
        head = Letterhead(self.issuer or (), self.customer or (), self.font or ())
        content = written_as(one, self.format, head)
        if self.out is None:
            sys.stdout.write(content.decode())
            return 0
        with replacing_whole(self.out, "--out") as stream:
            stream.write(content)
        found = {"file": str(self.out), "format": self.format, "bytes": len(content), "digest": one.digest}
        told = f"Statement {one.number or '(draft)'} is in {self.out}"
        return Report(found, lambda page: page.title(told))


@command(app)
async def show(which: Which, document: AsDocument, session: CommandSession, account: Account = None) -> Report | int:
    """Show a statement as it was issued; of a period without one, a draft."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.statements.show(named, which)
    return document.answer(found, session)


@command(app)
async def preview(
    document: AsDocument, session: CommandSession, period: PeriodName = None, account: Account = None
) -> Report | int:
    """Draft a period's statement as it stands now; nothing is recorded."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.statements.preview(named, period)
    return document.answer(found, session)


@command(app)
async def issue(
    period: Annotated[str, Argument(metavar="PERIOD", help="A closed period, such as 2026-04-01 or 2026-04.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Issue a closed period's statement under the account's next number; one that holds is shown again."""
    named = session.account(account)
    async with session.studio() as studio:
        return _answer(await studio.statements.issue(named, period, reason=reason))


@command(app)
async def void(
    number: Annotated[str, Argument(metavar="NUMBER", help="Such as acme-0001.")],
    reason: Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")],
    session: CommandSession,
    account: Account = None,
) -> Report:
    """Void a statement, so that another can be issued; its number is never used again."""
    named = session.account(account)
    async with session.studio() as studio:
        return _answer(await studio.statements.void(named, number, reason))


@command(app, "list")
async def list_statements(session: CommandSession, account: Account = None) -> Report:
    """List the statements that were issued to an account."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.statements.list(named)
    return Report(statements_document(found), lambda page: show_statements(page, found))


@command(app)
async def prove(
    number: Annotated[str, Argument(metavar="NUMBER", help="Such as acme-0001.")],
    session: CommandSession,
    account: Account = None,
) -> Report:
    """Print a statement with the proof that it was issued, by a new seal, as JSON.

    Whoever has it and a public key checks it without us: imagestudio statement verify FILE --public KEY.
    """
    from infrastructure.seals import of_statement
    from infrastructure.showing.statementproofs import proved_document

    named = session.account(account)
    async with session.studio() as studio:
        shown = await studio.statements.show(named, number)
        seals = (await asyncio.to_thread(studio.ledger_of, named)).seals
        proof = await asyncio.to_thread(of_statement, seals, named, shown.number)
    document = proved_document(statement_document(shown), proof)
    return Report(document, lambda page: page.document(document))


@command(app)
async def verify(
    session: CommandSession,  # noqa: ARG001
    file: Annotated[Path, Argument(metavar="FILE", help="A statement with its proof.")],
    public: Annotated[list[str], Option("--public", metavar="KEY", help="A public key; may be repeated.")],
) -> Report:
    """Verify with public keys alone that a statement is what was issued and sealed.

    It needs no database. Ends with 6 if it is not.
    """
    from infrastructure.sealing import PublicKeys
    from infrastructure.showing.statementproofs import read_proved

    statement, proof = read_proved(handed_text(file))
    proof.check(statement, PublicKeys.of(public))
    sealed = iso(proof.seal.at)
    document = {"number": statement["number"], "digest": statement["digest"], "sealed": sealed, "holds": True}
    told = f"Statement {statement['number']} is what was issued; sealed at {sealed}"
    return Report(document, lambda page: page.title(told))


def _answer(one: StatementView) -> Report:
    return Report(statement_document(one), lambda page: show_statement(page, one))
