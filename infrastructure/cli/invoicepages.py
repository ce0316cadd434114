"""Invoices of providers as pages of text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from domain.counts import counted
from domain.inputs import plain
from domain.money import Money
from domain.periods import local_day
from infrastructure.showing.bills import amount_digits
from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from application.keeping.invoicedmonths import MonthComparison, RecordedInvoice
    from domain.invoices import Invoice
    from infrastructure.catalogue.invoiced import PriceProposal
    from infrastructure.cli.rendering import Page, PageColumn


def show_recorded(page: Page, found: RecordedInvoice) -> None:
    """Whether it is new, and how its month stands."""
    one, month = found.invoice, found.comparison
    how = "is recorded" if found.new else "was recorded before"
    page.title(f"Invoice {one.number} of {month.provider} {how}: {Money(one.amount, month.currency)} for {month.month}")
    page.pairs(_sums(month))
    if month.drifted:
        page.line("  further apart than is allowed", "yellow")
        page.prose(f"look at it: imagestudio invoices compare {month.provider} {month.month}", indent=2)


def show_invoices(page: Page, found: Sequence[Invoice], currency: str, zone: str) -> None:
    from infrastructure.cli.rendering import PageColumn, amounts

    page.title(counted(len(found), "invoice"))
    page.table(
        PageColumn("NUMBER", [one.number for one in found]),
        PageColumn("MONTH", [local_day(one.period.start, zone)[:7] for one in found]),
        PageColumn("LINES", [str(len(one.lines) or "") for one in found], right=True, drop=1),
        PageColumn("RECORDED", [iso(one.recorded) for one in found], drop=2),
        PageColumn("VOIDED", ["" if one.voided is None else iso(one.voided) for one in found]),
        PageColumn(
            "VOIDED BY", [f"{one.voided_by}: {one.void_reason}" if one.voided_by else "" for one in found], drop=3
        ),
        PageColumn("", ["drifted" if one.drifted else "" for one in found]),
        amounts("AMOUNT", [Money(one.amount, currency) for one in found]),
    )


def show_months(page: Page, provider: str, found: Sequence[MonthComparison]) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(f"Months of {provider}, in {found[0].currency}" if found else f"No month of {provider} is invoiced")
    if not found:
        return
    page.table(
        PageColumn("MONTH", [one.month for one in found]),
        _amounts("INVOICED", [one.invoiced for one in found], found[0].currency),
        _amounts("COMPUTED", [one.computed for one in found], found[0].currency),
        _amounts("DELTA", [one.delta for one in found], found[0].currency),
        PageColumn("DELTA %", [_share(one.delta_percent) for one in found], right=True),
        PageColumn("UNKNOWN", [f"{one.unknown:,}" if one.unknown else "" for one in found], right=True),
        PageColumn("KNOWN %", [_share(one.known_percent) for one in found], right=True, drop=1),
        PageColumn("COVERED %", [_share(one.covered_percent) for one in found], right=True, drop=2),
        PageColumn("", ["drifted" if one.drifted else "" for one in found]),
    )


def show_month(page: Page, one: MonthComparison, proposal: PriceProposal, written: Path | None) -> None:
    """The sums, the models that differ, and the prices that they suggest."""
    page.title(f"{one.month} of {one.provider}: invoiced against computed, in {one.currency}")
    page.line(f"  months are those of {one.zone}", "dim")
    page.pairs(_sums(one))
    _show_models(page, one)
    page.line()
    if one.drifted:
        page.title("Further apart than is allowed.")
    for note in proposal.notes:
        page.prose(f"no price is proposed for {note}", "dim", indent=2)
    if written is not None:
        page.line(f"  written: {written}", "cyan")
        page.line(f"  to use it, once it is reviewed: IMAGESTUDIO_CATALOGUES={written}", "dim")
    elif proposal.text:
        page.prose("prices that it suggests, to be reviewed (--overlay FILE writes them):", indent=2)
        for line in proposal.text.splitlines():
            page.line(f"    {line}")


def _show_models(page: Page, one: MonthComparison) -> None:
    from infrastructure.cli.rendering import PageColumn

    if not one.models:
        return
    page.line()
    page.table(
        PageColumn("MODEL, OR LINE", [model.model or model.name for model in one.models]),
        _amounts("INVOICED", [model.invoiced for model in one.models], one.currency),
        _amounts("COMPUTED", [model.computed for model in one.models], one.currency),
        _amounts("DIFFERENCE", [model.difference for model in one.models], one.currency),
        PageColumn("OPERATIONS", [f"{model.operations:,}" for model in one.models], right=True, drop=1),
        PageColumn(
            "UNKNOWN", [f"{model.unknown:,}" if model.unknown else "" for model in one.models], right=True, drop=2
        ),
    )


def _sums(one: MonthComparison) -> list[tuple[str, str]]:
    known = f"{_share(one.known_percent) or '-'} % of {counted(one.operations, 'operation')}"
    rows = [
        ("invoiced", _told(one.invoiced, one.currency)),
        ("computed", _told(one.computed, one.currency) + (", without costs that nobody knows" if one.unknown else "")),
        ("difference", _told(one.delta, one.currency) + (f", {_share(one.delta_percent)} %" if one.invoiced else "")),
        ("costs known", f"{known}; {one.unknown:,} unknown, {one.estimated:,} estimated, {one.open:,} open"),
        ("covered", f"{_share(one.covered_percent) or '-'} % of the invoiced money"),
    ]
    booked = [("booked", f"{Money(one.booked, one.currency)} as difference")] if one.booked else []
    return [*rows, *booked, ("left", _told(one.left, one.currency))]


def _told(micros: int | None, currency: str) -> str:
    return "not known" if micros is None else str(Money(micros, currency))


def _share(share: Decimal | None) -> str:
    return "" if share is None else plain(share)


def _amounts(title: str, micros: Sequence[int | None], currency: str) -> PageColumn:
    from infrastructure.cli.rendering import PageColumn, on_the_point

    return PageColumn(title, on_the_point([amount_digits(one, currency) for one in micros]), right=True)
