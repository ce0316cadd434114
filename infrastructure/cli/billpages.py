"""A reconciliation as a page: what differs, what is missing, and what was booked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from domain.counts import counted
from domain.money import Money
from infrastructure.showing.bills import AMOUNTS, STATUSES, amount_digits
from infrastructure.showing.formats import UTC_NAME, span

if TYPE_CHECKING:
    from application.keeping.reconciliation import ReconciledJob
    from infrastructure.cli.rendering import Page, PageColumn
    from infrastructure.showing.bills import Reconciliation


def show_reconciled(page: Page, found: Reconciliation, how: str, file: Path | None = None) -> None:
    """Show what is not plainly matched, the sums by status, and what was booked, or `how` it can be."""
    page.title(f"Costs in {found.currency} against the bills of {found.provider}")
    page.line(f"  {span(found.since, found.until)} in {UTC_NAME}", "dim")
    if not found.lines:
        page.line("  neither side knows of a job in this span")
        return
    _show_lines(page, [line for line in found.lines if line.status != "matched"], found.currency)
    _show_summary(page, found)
    page.line()
    _show_conclusion(page, found, how)
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


def _show_summary(page: Page, found: Reconciliation) -> None:
    from infrastructure.cli.rendering import PageColumn, state_style

    groups = {status: lines for status in STATUSES if (lines := found.of(status))}
    sums = {name: [found.total(lines, name) for lines in groups.values()] for name in AMOUNTS}
    page.line()
    page.table(
        PageColumn("STATUS", list(groups), style=state_style),
        PageColumn("JOBS", [f"{len(lines):,}" for lines in groups.values()], right=True),
        *(_amounts(name.upper(), sums[name], found.currency) for name in AMOUNTS if name != "booked" or found.booked),
    )


def _show_conclusion(page: Page, found: Reconciliation, how: str) -> None:
    if found.booked:
        total = Money(found.total(found.booked, "booked") or 0, found.currency)
        page.title(f"Booked {counted(len(found.booked), 'correction')} of our costs, {total} in all; no price changed.")
    if found.unexplained:
        page.title(f"{counted(found.unexplained, 'job')} of {len(found.lines)} not explained.")
    else:
        page.title("Every cost is what the provider billed, or is not settled yet.")
    if how and found.of("differs"):
        page.prose(f"to correct what differs: {how}", indent=2)


def _amounts(title: str, micros: Sequence[int | None], currency: str, drop: int = 0) -> PageColumn:
    """Amounts on their points; the currency is in the page's title."""
    from infrastructure.cli.rendering import PageColumn, on_the_point

    return PageColumn(title, on_the_point([amount_digits(one, currency) for one in micros]), right=True, drop=drop)
