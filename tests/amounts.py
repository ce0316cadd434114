"""Amounts as tests compare them."""

from __future__ import annotations

from domain.money import Money


def micros(amount: Money | None) -> int:
    """The micro-units of an amount that is known."""
    assert amount is not None, "the amount is not known"
    return amount.micros
