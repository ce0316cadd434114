"""The totals of one billing period: what each scope has used and holds, and what is left of a prepaid balance.

    Validated: hold ─ (Rerouted: hold anew) ─┬─ Charged: give the hold back, post what was charged
                                             └─ Released: give the hold back

An operation counts in each of its scopes: its outputs in the measure of its family, its price in SPEND.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from domain.account import ACCOUNT, Account, key_scope, project_scope, user_scope
from domain.operation import (
    TO_BE_SENT,
    UNDER_WAY,
    Charged,
    Delivered,
    Dispatched,
    Operation,
    OperationFact,
    Postponed,
    ProviderCompleted,
    Released,
    Requested,
    Rerouted,
    State,
    Submitted,
    Validated,
)
from domain.periods import Period
from domain.pricing import Quote
from domain.tariffs import counted_by
from domain.usage import Usage, add_amounts
from domain.wallet import Draws, Wallet, sum_of
from domain.windowed import Windows, move_in_windows


@dataclass(slots=True)
class PeriodState:
    """One period: its totals and its open operations. `balance` is what is neither posted nor held.

    `wallet` is None as long as the account has neither grants nor a plan with a price, `windows` as long as it has no
    limit by another window than the period.
    """

    period: Period
    balance: int | None
    usage: dict[str, Usage] = field(default_factory=dict)
    open: dict[str, State] = field(default_factory=dict)
    windows: Windows | None = None
    volume: dict[str, int] = field(default_factory=dict)
    """Outputs that are held or were charged under a tariff, by family and by model."""
    wallet: Wallet | None = None


def names_erased(account: Account | None, period: PeriodState) -> bool:
    """Whether the totals of a period name users who were erased: those are kept nowhere beside the log."""
    return account is not None and any(user_scope(user) in period.usage for user in account.erased)


@lru_cache(maxsize=4096)
def scopes_of(user: str, project: str | None, api_key: str | None = None) -> tuple[str, ...]:
    """The scopes whose limits an operation counts against."""
    scopes: tuple[str, ...] = (ACCOUNT, user_scope(user))
    if project is not None:
        scopes = (*scopes, project_scope(project))
    return scopes if api_key is None else (*scopes, key_scope(api_key))


STEPS = frozenset({Requested, Dispatched, Submitted, Postponed, ProviderCompleted})
"""Facts about an operation on its way, which move no money."""


def move_money(current: PeriodState, before: State | None, fact: OperationFact) -> None:
    """Hold, capture and release: a hold is taken once and given back whole, the capture is what was charged."""
    if type(fact) in STEPS:
        return
    match fact:
        case Validated():
            _hold(current, fact.operation, fact.quote, 1, fact.drawn)
        case Charged() if isinstance(before, Delivered):
            _hold(current, fact.operation, before.quote, -1, before.drawn)
            if before.quote.sale is not None:
                _count(current, fact.operation, before.quote, fact.outputs)
            post(current, fact.operation, fact.outputs, fact.price)
            _spend(current, fact.price, fact.drawn)
        case Released() if isinstance(before, UNDER_WAY):
            _hold(current, fact.operation, before.quote, -1, before.drawn)
        case Rerouted() if isinstance(before, TO_BE_SENT):
            _hold(current, before.operation, before.quote, -1, before.drawn)
            _hold(current, fact.operation, fact.quote, 1, fact.drawn)
    if current.windows is not None:
        operation = fact.operation
        scopes = scopes_of(operation.user, operation.project, operation.api_key)
        move_in_windows(current.windows, scopes, before, fact)


def _hold(current: PeriodState, operation: Operation, quote: Quote, sign: int, drawn: Draws | None) -> None:
    outputs, price = sign * quote.outputs, sign * quote.price
    for scope in scopes_of(operation.user, operation.project, operation.api_key):
        add_amounts((current.usage.get(scope) or _begun(current, scope)).held, operation.family, outputs, price)
    if drawn and current.wallet is not None:
        current.wallet.held(drawn, sign)
        price -= sign * sum_of(drawn)
    if current.balance is not None:
        current.balance -= price
    if quote.sale is not None:
        _count(current, operation, quote, outputs)


def _spend(current: PeriodState, price: int, drawn: Draws | None) -> None:
    if drawn and current.wallet is not None:
        current.wallet.spent(drawn)
        price -= sum_of(drawn)
    if current.balance is not None:
        current.balance -= price


def _count(current: PeriodState, operation: Operation, quote: Quote, outputs: int) -> None:
    """Count towards the tiers of tariffs, if it is sold by one."""
    if quote.sale is not None and quote.sale.tariff:
        for name in counted_by(operation.family, quote.model):
            current.volume[name] = current.volume.get(name, 0) + outputs


def post(current: PeriodState, operation: Operation, outputs: int, price: int) -> None:
    """Count as used; a correction posts a negative price."""
    for scope in scopes_of(operation.user, operation.project, operation.api_key):
        add_amounts((current.usage.get(scope) or _begun(current, scope)).posted, operation.family, outputs, price)


def _begun(current: PeriodState, scope: str) -> Usage:
    usage = current.usage[scope] = Usage()
    return usage
