"""Lists of what providers offer now: the port of those that list their models.

routes ── Listing.offers ──> Offers: each model with its inputs, its price as a function, and the day of its end
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from application.ports import Value

PriceOf = Callable[[Mapping[str, Value], Mapping[str, Decimal]], Decimal]
"""The bill of one submission, in exact units of USD, by its inputs and by the seconds of each of its files (0 for a
picture), under the provider's names as a task has them. Raises ValueError if the provider's list does not say."""


@dataclass(frozen=True, slots=True)
class OfferedInput:
    """One input as its provider documents it: `type` in the words of the catalogue, empty if it has none for it."""

    name: str
    type: str
    required: bool = False
    many: bool = False
    choices: tuple[Value, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    default: Value | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """One model as its provider lists it now, by its route.

    `kinds` are those of the catalogue that it may do. `inputs` and `price` are None if the list does not tell them;
    `priced_by` names the inputs that the price hangs on, `formula` is the price in the provider's own words. `retires`
    is the instant (epoch microseconds) from which it is offered no more, None if none is announced.
    """

    route: str
    about: str = ""
    kinds: tuple[str, ...] = ()
    inputs: tuple[OfferedInput, ...] | None = None
    price: PriceOf | None = None
    priced_by: tuple[str, ...] = ()
    formula: str = ""
    retires: int | None = None


@dataclass(frozen=True, slots=True)
class Offers:
    """All that a provider offers. `is_whole`: nothing else is offered; `gone` are otherwise the routes of
    which this is known; `tells_ends` if it says of each model whether it will be retired. `notes` say what it could
    not tell, and why."""

    models: tuple[Offered, ...]
    is_whole: bool
    gone: tuple[str, ...] = ()
    tells_ends: bool = False
    notes: tuple[str, ...] = ()


@runtime_checkable
class ListsOffers(Protocol):
    """A provider that lists what it offers, so that the catalogue can be held against it."""

    async def offers(self, routes: Collection[str]) -> Offers:
        """Its offers now, of these routes at least; costs nothing. Raises ProviderError."""
