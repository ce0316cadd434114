"""The price of a unit of each endpoint of fal, as its pricing API tells whoever has a key of fal's own.

GET /models/pricing?endpoint_id=… ──> {"prices": [{"endpoint_id", "unit_price", "unit", "currency"}], "next_cursor"}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from application.ports import Value
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.api import Api

ASKING: Final = 30.0
MOST_PRICED: Final = 50
"""Endpoints that one question may name."""
MOST_PAGES: Final = 20
MILLION: Final = 1_000_000
WHOLE: Final = frozenset({"image", "images", "video", "videos", "request", "requests", "generation", "generations"})
"""Units of which one submission for one output takes one."""


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """US dollars for one unit, and what that is, in fal's own words."""

    each: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{self.each} USD per {self.unit}"

    def of(self, millionths: int) -> int:
        """Micro-units for so many millionths of a unit, rounded half-even once."""
        return int((self.each * millionths).to_integral_value())

    def of_one(self) -> Callable[[Mapping[str, Value], Mapping[str, Decimal]], Decimal] | None:
        """The bill of a submission for one output, whatever its inputs; None if they decide how many units it is."""
        return (lambda _inputs, _seconds: self.each) if self.unit in WHOLE else None


async def unit_prices(api: Api, endpoints: Collection[str], within: float = ASKING) -> dict[str, UnitPrice]:
    """By endpoint, those that it tells. Raises ProviderError."""
    names, found = sorted(endpoints), dict[str, UnitPrice]()
    for start in range(0, len(names), MOST_PRICED):
        found |= await _those_of(api, ",".join(names[start : start + MOST_PRICED]), within)
    return found


async def _those_of(api: Api, asked: str, within: float) -> dict[str, UnitPrice]:
    found: dict[str, UnitPrice] = {}
    cursor = ""
    for _ in range(MOST_PAGES):
        params = {"endpoint_id": asked, **({"cursor": cursor} if cursor else {})}
        page = (await api.read("GET", "/models/pricing", within=within, params=params)).object()
        listed = page.get("prices")
        if not isinstance(listed, list):
            raise Unreadable("the provider's list of prices cannot be read")
        found |= dict(filter(None, map(_price, listed)))
        following = page.get("next_cursor")
        if not isinstance(following, str) or not following:
            break
        cursor = following
    return found


def _price(told: Any) -> tuple[str, UnitPrice] | None:
    if not isinstance(told, dict) or told.get("currency") != "USD":
        return None
    endpoint, price, unit = told.get("endpoint_id"), told.get("unit_price"), told.get("unit")
    if isinstance(price, bool) or not isinstance(price, int | Decimal) or not 0 <= price < MILLION:
        return None
    if not isinstance(endpoint, str) or not isinstance(unit, str):
        return None
    return endpoint, UnitPrice(Decimal(price), unit)
