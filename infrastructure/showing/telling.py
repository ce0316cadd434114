"""Documents without what is the operator's own, for everybody else: what a provider is paid is told to nobody."""

from __future__ import annotations

from typing import Any, Final

OPERATORS: Final = frozenset(
    {
        *("cost", "cost_source", "cost_partial", "cost_unknown", "cost_known", "cost_currency", "listed", "sale"),
        *("route", "sent_as"),
        *("path", "where", "copy"),
    }
)
"""Fields that tell what a provider is paid, how it is asked, and where files are kept."""


def without_ours(document: Any) -> Any:
    """The document as a customer sees it."""
    if isinstance(document, dict):
        return {name: without_ours(one) for name, one in document.items() if name not in OPERATORS}
    if isinstance(document, list):
        return [without_ours(one) for one in document]
    return document
