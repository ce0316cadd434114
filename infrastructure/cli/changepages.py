"""An account's history and its difference between two moments, on pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from application.ledger.log import fact_name
from domain.money import Money
from infrastructure.cli.rendering import Page, PageColumn, amounts
from infrastructure.showing.formats import iso
from infrastructure.showing.moments import moment_text
from infrastructure.showing.stories import in_words

if TYPE_CHECKING:
    from application.keeping.comparing import AccountDifference
    from application.keeping.history import HistoryEntry, TermChange


def show_history(page: Page, account: str, found: Sequence[HistoryEntry], zone: str) -> None:
    """Each fact with who did it, and what it changed below."""
    page.title(f"History of account {account}, on the clocks of {zone}")
    for one in found:
        why = f": {one.reason}" if one.reason else ""
        page.line(f"{iso(one.fact.at, zone)}  {fact_name(one.topic).partition('.')[2]}, by {one.actor}{why}", "bold")
        changes = [_changed(change) for change in one.changes] or [in_words(one.fact).words]
        for line in filter(None, changes):
            page.prose(line, indent=2)


def show_difference(page: Page, found: AccountDifference, zone: str) -> None:
    """Terms and figures, then models."""
    page.title(f"Account {found.account}")
    page.line(f"  from {moment_text(found.since, zone)}", "dim")
    page.line(f"  to {moment_text(found.until, zone)}", "dim")
    changes = [*found.terms, *found.figures]
    if not (changes or found.models):
        page.line("  nothing is another", "dim")
    if changes:
        page.table(
            PageColumn("WHAT", [one.what for one in changes]),
            PageColumn("FROM", [one.before or "none" for one in changes], right=True),
            PageColumn("TO", [one.after or "none" for one in changes], right=True),
        )
    if found.models:
        page.table(
            PageColumn("MODEL", [one.model for one in found.models]),
            PageColumn("CHARGED", [f"{one.charged:,}" for one in found.models], right=True),
            PageColumn("RELEASED", [f"{one.released:,}" for one in found.models], right=True, drop=1),
            PageColumn("OUTPUTS", [f"{one.outputs:,}" for one in found.models], right=True, drop=2),
            amounts("PRICE", [Money(one.price, one.currency) for one in found.models]),
            amounts("COST", [None if one.cost_unknown else Money(one.cost, one.currency) for one in found.models]),
        )


def _changed(change: TermChange) -> str:
    if change.before is None:
        return f"{change.what}: {change.after}"
    return f"{change.what}: {change.before} → {change.after or 'none'}"
