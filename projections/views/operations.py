"""The operation log: one row an operation, with where it is and its money; the newest first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import literal_column

from domain.charging import CostSource
from domain.kinds import KINDS, Family
from domain.operation import (
    PHASES,
    Adjusted,
    Charged,
    Dispatched,
    Postponed,
    ProviderCompleted,
    Rejected,
    Released,
    Requested,
    Rerouted,
    Submitted,
    Validated,
)
from domain.periods import EARLIEST
from domain.pricing import Quote
from domain.value import value
from domain.wallet import Draws, sum_of
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
    Words,
)
from projections.engine.filters import ViewFilter, check_kind_named, check_word, containing, one_of, same
from projections.engine.view import NO_SUMS, NOTHING, Change, Sorted, Value, View, reads
from projections.tagged import has_tag
from projections.views.counting import ADJUSTED, CHARGED, RELEASED, BilledRow, correction, doubted, held_for

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table


@value
class OperationRow(BilledRow):
    """One operation. `late` counts deliveries after a release by policy, `lost` outputs that were gone before they
    could be fetched, `unlike` those of another size or length than promised, and `job` is the provider's id.

    `drawn` is what grants pay of its hold, or of its charge, and `quoted` what was held for what was charged."""

    id: Key[Text]
    outputs: Sum[Count]
    price: Sum[Money]
    adjusted: Sum[Money]
    cost: Sum[Cost]
    cost_unknown: Sum[Count]
    estimated: Sum[Count]
    late: Sum[Count]
    lost: Sum[Count]
    unlike: Sum[Count]
    batch: Note[Text]
    account: Note[Account]
    user: Note[User]
    project: Note[Text | None]
    api_key: Note[Text | None]
    kind: Note[Text]
    model: Note[Text]
    provider: Note[Text]
    job: Note[Text | None]
    period_start: Note[Instant]
    period_end: Note[Instant]
    asked: Note[Count]
    requested_at: Note[Instant]
    settled_at: Note[Instant | None]
    state: Note[Text]
    reason: Note[Text | None]
    held: Note[Money | None]
    drawn: Note[Money | None]
    quoted: Note[Money | None]
    currency: Note[Currency | None]
    cost_currency: Note[CostCurrency | None]
    price_source: Note[Text | None]
    cost_source: Note[Text | None]
    model_class: Note[Text | None]

    @property
    def known_cost(self) -> int | None:
        """Its cost, None if it is not known."""
        return None if self.cost_unknown else self.cost

    @property
    def flags(self) -> Words:
        """The flags of what is out of the ordinary about it, by the names of FLAGS."""
        return tuple(name for name, holds in FLAGS.items() if holds(self))

    def unknown(self) -> Collection[str]:
        """The cost of an operation that has not ended is not known."""
        return ("cost",) if (self.cost_unknown or self.settled_at is None) and not self.cost else ()


def _overbilled(row: Any) -> Any:
    """Whether the cost is above the price, of a row or of its table; of two currencies nobody says so."""
    dearer = row.cost > row.price - row.adjusted
    if isinstance(row, OperationRow):
        return dearer and row.cost_currency is None
    return dearer & row.cost_currency.is_(None)


FLAGS: Mapping[str, Callable[[Any], Any]] = {
    "lost": lambda row: row.lost > 0,
    "late": lambda row: row.late > 0,
    "unlike": lambda row: row.unlike > 0,
    "overbilled": _overbilled,
    "estimated": lambda row: row.estimated > 0,
    "unknown": lambda row: row.cost_unknown > 0,
    "stand-in": lambda row: row.model_class == "stand-in",
    "test": lambda row: row.model_class == "test",
}
"""Flags of what is out of the ordinary, asked of a row or of its table: outputs that could not be kept, deliveries
after a release, outputs of another size or length than promised, costs above the price, amounts that are the most they
can be, costs that nobody knows, models that are not real."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFilter(ViewFilter):
    """None asks for any. `family` is that of kinds, `flag` is one of FLAGS, `at` an instant that the billing period
    contains, `tag` a name and a value, and `requested` the span [since, until). `holding`: of those alone that hold
    money."""

    WORDING: ClassVar = frozenset({"flag", "family", "holding"})

    account: str | None = None
    user: str | None = None
    project: str | None = None
    api_key: str | None = None
    batch: str | None = None
    kind: str | None = None
    family: str | None = None
    model: str | None = None
    provider: str | None = None
    state: str | None = None
    flag: str | None = None
    at: int | None = None
    tag: tuple[str, str] | None = None
    requested: tuple[int, int] | None = None
    holding: bool | None = None

    def check(self) -> None:
        check_word("state", self.state, PHASES.values())
        check_word("flag", self.flag, FLAGS)
        check_word("family", self.family, Family)

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account, user=self.user, project=self.project, batch=self.batch)
        yield from same(
            table, api_key=self.api_key, kind=self.kind, model=self.model, provider=self.provider, state=self.state
        )
        yield from containing(table.c.period_start, table.c.period_end, self.at)
        if self.family is not None:
            yield one_of(table.c.kind, [kind for kind, family in KINDS.items() if family == self.family])
        if self.flag is not None:
            yield FLAGS[self.flag](table.c)
        if self.holding:
            yield table.c.held > literal_column(
                "0"
            )  # as the index has it, which SQLite passes over without its columns
            yield table.c.period_start >= literal_column(str(EARLIEST))
        if self.tag is not None:
            yield has_tag(table.c.id, self.account, *self.tag)
        if self.requested is not None:
            since, until = self.requested
            yield from (table.c.requested_at >= since, table.c.requested_at < until)

    def missed(self) -> None:
        check_kind_named(self.kind)


DISPATCHED, SUBMITTED, COMPLETED, POSTPONED = (
    {"state": state} for state in ("dispatched", "submitted", "completed", "validated")
)


def _requested(fact: Requested) -> Change:
    operation = fact.operation
    identity: dict[str, Value] = {
        "batch": operation.batch,
        "account": operation.account,
        "user": operation.user,
        "project": operation.project,
        "api_key": operation.api_key,
        "kind": operation.kind,
        "model": operation.model,
        "provider": operation.provider,
        "period_start": operation.period.start,
        "period_end": operation.period.end,
        "asked": fact.outputs,
        "requested_at": fact.at,
        "state": "requested",
    }
    return (operation.id,), NO_SUMS, identity


def _rejected(fact: Rejected) -> Change:
    """Nothing was quoted; the account's currency is what nothing is nothing of. Old facts do not name it."""
    known: dict[str, Value] = {
        "state": "rejected",
        "held": 0,
        "settled_at": fact.at,
        "reason": fact.reason,
        "currency": fact.currency or None,
    }
    return (fact.operation.id,), NO_SUMS, known


def _validated(fact: Validated) -> Change:
    return (fact.operation.id,), NO_SUMS, _hold(fact.quote, fact.drawn)


def _dispatched(fact: Dispatched) -> Change:
    return (fact.operation.id,), NO_SUMS, DISPATCHED


def _submitted(fact: Submitted) -> Change:
    return (fact.operation.id,), NO_SUMS, {**SUBMITTED, "job": fact.job}


def _rerouted(fact: Rerouted) -> Change:
    operation = fact.operation
    return (
        (operation.id,),
        NO_SUMS,
        {"model": operation.model, "provider": operation.provider, **_hold(fact.quote, fact.drawn)},
    )


def _postponed(fact: Postponed) -> Change:
    return (fact.operation.id,), NO_SUMS, POSTPONED


def _completed(fact: ProviderCompleted) -> Change:
    """A fact out of the ordinary is counted; most deliveries are not."""
    sums = NO_SUMS
    if fact.late or fact.lost or fact.unlike:
        sums = {"late": int(fact.late), "lost": fact.lost, "unlike": fact.unlike}
    return (fact.operation.id,), sums, NOTHING if fact.late else COMPLETED


def _charged(fact: Charged) -> Change:
    sums = {"outputs": fact.outputs, "price": fact.price, "cost": fact.cost or 0}
    known: dict[str, Value] = {
        "state": "charged",
        "held": 0,
        "drawn": sum_of(fact.drawn),
        "quoted": held_for(fact),
        "settled_at": fact.at,
        "price_source": _word(fact.price_source),
        "cost_source": _word(fact.cost_source),
    }
    return (fact.operation.id,), doubted(fact, sums, fact.price_source), known


def _released(fact: Released) -> Change:
    known: dict[str, Value] = {
        "state": "released",
        "held": 0,
        "drawn": 0,
        "settled_at": fact.at,
        "reason": fact.reason,
        "cost_source": _word(fact.cost_source),
    }
    return (fact.operation.id,), doubted(fact, {"cost": fact.cost or 0}), known


def _adjusted(fact: Adjusted) -> Change:
    known: dict[str, Value] = {} if fact.cost_source is None else {"cost_source": str(fact.cost_source)}
    return (fact.operation.id,), correction(fact), known


def _hold(quote: Quote, drawn: Draws | None) -> dict[str, Value]:
    known: dict[str, Value] = {"state": "validated", "held": quote.price, "currency": quote.currency}
    if quote.sale is not None and quote.sale.currency != quote.currency:
        known["cost_currency"] = quote.sale.currency
    return {**known, "drawn": sum_of(drawn), "model_class": quote.model_class or None}


def _word(source: CostSource | None) -> str | None:
    return None if source is None else str(source)


SENT = ("dispatched", "submitted", "completed")
"""States of operations that may have cost something, and have not ended."""

APART = "state IN ('dispatched', 'submitted', 'completed') OR (state = 'released' AND (cost <> 0 OR cost_unknown > 0))"
"""Operations of which a provider's invoice may know and no charge does: those on their way, and failures that cost."""

ID = "operation.id"
IDENTITY = "batch account user project api_key kind model provider period".split()
QUOTE = "quote.price quote.currency quote.model_class quote.sale drawn"

OPERATIONS = View(
    "operation_log",
    OperationRow,
    OperationFilter,
    newest=("requested_at", "id"),
    rank=2,
    milestone="settled_at IS NULL AND account IS NOT NULL",
    indexes=(
        Sorted("newest", ("account", "requested_at")),
        Sorted("held", ("account", "period_start"), "held > 0"),
        Sorted("apart", ("provider", "requested_at"), APART),
        Sorted("refused", ("account", "requested_at"), "state = 'rejected'"),
    ),
    changes={
        Requested: reads(_requested, ID, *(f"operation.{name}" for name in IDENTITY), "outputs at"),
        Rejected: reads(_rejected, ID, "reason at currency"),
        Validated: reads(_validated, ID, QUOTE),
        Dispatched: reads(_dispatched, ID),
        Submitted: reads(_submitted, ID, "job"),
        Rerouted: reads(_rerouted, ID, "operation.model operation.provider", QUOTE),
        Postponed: reads(_postponed, ID),
        ProviderCompleted: reads(_completed, ID, "late lost unlike"),
        Charged: reads(_charged, ID, CHARGED, "at drawn held"),
        Released: reads(_released, ID, RELEASED, "reason at"),
        Adjusted: reads(_adjusted, ID, ADJUSTED, "cost_source"),
    },
)
"""An account's newest operations are asked for, its refusals, and a period's open holds."""
