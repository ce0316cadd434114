"""The books: every fact about money as postings, each from one ledger account to another, so that they always balance.

    payments ──> wallet:available <──> wallet:held ──> income:MODEL      an account that pays beforehand
                                       receivable  ──> income:MODEL      one that pays afterwards
    adjustments:MODEL ──> its wallet or receivable                       a refund; other corrections the other way
    goodwill ──> its wallet or receivable                                an amount for no single charge
    its wallet or receivable ──> subscriptions ──> allowance             a plan's price, and the allowance in it
    promotions ──> credits:promotional    payments ──> credits:paid      grants; what lapses of them goes back, or
                                                                         to breakage if it was paid for
    expense:PROVIDER  ──> payable:PROVIDER                               what providers bill us, as far as it is known
    payable:PROVIDER  ──> invoiced:PROVIDER                              a provider's invoice; if it is voided, back
    difference:PROVIDER ─> payable:PROVIDER                              what it invoices beyond that, taken as it is

A posting debits its source and credits its destination. Facts that only say anew what is in a wallet, such as that of a
new period, move nothing. A cost that nobody knows is not posted as zero: `cost_change` counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from domain import (
    account,
    agreeing,
    alerts,
    approvals,
    assets,
    billing,
    invoices,
    keys,
    ledger,
    operation,
    webhooks,
    windowed,
)
from domain.booking import GoodwillGiven, UsageBooked
from domain.chart import (
    ALLOWANCE,
    AVAILABLE,
    BREAKAGE,
    GOODWILL,
    GRANTED,
    HELD,
    PAYMENTS,
    PROMOTIONS,
    RECEIVABLE,
    SUBSCRIPTIONS,
    Heading,
    LedgerAccount,
    adjustments_of,
    difference_of,
    expense_of,
    income_of,
    invoiced_of,
    payable_of,
)
from domain.departures import AccountArrived, AccountLeft
from domain.erased import ErasureDone, UserErased
from domain.errors import InvalidMoney
from domain.invoices import DifferenceBooked, InvoiceRecorded, InvoiceVoided, provider_in
from domain.ledger import (
    BalanceReturned,
    ContentErased,
    CreditAdded,
    Fact,
    PeriodEnded,
    PeriodOpened,
    PeriodResumed,
    TagsChanged,
)
from domain.operation import Adjusted, Charged, OperationFact, Released, Rerouted, Validated
from domain.periods import Period
from domain.value import value
from domain.wallet import (
    TO_BALANCE,
    TO_GRANT,
    Back,
    ChargedBack,
    DrawsSettled,
    GrantEnded,
    GrantGiven,
    GrantRevoked,
    GrantsCarried,
    Source,
    SubscriptionCharged,
    owed_of,
    own_part,
    sum_of,
)


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
    """The state of things before a fact: whether its account pays beforehand, and what its operation holds of its
    own money."""

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


def own_hold(fact: Validated | Rerouted) -> int:
    """The part of a hold that no grant pays."""
    return fact.quote.price - sum_of(fact.drawn)


def _validated(fact: Validated, before: Before) -> Postings:
    return _moved(AVAILABLE, HELD, own_hold(fact), fact.quote.currency) if before.prepaid else NONE


def _rerouted(fact: Rerouted, before: Before) -> Postings:
    if not before.prepaid:
        return NONE
    currency = fact.quote.currency
    return (*_moved(HELD, AVAILABLE, before.held, currency), *_moved(AVAILABLE, HELD, own_hold(fact), currency))


def _charged(fact: Charged, before: Before) -> Postings:
    income, own = income_of(fact.operation.model), fact.price - sum_of(fact.drawn)
    billed = _billed(fact)
    if fact.drawn:
        granted = [_moved(GRANTED[one.source], income, one.amount, fact.currency) for one in fact.drawn]
        billed = (*_all(granted), *billed)
    if not before.prepaid:
        return (*_moved(RECEIVABLE, income, own, fact.currency), *billed)
    rest = _moved(HELD, AVAILABLE, before.held - own, fact.currency)
    return (*_moved(HELD, income, own, fact.currency), *rest, *billed)


def _released(fact: Released, before: Before) -> Postings:
    billed = _billed(fact)
    return (*_moved(HELD, AVAILABLE, before.held, fact.currency), *billed) if before.prepaid else billed


def _adjusted(fact: Adjusted, before: Before) -> Postings:
    adjustments = adjustments_of(fact.operation.model)
    own = -own_part(fact.back, -fact.price) if fact.back else fact.price
    price = _moved(_spendable(before), adjustments, own, fact.currency)
    granted = [one for one in fact.back or () if one.to != TO_BALANCE]
    regained = [_moved(adjustments, _regained(one), one.amount, fact.currency) for one in granted]
    return (*price, *_all(regained), *_billed(fact))


def _all(several: Iterable[Postings]) -> Postings:
    return tuple(posting for postings in several for posting in postings)


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


def _subscribed(fact: SubscriptionCharged, before: Before) -> Postings:
    return _moved(_spendable(before), SUBSCRIPTIONS, fact.price, fact.currency)


def _granted(fact: GrantGiven, _before: Before) -> Postings:
    if fact.source != Source.ALLOWANCE:
        source = PAYMENTS if fact.source == Source.PAID else PROMOTIONS
        return _moved(source, GRANTED[fact.source], fact.amount, fact.currency)
    included = _moved(SUBSCRIPTIONS, ALLOWANCE, fact.amount - fact.unpaid, fact.currency)
    return (*included, *_moved(PROMOTIONS, ALLOWANCE, fact.unpaid, fact.currency))


def _grant_ended(fact: GrantEnded, _before: Before) -> Postings:
    """The rest of what was given for nothing was not given; a plan that is left takes its allowance along."""
    lapsed = PROMOTIONS if fact.source == Source.PROMOTIONAL else BREAKAGE
    destination = SUBSCRIPTIONS if fact.source == Source.ALLOWANCE and not fact.over else lapsed
    return _moved(GRANTED[fact.source], destination, fact.amount, fact.currency)


def _revoked(fact: GrantRevoked, _before: Before) -> Postings:
    return _moved(GRANTED[fact.source], PROMOTIONS, fact.amount, fact.currency)


def _charged_back(fact: ChargedBack, before: Before) -> Postings:
    owed = _moved(_spendable(before), PAYMENTS, owed_of(fact), fact.currency)
    return (*owed, *_moved(GRANTED[Source.PAID], PAYMENTS, fact.taken or 0, fact.currency))


def _regained(back: Back) -> LedgerAccount:
    """The grant, or if that is over, what became of its rest; that of a balance is posted with the account's own."""
    if back.to == TO_GRANT:
        return GRANTED[back.source]
    return PROMOTIONS if back.source == Source.PROMOTIONAL else BREAKAGE


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
    SubscriptionCharged: _subscribed,
    GrantGiven: _granted,
    GrantEnded: _grant_ended,
    GrantRevoked: _revoked,
    ChargedBack: _charged_back,
}

OF_WALLETS: Final = (CreditAdded, Charged, Adjusted, GoodwillGiven, SubscriptionCharged, ChargedBack)
OF_CREDITS: Final = (GrantGiven, GrantEnded, Charged, Adjusted)

MOVED_BY: Final[Mapping[Heading, tuple[type[Any], ...]]] = {
    Heading.PAYMENTS: (CreditAdded, ChargedBack, GrantGiven),
    Heading.AVAILABLE: (*OF_WALLETS, Validated, Rerouted, Released),
    Heading.HELD: (Validated, Rerouted, Charged, Released),
    Heading.ALLOWANCE: OF_CREDITS,
    Heading.PROMOTIONAL: (*OF_CREDITS, GrantRevoked),
    Heading.PAID: (*OF_CREDITS, ChargedBack),
    Heading.RECEIVABLE: OF_WALLETS,
    Heading.INCOME: (Charged,),
    Heading.ADJUSTMENTS: (Adjusted,),
    Heading.GOODWILL: (GoodwillGiven,),
    Heading.SUBSCRIPTIONS: (SubscriptionCharged, GrantGiven, GrantEnded),
    Heading.PROMOTIONS: (GrantGiven, GrantEnded, GrantRevoked, Adjusted),
    Heading.BREAKAGE: (GrantEnded, Adjusted),
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
    account.PlanScheduled,
    account.LimitChanged,
    account.TimeZoneChanged,
    account.ConsentChanged,
    account.OnLimitChanged,
    agreeing.TariffAgreed,
    agreeing.DiscountAgreed,
    account.AccountSuspended,
    account.AccountResumed,
    account.AccountClosed,
    AccountLeft,
    AccountArrived,
    billing.PeriodClosed,
    billing.StatementIssued,
    billing.StatementVoided,
    invoices.CostDrifted,
    keys.KeyIssued,
    keys.KeyChanged,
    keys.KeyRevoked,
    ContentErased,
    TagsChanged,
    ErasureDone,
    UserErased,
    UsageBooked,
    approvals.ApprovalAsked,
    approvals.ApprovalGiven,
    alerts.AlertSet,
    alerts.AlertRemoved,
    alerts.AlertRaised,
    alerts.ProbeDiffered,
    webhooks.WebhookRegistered,
    webhooks.WebhookChanged,
    webhooks.WebhookRotated,
    webhooks.WebhookPaused,
    webhooks.WebhookResumed,
    webhooks.WebhookRemoved,
    GrantsCarried,
    DrawsSettled,
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
