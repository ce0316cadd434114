"""How a provider's list compares with the catalogue, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infrastructure.catalogue.held import ListCheck


def list_check_document(held: ListCheck) -> dict[str, object]:
    """A provider's state, and each difference of its list."""
    found = [
        {"finding": str(one.finding), "route": one.route, "model": one.model or None, "what": one.what}
        for one in held.differences
    ]
    return {
        "provider": held.name,
        "state": held.state,
        "detail": held.words,
        "differences": found,
        "notes": list(held.notes),
    }
