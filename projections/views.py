"""Every view: its key, its measures, and what each fact changes in it.

`price` is what the account pays and `cost` what providers bill us, corrections included, in micro-units; `adjusted` is
the part of the price that was corrected later. A correction counts in the period in which it was made. So the
prices of any view add up to what the log charged and adjusted.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import get_args

from projections.facts import (
    Adjusted,
    BalanceReturned,
    Charged,
    CreditAdded,
    Dispatched,
    Period,
    PeriodOpened,
    ProviderCompleted,
    ProviderFailed,
    Rejected,
    Released,
    Requested,
    Rerouted,
    Submitted,
    Validated,
)
from projections.tally import NOTHING, Change, Tally, Value

MILLION = 1_000_000
NO_SUMS: dict[str, int] = {}

Counted = Requested | Rejected | Charged | ProviderFailed | Released | Adjusted
COUNTED = (Requested, Rejected, Charged, ProviderFailed, Released, Adjusted)
MONEY = (Charged, Released, Adjusted)


def _counts(fact: Counted) -> dict[str, int]:
    match fact:
        case Requested():
            return {"requested": 1}
        case Charged():
            return {"charged": 1, "outputs": fact.outputs, "price": fact.price, "cost": fact.cost}
        case Released():
            return {"released": 1, "cost": fact.cost}
        case Adjusted():
            return {"price": fact.price, "adjusted": fact.price, "cost": fact.cost}
        case Rejected():
            return {"rejected": 1}
        case ProviderFailed():
            return {"failed": 1}


def _period(fact: Counted) -> Period:
    return fact.period if isinstance(fact, Adjusted) else fact.operation.period


def _usage(fact: Counted) -> Change:
    operation, period = fact.operation, _period(fact)
    key = (operation.account, operation.user, period.start, period.end, operation.kind)
    return key, _counts(fact), {"currency": fact.currency} if isinstance(fact, MONEY) else NOTHING


USAGE = Tally(
    "usage_summary",
    key=("account", "user", "period_start", "period_end", "kind"),
    measures=("requested", "rejected", "charged", "failed", "released", "outputs", "price", "adjusted", "cost"),
    notes=("currency",),
    of=COUNTED,
    change=_usage,
)


def _period_total(fact: Counted | PeriodOpened | CreditAdded | BalanceReturned) -> Change:
    match fact:
        case PeriodOpened(account, period):
            return (account, period.start, period.end), {"carried": fact.balance or 0}, _terms(fact)
        case CreditAdded(account, period):
            return (account, period.start, period.end), {"credits": fact.amount}, NOTHING
        case BalanceReturned(account, period):
            return (account, period.start, period.end), {"returned": fact.amount}, NOTHING
        case _:
            period = _period(fact)
            return (fact.operation.account, period.start, period.end), _counts(fact), NOTHING


def _terms(fact: PeriodOpened) -> dict[str, Value]:
    return {"currency": fact.currency, "plan": fact.plan}


PERIODS = Tally(
    "period_totals",
    key=("account", "period_start", "period_end"),
    measures=(*USAGE.measures, "carried", "credits", "returned"),
    notes=("currency", "plan"),
    of=(*COUNTED, PeriodOpened, CreditAdded, BalanceReturned),
    change=_period_total,
)


def _model_cost(fact: Charged | Released | Adjusted) -> Change:
    operation, period = fact.operation, _period(fact)
    key = (operation.model, operation.provider, fact.currency, period.start, period.end)
    if isinstance(fact, Charged):
        return key, {**_counts(fact), "units": _millionths(fact.units)}, {"unit": fact.unit}
    return key, _counts(fact), NOTHING


@lru_cache(maxsize=1024)
def _millionths(units: str) -> int:
    """Units are whole millionths already; the ratio is exact in any decimal context."""
    numerator, denominator = Decimal(units).as_integer_ratio()
    return numerator * MILLION // denominator


COSTS = Tally(
    "model_costs",
    key=("model", "provider", "currency", "period_start", "period_end"),
    measures=("charged", "released", "outputs", "units", "price", "adjusted", "cost"),
    notes=("unit",),
    of=MONEY,
    change=_model_cost,
)


Lifecycle = (
    Requested
    | Rejected
    | Validated
    | Dispatched
    | Submitted
    | Rerouted
    | ProviderCompleted
    | Charged
    | Released
    | Adjusted
)


def _operation(fact: Lifecycle) -> Change:
    key = (fact.operation.id,)
    match fact:
        case Requested():
            return key, NO_SUMS, _identity(fact)
        case Validated():
            return key, NO_SUMS, {"state": "validated", **_hold(fact)}
        case Dispatched():
            return key, NO_SUMS, {"state": "dispatched"}
        case Submitted():
            return key, NO_SUMS, {"state": "submitted"}
        case Rerouted(operation):
            route = {"model": operation.model, "provider": operation.provider}
            return key, NO_SUMS, {"state": "validated", **route, **_hold(fact)}
        case ProviderCompleted(late=False):
            return key, NO_SUMS, {"state": "completed"}
        case ProviderCompleted():
            return key, {"late": 1}, NOTHING
        case Rejected(reason=reason):
            return key, NO_SUMS, {**_closed("rejected", fact.at), "reason": reason}
    return _settlement(fact)


def _settlement(fact: Charged | Released | Adjusted) -> Change:
    key = (fact.operation.id,)
    match fact:
        case Charged():
            sums = {"outputs": fact.outputs, "price": fact.price, "cost": fact.cost}
            return key, sums, _closed("charged", fact.at)
        case Released(reason=reason):
            return key, {"cost": fact.cost}, {**_closed("released", fact.at), "reason": reason}
        case Adjusted():
            return key, _counts(fact), NOTHING


def _identity(fact: Requested) -> dict[str, Value]:
    operation = fact.operation
    return {
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


def _hold(fact: Validated | Rerouted) -> dict[str, Value]:
    return {"held": fact.quote.price, "currency": fact.quote.currency}


def _closed(state: str, at: int) -> dict[str, Value]:
    return {"state": state, "held": 0, "settled_at": at}


OPERATIONS = Tally(
    "operation_log",
    key=("id",),
    measures=("outputs", "price", "adjusted", "cost", "late"),
    notes=(
        "batch",
        "account",
        "user",
        "project",
        "kind",
        "model",
        "provider",
        "period_start",
        "period_end",
        "asked",
        "requested_at",
        "settled_at",
        "state",
        "reason",
        "held",
        "currency",
    ),
    of=get_args(Lifecycle),
    change=_operation,
)

ALL = (USAGE, PERIODS, COSTS, OPERATIONS)
"""In the order in which their tables are locked."""
