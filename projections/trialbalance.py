"""The trial balance: what every ledger account has come to, over the rows of the books that are wanted.

One statement, and so of one moment; debits are positive and credits negative, and together they come to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, func, select

from domain.chart import AVAILABLE, HELD, RECEIVABLE, LedgerAccount
from projections.engine.database import ViewDatabase
from projections.engine.tables import CHECKPOINTS, live
from projections.views.books import BOOKS, CUSTOMER, BookFilter, held_of
from projections.views.links import LINKS, OUTPUT


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One ledger account in one currency: debits less credits in micro-units.

    Of `cost_unknown` operations nobody knows what the provider bills, so that is missing here.
    """

    ledger_account: LedgerAccount
    currency: str
    balance: int
    cost_unknown: int = 0

    @property
    def debit(self) -> int:
        return max(self.balance, 0)

    @property
    def credit(self) -> int:
        return max(-self.balance, 0)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All ledger accounts by currency and in the order of their names, after so many positions of the log."""

    position: int
    lines: tuple[TrialLine, ...]

    def sums(self) -> dict[str, tuple[int, int]]:
        """Debits and credits by currency; of sound books both are the same."""
        found: dict[str, tuple[int, int]] = {}
        for line in self.lines:
            debits, credits = found.get(line.currency, (0, 0))
            found[line.currency] = debits + line.debit, credits + line.credit
        return found

    @property
    def balanced(self) -> bool:
        """Whether what left all ledger accounts is what arrived in them, in every currency."""
        return all(debits == credits for debits, credits in self.sums().values())


def trial_balance(database: ViewDatabase, wanted: BookFilter) -> TrialBalance:
    """The trial balance of the wanted rows. Raises StoreUnavailable."""
    rows = database.rows(_query(wanted))
    return TrialBalance(_position(database, rows), tuple(_lines(rows)))


def _query(wanted: BookFilter) -> Select[Any]:
    """Sums by both ends, currency, and whether the account pays beforehand, which its own row says."""
    table = live(BOOKS)
    own = table.alias("own")
    period = (one == own.c[one.name] for one in (table.c.account, table.c.period_start, table.c.period_end))
    joined = table.join(own, and_(*period, own.c.source == CUSTOMER, own.c.destination == CUSTOMER))
    mark = select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.view == BOOKS.name).scalar_subquery()
    keys = (table.c.source, table.c.destination, table.c.currency, own.c.prepaid)
    sums = (_sum(table.c.amount), _sum(held_of(table)), _sum(table.c.cost_unknown))
    query = select(func.coalesce(mark, 0), *keys, *sums).select_from(joined)
    return query.where(*wanted.conditions(table)).group_by(*keys)


def outputs_of(database: ViewDatabase, operations: Sequence[str]) -> dict[str, list[str]]:
    """The ids of the assets that each of some operations made."""
    links = live(LINKS).c
    query = select(links.operation, links.asset).where(links.operation.in_(operations), links.role == OUTPUT)
    found: dict[str, list[str]] = {}
    for operation, asset in database.rows(query.order_by(links.operation, links.place)):
        found.setdefault(operation, []).append(asset)
    return found


def _position(database: ViewDatabase, rows: Sequence[Any]) -> int:
    """The position that the rows are of; of none it is asked by itself."""
    if rows:
        return int(rows[0][0])
    found = database.rows(select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.view == BOOKS.name))
    return int(found[0][0]) if found else 0


def _lines(rows: Sequence[Any]) -> Iterator[TrialLine]:
    balances: Counter[tuple[str, LedgerAccount]] = Counter()
    unknown: Counter[tuple[str, LedgerAccount]] = Counter()
    for _, source, destination, currency, prepaid, amount, held, cost_unknown in rows:
        for ends, moved in (((source, destination), int(amount)), ((AVAILABLE.name, HELD.name), int(held))):
            debit, credit = (currency, _end(ends[0], prepaid)), (currency, _end(ends[1], prepaid))
            balances[debit] += moved
            balances[credit] -= moved
        unknown[currency, _end(destination, prepaid)] += int(cost_unknown)
    for currency, one in sorted(balances, key=lambda key: (key[0], key[1].name)):
        if balances[currency, one] or unknown[currency, one]:
            yield TrialLine(one, currency, balances[currency, one], unknown[currency, one])


def _end(name: str, prepaid: int | None) -> LedgerAccount:
    """The ledger account that an end of a row stands for."""
    if name == CUSTOMER:
        return AVAILABLE if prepaid else RECEIVABLE
    found = LedgerAccount.parse(name)
    assert found is not None, "rows are named by the chart"
    return found


def _sum(amount: ColumnElement[int]) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(amount), 0), BigInteger)
