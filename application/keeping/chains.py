"""The audit of the log itself: every entry follows from the one before it, and nothing is missing at the ends.

    account rows ── log, in order of positions ── account rows again ── index of operations
     not behind          link by link              not ahead            says what the entries say

Someone who can rewrite the whole database can also forge its hashes; seals kept elsewhere show that too, and between
which two of them it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from application.keeping.ends import Seal, StreamEnd
from application.keeping.walking import LogWalk, Problem, WalkEnd
from application.ledger.indexing import index_row
from application.ledger.log import Codec, Head, Link, Positioned
from application.ledger.memory import fold_operations
from application.ledger.reader import LogFilter, LogReader, StreamReader
from application.ledger.transaction import AccountRow, IndexRow
from domain.advice import Advice
from domain.counts import counted
from domain.errors import LogCorrupted
from domain.ledger import account_stream

PAGE = 1_000
BEFORE_ALL = -1
"""Before the first position."""
MOST = 100
"""Problems that are kept of one reading."""
OTHERS = ("alert.", "approval.", "asset.", "invoice.cost_drifted", "key.", "ledger.goodwill_given", "webhook.")
"""How the stored names begin of facts that are indexed by something else than an operation."""


class ChainReader(LogReader, StreamReader, Protocol):
    """The log, and the rows that must agree with it."""

    def accounts_after(self, id: str, limit: int, account: str | None = None) -> Sequence[AccountRow]:
        """Account rows by ascending id, above one; of one account if it is named."""

    def index_after(self, id: str, limit: int, account: str | None = None) -> Sequence[IndexRow]:
        """The index of operations by ascending id, above one; of one account if it is named."""

    def lacking(self, operations: Collection[str]) -> Collection[str]:
        """Those of some ids that are not in the index of operations."""

    def indexed(self, operations: Sequence[str]) -> Sequence[IndexRow]:
        """The index's rows of these operations."""

    def entries_of(self, operations: Sequence[str]) -> Sequence[Link]:
        """All entries about these operations, in order."""


def verify_chains(
    reader: ChainReader,
    account: str | None = None,
    seals: Sequence[Seal] = (),
    pause: Callable[[int], None] = lambda _position: None,
    *,
    walk: LogWalk | None = None,
    heard: Callable[[Sequence[Positioned]], None] = lambda _page: None,
) -> Iterator[Problem]:
    """Every damage to the log, of all accounts or one; `seals` are compared only where all are read.

    Reads the log once, in bounded memory (one hash a stream), while others go on writing; `pause` is called after each
    page with the position up to which it was read, and `heard` with the page before it is verified. A `walk` that
    begins here is at the end of the log afterwards.
    """
    asked = seals if account is None else ()
    yield from _verified(LogWalk() if walk is None else walk, reader, account, asked, pause, heard)


def read_log(
    reader: ChainReader, seals: Sequence[Seal], pause: Callable[[], None], walk: LogWalk, found: list[Problem]
) -> Seal | None:
    """As `verify_chains` of all accounts, on from where a walk is; the seal of all of it, None if there is damage.

    Whatever is amiss is added to what was `found`, as it is met.
    """
    later = [seal for seal in seals if seal.position >= walk.position]
    for problem in islice(_verified(walk, reader, None, later, lambda _position: pause()), MOST):
        found.append(problem)  # noqa: PERF402 - it is looked at meanwhile
    return None if found else walk.seal()


def _verified(
    walk: LogWalk,
    reader: ChainReader,
    account: str | None,
    seals: Sequence[Seal],
    pause: Callable[[int], None],
    heard: Callable[[Sequence[Positioned]], None] = lambda _page: None,
) -> Iterator[Problem]:
    before = {} if walk.position else _rows(reader, account)
    checks = _SealChecks(walk, sorted(seals, key=lambda seal: seal.position))
    try:
        for page in _pages(reader, account, after=walk.position or BEFORE_ALL):
            heard(page)
            yield from checks.turn(page)
            yield from _not_indexed(reader, page)
            pause(walk.position)
    except LogCorrupted as error:  # the archive cannot be read on from here
        yield Problem(walk.position, "", 0, error.message)
        return
    yield from checks.rest()
    yield from _compare_rows(walk, before, _rows(reader, account))


def verify_index(reader: ChainReader, codec: Codec, account: str | None = None) -> Iterator[Problem]:
    """Every row of the index of operations that does not say what the log says. Raises LogCorrupted."""
    last = ""
    while rows := reader.index_after(last, PAGE, account):
        last = rows[-1].operation
        ids = [row.operation for row in rows]
        states = fold_operations(codec, reader.entries_of(ids))
        unmoved = set(rows) & set(reader.indexed(ids))
        for row in rows:
            told = index_row(states[row.operation]) if row.operation in states else None
            if row in unmoved and row != told:
                yield Problem(0, row.stream, 0, f"the index says {_said(row)}, the log {_said(told)}")


def take_seal(reader: ChainReader) -> Seal:
    """The seal of the log as it is now. Raises LogCorrupted if the log is damaged already."""
    return _undamaged(reader, None).seal()


def sealed_ends(reader: ChainReader, position: int) -> list[StreamEnd]:
    """Every stream's end as a seal at that position has it, in its order. Raises LogCorrupted if the log is damaged."""
    return _undamaged(reader, position).stream_ends()


def _undamaged(reader: ChainReader, upto: int | None) -> LogWalk:
    walk = LogWalk()
    for page in _pages(reader, None, upto):
        for problem in walk.turn(page):
            raise LogCorrupted(f"a damaged log is not sealed: {problem}", hint=Advice("log.audit"))
    return walk


def accounts_otherwise(reader: ChainReader, account: str | None = None) -> Iterator[str]:
    """Accounts whose rows are not as the log says; one that is busy may be among them although its row is right.

    Raises LogCorrupted if the log is damaged: then it cannot say.
    """
    walk = LogWalk()
    for page in _pages(reader, account):
        for problem in walk.turn(page):
            raise LogCorrupted(f"nothing is made from a damaged log: {problem}", hint=Advice("log.audit"))
    rows = _rows(reader, account)
    for id in sorted(rows.keys() | walk.counts.keys()):
        if rows.get(id) != walk.row(id):
            yield id


def account_row(reader: LogReader, account: str, upto: int | None = None) -> AccountRow:
    """The row that an account should have, true while its lock is held; or had at a position. Raises LogCorrupted."""
    walk = LogWalk()
    for page in _pages(reader, account, upto):
        for problem in walk.turn(page):
            raise LogCorrupted(f"nothing is made from a damaged log: {problem}", hint=Advice("log.audit"))
    return walk.row(account)


def _pages(
    reader: LogReader, account: str | None, upto: int | None = None, after: int = BEFORE_ALL
) -> Iterator[Sequence[Positioned]]:
    """The entries up to a position, or those that are in the log now; later ones are for the next audit."""
    which = LogFilter(upto=reader.end() if upto is None else upto, account=account)
    last = after
    while page := reader.read(last, PAGE, which):
        yield page
        last = page[-1].position


def _rows(reader: ChainReader, account: str | None) -> dict[str, AccountRow]:
    rows: dict[str, AccountRow] = {}
    last = ""
    while page := reader.accounts_after(last, PAGE, account):
        rows.update((row.id, row) for row in page)
        last = page[-1].id
    return rows


def _not_indexed(reader: ChainReader, page: Sequence[Positioned]) -> Iterator[Problem]:
    """One look for all operations of a page."""
    named = {entry.link.operation for entry in page}
    named.discard(None)
    lacking = reader.lacking(named)  # type: ignore[arg-type]  # None was discarded
    for entry in page if lacking else ():
        if entry.link.operation in lacking and _operation_named(entry) is not None:
            yield _at(entry, f"operation {entry.link.operation} is not in the index")


def _operation_named(entry: Positioned) -> str | None:
    """Assets, API keys and quotes are indexed in the same column, and are no operations."""
    return None if entry.link.topic.startswith(OTHERS) else entry.link.operation


def _at(entry: Positioned, what: str) -> Problem:
    return Problem(entry.position, str(entry.link.originator_id), entry.link.originator_version, what)


@dataclass(slots=True)
class _SealChecks:
    """Compares each seal where the walk comes to its position; the first that differs says since when."""

    walk: LogWalk
    open: list[Seal]
    agreed: int = 0

    def turn(self, page: Sequence[Positioned]) -> Iterator[Problem]:
        rest = page
        while self.open and rest and rest[-1].position > self.open[0].position:
            sealed = [entry for entry in rest if entry.position <= self.open[0].position]
            yield from self.walk.turn(sealed)
            yield from self._compare(self.open.pop(0))
            rest = rest[len(sealed) :]
        yield from self.walk.turn(rest)

    def rest(self) -> Iterator[Problem]:
        for seal in self.open:
            yield from self._compare(seal)
        self.open = []

    def _compare(self, seal: Seal) -> Iterator[Problem]:
        found = self.walk.seal()
        if found == seal:
            self.agreed = seal.position
            return
        since = f"; up to position {self.agreed} it is as it was sealed" if self.agreed else ""
        yield Problem(self.walk.position, "", 0, f"up to here the log is {found}, but was sealed as {seal}{since}")


def _compare_rows(walk: LogWalk, before: dict[str, AccountRow], after: dict[str, AccountRow]) -> Iterator[Problem]:
    """The log was read between the two: it may not be behind the first reading of a row, nor ahead of the second."""
    for id in sorted(before.keys() | after.keys() | walk.counts.keys()):
        lower, upper = before.get(id), after.get(id)
        if upper is None:
            end = walk.end_of(account_stream(id))
            yield Problem(end.position, account_stream(id), end.version, f"account {id!r} has entries but no row")
            continue
        yield from _compare_count(walk, id, lower.revision if lower is not None else 0, upper.revision)
        yield from _compare_period(walk, id, lower.stream if lower is not None else "", upper.stream)
        yield from _compare_last(walk, id, lower.last if lower is not None else 0, upper.last)
        for stream, low, high in _ends(lower, upper):
            yield from _compare_end(stream, walk.end_of(stream), low, high)


def _compare_count(walk: LogWalk, id: str, low: int, high: int) -> Iterator[Problem]:
    count = walk.counts.get(id, 0)
    if not low <= count <= high:
        end = walk.end_of(account_stream(id))
        what = f"account {id!r} has {counted(count, 'entry', 'entries')} in all its streams, its row counts {high}"
        yield Problem(end.position, account_stream(id), end.version, what)


def _compare_period(walk: LogWalk, id: str, low: str, high: str) -> Iterator[Problem]:
    told = walk.opened.get(id, "")
    if low == high != told:
        end = walk.end_of(high)
        yield Problem(end.position, high, end.version, f"account {id!r} has another newest period than its row says")


def _compare_last(walk: LogWalk, id: str, low: int, high: int) -> Iterator[Problem]:
    told = walk.last.get(id, 0)
    if not min(low, high) <= told <= max(low, high):
        stream = account_stream(id)
        end = walk.end_of(stream)
        what = f"account {id!r} has its last fact at {told}, its row says at {high}"
        yield Problem(end.position, stream, end.version, what)


def _ends(lower: AccountRow | None, upper: AccountRow) -> Iterable[tuple[str, Head, Head]]:
    """Each stream of the row with its end at both readings; a period that began in between began at nothing."""
    terms = account_stream(upper.id)
    yield terms, lower.account_head if lower is not None else Head(), upper.account_head
    if not upper.stream:
        yield "", Head(), upper.period_head
    else:
        same = lower is not None and lower.stream == upper.stream
        yield upper.stream, lower.period_head if lower is not None and same else Head(), upper.period_head


def _compare_end(stream: str, end: WalkEnd, low: Head, high: Head) -> Iterator[Problem]:
    told = end.head
    agrees = low.version <= told.version <= high.version
    if agrees and told.version in (low.version, high.version):
        agrees = told in (low, high)
    if not agrees:
        what = f"the stream ends here, its account's row says at version {high.version}"
        yield Problem(
            end.position,
            stream,
            end.version,
            what if told.version != high.version else "is not the end that its account's row says",
        )


def _said(row: IndexRow | None) -> str:
    if row is None:
        return "nothing"
    return f"{row.operation} {row.phase}, charged {row.charged}, adjusted {row.adjusted}, in {row.stream}"
