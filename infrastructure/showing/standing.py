"""How an account stands: where its spending leads, and what wants somebody's attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.periods import Period
from infrastructure.showing.formats import money

LEAST: Final = 20
"""A part of a period, as its divisor, that has to be over before anything is said of its end."""
ROUGHLY: Final = 10_000
"""Micro-units to which an estimate is rounded up: it does not look more exact than it is."""
NEAR: Final = 5
"""A limit is near if less than this part of it, as its divisor, is left."""


def pace_document(spent: int, currency: str, period: Period, now: int) -> dict[str, Any]:
    """The spending at the period's end if it goes on as it did; null if too little of the period is over to tell."""
    elapsed, whole = now - period.start, period.end - period.start
    told = elapsed * LEAST >= whole
    return {
        "elapsed_percent": min(max(elapsed, 0) * 100 // whole, 100),
        "spent": money(spent, currency),
        "at_end": money(-(-spent * whole // elapsed // ROUGHLY) * ROUGHLY, currency) if told and elapsed > 0 else None,
    }


def attention(account: Mapping[str, Any], limits: Sequence[Mapping[str, Any]], doubts: Mapping[str, int]) -> list[Any]:
    """All that is to be looked at: a standing, limits that are near, operations whose costs nobody knows."""
    found: list[dict[str, Any]] = []
    if account["standing"] != "open":
        found.append({"what": account["standing"], "reason": account["reason"]})
    found += [{"what": "limit", **one} for one in limits if _is_near(one)]
    return found + [{"what": name, "count": count} for name, count in doubts.items() if count]


def _is_near(one: Mapping[str, Any]) -> bool:
    limit, left = _number(one["limit"]), _number(one["left"])
    return limit is not None and left is not None and limit > 0 and left * NEAR < limit


def _number(amount: Any) -> int | None:
    found: int | None = amount["micros"] if isinstance(amount, dict) else amount
    return found
