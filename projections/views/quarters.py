"""Quarters: what ended in each quarter of an hour, by who asked, for what, of whom, and how it ended.

    Charged, Rejected, Released, Adjusted, GoodwillGiven ── by their own instants ──> quarters

A quarter of an hour is the largest span that no time zone's midnight cuts: offsets are whole quarters everywhere since
1972. So the hours, days, weeks and months of any zone are sums of these rows (`projections.summing`). A row has what
ended in it, so that what is open is in none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from domain.booking import GoodwillGiven
from domain.charging import CostSource
from domain.operation import CANCELLED, Adjusted, Charged, Rejected, Released
from domain.periods import QUARTER, Period
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
from projections.engine.filters import ViewFilter, check_kind_named, same
from projections.engine.view import NOTHING, Change, RowKey, Sorted, View, reads
from projections.views.counting import (
    ADJUSTED,
    CHARGED,
    RELEASED,
    BilledRow,
    correction,
    doubted,
    held_for,
    other_currency,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

NOBODY: Final = ""
"""Stands for what a fact does not have, such as a project; goodwill has neither user nor model."""

KNOWN: Final[Mapping[CostSource, str]] = {
    CostSource.PROVIDER: "by_provider",
    CostSource.COUNTED: "by_count",
    CostSource.QUOTED: "by_quote",
    CostSource.CAPPED: "by_cap",
    CostSource.ESTIMATED: "by_estimate",
    CostSource.UNKNOWN: "by_nobody",
}
"""The column of the prices of those whose cost is known so."""


@value
class QuarterRow(BilledRow):
    """Operations that ended in one quarter of an hour; `code` is why they failed or were refused, empty if they were
    charged. `released` counts all that were admitted and ended without a charge, `failed` those that nobody cancelled.

    `held` had been held for what was charged. `by_provider` and so on are the parts of `price` of the operations whose
    cost is known so; goodwill is in none.
    """

    account: Key[Account]
    quarter: Key[Instant]
    period_start: Key[Instant]
    user: Key[User]
    project: Key[Text]
    api_key: Key[Text]
    kind: Key[Text]
    model: Key[Text]
    provider: Key[Text]
    currency: Key[Currency]
    code: Key[Text]
    charged: Sum[Count]
    rejected: Sum[Count]
    failed: Sum[Count]
    released: Sum[Count]
    outputs: Sum[Count]
    price: Sum[Money]
    adjusted: Sum[Money]
    held: Sum[Money]
    cost: Sum[Cost]
    cost_unknown: Sum[Count]
    estimated: Sum[Count]
    by_provider: Sum[Money]
    by_count: Sum[Money]
    by_quote: Sum[Money]
    by_cap: Sum[Money]
    by_estimate: Sum[Money]
    by_nobody: Sum[Money]
    cost_currency: Note[CostCurrency | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterFilter(ViewFilter):
    """None asks for any; `project` and `api_key` "" for what has none."""

    account: str | None = None
    user: str | None = None
    project: str | None = None
    api_key: str | None = None
    kind: str | None = None
    model: str | None = None
    provider: str | None = None
    code: str | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account, user=self.user, project=self.project, api_key=self.api_key)
        yield from same(table, kind=self.kind, model=self.model, provider=self.provider, code=self.code)

    def missed(self) -> None:
        check_kind_named(self.kind)


def _key(fact: Any, period: Period, currency: str, code: str) -> RowKey:
    at, it = fact.at, fact.operation
    return (
        it.account,
        at - at % QUARTER,
        period.start,
        it.user,
        it.project or NOBODY,
        it.api_key or NOBODY,
        it.kind,
        it.model,
        it.provider,
        currency,
        code,
    )


def _charged(fact: Charged) -> Change:
    sums = {"charged": 1, "outputs": fact.outputs, "price": fact.price, "held": held_for(fact), "cost": fact.cost or 0}
    sums[_known(fact.cost_source)] = fact.price
    key = _key(fact, fact.operation.period, fact.currency, NOBODY)
    return key, doubted(fact, sums, fact.price_source), other_currency(fact)


def _rejected(fact: Rejected) -> Change:
    return _key(fact, fact.operation.period, fact.currency, fact.reason), REJECTED, NOTHING


def _released(fact: Released) -> Change:
    sums = {"released": 1, "failed": int(fact.reason != CANCELLED), "cost": fact.cost or 0}
    return _key(fact, fact.operation.period, fact.currency, fact.reason), doubted(fact, sums), other_currency(fact)


def _adjusted(fact: Adjusted) -> Change:
    return _key(fact, fact.period, fact.currency, NOBODY), correction_sums(fact), other_currency(fact)


def correction_sums(fact: Adjusted) -> dict[str, int]:
    """The sums that a correction changes: a price moves to where the cost is known from now on, and goes with it."""
    sums, before = correction(fact), _known(fact.was)
    after = before if fact.cost_source is None else _known(fact.cost_source)
    sums[after] = fact.worth + fact.price
    sums[before] = sums.get(before, 0) - fact.worth
    return sums


def _goodwill(fact: GoodwillGiven) -> Change:
    nobody = (NOBODY,) * 6
    key = (fact.account, fact.at - fact.at % QUARTER, fact.period.start, *nobody, fact.currency, NOBODY)
    return key, {"price": -fact.amount, "adjusted": -fact.amount}, NOTHING


def _known(source: CostSource | None) -> str:
    return KNOWN[source or CostSource.UNKNOWN]


REJECTED: Final = {"rejected": 1}
NAMES: Final = " ".join(f"operation.{one}" for one in "account user project api_key kind model provider".split())
WHERE: Final = f"{NAMES} at currency"
PERIOD: Final = "operation.period"

QUARTERS = View(
    "usage_quarters",
    QuarterRow,
    QuarterFilter,
    totals=True,
    indexes=(Sorted("time", ("quarter",)),),
    changes={
        Charged: reads(_charged, WHERE, PERIOD, CHARGED, "held"),
        Rejected: reads(_rejected, WHERE, PERIOD, "reason"),
        Released: reads(_released, WHERE, PERIOD, RELEASED, "reason"),
        Adjusted: reads(_adjusted, WHERE, ADJUSTED, "cost_source worth was"),
        GoodwillGiven: reads(_goodwill, "account at period amount currency"),
    },
)
