"""Moments of the past, as documents and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrastructure.showing.formats import UTC_NAME, iso
from infrastructure.showing.positions import position_document

if TYPE_CHECKING:
    from application.ledger.moments import Moment


def moment_document(moment: Moment) -> dict[str, object]:
    """The position of the log, and the instant."""
    at = iso(moment.at, precision="microseconds") if moment.position else None
    return {**position_document(moment.position), "at": at}


def moment_text(moment: Moment, zone: str = UTC_NAME) -> str:
    """The same in words."""
    return f"position {moment.position:,}, {iso(moment.at, zone)}" if moment.position else "the log's beginning"
