"""Amounts that one scope has used and holds over some span of time, by measure."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.plans import SPEND


@dataclass(slots=True)
class Usage:
    """The amounts that one scope has used and holds of each measure."""

    posted: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def taken(self, measure: str) -> int:
        return self.posted.get(measure, 0) + self.held.get(measure, 0)

    def plus(self, other: Usage) -> Usage:
        """The amounts of both."""
        return Usage(_sum(self.posted, other.posted), _sum(self.held, other.held))


NOTHING_USED = Usage()


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {measure: one.get(measure, 0) + other.get(measure, 0) for measure in {**one, **other}}


def add_amounts(amounts: dict[str, int], family: str, outputs: int, price: int) -> None:
    """Add outputs to the measure of their family, and a price to SPEND; either may be negative."""
    amounts[family] = amounts.get(family, 0) + outputs
    amounts[SPEND] = amounts.get(SPEND, 0) + price
