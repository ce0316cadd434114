"""Positions of logs as JSON: one number, and beside it those of each shard if it is of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from application.ledger.positions import Positions


def position_document(position: int) -> dict[str, Any]:
    """`position`; of several logs that is the sum of `positions`."""
    told: dict[str, Any] = {"position": int(position)}
    return {**told, "positions": dict(position.logs)} if isinstance(position, Positions) else told


def positions_document(position: int | None) -> dict[str, Any]:
    """The same of an answer that has a position only if it was put together from several logs."""
    return {} if position is None else position_document(position)


def position_text(document: Mapping[str, Any]) -> str:
    """The position that such a document has, as a header tells it."""
    return str(Positions(document["positions"]) if "positions" in document else document["position"])
