"""The rows of any view as JSON and CSV, by what their columns hold."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from infrastructure.showing.formats import cell, iso, money, tags_text, units_of
from infrastructure.showing.positions import positions_document
from projections.engine.columns import Column, ColumnKind, ViewRow

if TYPE_CHECKING:
    from projections.engine.asking import Found
    from projections.engine.view import AnyView
    from projections.views.counting import BilledRow

AS_JSON: dict[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.INSTANT: lambda value: iso(value, precision="microseconds"),
    ColumnKind.UNITS: units_of,
    ColumnKind.WORDS: list,
}
"""How a value is told in JSON; others are told as they are, and money with its currency."""

TEXTS = (ColumnKind.TEXT, ColumnKind.ACCOUNT, ColumnKind.USER, ColumnKind.CURRENCY, ColumnKind.COST_CURRENCY)

MONEY = ("gross", "adjusted", "price", "cost")
"""The charge, its later corrections, the rest that is to be paid, and what providers bill us."""
DOUBTS = ("cost_unknown", "estimated")
OF_COST = ("cost", "cost_unknown")
"""How many operations' costs are not among the sums, and how many amounts are the most that they can be."""


def known_of(row: ViewRow, name: str) -> Any:
    """The value of a column, None if nobody knows it."""
    return None if name in row.unknown() else getattr(row, name)


def currency_of(view: AnyView, row: ViewRow) -> str | None:
    """The currency of a row's money, None if nothing in it was ever priced."""
    return next((getattr(row, one.name) for one in view.columns if one.kind is ColumnKind.CURRENCY), None)


def currency_of_costs(view: AnyView, row: ViewRow) -> str | None:
    """The currency of a row's costs, which is that of its money unless it says otherwise."""
    own = (getattr(row, one.name) for one in view.columns if one.kind is ColumnKind.COST_CURRENCY)
    return next(own, None) or currency_of(view, row)


def row_document(view: AnyView, row: ViewRow, columns: Sequence[Column] = ()) -> dict[str, Any]:
    """A row as JSON, with what is worked out from it: all columns, or some."""
    currencies = {ColumnKind.MONEY: currency_of(view, row), ColumnKind.COST: currency_of_costs(view, row)}
    return {one.name: _told(one.kind, known_of(row, one.name), currencies) for one in columns or view.columns}


def _told(kind: ColumnKind, value: Any, currencies: Mapping[ColumnKind, str | None]) -> Any:
    if value is None:
        return None
    if kind in currencies:
        return money(value, currencies[kind])
    return AS_JSON[kind](value) if kind in AS_JSON else value


def totals(rows: Iterable[BilledRow]) -> dict[str, dict[str, int]]:
    """The sums of money by currency; what was never priced has none."""
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.currency is None:
            continue
        found = sums.setdefault(row.currency, dict.fromkeys((*MONEY, *DOUBTS), 0))
        costs = sums.setdefault(row.cost_currency or row.currency, dict.fromkeys((*MONEY, *DOUBTS), 0))
        for name in (*MONEY, *DOUBTS):
            (costs if name in OF_COST else found)[name] += getattr(row, name)
    return sums


def _total(field: str, sums: Mapping[str, int], currency: str) -> dict[str, Any] | None:
    if field == "cost" and sums["cost_unknown"] and not sums["cost"]:
        return None
    return money(sums[field], currency)


def list_document(name: str, view: AnyView, found: Found[Any]) -> dict[str, object]:
    """Rows, what they come to if they are all, and where more begin."""
    total = [
        {**{field: _total(field, sums, currency) for field in MONEY}, **{field: sums[field] for field in DOUBTS}}
        for currency, sums in sorted(totals(found.rows).items())
    ]
    rows = [row_document(view, row) for row in found.rows]
    return {name: rows, "total": total if found.whole else None, **next_page(found)}


def tagged_document(document: Mapping[str, Any], tags: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A list of operations with the tags of each; it has no past."""
    rows = [{**row, "tags": dict(tags.get(row["id"], {}))} for row in document["operations"]]
    return {**document, "operations": rows}


def next_page(found: Found[Any]) -> dict[str, Any]:
    """The cursor, if more rows follow; and the position, if the rows are of several logs."""
    return {**positions_document(found.position), **({} if found.next is None else {"next": found.next})}


def write_csv(
    stream: IO[str], view: AnyView, rows: Iterable[ViewRow], tags: Mapping[str, Mapping[str, str]] | None = None
) -> None:
    """Rows as CSV under their columns' names: exact amounts, instants in UTC, nothing for what nobody knows.

    With `tags` of operations, by id, a last column has those of each.
    """
    writer = csv.writer(stream)
    writer.writerow([*(column.name for column in view.columns), *(() if tags is None else ("tags",))])
    for row in rows:
        told = row_document(view, row)
        cells = [_cell(column.kind, told[column.name]) for column in view.columns]
        writer.writerow(cells if tags is None else [*cells, cell(tags_text(tags.get(told["id"], {})))])


def _cell(kind: ColumnKind, told: Any) -> str:
    if told is None:
        return ""
    if kind in (ColumnKind.MONEY, ColumnKind.COST):
        return str(told["amount"])
    if kind is ColumnKind.WORDS:
        return cell(" ".join(told))
    return cell(told) if kind in TEXTS else str(told)
