"""A view that only tests know, all in one file: what each model was sent and delivered for an account, and what it
brought in.

Nothing in the program names it; what makes it a view is what makes the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table

from domain.operation import Charged, Dispatched, Operation, Submitted
from projections.engine.columns import (
    Account,
    Count,
    Currency,
    Instant,
    Key,
    Money,
    Note,
    Sum,
    Text,
    Units,
    ViewRow,
    Words,
)
from projections.engine.filters import ViewFilter, same
from projections.engine.view import NO_SUMS, Change, RowKey, Sorted, View, reads

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class DeliveryRow(ViewRow):
    """One model's work for one account."""

    model: Key[Text]
    payer: Key[Account]
    sent: Sum[Count]
    delivered: Sum[Count]
    amount: Sum[Units]
    earned: Sum[Money]
    latest: Note[Instant | None]
    paid_in: Note[Currency | None]
    job: Note[Text | None]

    @property
    def each(self) -> Money:
        """What one delivery brought in."""
        return self.earned // max(self.delivered, 1)

    @property
    def marks(self) -> Words:
        """What is out of the ordinary."""
        return () if self.sent == self.delivered else ("open",)

    def unknown(self) -> tuple[str, ...]:
        return () if self.delivered else ("earned", "each")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter(ViewFilter):
    """None asks for any."""

    payer: str | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, payer=self.payer)


def _key(operation: Operation) -> RowKey:
    return operation.model, operation.account


def _sent(fact: Dispatched) -> Change:
    return _key(fact.operation), {"sent": 1}, {"latest": fact.at}


def _submitted(fact: Submitted) -> Change:
    return _key(fact.operation), NO_SUMS, {"job": fact.job}


def _charged(fact: Charged) -> Change:
    sums = {"delivered": 1, "amount": int(fact.units * MILLION), "earned": fact.price}
    return _key(fact.operation), sums, {"latest": fact.at, "paid_in": fact.currency}


KEY = "operation.model operation.account"

DELIVERIES = View(
    "deliveries",
    DeliveryRow,
    DeliveryFilter,
    newest=("sent", "model", "payer"),
    indexes=(Sorted("owing", ("payer",), "sent > delivered"),),
    changes={
        Dispatched: reads(_sent, KEY, "at"),
        Submitted: reads(_submitted, KEY, "job"),
        Charged: reads(_charged, KEY, "at units price currency"),
    },
)
