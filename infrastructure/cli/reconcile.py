"""The costs we recorded, held against what a provider billed: what differs, what is missing, and what was booked."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER
from infrastructure.showing.formats import UTC_NAME, cell, counted, instant_of, iso, money, span

if TYPE_CHECKING:
    from application.keeping.reconciliation import ReconciledJob
    from infrastructure.cli.rendering import Page, PageColumn

app = typer.Typer()

WEEK = 7 * 24 * 60 * 60 * 1_000_000
"""Microseconds."""
STATUSES = ("matched", "differs", "unreadable", "missing there", "missing here", "open")
AMOUNTS = ("recorded", "billed", "difference", "booked")
FIELDS = ("status", "job", "operation", "account", "model", *AMOUNTS, "currency", "late")


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Whose bills were compared over which span, [since, until) in epoch microseconds, and every job found."""

    provider: str
    since: int
    until: int
    lines: Sequence[ReconciledJob]
    currency: str
    command: str
    """The command that books what differs; empty if it was booked."""

    @property
    def unexplained(self) -> int:
        return sum(not line.is_explained for line in self.lines)

    @property
    def booked(self) -> list[ReconciledJob]:
        return [line for line in self.lines if line.booked]

    @property
    def bookable(self) -> bool:
        """Whether anything differs that could be booked and was not."""
        return bool(self.command) and any(line.status == "differs" for line in self.lines)

    def of(self, status: str) -> list[ReconciledJob]:
        return [line for line in self.lines if line.status == status]

    def total(self, lines: Sequence[ReconciledJob], name: str) -> int | None:
        """The sum in micro-units of what is known; None where nothing of it is."""
        found = [getattr(line, name) for line in lines]
        unknown = (name == "recorded" and not all(line.known for line in lines)) or (
            name == "billed" and any(line.status == "unreadable" for line in lines)
        )
        known = [one for one in found if one is not None]
        return None if unknown and not known else sum(known)

    def document(self) -> dict[str, object]:
        summary = {
            status: {"jobs": len(lines)} | {name: self._money(self.total(lines, name)) for name in AMOUNTS}
            for status in STATUSES
            if (lines := self.of(status))
        }
        return {
            "provider": self.provider,
            "since": iso(self.since, precision="microseconds"),
            "until": iso(self.until, precision="microseconds"),
            "explained": not self.unexplained,
            "summary": summary,
            "lines": [self._document(line) for line in self.lines],
        }

    def _document(self, line: ReconciledJob) -> dict[str, object]:
        words = {name: getattr(line, name) or None for name in ("operation", "account", "model")}
        amounts = {name: self._money(getattr(line, name)) for name in AMOUNTS}
        return {"status": line.status, "job": line.job, **words, **amounts, "late": line.late, "known": line.known}

    def _money(self, micros: int | None) -> dict[str, Any] | None:
        return None if micros is None else money(micros, self.currency)


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
    async with session.studio(writes=correct) as studio:
        start, end = _span(since, until, studio.providers.clock())
        with replacing(file) as stream:
            lines = await studio.providers.reconcile(provider, start, end, correct=correct)
            how = "" if correct else _correcting(provider, since, until)
            found = Reconciled(provider, start, end, lines, studio.accounts.currency, how)
            if stream is not None:
                _write(stream, found)
    return Report(found.document(), lambda page: show_reconciled(page, found, file), OTHER if found.unexplained else 0)


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


def _write(stream: TextIO, found: Reconciled) -> None:
    writer = csv.writer(stream)
    writer.writerow(FIELDS)
    for line in found.lines:
        amounts = [_digits(getattr(line, name), found.currency) for name in AMOUNTS]
        late = "yes" if line.late else "no"
        words = [cell(word) for word in (line.status, line.job, line.operation, line.account, line.model)]
        writer.writerow([*words, *amounts, found.currency, late])


def _digits(micros: int | None, currency: str) -> str:
    """An amount as an exact decimal; nothing where it is not known."""
    return "" if micros is None else str(Money(micros, currency)).split(" ")[0]


def show_reconciled(page: Page, found: Reconciled, file: Path | None = None) -> None:
    """Show what is not plainly matched, the sums by status, and what was or could be booked."""
    page.title(f"Costs in {found.currency} against the bills of {found.provider}")
    page.line(f"  {span(found.since, found.until)} in {UTC_NAME}", "dim")
    if not found.lines:
        page.line("  neither side knows of a job in this span")
        return
    _show_lines(page, [line for line in found.lines if line.status != "matched"], found.currency)
    _show_summary(page, found)
    page.line()
    _show_conclusion(page, found)
    if file is not None:
        page.line(f"  every line is in {file}", "dim")


def _show_lines(page: Page, lines: Sequence[ReconciledJob], currency: str) -> None:
    from infrastructure.cli.rendering import PageColumn, state_style

    if not lines:
        return
    page.line()
    page.table(
        PageColumn("STATUS", [line.status for line in lines], style=state_style),
        PageColumn("OPERATION, OR JOB", [line.operation or line.job for line in lines]),
        PageColumn("JOB", [line.job if line.operation else "" for line in lines], drop=5),
        PageColumn("ACCOUNT", [line.account for line in lines], drop=3),
        PageColumn("MODEL", [line.model for line in lines], drop=4),
        PageColumn("", ["late" if line.late else "" for line in lines], drop=6),
        _column(lines, "recorded", currency),
        _column(lines, "billed", currency),
        _column(lines, "booked", currency, drop=1),
        _column(lines, "difference", currency, drop=2),
    )


def _column(lines: Sequence[ReconciledJob], name: str, currency: str, drop: int = 0) -> PageColumn:
    """One amount of each line; what may be dropped says nothing where it is zero."""
    found = [getattr(line, name) for line in lines]
    return _amounts(name.upper(), [one or None for one in found] if drop else found, currency, drop)


def _show_summary(page: Page, found: Reconciled) -> None:
    from infrastructure.cli.rendering import PageColumn, state_style

    groups = {status: lines for status in STATUSES if (lines := found.of(status))}
    sums = {name: [found.total(lines, name) for lines in groups.values()] for name in AMOUNTS}
    page.line()
    page.table(
        PageColumn("STATUS", list(groups), style=state_style),
        PageColumn("JOBS", [f"{len(lines):,}" for lines in groups.values()], right=True),
        *(_amounts(name.upper(), sums[name], found.currency) for name in AMOUNTS if name != "booked" or found.booked),
    )


def _show_conclusion(page: Page, found: Reconciled) -> None:
    if found.booked:
        total = Money(found.total(found.booked, "booked") or 0, found.currency)
        page.title(f"Booked {counted(len(found.booked), 'correction')} of our costs, {total} in all; no price changed.")
    if found.unexplained:
        page.title(f"{counted(found.unexplained, 'job')} of {len(found.lines)} not explained.")
    else:
        page.title("Every cost is what the provider billed, or is not settled yet.")
    if found.bookable:
        page.prose(f"to correct what differs: {found.command}", indent=2)


def _amounts(title: str, micros: Sequence[int | None], currency: str, drop: int = 0) -> PageColumn:
    """Amounts on their points; the currency is in the page's title."""
    from infrastructure.cli.rendering import PageColumn, on_the_point

    return PageColumn(title, on_the_point([_digits(one, currency) for one in micros]), right=True, drop=drop)
