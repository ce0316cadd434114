"""How the price to a customer is made from what the work costs: one formula, exact, and rounded once.

    ((cost | price book's price) x factor + added x outputs) x (100 - percent) / 100 x rate of exchange

A quote carries its sale, so that whatever was counted or delivered is priced by the same factor, addition, discount and
rate as what was held. `added` is for each output, in the provider's currency. The result is rounded once, half-even, to
a millionth of the account's currency.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.money import at_factors
from domain.value import value

COST: Final = "cost"
LIST: Final = "list"
BASES: Final = (COST, LIST)
"""The amounts that a markup may be on: what the provider bills us, and what the price book asks."""

ONE: Final = Decimal(1)
NOTHING: Final = Decimal(0)
_HUNDRED: Final = 100


@value
class Sale:
    """The terms by which a price was made, in millionths of `currency`, the provider's, before the rate of exchange.

    `listed` is the price book's price, None if it is not known. `tariff`, `version` and `rule` name what was applied,
    empty for the price book's own price; `before` is how many outputs of the period came before it where its factor
    depends on that. `rate` of exchange is said by `rate_source`, from the instant `rate_from` on; None: no exchange.
    """

    listed: int | None
    currency: str
    tariff: str = ""
    version: str = ""
    rule: str = ""
    of: str = LIST
    factor: Decimal = ONE
    added: int = 0
    percent: Decimal = NOTHING
    before: int | None = None
    rate: Decimal | None = None
    rate_source: str = ""
    rate_from: int = 0

    def listed_for(self, listed: int) -> int:
        """An amount of the price book in millionths of the account's currency."""
        return listed if self.rate is None else at_factors(((listed, ONE),), self.rate, 1, 1)

    def price_of(self, listed: int, cost: int, outputs: int) -> int:
        """The price in millionths of the account's currency, of what comes to this much in the provider's."""
        base = cost if self.of == COST else listed
        off, whole = self.percent.as_integer_ratio()
        parts = ((base, self.factor), (self.added * outputs, ONE))
        return at_factors(parts, self.rate or ONE, _HUNDRED * whole - off, _HUNDRED * whole)
