"""Repricings as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrastructure.showing.formats import money

if TYPE_CHECKING:
    from application.keeping.repricing import RepricedLine, Repricings


def repricing_document(found: Repricings, *, dry: bool) -> dict[str, Any]:
    """All lines; `booked` is null of a dry run."""
    lines = [_line(one) for one in found.lines]
    booked, short = (None, None) if dry else (found.booked, found.short)
    return {"price_book": found.book, "lines": lines, "booked": booked, "not_covered": short}


def _line(one: RepricedLine) -> dict[str, Any]:
    return {
        "account": one.account,
        "model": one.model,
        "operations": one.operations,
        "charged": money(one.charged, one.currency),
        "lowered": money(one.lowered, one.currency),
        "raised": money(one.raised, one.currency),
        "cost": money(one.cost, one.cost_currency),
        "unknown": one.unsaid,
        "why": list(one.why),
        "corrected_before": one.again,
    }
