"""Quotes at what an account is sold them for, by its terms and the volume of its period, under its lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.account import Account
from domain.errors import InvalidInput
from domain.ledger import Ledger
from domain.operation import Sent
from domain.pricing import Quote, Unpriced, capped_quote
from domain.tariffs import Buyer, Errand, Selling, counted_by, sold
from domain.totals import PeriodState


def buyer_of(account: Account) -> Buyer:
    """The terms of an account as far as prices depend on them."""
    return Buyer(account.plan, account.currency, account.agreed.tariff, account.agreed.discount)


def check_tariff(selling: Selling | None, account: Account) -> None:
    """Raise InvalidInput if the account's own tariff is not there: it would pay another price than was agreed."""
    id = account.agreed.tariff
    if id and (selling is None or id not in selling.tariffs):
        told = f"account {account.id!r} is sold to by tariff {id!r}, which is in no file"
        raise InvalidInput("tariff", told, hint="load the file that has it, or agree another")


def sold_now(
    selling: Selling | None, account: Account, quotes: Sequence[Quote | Unpriced], errand: Errand
) -> tuple[Quote, ...]:
    """The quotes at what they are sold for. A model of unknown price holds the account's cap, or nothing."""
    currency = account.currency if selling is None else selling.currency
    known = tuple([quote if isinstance(quote, Quote) else _capped(quote, account, currency) for quote in quotes])
    return known if selling is None else sold(selling, buyer_of(account), errand, known)


def is_worth(held: Quote, other: Quote) -> bool:
    """Whether another model may do what was held, at what is paid for it: it costs us no more than that, or than the
    first would have. Nobody asks that of one that is sold at the price book's price.
    """
    if other.sale is None:
        return True
    paid = other.price if other.cost_currency == other.currency else 0
    return other.cost <= max(held.cost, paid)


def errand_now(current: PeriodState, kind: str, family: str, at: int) -> Errand:
    """The errand in a period as it stands."""
    return Errand(kind, family, at, current.volume)


def errand_again(ledger: Ledger, state: Sent, model: str, at: int) -> Errand:
    """The errand of an operation that is to be done by another model: what it holds itself does not come before it."""
    operation, current, sale = state.operation, ledger.current, state.quote.sale
    volume: Mapping[str, int]
    if current is not None and current.period == operation.period:
        own = () if sale is None or not sale.tariff else counted_by(operation.family, operation.model)
        volume = {name: count - state.quote.outputs * (name in own) for name, count in current.volume.items()}
    else:  # the volume of an ended period is gone, but for what the quote says of it
        before = 0 if sale is None else sale.before or 0
        volume = dict.fromkeys(counted_by(operation.family, model), before)
    return Errand(operation.kind, operation.family, at, volume)


def _capped(unpriced: Unpriced, account: Account, currency: str) -> Quote:
    return capped_quote(unpriced, account.unpriced_cap or 0, currency)
