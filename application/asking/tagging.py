"""Tags of an operation, or of all of a batch, changed after it was asked for."""

from __future__ import annotations

from application.ledger.group import Proposal
from domain.ledger import Fact, Ledger
from domain.tagging import change_tags
from domain.tags import TagChange


def retagging(account: str, operations: tuple[str, ...], change: TagChange, actor: str) -> Proposal:
    """The change as it is put to the writer, once for all operations."""

    def decide(ledger: Ledger, now: int) -> list[Fact]:
        return change_tags(ledger, account, operations, change, now)

    return Proposal(account, decide, operations=operations, tags=change, actor=actor)
