"""The columns of any view's rows as a page shows them, by what they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from domain.money import Money
from infrastructure.cli.rendering import PageColumn, amounts, no_style, on_the_point
from infrastructure.showing.formats import UTC_NAME, clock, units_of
from infrastructure.showing.rows import currency_of, currency_of_costs, known_of
from projections.engine.columns import ColumnKind, ViewRow

if TYPE_CHECKING:
    from projections.engine.view import AnyView

RIGHT = (ColumnKind.COUNT, ColumnKind.UNITS)


class ViewColumns:
    """Makes columns of a view's rows, on the clocks of a zone."""

    def __init__(self, view: AnyView, rows: Sequence[ViewRow], zone: str = UTC_NAME) -> None:
        self._rows = rows
        self._zone = zone
        self._currencies = {
            ColumnKind.MONEY: [currency_of(view, row) for row in rows],
            ColumnKind.COST: [currency_of_costs(view, row) for row in rows],
        }
        self._kinds = {column.name: column.kind for column in view.columns}

    def column(
        self, name: str, *, title: str = "", drop: int = 0, style: Callable[[str], str] = no_style, zeros: bool = True
    ) -> PageColumn:
        """One column under its own name or another; without `zeros` nothing is shown for a count of none."""
        kind, title = self._kinds[name], title or name.upper()
        if kind in self._currencies:
            moneys = [_money(row, name, of) for row, of in zip(self._rows, self._currencies[kind], strict=True)]
            return amounts(title, moneys, drop)
        cells = [self._cell(kind, known_of(row, name), zeros=zeros) for row in self._rows]
        if kind is ColumnKind.UNITS:
            cells = on_the_point(cells)
        return PageColumn(title, cells, right=kind in RIGHT, drop=drop, style=style)

    def _cell(self, kind: ColumnKind, value: Any, *, zeros: bool) -> str:
        if value is None or not (value or zeros):
            return ""
        match kind:
            case ColumnKind.COUNT:
                return f"{value:,}"
            case ColumnKind.UNITS:
                return units_of(value)
            case ColumnKind.INSTANT:
                return clock(value, self._zone)
            case ColumnKind.WORDS:
                return ", ".join(value)
        return str(value)


def _money(row: ViewRow, name: str, currency: str | None) -> Money | None:
    """An amount; None if nobody knows it, or nothing was ever priced."""
    if currency is None or name in row.unknown():
        return None
    return Money(getattr(row, name) or 0, currency)
