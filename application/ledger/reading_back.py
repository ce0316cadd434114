"""Evidence that is read back from streams: the end of one, an earlier period, the current one since an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from application.ledger.log import Codec, Head, Link, goodwill_index
from application.ledger.memory import Remembered, fold_approval
from application.ledger.retagging import learn_tags
from application.ledger.transaction import Transaction
from domain.booking import GoodwillGiven
from domain.entering import due_needs_since
from domain.errors import LogCorrupted
from domain.ledger import Fact, Ledger, evolve, period_stream
from domain.periods import Period
from domain.totals import PeriodState

if TYPE_CHECKING:
    from application.ledger.group import Group, Proposal

RECENT = 500
"""Facts that are read at first, backward from the end of a stream."""


def read_back(group: Group, proposal: Proposal, remembered: Remembered, now: int) -> None:
    """Load what a decision needs of streams, under its account's lock, with what the group decided before it."""
    evidence, ledger = remembered.ledger.evidence, remembered.ledger
    transaction, codec = group.transaction, group.codec
    if proposal.ends is not None:
        version, hash = head_of(transaction, remembered, proposal.ends)
        evidence.end = version, hash.hex()
    if proposal.earlier is not None:
        evidence.earlier = period_of(transaction, codec, proposal.earlier)
    if proposal.quote is not None:
        learn_approval(transaction, codec, ledger, proposal.account, proposal.quote)
    if proposal.tags is not None:
        learn_tags(transaction, evidence, proposal.operations)
    if proposal.alarm is not None and proposal.alarm not in evidence.alarms:
        evidence.alarms[proposal.alarm] = bool(transaction.operations([proposal.alarm]))
    if proposal.corrects is not None:
        _learn_goodwill(group, proposal, ledger, proposal.corrects(ledger))
    since = _recent_since(proposal, ledger, now)
    if since is not None:
        evidence.recent = facts_since(transaction, codec, remembered, since, group.links)


def _recent_since(proposal: Proposal, ledger: Ledger, now: int) -> int | None:
    """The instant from which a decision needs the period's facts, for itself or for what is due before it."""
    due = due_needs_since(ledger, now)
    if proposal.recent is None:
        return due
    own = proposal.recent(ledger, now)
    return own if due is None else due if own is None else min(own, due)


def entries_about(group: Group, wanted: Mapping[str, str]) -> Sequence[Link]:
    """The entries of operations, by their accounts; if those of one cannot be read, that account decides nothing."""
    try:
        return group.transaction.operations(list(wanted))
    except LogCorrupted as error:
        if len(wanted) > 1:
            return [link for id, account in wanted.items() for link in entries_about(group, {id: account})]
        group.ledgers.update(dict.fromkeys(wanted.values(), error))
        return ()


def _learn_goodwill(group: Group, proposal: Proposal, ledger: Ledger, period: Period) -> None:
    """All goodwill of an account, and what the operations of a period were charged, less what was given back."""
    account = proposal.account
    name, stream = goodwill_index(account), period_stream(account, period)
    links = [*group.transaction.operations([name]), *(link for link in group.links if link.operation == name)]
    facts = [group.codec.decode(link.topic, link.state) for link in links]
    moved = {id: one.row for id, one in group.index.items() if one.row.stream == stream}
    ledger.evidence.goodwill = tuple(fact for fact in facts if isinstance(fact, GoodwillGiven))
    if proposal.operations and not any(one.corrects == period for one in ledger.evidence.goodwill):
        return  # a refund is held against its own operation alone
    pending = sum(row.charged + row.adjusted for row in moved.values())
    ledger.evidence.charged = group.transaction.charged(stream, list(moved)) + pending


def head_of(transaction: Transaction, remembered: Remembered, stream: str) -> Head:
    """The end of the stream; an ended period's is read once, under the lock."""
    if stream not in remembered.heads:
        remembered.heads[stream] = transaction.head(stream)
    return remembered.heads[stream]


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
