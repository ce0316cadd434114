"""The money for operations: which grants a hold takes from, and what is sold beyond the allowance.

    price ── grants that pay for the kind, in their order ──┬─ all of it
                                                            └─ a rest ─┬─ overage 1        of the account's own
                                                                       ├─ another factor   the whole price at it, own
                                                                       └─ refused

An operation is within the allowance or beyond it as a whole, as a factor applies to a whole price alone. A price that
nobody knows is not multiplied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from domain.account import Account
from domain.money import at_factors, product
from domain.plans import AT_ONE, FREE
from domain.pricing import Quote
from domain.refusals import Refusal
from domain.selling import Sale
from domain.spending import taken_from
from domain.totals import PeriodState
from domain.value import maker, value
from domain.wallet import Draws, Grant, sum_of

OVERAGE: Final = "overage"
"""The rule that refuses what the allowance does not cover."""


@value
class Funding:
    """The quotes at which is sold, what each takes from grants, and the sum of the account's own money."""

    quotes: tuple[Quote, ...]
    drawn: tuple[Draws | None, ...]
    own: int
    refusal: Refusal | None = None


_make_funding = maker(Funding)


def fund(account: Account, current: PeriodState, work: tuple[str, str], quotes: Sequence[Quote], now: int) -> Funding:
    """The money for operations of a kind and its family, one after the other."""
    wallet = current.wallet
    if wallet is None and account.paying is FREE:
        return _all_own(quotes)
    return funded(account, [] if wallet is None else wallet.free(*work, now), quotes)


def funded(account: Account, grants: Sequence[Grant], quotes: Sequence[Quote]) -> Funding:
    """The same, of these grants, in the order in which they are spent."""
    free, known, drawn, own = list(grants), list[Quote](), list[Draws | None](), 0
    for quote in quotes:
        taken, overage = taken_from(free, quote.price), account.paying.overage
        rest, sold = quote.price - sum_of(taken), quote
        if rest and overage is None:
            return replace(_all_own(quotes), refusal=_uncovered(free, quotes))
        if rest and overage is not None and overage != AT_ONE:
            taken, sold = (), at_factor(quote, overage)
            rest = sold.price
        free = _without(free, taken)
        known.append(sold)
        drawn.append(taken or None)
        own += rest
    return _make_funding(tuple(known), tuple(drawn), own)


def freed_of(current: PeriodState, held: Draws | None) -> PeriodState:
    """The period as if a hold were given back: what it has of grants is free for another model in its place."""
    if current.wallet is None or not held:
        return current
    wallet = current.wallet.copy()
    wallet.held(held, -1)
    return replace(current, wallet=wallet)


def at_factor(quote: Quote, factor: Decimal) -> Quote:
    """The quote at a multiple of its price, rounded once, half to even; our cost stays.

    The factor stands in its sale, so that what is counted is sold at it, and who prices it again knows of it.
    """
    if quote.rate is None:
        return quote
    sale = quote.sale or Sale(quote.price, quote.currency)
    rule = f"{sale.rule}, {OVERAGE}" if sale.rule else OVERAGE
    times, added = product(sale.factor, factor), at_factors(((sale.added, factor),), AT_ONE, 1, 1)
    sale = replace(sale, rule=rule, factor=times, added=added)
    listed = 0 if sale.listed is None else sale.listed
    return replace(quote, price=sale.price_of(listed, quote.cost, quote.outputs), sale=sale)


def _all_own(quotes: Sequence[Quote]) -> Funding:
    return _make_funding(tuple(quotes), (None,) * len(quotes), sum([quote.price for quote in quotes]))


def _without(free: list[Grant], taken: Draws) -> list[Grant]:
    if not taken:
        return free
    gone = {one.grant: one.amount for one in taken}
    return [replace(one, left=one.left - gone.get(one.id, 0)) for one in free]


def _uncovered(free: Sequence[Grant], quotes: Sequence[Quote]) -> Refusal:
    left, asked = sum(one.left for one in free), sum(quote.price for quote in quotes)
    return Refusal(rule=OVERAGE, measure="allowance", asked=asked, left=left)
