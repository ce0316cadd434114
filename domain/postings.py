"""The books: every fact about money as postings, each from one ledger account to another, so that they always balance.

    payments ──> wallet:available <──> wallet:held ──> income:MODEL      an account that pays beforehand
                                       receivable  ──> income:MODEL      one that pays afterwards
    adjustments:MODEL ──> its wallet or receivable                       a refund; other corrections the other way
    goodwill ──> its wallet or receivable                                an amount for no single charge
    expense:PROVIDER  ──> payable:PROVIDER                               what providers bill us, as far as it is known
    payable:PROVIDER  ──> invoiced:PROVIDER                              a provider's invoice; if it is voided, back
    difference:PROVIDER ─> payable:PROVIDER                              what it invoices beyond that, taken as it is

A posting debits its source and credits its destination. Facts that only say anew what is in a wallet, such as that of a
new period, move nothing. A cost that nobody knows is not posted as zero: `cost_change` counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain import account, agreeing, approvals, assets, billing, invoices, keys, ledger, operation, webhooks, windowed
from domain.booking import GoodwillGiven, UsageBooked
from domain.chart import (
    AVAILABLE,
    GOODWILL,
    HELD,
    PAYMENTS,
    RECEIVABLE,
    Heading,
    LedgerAccount,
    adjustments_of,
    difference_of,
    expense_of,
    income_of,
    invoiced_of,
    payable_of,
)
from domain.erased import ErasureDone
from domain.errors import InvalidMoney
from domain.invoices import DifferenceBooked, InvoiceRecorded, InvoiceVoided, provider_in
from domain.ledger import BalanceReturned, ContentErased, CreditAdded, Fact, PeriodEnded, PeriodOpened, PeriodResumed
from domain.operation import Adjusted, Charged, OperationFact, Released, Rerouted, Validated
from domain.periods import Period
from domain.value import value


@value
class Posting:
    """Micro-units that leave one ledger account and arrive in another. Raises InvalidMoney if nothing would move."""

    source: LedgerAccount
    destination: LedgerAccount
    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int or self.amount <= 0:
            raise InvalidMoney(f"a posting of {self.amount!r}: it moves 1 micro-unit or more", hint="swap its ends")
        if self.source == self.destination:
            raise InvalidMoney(f"a posting from {self.source} to itself moves nothing", hint="name two")

    def reversed(self) -> Posting:
        """The posting that undoes it."""
        return Posting(self.destination, self.source, self.amount, self.currency)


Postings = tuple[Posting, ...]
NONE: Final[Postings] = ()


@value
class Before:
    """The state of things before a fact: whether its account pays beforehand, and what its operation holds."""

    prepaid: bool
    held: int = 0


def postings_of(fact: Fact, before: Before) -> Postings:
    """The postings of a fact. Raises TypeError for a fact that nobody said anything about."""
    post = MOVES.get(type(fact))
    if post is not None:
        return post(fact, before)
    if type(fact) in MOVES_NOTHING:
        return NONE
    raise TypeError(f"{type(fact).__name__} is named neither among the facts that move money nor among the others")


def cost_change(fact: Fact) -> int:
    """By how much a fact changes the count of costs that nobody knows, of its operation's provider."""
    if isinstance(fact, Charged | Released):
        return int(fact.cost is None)
    return -1 if isinstance(fact, Adjusted) and fact.revealed else 0


def _credited(fact: CreditAdded, before: Before) -> Postings:
    return _moved(PAYMENTS, _spendable(before), fact.amount, fact.currency)


def _validated(fact: Validated, before: Before) -> Postings:
    return _moved(AVAILABLE, HELD, fact.quote.price, fact.quote.currency) if before.prepaid else NONE


def _rerouted(fact: Rerouted, before: Before) -> Postings:
    if not before.prepaid:
        return NONE
    currency = fact.quote.currency
    return (*_moved(HELD, AVAILABLE, before.held, currency), *_moved(AVAILABLE, HELD, fact.quote.price, currency))


def _charged(fact: Charged, before: Before) -> Postings:
    income = income_of(fact.operation.model)
    billed = _billed(fact)
    if not before.prepaid:
        return (*_moved(RECEIVABLE, income, fact.price, fact.currency), *billed)
    rest = _moved(HELD, AVAILABLE, before.held - fact.price, fact.currency)
    return (*_moved(HELD, income, fact.price, fact.currency), *rest, *billed)


def _released(fact: Released, before: Before) -> Postings:
    billed = _billed(fact)
    return (*_moved(HELD, AVAILABLE, before.held, fact.currency), *billed) if before.prepaid else billed


def _adjusted(fact: Adjusted, before: Before) -> Postings:
    adjustments = adjustments_of(fact.operation.model)
    price = _moved(_spendable(before), adjustments, fact.price, fact.currency)
    return (*price, *_billed(fact))


def _given(fact: GoodwillGiven, before: Before) -> Postings:
    return _moved(GOODWILL, _spendable(before), fact.amount, fact.currency)


def _invoiced(fact: InvoiceRecorded, _before: Before) -> Postings:
    provider = provider_in(fact.account)
    return _moved(payable_of(provider), invoiced_of(provider), fact.amount, fact.currency)


def _voided(fact: InvoiceVoided, _before: Before) -> Postings:
    provider = provider_in(fact.account)
    return _moved(invoiced_of(provider), payable_of(provider), fact.amount, fact.currency)


def _differed(fact: DifferenceBooked, _before: Before) -> Postings:
    provider = provider_in(fact.account)
    return _moved(difference_of(provider), payable_of(provider), fact.amount, fact.currency)


def _spendable(before: Before) -> LedgerAccount:
    return AVAILABLE if before.prepaid else RECEIVABLE


def _billed(fact: Charged | Released | Adjusted) -> Postings:
    """In the provider's currency, which may be another than the account's: nothing crosses from one to the other."""
    provider, currency = fact.operation.provider, fact.cost_currency or fact.currency
    return _moved(expense_of(provider), payable_of(provider), fact.cost or 0, currency)


def _moved(source: LedgerAccount, destination: LedgerAccount, amount: int, currency: str) -> Postings:
    """Less than nothing goes the other way, and nothing is no posting."""
    if amount > 0:
        return (Posting(source, destination, amount, currency),)
    return (Posting(destination, source, -amount, currency),) if amount else NONE


MOVES: Final[Mapping[type[Any], Callable[[Any, Before], Postings]]] = {
    CreditAdded: _credited,
    Validated: _validated,
    Rerouted: _rerouted,
    Charged: _charged,
    Released: _released,
    Adjusted: _adjusted,
    GoodwillGiven: _given,
    InvoiceRecorded: _invoiced,
    InvoiceVoided: _voided,
    DifferenceBooked: _differed,
}

MOVED_BY: Final[Mapping[Heading, tuple[type[Any], ...]]] = {
    Heading.PAYMENTS: (CreditAdded,),
    Heading.AVAILABLE: (CreditAdded, Validated, Rerouted, Charged, Released, Adjusted, GoodwillGiven),
    Heading.HELD: (Validated, Rerouted, Charged, Released),
    Heading.RECEIVABLE: (Charged, Adjusted, GoodwillGiven),
    Heading.INCOME: (Charged,),
    Heading.ADJUSTMENTS: (Adjusted,),
    Heading.GOODWILL: (GoodwillGiven,),
    Heading.EXPENSE: (Charged, Released, Adjusted),
    Heading.PAYABLE: (Charged, Released, Adjusted, InvoiceRecorded, InvoiceVoided, DifferenceBooked),
    Heading.INVOICED: (InvoiceRecorded, InvoiceVoided),
    Heading.DIFFERENCE: (DifferenceBooked,),
}
"""The facts that can move money in or out of the ledger accounts of a heading."""

CARRIES_OVER: Final[frozenset[type[Any]]] = frozenset({PeriodOpened, PeriodEnded, PeriodResumed, BalanceReturned})
"""Facts that say which period a wallet's balance is in, and change nothing of it."""

MOVES_NOTHING: Final[frozenset[type[Any]]] = CARRIES_OVER | {
    account.AccountOpened,
    account.PlanChanged,
    account.LimitChanged,
    account.TimeZoneChanged,
    account.ConsentChanged,
    account.OnLimitChanged,
    agreeing.TariffAgreed,
    agreeing.DiscountAgreed,
    account.AccountSuspended,
    account.AccountResumed,
    account.AccountClosed,
    billing.PeriodClosed,
    billing.StatementIssued,
    billing.StatementVoided,
    invoices.CostDrifted,
    keys.KeyIssued,
    keys.KeyChanged,
    keys.KeyRevoked,
    ContentErased,
    ErasureDone,
    UsageBooked,
    approvals.ApprovalAsked,
    approvals.ApprovalGiven,
    webhooks.WebhookRegistered,
    webhooks.WebhookChanged,
    webhooks.WebhookRotated,
    webhooks.WebhookPaused,
    webhooks.WebhookResumed,
    webhooks.WebhookRemoved,
    windowed.WindowOpened,
    windowed.LifeCounted,
    windowed.LifeMoved,
    assets.AssetAdded,
    assets.AssetTrashed,
    assets.AssetRestored,
    assets.AssetExpirySet,
    assets.AssetErased,
    operation.Requested,
    operation.Rejected,
    operation.Substituted,
    operation.Dispatched,
    operation.Submitted,
    operation.Postponed,
    operation.ProviderCompleted,
    operation.ProviderFailed,
}


def booked_in(fact: Fact) -> Period | None:
    """The period whose stream a fact stands in, or an invoice's month; None for a fact about an account's terms."""
    if isinstance(fact, OperationFact):
        return fact.period if isinstance(fact, Adjusted) else fact.operation.period
    return (
        fact.period
        if isinstance(fact, ledger.LedgerFact | InvoiceRecorded | InvoiceVoided | DifferenceBooked)
        else None
    )
