"""The price of a request for whoever buys it, as a look at the ledger finds it before the account's lock decides.

account, volume of the period ── looked at ──> Till ── quotes of the price book ──> what they are sold for
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.ledger.looking import LedgerReader
from domain.account import Account
from domain.entering import into_period
from domain.funding import funded
from domain.ledger import Ledger, known_account
from domain.plans import AT_ONE
from domain.pricing import Quote, Unpriced
from domain.sales import errand_now, sold_now
from domain.tariffs import Errand, Selling
from domain.wallet import Grant


@dataclass(frozen=True, slots=True)
class Till:
    """An account as it was found, the errand whose terms hold, and the grants that may pay for it. `selling` None:
    prices are the price book's."""

    selling: Selling | None
    account: Account
    errand: Errand
    grants: tuple[Grant, ...] = ()

    @property
    def currency(self) -> str:
        """The account's."""
        return self.account.currency

    def sold(self, quotes: Sequence[Quote]) -> tuple[Quote, ...]:
        """Each of these as if nothing but it were bought now."""
        return tuple(sold_now(self.selling, self.account, (quote,), self.errand)[0] for quote in quotes)

    @property
    def is_by_the_book(self) -> bool:
        """Whether its prices are the price book's."""
        return self.selling is None and self.account.paying.overage in (None, AT_ONE)

    def price(self, quotes: Sequence[Quote | Unpriced | None]) -> int | None:
        """The price of all these together as it would be held, None if one of them is not known or not there."""
        known = [quote for quote in quotes if isinstance(quote, Quote)]
        if len(known) < len(quotes):
            return None
        bought = sold_now(self.selling, self.account, known, self.errand)
        return sum(quote.price for quote in funded(self.account, self.grants, bought).quotes)


def listed_price(quotes: Sequence[Quote | Unpriced | None]) -> int | None:
    """The price of all these together by the price book, None if one of them is not known or not there."""
    known = [quote.price for quote in quotes if isinstance(quote, Quote)]
    return sum(known) if len(known) == len(quotes) else None


async def till_of(ledgers: LedgerReader, account: str, kind: str, family: str, at: int) -> Till:
    """The till for a kind of operation at an instant. Raises UnknownAccount."""

    def look(ledger: Ledger, now: int) -> Till:
        known = known_account(ledger, account)
        _, current, known = into_period(ledger, known, now)
        errand = errand_now(current, kind, family, at)
        grants = () if current.wallet is None else tuple(current.wallet.free(kind, family, now))
        return Till(ledger.selling, known, Errand(kind, family, at, dict(errand.volume)), grants)

    return await ledgers.look(account, look)
