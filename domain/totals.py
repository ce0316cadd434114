"""The totals of one billing period: what each scope has used and holds, and what is left of a prepaid balance.

    Validated: hold ─ (Rerouted: hold anew) ─┬─ Charged: give the hold back, post what was charged
                                             └─ Released: give the hold back

An operation counts in each of its scopes: its outputs in the measure of its family, its price in SPEND.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from domain.account import ACCOUNT, key_scope, project_scope, user_scope
from domain.operation import (
    Charged,
    Delivered,
    Dispatched,
    Held,
    Operation,
    OperationFact,
    Postponed,
    ProviderCompleted,
    Released,
    Requested,
    Rerouted,
    Running,
    Sent,
    State,
    Submitted,
    Validated,
)
from domain.periods import Period
from domain.plans import SPEND
from domain.pricing import Quote
from domain.usage import Usage
from domain.windowed import Windows, move_in_windows


@dataclass(slots=True)
class PeriodState:
    """One period: its totals and its open operations. `balance` is what is neither posted nor held.

    `windows` is None as long as the account has no limit by another window than the period.
    """

    period: Period
    balance: int | None
    usage: dict[str, Usage] = field(default_factory=dict)
    open: dict[str, State] = field(default_factory=dict)
    windows: Windows | None = None


@lru_cache(maxsize=4096)
def scopes_of(user: str, project: str | None, api_key: str | None = None) -> tuple[str, ...]:
    """The scopes whose limits an operation counts against."""
    scopes: tuple[str, ...] = (ACCOUNT, user_scope(user))
    if project is not None:
        scopes = (*scopes, project_scope(project))
    return scopes if api_key is None else (*scopes, key_scope(api_key))


STEPS = (Requested, Dispatched, Submitted, Postponed, ProviderCompleted)
"""Facts about an operation on its way, which move no money."""


def move_money(current: PeriodState, before: State | None, fact: OperationFact) -> None:
    """Hold, capture and release: a hold is taken once and given back whole, the capture is what was charged."""
    if isinstance(fact, STEPS):
        return
    match fact:
        case Validated():
            _hold(current, fact.operation, fact.quote, 1)
        case Charged() if isinstance(before, Delivered):
            _hold(current, fact.operation, before.quote, -1)
            post(current, fact.operation, fact.outputs, fact.price)
            if current.balance is not None:
                current.balance -= fact.price
        case Released() if isinstance(before, Held | Sent | Running):
            _hold(current, fact.operation, before.quote, -1)
        case Rerouted() if isinstance(before, Held | Sent):
            _hold(current, before.operation, before.quote, -1)
            _hold(current, fact.operation, fact.quote, 1)
    if current.windows is not None:
        operation = fact.operation
        scopes = scopes_of(operation.user, operation.project, operation.api_key)
        move_in_windows(current.windows, scopes, before, fact)


def _hold(current: PeriodState, operation: Operation, quote: Quote, sign: int) -> None:
    for scope in scopes_of(operation.user, operation.project, operation.api_key):
        held = _usage_of(current, scope).held
        held[operation.family] = held.get(operation.family, 0) + sign * quote.outputs
        held[SPEND] = held.get(SPEND, 0) + sign * quote.price
    if current.balance is not None:
        current.balance -= sign * quote.price


def post(current: PeriodState, operation: Operation, outputs: int, price: int) -> None:
    """Count as used; a correction posts a negative price."""
    for scope in scopes_of(operation.user, operation.project, operation.api_key):
        posted = _usage_of(current, scope).posted
        posted[operation.family] = posted.get(operation.family, 0) + outputs
        posted[SPEND] = posted.get(SPEND, 0) + price


def _usage_of(current: PeriodState, scope: str) -> Usage:
    usage = current.usage.get(scope)
    if usage is None:
        usage = current.usage[scope] = Usage()
    return usage
