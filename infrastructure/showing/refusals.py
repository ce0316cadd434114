"""A refusal as JSON: its rule, and of a limit every figure, amounts as money or as outputs."""

from __future__ import annotations

from typing import Any

from domain.refusals import Refusal
from infrastructure.showing.formats import iso, measured

AMOUNTS = ("limit", "asked", "used", "held", "left")


def refusal_document(refusal: Refusal) -> dict[str, Any]:
    """The figures of a refusal; null is not known, or not limited."""
    if not refusal.measure:
        return {"rule": refusal.rule}
    amounts = {name: _amount(refusal, getattr(refusal, name)) for name in AMOUNTS}
    return {
        "rule": refusal.rule,
        "scope": refusal.scope,
        "measure": refusal.measure,
        "window": refusal.window or None,
        **amounts,
        "resets_at": None if refusal.resets_at is None else iso(refusal.resets_at),
    }


def _amount(refusal: Refusal, number: int | None) -> Any:
    return measured({refusal.measure: number}, refusal.currency)[refusal.measure]
