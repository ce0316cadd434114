"""Plans: what an account may use in one billing period, counted by family of work and in money.

Everywhere None is unlimited and 0 is none at all. A spend limit is in micro-units of the account's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from domain.errors import InvalidInput, UnknownPlan
from domain.inputs import plain
from domain.money import LARGEST_AMOUNT, MICROS

MEASURES: Final = ("images", "edits", "videos", "3d", "upscales", "other", "spend")
"""What is limited: outputs of each family of work, and money; "other" is captions, conversions and the like."""

IN_MONEY: Final = frozenset({"spend", "unpriced", "balance"})
"""The measures that are money, in micro-units; all others count outputs."""

_FIELDS: Final = {measure: "models_3d" if measure == "3d" else measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one period allows of each measure. Raises InvalidInput for a negative or broken number."""

    images: int | None = None
    edits: int | None = None
    videos: int | None = None
    models_3d: int | None = None
    upscales: int | None = None
    spend: int | None = None
    other: int | None = None

    def __post_init__(self) -> None:
        for measure in MEASURES:
            check_limit(measure, self.of(measure))

    def of(self, measure: str) -> int | None:
        """The limit of one measure; what is not a measure is not limited."""
        limit: int | None = getattr(self, _FIELDS[measure]) if measure in _FIELDS else None
        return limit


@dataclass(frozen=True, slots=True)
class Plan:
    """What an account pays for a period, in micro-units, and what it may use in it."""

    id: str
    price: int
    limits: Limits

    def __post_init__(self) -> None:
        if self.price is None:
            raise InvalidInput("price", "a plan has a price", hint="0 is free")
        check_limit("price", self.price)


def check_limit(measure: str, limit: int | None) -> int | None:
    """Return `limit` if it is None or a whole number from 0 to 64 bits; otherwise raise InvalidInput."""
    if limit is None:
        return None
    if type(limit) is not int:
        raise InvalidInput(measure, f"{limit!r} is no whole number", hint="count outputs, or millionths of money")
    if limit < 0:
        told = f"{_told(measure, limit)} is negative"
        raise InvalidInput(measure, told, hint="0 allows nothing; leave it out for no limit")
    if limit > LARGEST_AMOUNT:
        told = f"{_told(measure, limit)} is too large"
        raise InvalidInput(measure, told, hint="give at most 64 bits; 'unlimited' is another word")
    return limit


def _told(measure: str, limit: int) -> str:
    """Outputs, or an amount in whole units of the currency, which a limit does not know."""
    return plain(Decimal(limit).scaleb(-6)) if measure in {*IN_MONEY, "price"} else str(limit)


PLANS: Final[Mapping[str, Plan]] = MappingProxyType(
    {
        plan.id: plan
        for plan in (
            Plan("free", 0, Limits(10, 5, 2, 1, 5, 2 * MICROS, other=50)),
            Plan("basic", 29 * MICROS, Limits(25, 25, 10, 10, 25, 25 * MICROS, other=500)),
            Plan("pro", 79 * MICROS, Limits(100, 100, 30, 30, 100, 100 * MICROS, other=2_000)),
            Plan("enterprise", 199 * MICROS, Limits(spend=500 * MICROS)),
        )
    }
)
"""The plans accounts are opened with unless they bring their own limits; prices and caps are in USD."""


def plan(id: str) -> Plan:
    """The default plan of this id. Raises UnknownPlan."""
    if id not in PLANS:
        raise UnknownPlan(f"there is no plan {id!r}", hint=f"choose one of: {', '.join(PLANS)}")
    return PLANS[id]
