"""Answers of services, as JSON: the ordinary documents, with what was made of the brief and why it was done there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from infrastructure.showing.documents import NO_COPIES, estimate_document, result_document
from infrastructure.showing.formats import document

if TYPE_CHECKING:
    from application.studios.desk import Advised, Served


def served_document(served: Served, copies: Mapping[tuple[str, int], Path] = NO_COPIES) -> dict[str, object]:
    """A result with its notes; `before` was done on the way, `after` with it; `total` is the price of all."""
    return {
        **result_document(served.result, copies),
        "notes": list(served.notes),
        "before": [result_document(one) for one in served.before],
        "after": [result_document(one, copies) for one in served.after],
        "total": document(served.price),
    }


def advised_document(found: Advised) -> dict[str, object]:
    """An estimate with its recommendation; `before` are the estimates of what would be done first."""
    return {
        **estimate_document(found.estimate),
        "recommendation": document(found.recommendation),
        "notes": list(found.notes),
        "before": [estimate_document(one) for one in found.before],
        "total": document(found.price),
    }
