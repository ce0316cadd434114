"""Every view: its key, its measures, and what each fact changes in it.

`price` is what the account pays and `cost` what providers bill us, corrections included, in micro-units; `adjusted` is
the part of the price that was corrected later. A correction counts in the period in which it was made. So the
prices of any view add up to what the log charged and adjusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

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
DISPATCHED, SUBMITTED, COMPLETED = ({"state": state} for state in ("dispatched", "submitted", "completed"))

Counted = Requested | Rejected | Charged | ProviderFailed | Released | Adjusted
COUNTED = (Requested, Rejected, Charged, ProviderFailed, Released, Adjusted)
MONEY = (Charged, Released, Adjusted)


def _counts(fact: Counted) -> dict[str, int]:
    match fact:
        case Requested():
            return {"requested": 1}
        case Charged():
            return {"charged": 1, **_delivered(fact)}
        case Released():
            return {"released": 1, "cost": fact.cost}
        case Adjusted():
            return {"price": fact.price, "adjusted": fact.price, "cost": fact.cost}
        case Rejected():
            return {"rejected": 1}
        case ProviderFailed():
            return {"failed": 1}


def _delivered(fact: Charged) -> dict[str, int]:
    return {"outputs": fact.outputs, "price": fact.price, "cost": fact.cost}


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


def _operation(fact: Any) -> Change:
    sums, notes = STEPS[type(fact)](fact)
    return (fact.operation.id,), sums, notes


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
    return {"state": "validated", "held": fact.quote.price, "currency": fact.quote.currency}


def _route(fact: Rerouted) -> dict[str, Value]:
    return {"model": fact.operation.model, "provider": fact.operation.provider, **_hold(fact)}


def _closed(fact: Rejected | Charged | Released, state: str) -> dict[str, Value]:
    return {"state": state, "held": 0, "settled_at": fact.at}


def _flags(fact: ProviderCompleted) -> Mapping[str, int]:
    """What is out of the ordinary; most deliveries are not."""
    return {"late": int(fact.late), "lost": fact.lost} if fact.late or fact.lost else NO_SUMS


STEPS: dict[type, Callable[[Any], tuple[Mapping[str, int], Mapping[str, Value]]]] = {
    Requested: lambda fact: (NO_SUMS, _identity(fact)),
    Rejected: lambda fact: (NO_SUMS, {**_closed(fact, "rejected"), "reason": fact.reason}),
    Validated: lambda fact: (NO_SUMS, _hold(fact)),
    Dispatched: lambda _: (NO_SUMS, DISPATCHED),
    Submitted: lambda fact: (NO_SUMS, {**SUBMITTED, "job": fact.job}),
    Rerouted: lambda fact: (NO_SUMS, _route(fact)),
    ProviderCompleted: lambda fact: (_flags(fact), NOTHING if fact.late else COMPLETED),
    Charged: lambda fact: (_delivered(fact), _closed(fact, "charged")),
    Released: lambda fact: ({"cost": fact.cost}, {**_closed(fact, "released"), "reason": fact.reason}),
    Adjusted: lambda fact: (_counts(fact), NOTHING),
}
"""What each step of an operation's life adds to its row and says anew."""


OPERATIONS = Tally(
    "operation_log",
    key=("id",),
    measures=("outputs", "price", "adjusted", "cost", "late", "lost"),
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
    ),
    of=tuple(STEPS),
    change=_operation,
)

ALL = (USAGE, PERIODS, COSTS, OPERATIONS)
"""In the order in which their tables are locked."""
