"""Statements and closed periods as JSON: what was issued, its content, and beside it what operators alone see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from infrastructure.showing.formats import document, iso, money

if TYPE_CHECKING:
    from application.keeping.statements import BilledPeriod, StatementView
    from domain.statement import Statement


def statement_document(one: StatementView) -> dict[str, Any]:
    """A statement: its `digest` is of `content`; `cost` is what it cost us, and how much of that is known."""
    return {**_head(one), "content": one.content, "cost": costs_document(one.statement)}


def statements_document(found: Sequence[StatementView]) -> dict[str, Any]:
    """Statements as a list, without their lines."""
    rows = [
        {**_head(one), "period": one.content["period"]["name"], "total": one.content["totals"]["total"]}
        | {"currency": one.statement.currency}
        for one in found
    ]
    return {"statements": rows}


def _head(one: StatementView) -> dict[str, Any]:
    return {
        "number": one.number or None,
        "status": one.status,
        "issued": None if one.issued is None else iso(one.issued),
        "replaces": one.replaces or None,
        "voided": None if one.voided is None else iso(one.voided),
        "voided_by": one.voided_by or None,
        "replaced": one.replaced or None,
        "reason": one.reason or None,
        "digest": one.digest,
    }


def costs_document(one: Statement) -> dict[str, Any]:
    """Our costs of the operations by how they are known; `partial` if some are not."""
    known, currency = sum(share.cost for share in one.costs), one.cost_currency or one.currency
    by_source = [
        {"source": share.source or None, "operations": share.operations}
        | {"charged": money(share.amount, one.currency), "cost": money(share.cost, currency)}
        for share in one.costs
    ]
    return {
        "known": money(known, currency),
        "corrected": money(one.corrected, currency),
        "partial": one.is_partial,
        "sources": by_source,
    }


def periods_document(found: Sequence[BilledPeriod]) -> dict[str, Any]:
    """Periods with how each was closed."""
    return {"periods": [period_document(one) for one in found]}


def period_document(one: BilledPeriod) -> dict[str, Any]:
    closed = one.closing
    return {
        "name": one.name,
        **document(one.period),
        "zone": one.zone,
        "status": "open" if closed is None else "closed",
        "closed": None if closed is None else iso(closed.at),
        "carried": None if closed is None else closed.open,
        "balance": None if closed is None or closed.closing is None else money(closed.closing, closed.currency),
        "statement": one.statement or None,
    }
