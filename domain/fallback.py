"""Which models may follow the first if it is definitely refused, and at what price.

    first ── the others, in the strategy's order ── pick ──> at most two that follow
             another provider before the same one

A fallback never costs more than is held for the operation at that moment, unless the request said up to which price it
may; then all that could ever be held at once for the whole request stays within that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_OTHERS: Final = 2
"""Models that a refused operation may fall back to."""
WHOLE_PROVIDER: Final = frozenset({"unreachable", "bad_key", "no_credit", "rate_limited", "upload_failed"})
"""Codes of refusals that every other model of the same provider would meet too."""

Prices = Sequence[int | None]
"""The hold of each operation of a request, in micro-units; None if it cannot be said, or not be done."""


@dataclass(slots=True)
class Chain:
    """The choice so far: its providers, and what each operation of the request holds there at least, or at most.

    `most` is the price that the whole request may come to; None is what is held.
    """

    providers: set[str]
    held: tuple[int, ...]
    most: int | None = None

    def why_not(self, prices: Prices) -> str:
        """Why a model of these prices may not follow; empty if it may."""
        known = [price for price in prices if price is not None]
        if len(known) < len(self.held):
            return "it does not deliver as many a call"
        pairs = list(zip(known, self.held, strict=True))
        if self.most is None:
            return "it costs more than is held" if any(price > held for price, held in pairs) else ""
        return "it costs more than is allowed" if sum(map(max, pairs)) > self.most else ""

    def add(self, provider: str, prices: Prices) -> None:
        """A model that may follow does: the next one must fit beside it."""
        bound = min if self.most is None else max
        self.held = tuple(bound(price or 0, held) for price, held in zip(prices, self.held, strict=True))
        self.providers.add(provider)


def pick(chain: Chain, providers: Sequence[str], prices: Callable[[int], Prices]) -> list[int]:
    """The places of those of the other models that follow, in their order.

    `providers` are the others', in the strategy's order; `prices` tells what the one at a place would hold. One of
    another provider goes before one of a provider that was asked already: what most refusals are about, such as a
    connection, a key or credit, is the same for all models of a provider.
    """
    left, picked = list(range(len(providers))), list[int]()
    while left and len(picked) < MOST_OTHERS:
        left.sort(key=lambda place: (providers[place] in chain.providers, place))
        place = next((one for one in left if not chain.why_not(prices(one))), None)
        if place is None:
            break
        chain.add(providers[place], prices(place))
        left.remove(place)
        picked.append(place)
    return picked
