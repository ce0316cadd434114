"""Approvals: one row a quote, of what API keys asked people to approve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table

from domain.approvals import ApprovalAsked, ApprovalGiven
from domain.value import value
from projections.engine.columns import Account, Currency, Instant, Key, Money, Note, Text, ViewRow
from projections.engine.filters import ViewFilter, same
from projections.engine.view import NO_SUMS, Change, Sorted, Value, View, reads


@value
class ApprovalRow(ViewRow):
    """A request under its quote, as it was asked for last; until when it holds, and since when it is approved."""

    account: Key[Account]
    quote: Key[Text]
    api_key: Note[Text]
    model: Note[Text]
    price: Note[Money]
    currency: Note[Currency]
    asked: Note[Instant]
    expires: Note[Instant]
    given: Note[Instant | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFilter(ViewFilter):
    """None asks for any; `holding` asks for those that are not over at an instant."""

    account: str | None = None
    holding: int | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account)
        if self.holding is not None:
            yield table.c.expires > self.holding


def _asked(fact: ApprovalAsked) -> Change:
    told: dict[str, Value] = {
        "api_key": fact.api_key,
        "model": fact.model,
        "price": fact.price,
        "currency": fact.currency,
        "asked": fact.at,
        "expires": fact.expires,
        "given": None,
    }
    return (fact.account, fact.quote), NO_SUMS, told


def _given(fact: ApprovalGiven) -> Change:
    return (fact.account, fact.quote), NO_SUMS, {"given": fact.at}


APPROVALS = View(
    "approvals",
    ApprovalRow,
    ApprovalFilter,
    newest=("asked", "account", "quote"),
    indexes=(Sorted("approvals_of", ("account", "asked")),),
    changes={
        ApprovalAsked: reads(_asked, "account quote api_key model price currency expires", "at"),
        ApprovalGiven: reads(_given, "account quote", "at"),
    },
)
