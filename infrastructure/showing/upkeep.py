"""An operator's chores, as JSON: a refund, what was recovered, what was swept, and how a database stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infrastructure.showing.formats import document, iso

if TYPE_CHECKING:
    from application.performing.recovery import Recovered
    from domain.money import Money
    from infrastructure.opening import DatabaseStanding


def refund_document(operation: str, given: Money, reference: str, *, repeated: bool) -> dict[str, object]:
    """A refund, which is `repeated` if its reference was given back before."""
    return {"operation": operation, "refunded": document(given), "reference": reference, "repeated": repeated}


def recovered_document(done: Sequence[Recovered], working: int, until: int | None) -> dict[str, object]:
    """The operations dealt with; and how many are worked on elsewhere, under leases that end by an instant."""
    leased = {"operations": working, "until": None if until is None else iso(until)}
    return {"recovered": document(done), "working": leased}


def swept_document(files: Sequence[str], size: int) -> dict[str, object]:
    """Files that were or would be deleted, and their bytes together."""
    return {"files": list(files), "size": size}


def database_document(found: DatabaseStanding, database: str, files: str, needed: str) -> dict[str, object]:
    """A database by its URL, the schema it has and the one that is needed, its ledger and its files."""
    return {
        "database": database,
        "revision": found.revision,
        "needed": needed,
        "current": found.revision == needed,
        "ledger": found.ledger,
        "files": files,
        "lost": found.lost.message if found.lost is not None else None,
        "foreign": found.foreign.message if found.foreign is not None else None,
    }
