"""Which part of the log an export tells of, and what it has told so far."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO

from application.keeping.books import Booked
from application.ledger.positions import reached
from domain.chart import LedgerAccount

MILLION = 1_000_000


@dataclass(slots=True)
class ExportTally:
    """Facts after a position, up to another; `assertions` asks a format that has them for the balances at the end.

    `balances` are debits less credits in micro-units. How many there are depends on the ledger accounts, not the log.
    """

    after: int
    upto: int
    assertions: bool = False
    was_told: Callable[[Booked], bool] | None = None
    """Whether a fact is of a part before, if its position alone does not say so."""
    facts: int = 0
    postings: int = 0
    cost_unknown: int = 0
    last_day: str = ""
    balances: Counter[tuple[str, LedgerAccount, str]] = field(default_factory=Counter)
    """By customer, ledger account and currency."""

    def each(self, booked: Iterable[Booked]) -> Iterator[Booked]:
        """The facts that are told, each counted before it is handed on."""
        for one in booked:
            if self.is_new(one):
                self.count(one)
                yield one

    def is_new(self, one: Booked) -> bool:
        """Whether no part before told of it."""
        return not (self.was_told(one) if self.was_told is not None else reached(one.position, self.after))

    def count(self, booked: Booked) -> None:
        """Add up one fact; what bills late usage was counted by the charge that moved the money."""
        if not booked.postings and not booked.cost_change:
            return
        self.facts += 1
        self.postings += len(booked.postings)
        self.cost_unknown += booked.cost_change
        self.last_day = max(self.last_day, booked.day)
        for one in booked.postings:
            self.balances[booked.account, one.source, one.currency] += one.amount
            self.balances[booked.account, one.destination, one.currency] -= one.amount

    def sums(self) -> dict[str, tuple[int, int]]:
        """By currency, the ledger accounts' debit and credit balances together; both are the same."""
        found: dict[str, tuple[int, int]] = {}
        for (_, currency), balance in self.of_ledger_accounts().items():
            debits, credits = found.get(currency, (0, 0))
            found[currency] = debits + max(balance, 0), credits + max(-balance, 0)
        return dict(sorted(found.items()))

    def of_ledger_accounts(self) -> Counter[tuple[LedgerAccount, str]]:
        """Balances over all customers."""
        found: Counter[tuple[LedgerAccount, str]] = Counter()
        for (_, ledger_account, currency), balance in self.balances.items():
            found[ledger_account, currency] += balance
        return found


def transactions(
    booked: Iterable[Booked],
    tally: ExportTally,
    declared: Callable[[Booked], Iterable[str]],
    written: Callable[[Booked], str],
) -> Iterator[str]:
    """The text of each fact of a part; what it uses is declared before it, once, also by the parts before."""
    known: set[str] = set()
    for one in booked:
        new = [name for name in declared(one) if name not in known]
        known.update(new)
        if tally.is_new(one):
            tally.count(one)
            yield "".join([*(["\n", *new] if new else []), written(one)])


def six(micros: int) -> str:
    """An amount with all its six decimals and no exponent, as every reader takes it, and none rounds it."""
    whole, rest = divmod(abs(micros), MILLION)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06d}"


def csv_line(cells: Iterable[str]) -> str:
    """One line of a CSV file."""
    stream = StringIO()
    csv.writer(stream).writerow(cells)
    return stream.getvalue()
