"""CSV and JSON: one row a posting with the fact that it is of, flat, each column of one type whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from application.keeping.books import Booked
from application.ledger.positions import told_position
from domain.chart import LedgerAccount, expense_of, payable_of
from domain.operation import OperationFact
from infrastructure.exporting.tally import ExportTally, csv_line, six
from infrastructure.showing.formats import cell, iso

Row = dict[str, str | int | None]

COLUMNS = (
    "position stream version fact instant day period_start period_end customer operation_id user project kind model "
    "provider source destination amount micros currency"
).split()
NUMBERS = frozenset({"position", "version", "amount", "micros"})


def csv_rows(booked: Iterable[Booked], told: ExportTally) -> Iterator[str]:
    """Under a line of names; nothing stands for what there is not, and for an amount that nobody knows."""
    yield csv_line(COLUMNS)
    for one in told.each(booked):
        for row in rows_of_fact(one):
            yield csv_line([_cell(name, row[name]) for name in COLUMNS])


def json_rows(booked: Iterable[Booked], told: ExportTally) -> Iterator[str]:
    """One object a line; amounts are text, so that no reader makes them floats."""
    for one in told.each(booked):
        for row in rows_of_fact(one):
            yield json.dumps(row, ensure_ascii=False) + "\n"


def rows_of_fact(one: Booked) -> Iterator[Row]:
    """A row each posting of a fact, and one for a cost that nobody knows."""
    known: Row = {
        "position": told_position(one.position),
        "stream": one.stream,
        "version": one.version,
        "fact": one.name,
        "instant": iso(one.fact.at, precision="microseconds"),
        "day": one.day,
        "period_start": iso(one.period.start),
        "period_end": iso(one.period.end),
        "customer": one.account,
        **_asked(one),
    }
    for posting in one.postings:
        yield {**known, **_moved(posting.source, posting.destination, posting.amount, posting.currency)}
    if one.cost_change > 0 and one.provider is not None:
        yield {**known, **_moved(expense_of(one.provider), payable_of(one.provider), None, one.cost_currency)}


def _asked(one: Booked) -> Row:
    names = ("operation_id", "user", "project", "kind", "model", "provider")
    if not isinstance(one.fact, OperationFact):
        return dict.fromkeys(names)
    operation = one.fact.operation
    values = (operation.id, operation.user, operation.project, operation.kind, operation.model, operation.provider)
    return dict(zip(names, values, strict=True))


def _moved(source: LedgerAccount, destination: LedgerAccount, micros: int | None, currency: str) -> Row:
    amount = None if micros is None else six(micros)
    return {
        "source": source.name,
        "destination": destination.name,
        "amount": amount,
        "micros": micros,
        "currency": currency,
    }


def _cell(name: str, value: str | int | None) -> str:
    if value is None:
        return ""
    return str(value) if name in NUMBERS else cell(str(value))
