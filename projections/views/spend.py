"""Spend: what an account was charged on each of its days for each model, and what that cost.

A day is one of the account's own time zone. A charge counts on the day on which the operation was requested, and a
correction on the day on which it was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from domain.operation import Adjusted, Charged, Released
from domain.periods import Period
from domain.value import value
from projections.engine.columns import Account, Cost, CostCurrency, Count, Currency, Key, Money, Note, Sum, Text
from projections.engine.filters import ViewFilter, same
from projections.engine.view import Change, RowKey, View, reads
from projections.views.counting import ADJUSTED, BilledRow, MoneyFact, correction, counts, other_currency

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@value
class SpendRow(BilledRow):
    """One day of an account at one model; `day` is such as 2026-04-10."""

    account: Key[Account]
    day: Key[Text]
    model: Key[Text]
    provider: Key[Text]
    currency: Key[Currency]
    charged: Sum[Count]
    released: Sum[Count]
    outputs: Sum[Count]
    price: Sum[Money]
    adjusted: Sum[Money]
    cost: Sum[Cost]
    cost_unknown: Sum[Count]
    estimated: Sum[Count]
    cost_currency: Note[CostCurrency | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendFilter(ViewFilter):
    """None asks for any; days from `since` to `until`, both included."""

    account: str | None = None
    model: str | None = None
    provider: str | None = None
    since: str | None = None
    until: str | None = None

    def check(self) -> None:
        for name, day in (("since", self.since), ("until", self.until)):
            if day is not None and not _DAY.fullmatch(day):
                raise InvalidInput(name, f"{day!r} is not a day", hint="write it as 2026-04-10")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise InvalidInput("until", f"{self.until} is before {self.since}", hint="name a later day")

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account, model=self.model, provider=self.provider)
        if self.since is not None:
            yield table.c.day >= self.since
        if self.until is not None:
            yield table.c.day <= self.until


def _place(fact: MoneyFact, _period: Period) -> RowKey:
    return _on(fact.operation.day, fact)


def _on(day: str, fact: MoneyFact) -> RowKey:
    operation = fact.operation
    return operation.account, day, operation.model, operation.provider, fact.currency


def _adjusted(fact: Adjusted) -> Change:
    return _on(fact.day, fact), correction(fact), other_currency(fact)


NAMES = "operation.account operation.day operation.model operation.provider currency"

_money = counts(_place, NAMES, other_currency)

SPEND = View(
    "daily_spend",
    SpendRow,
    SpendFilter,
    totals=True,
    changes={
        Charged: _money[Charged],
        Released: _money[Released],
        Adjusted: reads(_adjusted, NAMES, ADJUSTED, "day"),
    },
)
