"""Rates of exchange: dated entries of the price book, each with who said it.

    amount in one currency ── the latest rate in force at the instant ──> amount in another, rounded with the price

Nothing is converted but a price for an account in another currency than the price book's, and that once, by a rate that
its quote names. A rate holds in its own direction alone: the other way is another entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from domain.errors import InvalidInput
from domain.inputs import plain
from domain.value import value


@value
class ExchangeRate:
    """Units of `target` for one unit of `base`, from an instant on, as `source` said it."""

    base: str
    target: str
    rate: Decimal
    source: str
    effective_from: int


@dataclass(frozen=True, slots=True)
class ExchangeRates:
    """All rates of a price book, the latest of each pair last."""

    rates: tuple[ExchangeRate, ...] = ()

    def at(self, base: str, target: str, at: int) -> ExchangeRate | None:
        """The rate in force at an instant; None if there is none."""
        found = [one for one in self.rates if (one.base, one.target) == (base, target) and one.effective_from <= at]
        return max(found, key=lambda one: one.effective_from, default=None)

    def content(self) -> list[list[str]]:
        """The rates, in one order."""
        return sorted(
            [one.base, one.target, plain(one.rate), one.source, str(one.effective_from)] for one in self.rates
        )


NO_EXCHANGE: Final = ExchangeRates()


def exchange_of(rates: Iterable[ExchangeRate]) -> ExchangeRates:
    """The rates in order. Raises InvalidInput if two are of one pair from one instant on."""
    ordered = sorted(rates, key=lambda one: (one.base, one.target, one.effective_from))
    for one, other in pairwise(ordered):
        if (one.base, one.target, one.effective_from) == (other.base, other.target, other.effective_from):
            told = f"two rates from {one.base} to {one.target} hold from the same instant"
            raise InvalidInput("exchange", told, hint="leave one out")
    return ExchangeRates(tuple(ordered))
