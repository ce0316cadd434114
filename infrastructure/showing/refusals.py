"""A refusal as JSON: its rule, and of a limit every figure, amounts as money or as outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.refusals import Refusal, Unapproved
from infrastructure.showing.formats import document, iso, measured, money

if TYPE_CHECKING:
    from application.asking.approvals import ApprovalPage, ApprovalView

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


def waiting_document(waiting: Unapproved) -> dict[str, Any]:
    """A request that a person has to approve: its price, what would be left after it, and its quote."""
    return {
        "quote": waiting.quote,
        "expires": None if waiting.expires is None else iso(waiting.expires),
        "api_key": waiting.api_key,
        "kind": waiting.kind,
        "outputs": waiting.outputs,
        "model": waiting.model,
        "price": money(waiting.price, waiting.currency),
        "price_known": waiting.known,
        "above": money(waiting.above, waiting.currency),
        "left": measured(waiting.left, waiting.currency),
    }


def approval_document(view: ApprovalView) -> dict[str, Any]:
    """Something that a person was asked to approve, and how that stands."""
    return {
        **document(view),
        "asked_at": iso(view.asked_at, precision="auto"),
        "expires": iso(view.expires, precision="auto"),
    }


def approvals_document(page: ApprovalPage) -> dict[str, Any]:
    """A page of requests that people were asked to approve, and the cursor after which more follow."""
    return {"approvals": [approval_document(one) for one in page.approvals], "next": page.next}


def _amount(refusal: Refusal, number: int | None) -> Any:
    return measured({refusal.measure: number}, refusal.currency)[refusal.measure]
