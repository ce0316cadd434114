"""Every view: its key, its measures, and what each fact changes in it.

`price` is what the account pays and `cost` what providers bill us, corrections included, in micro-units; `adjusted` is
the part of the price that was corrected later. A correction counts in the period in which it was made. So the
prices of any view add up to what the log charged and adjusted. `cost` is the sum of what is known: of `cost_unknown`
operations the cost is not, and of `estimated` ones price or cost are the most that they can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from msgspec import Struct

from domain.periods import CALENDAR_MONTH, period_at
from projections.engine.facts import (
    Adjusted,
    BalanceReturned,
    Charged,
    CreditAdded,
    Dispatched,
    Period,
    PeriodEnded,
    PeriodOpened,
    PeriodResumed,
    ProviderCompleted,
    ProviderFailed,
    Quote,
    Rejected,
    Released,
    Requested,
    Rerouted,
    Submitted,
    Validated,
)
from projections.engine.tally import NOTHING, Change, Key, Tally, Value

MILLION = 1_000_000
DAY = 24 * 60 * 60 * MILLION
ESTIMATED = "estimated"
NO_SUMS: dict[str, int] = {}
DISPATCHED, SUBMITTED, COMPLETED = ({"state": state} for state in ("dispatched", "submitted", "completed"))

REJECTED, FAILED = ({count: 1} for count in ("rejected", "failed"))

Money = Charged | Released | Adjusted
Told = Callable[[Money], Mapping[str, Value]]
"""What a view notes of a fact about money."""


def _counts(place: Callable[[Any, Period], Key], told: Told) -> dict[type[Struct], Callable[[Any], Change]]:
    """The changes of a view that counts operations: `place` is the key of a fact in a period."""

    def requested(fact: Requested) -> Change:
        return place(fact, fact.operation.period), {"operations": 1, "asked": fact.outputs}, NOTHING

    def rejected(fact: Rejected) -> Change:
        return place(fact, fact.operation.period), REJECTED, NOTHING

    def failed(fact: ProviderFailed) -> Change:
        return place(fact, fact.operation.period), FAILED, NOTHING

    def charged(fact: Charged) -> Change:
        sums = {"charged": 1, "outputs": fact.outputs, "price": fact.price, "cost": fact.cost or 0}
        return place(fact, fact.operation.period), _doubted(fact, sums), told(fact)

    def released(fact: Released) -> Change:
        sums = {"released": 1, "cost": fact.cost or 0}
        return place(fact, fact.operation.period), _doubted(fact, sums), told(fact)

    def adjusted(fact: Adjusted) -> Change:
        return place(fact, fact.period), _correction(fact), told(fact)

    return {
        Requested: requested,
        Rejected: rejected,
        ProviderFailed: failed,
        Charged: charged,
        Released: released,
        Adjusted: adjusted,
    }


def _correction(fact: Adjusted) -> dict[str, int]:
    sums = {"price": fact.price, "adjusted": fact.price, "cost": fact.cost}
    return {**sums, "cost_unknown": -1} if fact.revealed else sums


def _doubted(fact: Charged | Released, sums: dict[str, int]) -> dict[str, int]:
    """What is not known, or not exactly, is counted; most is."""
    if fact.cost is None:
        sums["cost_unknown"] = 1
    if fact.cost_source == ESTIMATED or (isinstance(fact, Charged) and fact.price_source == ESTIMATED):
        sums["estimated"] = 1
    return sums


def _user(fact: Any, period: Period) -> Key:
    operation = fact.operation
    return operation.account, operation.user, period.start, period.end, operation.kind


def _currency(fact: Money) -> dict[str, Value]:
    return {"currency": fact.currency}


MONEY = ("price", "adjusted", "cost", "cost_unknown", "estimated")

USAGE = Tally(
    "usage_summary",
    key=("account", "user", "period_start", "period_end", "kind"),
    measures=("operations", "asked", "rejected", "charged", "failed", "released", "outputs", *MONEY),
    notes=("currency",),
    changes=_counts(_user, _currency),
)


def _account(fact: Any, period: Period) -> Key:
    return fact.operation.account, period.start, period.end


def _opened(fact: PeriodOpened) -> Change:
    period, terms = fact.period, {"currency": fact.currency, "plan": fact.plan}
    return (fact.account, period.start, period.end), {"carried": fact.balance or 0}, terms


def _ended(fact: PeriodEnded) -> Change:
    return (fact.account, fact.period.start, fact.period.end), {"carried": -(fact.balance or 0)}, NOTHING


def _resumed(fact: PeriodResumed) -> Change:
    period, terms = fact.period, {"currency": fact.currency, "plan": fact.plan}
    return (fact.account, period.start, period.end), {"carried": fact.carried}, terms


def _given(measure: str) -> Callable[[CreditAdded | BalanceReturned], Change]:
    def given(fact: CreditAdded | BalanceReturned) -> Change:
        return (fact.account, fact.period.start, fact.period.end), {measure: fact.amount}, NOTHING

    return given


PERIODS = Tally(
    "period_totals",
    key=("account", "period_start", "period_end"),
    measures=(*USAGE.measures, "carried", "credits", "returned"),
    notes=("currency", "plan"),
    changes={
        **_counts(_account, lambda _: NOTHING),
        PeriodOpened: _opened,
        PeriodEnded: _ended,
        PeriodResumed: _resumed,
        CreditAdded: _given("credits"),
        BalanceReturned: _given("returned"),
    },
)


def _model(fact: Money, _period: Period) -> Key:
    """Accounts' periods begin on many days; what providers bill is of a calendar month, so costs are too."""
    operation = fact.operation
    return operation.model, operation.provider, fact.currency, *_month(fact.at // DAY)


@lru_cache(maxsize=1024)
def _month(day: int) -> tuple[int, int]:
    """The first instants of the calendar month with this day, and of the next, in UTC."""
    month = period_at(CALENDAR_MONTH, "UTC", day * DAY)
    return month.start, month.end


def _model_cost(fact: Charged) -> Change:
    sums = {
        "charged": 1,
        "outputs": fact.outputs,
        "price": fact.price,
        "cost": fact.cost or 0,
        "units": _millionths(fact.units),
    }
    return _model(fact, fact.operation.period), _doubted(fact, sums), {"unit": fact.unit}


@lru_cache(maxsize=1024)
def _millionths(units: str) -> int:
    """Units are whole millionths already; the ratio is exact in any decimal context."""
    numerator, denominator = Decimal(units).as_integer_ratio()
    return numerator * MILLION // denominator


_money = _counts(_model, lambda _: NOTHING)

COSTS = Tally(
    "model_costs",
    key=("model", "provider", "currency", "month_start", "month_end"),
    measures=("charged", "released", "outputs", "units", *MONEY),
    notes=("unit",),
    changes={Charged: _model_cost, Released: _money[Released], Adjusted: _money[Adjusted]},
)


def _requested(fact: Requested) -> Change:
    operation = fact.operation
    identity: dict[str, Value] = {
        "batch": operation.batch,
        "account": operation.account,
        "user": operation.user,
        "project": operation.project,
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
    return (fact.operation.id,), NO_SUMS, {**_closed(fact, "rejected"), "reason": fact.reason}


def _validated(fact: Validated) -> Change:
    return (fact.operation.id,), NO_SUMS, _hold(fact.quote)


def _dispatched(fact: Dispatched) -> Change:
    return (fact.operation.id,), NO_SUMS, DISPATCHED


def _submitted(fact: Submitted) -> Change:
    return (fact.operation.id,), NO_SUMS, {**SUBMITTED, "job": fact.job}


def _rerouted(fact: Rerouted) -> Change:
    operation = fact.operation
    return (operation.id,), NO_SUMS, {"model": operation.model, "provider": operation.provider, **_hold(fact.quote)}


def _completed(fact: ProviderCompleted) -> Change:
    """What is out of the ordinary is counted; most deliveries are not."""
    sums = {"late": int(fact.late), "lost": fact.lost} if fact.late or fact.lost else NO_SUMS
    return (fact.operation.id,), sums, NOTHING if fact.late else COMPLETED


def _charged(fact: Charged) -> Change:
    sums = {"outputs": fact.outputs, "price": fact.price, "cost": fact.cost or 0}
    known = {"price_source": fact.price_source, "cost_source": fact.cost_source}
    return (fact.operation.id,), _doubted(fact, sums), {**_closed(fact, "charged"), **known}


def _released(fact: Released) -> Change:
    known = {"reason": fact.reason, "cost_source": fact.cost_source}
    return (fact.operation.id,), _doubted(fact, {"cost": fact.cost or 0}), {**_closed(fact, "released"), **known}


def _adjusted(fact: Adjusted) -> Change:
    known: dict[str, Value] = {} if fact.cost_source is None else {"cost_source": fact.cost_source}
    return (fact.operation.id,), _correction(fact), known


def _hold(quote: Quote) -> dict[str, Value]:
    model_class = quote.model_class or None
    return {"state": "validated", "held": quote.price, "currency": quote.currency, "model_class": model_class}


def _closed(fact: Rejected | Charged | Released, state: str) -> dict[str, Value]:
    return {"state": state, "held": 0, "settled_at": fact.at}


OPERATIONS = Tally(
    "operation_log",
    key=("id",),
    measures=("outputs", *MONEY, "late", "lost"),
    notes=(
        "batch",
        "account",
        "user",
        "project",
        "kind",
        "model",
        "provider",
        "job",
        "period_start",
        "period_end",
        "asked",
        "requested_at",
        "settled_at",
        "state",
        "reason",
        "held",
        "currency",
        "price_source",
        "cost_source",
        "model_class",
    ),
    changes={
        Requested: _requested,
        Rejected: _rejected,
        Validated: _validated,
        Dispatched: _dispatched,
        Submitted: _submitted,
        Rerouted: _rerouted,
        ProviderCompleted: _completed,
        Charged: _charged,
        Released: _released,
        Adjusted: _adjusted,
    },
)

ALL = (USAGE, PERIODS, COSTS, OPERATIONS)
"""In the order in which their tables are locked."""
