"""How far a broker is told, as every door says it."""

from __future__ import annotations

from infrastructure.relaying.relay import RelayStatus
from infrastructure.showing.formats import iso


def relay_document(one: RelayStatus) -> dict[str, object]:
    """As JSON has it; `at` is when the last batch was told, null before the first."""
    return {
        "target": one.target,
        "address": one.address,
        "position": one.position,
        "lag": one.lag,
        "at": iso(one.at) if one.at else None,
        "error": one.error or None,
    }
