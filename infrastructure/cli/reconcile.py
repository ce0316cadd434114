"""The costs we recorded, held against what a provider billed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.billpages import show_reconciled
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing
from infrastructure.cli.session import CommandSession
from infrastructure.cli.turns import failures_document, show_failures
from infrastructure.showing.bills import Reconciliation, reconciled_cells, reconciled_document
from infrastructure.showing.codes import OTHER
from infrastructure.showing.formats import instant_of, iso

if TYPE_CHECKING:
    from application.keeping.reconciliation import ReconciledJob
    from infrastructure.cli.rendering import Page
    from infrastructure.shards.turns import ShardTurns

app = typer.Typer()

WEEK = 7 * 24 * 60 * 60 * 1_000_000
"""Microseconds."""


@command(app)
async def reconcile(
    provider: Annotated[str, Argument(metavar="PROVIDER", help="Whose bills to read.")],
    session: CommandSession,
    since: Annotated[
        str | None, Option("--since", metavar="DAY", help="From this day or instant on; else 7 days.")
    ] = None,
    until: Annotated[
        str | None, Option("--until", metavar="DAY", help="Up to the beginning of this day, or this instant; else now.")
    ] = None,
    correct: Annotated[bool, Option("--correct", help="Correct our costs, by facts; no price changes.")] = False,
    file: Annotated[Path | None, Option("--csv", metavar="FILE", help="Write every line there, too.")] = None,
) -> Report:
    """Hold the costs we recorded against a provider's bills.

    Ends with 1 where something is left unexplained. Days are those of UTC.

    With --correct, what differs is corrected, and late deliveries are fetched.
    """
    from infrastructure.shards.turns import each_in_turn

    async with session.studio(writes=correct) as studio:
        start, end = _span(since, until, studio.providers.clock())
        with replacing(file) as stream:
            turns = await each_in_turn(
                studio.by_shard, lambda one: one.providers.reconcile(provider, start, end, correct=correct)
            )
            lines = jobs_of(turns)
            found = Reconciliation(provider, start, end, lines, studio.accounts.currency)
            if stream is not None:
                _write(stream, found)
    how = "" if correct else _correcting(provider, since, until)
    code = OTHER if found.unexplained or turns.failed else 0

    def show(page: Page) -> None:
        show_reconciled(page, found, how, file)
        show_failures(page, turns)

    return Report({**reconciled_document(found), **failures_document(turns)}, show, code)


def jobs_of(turns: ShardTurns[list[ReconciledJob]]) -> list[ReconciledJob]:
    """The jobs of all ledgers; a bill is nobody's only if every shard was asked."""
    from application.keeping.reconciliation import MISSING_HERE
    from infrastructure.shards.gathering import gathered_jobs

    lines = gathered_jobs(turns.done)
    return [one for one in lines if one.status != MISSING_HERE] if turns.failed else lines


def _span(since: str | None, until: str | None, now: int) -> tuple[int, int]:
    """The span's beginning and end, epoch microseconds. Raises InvalidInput if it would be empty."""
    end = now if until is None else instant_of(until, field="--until")
    start = end - WEEK if since is None else instant_of(since, field="--since")
    if start >= end:
        what = f"{iso(start)} is not before {iso(end)}"
        raise InvalidInput("--since", what, hint="give a span, such as --since 2026-11-01 --until 2026-12-01")
    return start, end


def _correcting(provider: str, since: str | None, until: str | None) -> str:
    """The command that was given, with what books what it finds."""
    span = [("--since", since), ("--until", until)]
    options = [f"{name} {text}" for name, text in span if text is not None]
    return " ".join(["imagestudio reconcile", provider, *options, "--correct"])


def _write(stream: TextIO, found: Reconciliation) -> None:
    csv.writer(stream).writerows(reconciled_cells(found))
