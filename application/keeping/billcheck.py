"""The audit of bills: every closed period and issued statement is worked out anew, and held against its facts.

PeriodClosed ── ends where it says, opens with what the last one left ── the sums of its stream
StatementIssued ── numbers without a gap ── the content's digest, the total
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from application.keeping.billed import BilledAccount, BilledReader
from application.keeping.forms import content_digest, content_of
from application.ledger.reader import LogFilter, LogReader
from domain.billing import PeriodClosed, StatementIssued, statement_number
from domain.closing import granted_of
from domain.ledger import period_stream
from domain.statement import Statement

PAGE = 500


@dataclass(frozen=True, slots=True)
class WrongBill:
    """A closing or a statement that the log does not bear out."""

    account: str
    named: str
    what: str

    def __str__(self) -> str:
        return f"account {self.account}, {self.named}: {self.what}"


def verify_bills(billed: BilledReader, log: LogReader, account: str | None = None) -> Iterator[WrongBill]:
    """Hold all bills against the log, or one account's. Yields nothing if all is well; raises LogCorrupted."""
    topics = billed.codec.names_of(PeriodClosed)
    closed, after = dict[str, None](), 0
    while page := log.read(after, PAGE, LogFilter(account=account, topics=topics)):
        facts = [billed.codec.decode(entry.link.topic, entry.link.state) for entry in page]
        closed |= {fact.account: None for fact in facts if isinstance(fact, PeriodClosed)}
        after = page[-1].position
    for id in closed:
        yield from _verify_account(billed, billed.account(id))


def _verify_account(billed: BilledReader, known: BilledAccount) -> Iterator[WrongBill]:
    left, granted = 0 if known.terms.prepaid else None, 0
    for closed in known.closings.values():
        read = billed.statement(known, closed.period)
        problems = [*_wrong_closing(billed, closed, read, (left, granted)), *_wrong_statements(known, read)]
        yield from (WrongBill(closed.account, *problem) for problem in problems)
        left, granted = closed.closing, closed.granted[1] if closed.granted else 0
    for place, number in enumerate(known.issued, 1):
        if number != place:
            told = f"stands where statement {statement_number(known.terms.id, place)} should"
            yield WrongBill(known.terms.id, _named(known.issued[number]), told)


def _wrong_closing(
    billed: BilledReader, closed: PeriodClosed, read: Statement, left: tuple[int | None, int]
) -> Iterator[tuple[str, str]]:
    named, stream = f"period {read.period.start}", period_stream(closed.account, closed.period)
    last = billed.streams.entries(stream, closed.version - 1, closed.version, 1, ())
    if [link.hash.hex() for link in last] != [closed.head]:
        yield named, f"version {closed.version} of its stream is not the one that it was closed at"
    opening = closed.opening, closed.granted[0] if closed.granted else 0
    if opening != left:
        whose = "" if opening[0] != left[0] else " of grants"
        told_of = (opening[0], left[0]) if not whose else (opening[1], left[1])
        yield named, f"opens with {told_of[0]}{whose}, and the one before it left {told_of[1]}"
    told, found = (closed.closing, closed.open, closed.held), (read.closing, read.open, read.held)
    if closed.granted != granted_of(read):
        yield named, f"was closed with grants of {closed.granted}, and the log says {granted_of(read)}"
    if told != found:
        yield named, f"was closed with {told}, and the log says {found}"


def _wrong_statements(known: BilledAccount, read: Statement) -> Iterator[tuple[str, str]]:
    for issued in known.issued.values():
        if issued.period != read.period:
            continue
        digest = content_digest(content_of(known.shown(read, issued.number), issued.form))
        if (issued.digest, issued.total) != (digest, read.rounded_total):
            told = f"digest {issued.digest} and total {issued.total}"
            yield _named(issued), f"has {told}, the log says {digest} and {read.rounded_total}"


def _named(issued: StatementIssued) -> str:
    return f"statement {statement_number(issued.account, issued.number)}"
