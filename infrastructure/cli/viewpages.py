"""How pages show what the views say: usage, periods, costs and operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from domain.counts import counted
from domain.money import Money
from infrastructure.showing.formats import UTC_NAME, span
from infrastructure.showing.rows import DOUBTS, MONEY, OF_COST, totals

if TYPE_CHECKING:
    from infrastructure.cli.columns import ViewColumns
    from infrastructure.cli.rendering import Page, PageColumn
    from infrastructure.showing.charts import Chart
    from projections.engine.asking import Found
    from projections.views.costs import CostRow
    from projections.views.counting import BilledRow
    from projections.views.operations import OperationRow
    from projections.views.periods import PeriodRow
    from projections.views.spend import SpendRow
    from projections.views.usage import UsageRow

    class Spanned(Protocol):
        """A row of some period."""

        @property
        def span(self) -> tuple[int, int]: ...


CORRECTED = frozenset({"gross", "adjusted"})
TITLES = dict(zip(DOUBTS, ("UNKNOWN", "ESTIMATED"), strict=True))
PREPAID = {"carried": 3, "credits": 0, "returned": 4, "balance": 0}
"""Columns of accounts that pay beforehand, and the order in which they are left out."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose rows a page shows, and the zone whose clock it shows."""

    account: str | None
    zone: str

    @property
    def of(self) -> str:
        return f"of {self.account}" if self.account is not None else "of all accounts"


def show_usage(page: Page, found: Found[UsageRow], asked: Viewer) -> None:
    """The usage summary."""
    from infrastructure.cli.columns import ViewColumns
    from projections.views.usage import USAGE

    rows = found.rows
    page.title(f"Usage {asked.of}{_of_period(rows, asked.zone)}")
    if not rows:
        page.line("  nothing was asked in this period", "dim")
        return
    table = ViewColumns(USAGE, rows, asked.zone)
    page.table(
        *_accounts(table, asked),
        table.column("user"),
        *_periods(rows, asked.zone),
        table.column("kind"),
        table.column("api_key", title="KEY", drop=9),
        *_counts(table, ("operations", "charged", "rejected", "failed"), drop=3),
        table.column("asked", drop=8),
        table.column("outputs", drop=7),
        *_money(table, rows),
    )
    _show_end(page, found)


def show_periods(page: Page, found: Found[PeriodRow], asked: Viewer) -> None:
    """Statements, one a period."""
    from infrastructure.cli.columns import ViewColumns
    from infrastructure.cli.rendering import PageColumn
    from projections.views.periods import PERIODS

    rows = found.rows
    page.title(f"Billing periods {asked.of}, in {asked.zone}")
    if not rows:
        page.line("  none was begun", "dim")
        return
    table = ViewColumns(PERIODS, rows, asked.zone)
    page.table(
        *_accounts(table, asked),
        PageColumn("PERIOD", [span(*row.span, asked.zone) for row in rows]),
        table.column("plan", drop=9),
        *_counts(table, ("operations", "charged", "rejected", "released"), drop=5),
        *_money(table, rows),
        table.column("held", drop=1),
        *_prepaid(table, rows),
    )
    _show_end(page, found)


def show_costs(page: Page, found: Found[CostRow], zone: str = UTC_NAME) -> None:
    """Per-model costs."""
    from infrastructure.cli.columns import ViewColumns
    from projections.views.costs import COSTS

    rows = found.rows
    page.title(f"Costs by model, over all accounts{_of_period(rows, zone)}")
    if not rows:
        page.line("  nothing was charged or billed in this period", "dim")
        return
    table = ViewColumns(COSTS, rows, zone)
    page.table(
        table.column("model"),
        table.column("provider", drop=4),
        *_periods(rows, zone),
        *_counts(table, ("charged", "released"), drop=5),
        table.column("units", drop=2),
        table.column("unit", drop=2),
        *_money(table, rows),
    )
    _show_end(page, found)


def show_spend(page: Page, found: Found[SpendRow], asked: Viewer, charts: Sequence[Chart]) -> None:
    """Spend by day and model: rows, or bars of them."""
    from infrastructure.cli.columns import ViewColumns
    from projections.views.spend import SPEND

    rows = found.rows
    page.title(f"Spend {asked.of} by day, in {asked.zone}" if asked.account is not None else f"Spend {asked.of} by day")
    if not rows:
        page.line("  nothing was spent on these days", "dim")
        return
    for chart in charts:
        totals_told = [str(Money(total, chart.currency)) for total in chart.totals]
        columns = zip(*(amounts for _, amounts in chart.parts), strict=True)
        page.bars(list(zip(chart.days, columns, totals_told, strict=True)))
        page.legend([f"{name} {Money(sum(amounts), chart.currency)}" for name, amounts in chart.parts])
    if not charts:
        table = ViewColumns(SPEND, rows, asked.zone)
        page.table(
            *_accounts(table, asked),
            table.column("day"),
            table.column("model"),
            table.column("provider", drop=4),
            *_counts(table, ("charged", "released"), drop=5),
            table.column("outputs", drop=6),
            *_money(table, rows),
        )
    _show_end(page, found)


def show_operations(
    page: Page, found: Found[OperationRow], asked: Viewer, tags: Mapping[str, Mapping[str, str]]
) -> None:
    """The operation log."""
    from infrastructure.cli.columns import ViewColumns
    from infrastructure.cli.rendering import state_style
    from projections.views.operations import OPERATIONS

    page.title(f"Operations {asked.of}, the newest first, on the clocks of {asked.zone}")
    if not found.rows:
        page.line("  none was asked for", "dim")
        return
    table = ViewColumns(OPERATIONS, found.rows, asked.zone)
    page.table(
        table.column("id", title="OPERATION"),
        table.column("requested_at", title="REQUESTED", drop=2),
        *_accounts(table, asked),
        table.column("user", drop=3),
        table.column("api_key", title="KEY", drop=7),
        table.column("kind", drop=4),
        table.column("state", style=state_style),
        table.column("flags", drop=1),
        table.column("price"),
        table.column("cost", drop=5),
        table.column("reason", drop=6),
        *_tags(found.rows, tags),
    )
    _show_more(page, found)


def _tags(rows: Sequence[OperationRow], tags: Mapping[str, Mapping[str, str]]) -> list[PageColumn]:
    """The column of tags, if any has some."""
    from infrastructure.cli.rendering import PageColumn
    from infrastructure.showing.formats import tags_text

    return [PageColumn("TAGS", [tags_text(tags.get(row.id, {})) for row in rows], drop=4)] if tags else []


def _accounts(table: ViewColumns, asked: Viewer) -> list[PageColumn]:
    return [] if asked.account is not None else [table.column("account")]


def _of_period(rows: Iterable[Spanned], zone: str) -> str:
    """The period of all rows, if it is one."""
    spans = {span(*row.span, zone) for row in rows}
    return f", {spans.pop()} in {zone}" if len(spans) == 1 else ""


def _periods(rows: Sequence[Spanned], zone: str) -> list[PageColumn]:
    """The column of periods, if they are several."""
    from infrastructure.cli.rendering import PageColumn

    cells = [span(*row.span, zone) for row in rows]
    return [PageColumn("PERIOD", cells, drop=2)] if len(set(cells)) > 1 else []


def _counts(table: ViewColumns, names: Sequence[str], drop: int) -> list[PageColumn]:
    return [table.column(name, drop=drop + place if place else 1) for place, name in enumerate(names)]


def _money(table: ViewColumns, rows: Sequence[BilledRow]) -> list[PageColumn]:
    """Price and cost; before them what was charged and what was corrected of it, if anything was; then what is not
    known, or not exactly, if anything is not."""
    corrected = any(row.adjusted for row in rows)
    names = [name for name in MONEY if corrected or name not in CORRECTED]
    doubts = [name for name in DOUBTS if any(getattr(row, name) for row in rows)]
    return [
        *(table.column(name, drop=1 if name in CORRECTED else 0) for name in names),
        *(table.column(name, title=TITLES[name], zeros=False) for name in doubts),
    ]


def _prepaid(table: ViewColumns, rows: Sequence[PeriodRow]) -> list[PageColumn]:
    """The amounts that were carried over, paid in and given back, and what is left, of accounts that pay beforehand."""
    if not any(row.carried or row.credits or row.returned for row in rows):
        return []
    return [table.column(name, drop=drop) for name, drop in PREPAID.items()]


def _show_end(page: Page, found: Found[Any]) -> None:
    """The sums of all rows, if no other page has more of them."""
    if found.whole:
        prices = {row.currency for row in found.rows}
        costs = {row.cost_currency or row.currency for row in found.rows}
        for currency, sums in sorted(totals(found.rows).items()):
            told = [name for name in MONEY if currency in (costs if name in OF_COST else prices)]
            shown = [name for name in told if sums["adjusted"] or name not in CORRECTED]
            words = [_sum_text(name, sums, currency) for name in shown]
            page.line(f"  in all {', '.join(words)}", "dim")
    _show_more(page, found)


def _show_more(page: Page, found: Found[Any]) -> None:
    if found.next is not None:
        page.line(f"  more follow: --after {found.next}", "dim")


def _sum_text(name: str, sums: Mapping[str, int], currency: str) -> str:
    """A sum with parts that are not known is at least what is known; without any that is, it is not known either."""
    if name != "cost" or not sums["cost_unknown"]:
        return f"{Money(sums[name], currency)} {name}"
    of = f"of {counted(sums['cost_unknown'], 'operation')} unknown"
    return f"at least {Money(sums[name], currency)} {name} ({of})" if sums[name] else f"{name} {of}"
