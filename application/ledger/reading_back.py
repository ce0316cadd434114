"""Facts of a period, read again from its stream: all of an earlier one, or the current one since an instant."""

from __future__ import annotations

from collections.abc import Sequence

from application.ledger.log import Codec, Link
from application.ledger.memory import Remembered, fold_approval
from application.ledger.transaction import Transaction
from domain.ledger import Fact, Ledger, evolve, period_stream
from domain.totals import PeriodState

RECENT = 500
"""Facts that are read at first, backward from the end of a stream."""


def period_of(transaction: Transaction, codec: Codec, stream: str) -> PeriodState | None:
    """An earlier period, folded from its stream."""
    ledger = Ledger()
    for link in transaction.entries_after([(stream, 0)]):
        evolve(ledger, codec.decode(link.topic, link.state))
    return ledger.current


def facts_since(
    transaction: Transaction, codec: Codec, account: Remembered, since: int, unwritten: Sequence[Link]
) -> list[Fact]:
    """The current period's facts from an instant on, and those of its links that are still to be written.

    They are read backward, twice as many each time.
    """
    assert account.ledger.current is not None, "there are recent facts of a period alone"
    stream = period_stream(account.account, account.ledger.current.period)
    end, count, links = transaction.head(stream).version, RECENT, list[Link]()
    while end:
        begin = max(end - count, 0)
        links = list(transaction.entries_after([(stream, begin)]))
        if begin == 0 or codec.decode(links[0].topic, links[0].state).at < since:
            break
        count *= 2
    links += [link for link in unwritten if link.originator_id == stream]
    facts = [codec.decode(link.topic, link.state) for link in links]
    return [fact for fact in facts if fact.at >= since]


def learn_approval(transaction: Transaction, codec: Codec, ledger: Ledger, account: str, quote: str) -> None:
    """Make the approval of a quote evidence, unless an earlier decision of the group had it. Raises LogCorrupted."""
    approvals = ledger.evidence.approvals
    if quote not in approvals:
        approvals[quote] = fold_approval(codec, account, transaction.operations([quote]))
