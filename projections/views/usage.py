"""Usage: what one user of an account did with one kind of operation, by which API key, in one period, and its cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.periods import Period
from domain.value import value
from projections.engine.columns import (
    Account,
    Cost,
    CostCurrency,
    Count,
    Currency,
    Instant,
    Key,
    Money,
    Note,
    Sum,
    Text,
    User,
)
from projections.engine.filters import ViewFilter, check_kind_named, containing, same
from projections.engine.view import RowKey, Value, View
from projections.views.counting import BilledRow, MoneyFact, counts, other_currency

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table


@value
class UsageRow(BilledRow):
    """How many operations, how many outputs were `asked` for, and how many `outputs` were charged.

    `api_key` is the id of the key that asked, empty if none did.
    """

    account: Key[Account]
    user: Key[User]
    period_start: Key[Instant]
    period_end: Key[Instant]
    kind: Key[Text]
    api_key: Key[Text]
    operations: Sum[Count]
    asked: Sum[Count]
    rejected: Sum[Count]
    charged: Sum[Count]
    failed: Sum[Count]
    released: Sum[Count]
    outputs: Sum[Count]
    price: Sum[Money]
    adjusted: Sum[Money]
    cost: Sum[Cost]
    cost_unknown: Sum[Count]
    estimated: Sum[Count]
    currency: Note[Currency | None]
    cost_currency: Note[CostCurrency | None]

    @property
    def span(self) -> tuple[int, int]:
        """Its billing period."""
        return self.period_start, self.period_end


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter(ViewFilter):
    """None asks for any; `at` asks for the periods that contain an instant."""

    account: str | None = None
    user: str | None = None
    kind: str | None = None
    api_key: str | None = None
    at: int | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account, user=self.user, kind=self.kind, api_key=self.api_key)
        yield from containing(table.c.period_start, table.c.period_end, self.at)

    def missed(self) -> None:
        check_kind_named(self.kind)


def _place(fact: Any, period: Period) -> RowKey:
    operation = fact.operation
    return operation.account, operation.user, period.start, period.end, operation.kind, operation.api_key or ""


def _currency(fact: MoneyFact) -> Mapping[str, Value]:
    return {"currency": fact.currency, **other_currency(fact)}


USAGE = View(
    "usage_summary",
    UsageRow,
    UsageFilter,
    totals=True,
    changes=counts(_place, "operation.account operation.user operation.kind operation.api_key", _currency),
)
