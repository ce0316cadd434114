"""Plans in the currency of an account: refused without a rate of exchange, as the account could buy nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import InvalidInput
from domain.exchange import ExchangeRates
from domain.plans import Plan, plan, plan_in


@dataclass(frozen=True, slots=True)
class Offering:
    """The plans that accounts are opened on, and the currency and exchange of the price book."""

    plans: Mapping[str, Plan]
    currency: str
    exchange: ExchangeRates

    def plan(self, id: str, currency: str, at: int) -> Plan:
        """A plan with its amounts in a currency in which an account could buy. Raises UnknownPlan, InvalidInput."""
        found = plan(id, self.plans)
        for base in sorted({self.currency, found.currency} - {currency}):
            rate = self.exchange.at(base, currency, at)
            if rate is None:
                told = f"the price book has no rate from {base} to {currency}, so the account could buy nothing"
                raise InvalidInput("currency", told, hint=f"open it in {base}, or enter a rate")
            found = plan_in(found, rate.rate, currency) if base == found.currency else found
        return found
