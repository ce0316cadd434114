"""Tags of operations that are changed later: loaded under the account's lock, and written with the fact of it."""

from __future__ import annotations

from collections.abc import Iterable

from application.ledger.transaction import Beside, TagRow, Transaction
from domain.evidence import Evidence
from domain.ledger import Fact, TagsChanged
from domain.tags import TagChange


def learn_tags(transaction: Transaction, evidence: Evidence, operations: Iterable[str]) -> None:
    """Make the tags of operations evidence, but for those that an earlier decision of the group has changed."""
    wanted = [id for id in operations if id not in evidence.tags]
    if wanted:
        found = transaction.tags(wanted)
        evidence.tags.update({id: found.get(id, {}) for id in wanted})


def note_tags(beside: Beside, evidence: Evidence, change: TagChange, facts: Iterable[Fact]) -> None:
    """Keep what the facts say was changed, to be written beside them."""
    for fact in facts:
        if isinstance(fact, TagsChanged):
            id = fact.operation_id
            after = change.applied(evidence.tags[id])
            evidence.tags[id] = after
            beside.retagged[id] = tuple(TagRow(id, fact.account, *tag) for tag in after.items())
