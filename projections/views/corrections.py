"""Corrections: what each operation's corrections came to in each quarter of an hour.

    Adjusted ── by its own instant and operation ──> corrections

Sums of usage over operations that are chosen one by one, as by their tags, take what was corrected later from here
(`projections.tagsums`); few operations are ever corrected.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.operation import Adjusted
from domain.periods import QUARTER
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
)
from projections.engine.filters import ViewFilter
from projections.engine.view import Change, View, reads
from projections.views.counting import ADJUSTED, BilledRow, other_currency
from projections.views.quarters import correction_sums


@value
class CorrectionRow(BilledRow):
    """The corrections of one operation in one quarter of an hour, as its sums in `usage_quarters` changed by them."""

    operation: Key[Text]
    quarter: Key[Instant]
    period_start: Key[Instant]
    price: Sum[Money]
    adjusted: Sum[Money]
    cost: Sum[Cost]
    cost_unknown: Sum[Count]
    by_provider: Sum[Money]
    by_count: Sum[Money]
    by_quote: Sum[Money]
    by_cap: Sum[Money]
    by_estimate: Sum[Money]
    by_nobody: Sum[Money]
    account: Note[Account]
    currency: Note[Currency | None]
    cost_currency: Note[CostCurrency | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionFilter(ViewFilter):
    """All of them; nobody asks for these rows by themselves."""


def _adjusted(fact: Adjusted) -> Change:
    key = (fact.operation.id, fact.at - fact.at % QUARTER, fact.period.start)
    known = {"account": fact.operation.account, "currency": fact.currency, **other_currency(fact)}
    return key, correction_sums(fact), known


CORRECTIONS = View(
    "corrections",
    CorrectionRow,
    CorrectionFilter,
    milestone=None,
    changes={
        Adjusted: reads(_adjusted, "operation.id operation.account at currency", ADJUSTED, "cost_source worth was")
    },
)
