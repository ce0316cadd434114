"""Tags that are changed after an operation was asked for: the log says who changed how many, and none of them.

change_tags ── TagsChanged ── the words themselves beside the log, in the same transaction
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.entering import current_period
from domain.errors import IllegalTransition
from domain.ledger import Fact, Ledger, TagsChanged, find, known_account
from domain.operation import Refused
from domain.tags import BLANK, TagChange


def change_tags(ledger: Ledger, account: str, ids: Sequence[str], change: TagChange, now: int) -> list[Fact]:
    """Give tags to operations and take others away; empty if all are so already.

    `ledger.evidence` has the operations and their tags. Raises InvalidInput if they are too many, IllegalTransition for
    an operation that was refused, or whose tags were erased.
    """
    told = [(id, *_changed(ledger, id, change)) for id in ids]
    if not any(added or removed for _, added, removed in told):
        return []
    facts, current = current_period(ledger, known_account(ledger, account), now)
    changes = [
        TagsChanged(account, now, current.period, id, added, removed) for id, added, removed in told if added or removed
    ]
    return [*facts, *changes]


def _changed(ledger: Ledger, id: str, change: TagChange) -> tuple[int, int]:
    """How many tags are given or told anew, and how many are taken away."""
    before = ledger.evidence.tags.get(id, {})
    if isinstance(find(ledger, id), Refused):
        raise IllegalTransition(f"operation {id} was refused", hint="what is refused keeps no tags")
    if BLANK in before:
        raise IllegalTransition(f"the tags of operation {id} were erased", hint="it is not tagged again")
    after = change.applied(before)
    given = sum(before.get(name) != told for name, told in after.items())
    return given, len(before.keys() - after.keys())
