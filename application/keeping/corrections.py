"""Corrections: the price and the cost of one operation changed later, each once for its reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain import lifecycle, settlement
from domain.account import Account
from domain.errors import CurrencyMismatch
from domain.goodwill import give_goodwill, given_under
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, find, known_account
from domain.money import Money
from domain.operation import Adjusted, Dropped, Settled, State
from domain.periods import Period


@dataclass(frozen=True, slots=True)
class Correction:
    """A change of price and cost of one operation; a price of None gives back all that is left of the charge."""

    operation: str
    reason: str
    reference: str
    price: Money | None
    cost: Money | None = None
    actual: Money | None = None
    """The sum that the provider really took: the cost becomes that, and the price stays."""

    def decide(self, ledger: Ledger, now: int) -> list[Fact]:
        """The adjustment, its price in the account's currency and its cost in that of the operation's."""
        state = find(ledger, self.operation)
        account = known_account(ledger, state.operation.account)
        check_reason(self.reason, needed=True)
        if self.price is not None:
            check_currency_of(account, self.price)
        for amount in (self.cost, self.actual):
            if amount is not None:
                _check_cost_currency(state, account, amount)
        if self.actual is not None:
            told = (self.actual.micros, self.reason, self.reference)
            return settlement.correct_cost(ledger, self.operation, *told, now)
        left = state.charged + state.adjusted if isinstance(state, Settled) else 0
        if self.price is None and not left and lifecycle.was_corrected(state, self.reference):
            return []  # all that was left was given back under this reference
        price = -left if self.price is None else self.price.micros
        cost = 0 if self.cost is None else self.cost.micros
        return settlement.adjust(ledger, self.operation, price, cost, self.reason, self.reference, now)


@dataclass(frozen=True, slots=True)
class Goodwill:
    """An amount given back for the charges of a period, and for no single one of them.

    Unless the period was `named`, a repeat is of the one that the first was for, however many began since.
    """

    account: str
    period: Period
    amount: Money
    reason: str
    reference: str
    named: bool = True

    def decide(self, ledger: Ledger, now: int) -> list[Fact]:
        """The goodwill, in the account's currency."""
        check_currency_of(known_account(ledger, self.account), self.amount)
        earlier = None if self.named else given_under(ledger, self.reference)
        period = self.period if earlier is None else earlier.corrects
        told = (self.amount.micros, self.reason, self.reference)
        return give_goodwill(ledger, self.account, period, *told, now)


def corrected(facts: Iterable[Fact], reference: str) -> tuple[int, int]:
    """By how many micro-units the corrections under a reference changed price and cost."""
    found = [one for one in facts if isinstance(one, Adjusted) and one.reference == reference]
    return sum(one.price for one in found), sum(one.cost for one in found)


def _check_cost_currency(state: State, account: Account, amount: Money) -> None:
    currency = lifecycle.cost_currency_of(state) if isinstance(state, Settled | Dropped) else account.currency
    if amount.currency != currency:
        told = f"the cost of operation {state.operation.id} is in {currency}, not {amount.currency}"
        raise CurrencyMismatch(told, hint="nothing is converted")


def check_currency_of(account: Account, amount: Money) -> None:
    if amount.currency != account.currency:
        raise CurrencyMismatch(
            f"account {account.id!r} is in {account.currency}, not {amount.currency}", hint="nothing is converted"
        )
