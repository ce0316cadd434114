"""The books as JSON: balances, and the postings behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from domain.chart import LedgerAccount, expense_of, payable_of
from domain.money import Money
from infrastructure.showing.formats import document, iso
from infrastructure.showing.positions import position_document

if TYPE_CHECKING:
    from application.keeping.books import Booked, BookQuery
    from projections.books import BookPage
    from projections.trialbalance import TrialBalance, TrialLine

Shown = tuple[LedgerAccount, LedgerAccount, Money | None]
"""Source, destination and amount; None of a cost that nobody knows."""


def balance_document(balance: TrialBalance) -> dict[str, Any]:
    """The trial balance: each ledger account's debit or credit, what these come to, and the position it is of."""
    return {
        **position_document(balance.position),
        "balanced": balance.balanced,
        "balances": [_line(one) for one in balance.lines],
        "total": [
            {"debit": document(Money(debits, currency)), "credit": document(Money(credits, currency))}
            for currency, (debits, credits) in sorted(balance.sums().items())
        ],
    }


def _line(line: TrialLine) -> dict[str, Any]:
    return {
        "ledger_account": line.ledger_account.name,
        "side": str(line.ledger_account.side),
        "debit": document(Money(line.debit, line.currency)),
        "credit": document(Money(line.credit, line.currency)),
        "cost_unknown": line.cost_unknown,
    }


def postings_document(page: BookPage, wanted: BookQuery) -> dict[str, Any]:
    """One object a posting, the facts in the order of the log, and the position after which more follow."""
    rows = [
        posting_document(booked, shown, page.assets.get(booked.operation or "", []))
        for booked in page.entries
        for shown in shown_of(booked, wanted)
    ]
    more = {} if page.next is None else {"next": str(page.next)}
    return {**position_document(page.position), "postings": rows, **more}


def posting_document(booked: Booked, shown: Shown, assets: list[str]) -> dict[str, Any]:
    """One posting with the fact that it is of, and the operation and its assets, if it is about one."""
    source, destination, amount = shown
    return {
        **position_document(booked.position),
        "stream": booked.stream,
        "version": booked.version,
        "fact": booked.name,
        "at": iso(booked.fact.at, precision="microseconds"),
        "day": booked.day,
        "period": document(booked.period),
        "account": booked.account,
        "operation": booked.operation,
        "assets": assets,
        "source": source.name,
        "destination": destination.name,
        "amount": None if amount is None else document(amount),
    }


def shown_of(booked: Booked, wanted: BookQuery) -> Iterator[Shown]:
    """The wanted postings of a fact, and a cost of it that nobody knows."""
    for one in wanted.touching(booked.postings):
        yield one.source, one.destination, Money(one.amount, one.currency)
    if booked.cost_change > 0 and wanted.lacks_cost(booked) and booked.provider is not None:
        yield expense_of(booked.provider), payable_of(booked.provider), None
