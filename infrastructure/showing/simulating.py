"""Simulations as JSON: line by line, and the sums by currency."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from infrastructure.showing.formats import iso, money

if TYPE_CHECKING:
    from application.keeping.simulating import SimulatedLine, SimulatedSales
    from domain.simulating import Fees


def simulation_document(found: SimulatedSales) -> dict[str, Any]:
    """All lines, the plan's fees, and what all charges come to, was and would be, without fees."""
    total = [
        {"was": money(was, currency), "would": money(would, currency), "change": money(would - was, currency)}
        for currency, (was, would) in sums_of(found).items()
    ]
    return {
        "lines": [_line(one) for one in found.lines],
        "fees": [_fees(one) for one in found.fees],
        "total": total,
    }


def sums_of(found: SimulatedSales) -> dict[str, tuple[int, int]]:
    """By currency, what was charged and what would have been."""
    was: Counter[str] = Counter()
    would: Counter[str] = Counter()
    for one in found.lines:
        was[one.currency] += one.was
        would[one.currency] += one.would
    return {currency: (was[currency], would[currency]) for currency in sorted(was)}


def _line(one: SimulatedLine) -> dict[str, Any]:
    return {
        "account": one.account,
        "model": one.model,
        "other": one.other,
        "operations": one.operations,
        "was": {"price": money(one.was, one.currency), "cost": money(one.was_cost, one.cost_currency)},
        "would": {"price": money(one.would, one.currency), "cost": money(one.would_cost, one.cost_currency)},
        "refused": one.refused,
        "unknown": one.unsaid,
        "cost_unknown": one.cost_unknown,
        "why": list(one.why),
    }


def _fees(one: Fees) -> dict[str, Any]:
    return {
        "account": one.account,
        "period": iso(one.start),
        "price": money(one.price, one.currency),
        "covered": money(one.covered, one.currency),
        "overage": money(one.added, one.currency),
    }
