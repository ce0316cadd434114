"""An operator's chores, as JSON: a refund, what was recovered, what was swept, and how a database stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.money import Money
from infrastructure.showing.formats import document, iso

if TYPE_CHECKING:
    from application.performing.recovery import Recovered
    from domain.booking import GoodwillGiven
    from infrastructure.opening import DatabaseStanding


def refund_document(operation: str, given: Money, reference: str, *, repeated: bool) -> dict[str, object]:
    """A refund, which is `repeated` if its reference was given back before."""
    return {"operation": operation, "refunded": document(given), "reference": reference, "repeated": repeated}


def adjustment_document(
    operation: str, price: Money, cost: Money, reference: str, *, repeated: bool
) -> dict[str, object]:
    """A correction of price and cost by these amounts, which is `repeated` if its reference was used before."""
    told = {"operation": operation, "price": document(price), "cost": document(cost)}
    return {**told, "reference": reference, "repeated": repeated}


def goodwill_document(given: GoodwillGiven) -> dict[str, object]:
    """Goodwill: for the charges of which period, and in which it is booked."""
    return {
        "account": given.account,
        "amount": document(Money(given.amount, given.currency)),
        "for": document(given.corrects),
        "booked": document(given.period),
        "reason": given.reason,
        "reference": given.reference,
    }


def cost_document(operation: str, cost: Money, change: Money, reference: str, *, repeated: bool) -> dict[str, object]:
    """A correction of cost, which is `repeated` if its reference was used for it before."""
    told = {"operation": operation, "cost": document(cost), "change": document(change)}
    return {**told, "reference": reference, "repeated": repeated}


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
        "segments": found.segments,
        "missing_segments": [*found.missing],
    }
