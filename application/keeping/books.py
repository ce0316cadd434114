"""The books read from the log: facts about money in its one order, each with its postings and the day it is booked on.

log ── a page of facts that move money ── who pays beforehand, what was held before the page: looked up ── Booked …

Memory does not depend on how long the log is, and reading may begin after any position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from application.ledger.log import Codec, Positioned, fact_name
from application.ledger.reader import LogFilter, LogReader
from domain.account import AccountOpened, TimeZoneChanged
from domain.advice import Advice
from domain.billing import PeriodClosed
from domain.booking import UsageBooked
from domain.bookkeeping import Bookkeeper
from domain.chart import LedgerAccount, expense_of, payable_of
from domain.errors import LogCorrupted
from domain.ledger import CreditAdded, Fact
from domain.operation import Adjusted, Charged, OperationFact, Released, Rerouted, Validated
from domain.periods import EARLIEST, Period, local_day
from domain.postings import MOVED_BY, MOVES, Postings, booked_in, cost_change, own_hold

FIRST, PAGE = 125, 1_000
"""Facts that are read at first, twice as many each time, and at most: whoever looks at a few postings reads few."""
TERMS = (AccountOpened, TimeZoneChanged, PeriodClosed)
"""Facts of an account's own stream."""
HOLDING = (Validated, Rerouted)
"""Facts that move money of those alone who pay beforehand."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A fact that moved money, or a cost that nobody knows, and where it is booked: in which period, on which day.

    A charge is booked on the day on which the operation was asked for, whenever it ends, as its period is that one's.
    If that was `closed` before, the account is billed for it in a later one, as the `UsageBooked` beside it says. Days
    are those of the account's time zone.
    """

    position: int
    stream: str
    version: int
    name: str
    fact: Fact
    account: str
    period: Period
    zone: str
    day: str
    postings: Postings
    prepaid: bool
    closed: bool

    @property
    def operation(self) -> str | None:
        """The operation that it is about, if it is about one."""
        return self.fact.operation.id if isinstance(self.fact, OperationFact | UsageBooked) else None

    @property
    def provider(self) -> str | None:
        return self.fact.operation.provider if isinstance(self.fact, OperationFact | UsageBooked) else None

    @property
    def currency(self) -> str:
        """The currency of the account, in which it is charged and pays."""
        if isinstance(self.fact, Charged | Released | Adjusted | CreditAdded | UsageBooked):
            return self.fact.currency
        return self.postings[0].currency

    @property
    def cost_currency(self) -> str:
        """The currency of what the provider bills, known or not."""
        other = self.fact.cost_currency if isinstance(self.fact, Charged | Released | Adjusted | UsageBooked) else ""
        return other or self.currency

    @property
    def cost_change(self) -> int:
        """1 if nobody knows what the provider bills, -1 if that was learned."""
        return cost_change(self.fact)


@dataclass(frozen=True, slots=True)
class BookQuery:
    """Which postings; None is any. `days` are the first and the last, `at` an instant of the period.

    Those of one `operation` are read after the position of a fact before its first.
    """

    account: str | None = None
    ledger_account: LedgerAccount | None = None
    at: int | None = None
    days: tuple[str, str] | None = None
    billed_late: bool = False
    """Whether facts that bill late usage, and move nothing, are wanted too."""
    operation: str | None = None

    def has(self, booked: Booked) -> bool:
        """Whether a fact is one of those."""
        if self.at is not None and not booked.period.contains(self.at):
            return False
        if self.days is not None and not self.days[0] <= booked.day <= self.days[1]:
            return False
        if isinstance(booked.fact, UsageBooked):
            return self.billed_late
        return bool(self.touching(booked.postings)) or self.lacks_cost(booked)

    def lacks_cost(self, booked: Booked) -> bool:
        """Whether it is a cost that nobody knows, or that was learned of it, of the provider that is wanted."""
        provider, asked = booked.provider, self.ledger_account
        if not booked.cost_change or provider is None:
            return False
        return asked in (None, expense_of(provider), payable_of(provider))

    def touching(self, postings: Postings) -> Postings:
        """Those of the postings that move the ledger account, if one is wanted."""
        asked = self.ledger_account
        return tuple(one for one in postings if asked is None or asked in (one.source, one.destination))


ANY = BookQuery()


class BookLog:
    """Reads postings from the log; blocking."""

    def __init__(self, reader: LogReader, codec: Codec) -> None:
        self._reader, self._codec = reader, codec

    def end(self) -> int:
        """The last position of the log."""
        return self._reader.end()

    def read(self, wanted: BookQuery = ANY, after: int = 0, upto: int | None = None) -> Iterator[Booked]:
        """All facts that moved what is wanted, after a position, up to another or the log's end as it is now.

        Raises LogCorrupted, StoreUnavailable.
        """
        end = self._reader.end() if upto is None else upto
        asked = wanted.ledger_account
        moving = tuple(MOVES) if asked is None else MOVED_BY[asked.heading]
        if wanted.account is not None and not self._may_be_prepaid(wanted.account, end):
            moving = tuple(one for one in moving if one not in HOLDING)
        late = (UsageBooked,) if wanted.billed_late else ()
        topics = topics_of(self._codec, (*TERMS, *moving, *late))
        operations = () if wanted.operation is None else (wanted.operation,)
        pages = _Pages(self._reader, self._codec, LogFilter(end, wanted.account, operations, topics))
        for booked in pages.after(after):
            if wanted.has(booked):
                yield booked

    def _may_be_prepaid(self, account: str, end: int) -> bool:
        """Unless the account's opening says that it pays afterwards, for ever."""
        opening = LogFilter(end, account, topics=topics_of(self._codec, (AccountOpened,)), terms=True)
        opened = [self._codec.decode(one.link.topic, one.link.state) for one in self._reader.read(0, 1, opening)]
        return not opened or not isinstance(opened[0], AccountOpened) or opened[0].prepaid

    def reading(self, after: int) -> BookReading:
        """All that moves money after a position, for whoever reads on as the log grows."""
        topics = topics_of(self._codec, (*TERMS, *MOVES))
        return BookReading(_Pages(self._reader, self._codec, LogFilter(topics=topics)), after)


class BookReading:
    """One reading that goes on: what it learned of accounts and holds it does not look up again."""

    def __init__(self, pages: _Pages, position: int) -> None:
        self._pages = pages
        self.position = position
        """Up to here all was read; whoever takes less than `upto` gives has to read anew."""

    def upto(self, end: int) -> Iterator[Booked]:
        """All that is new up to a position. Raises LogCorrupted, StoreUnavailable."""
        self._pages.end_at(end)
        for booked in self._pages.after(self.position):
            if ANY.has(booked):
                yield booked


class _Pages:
    """One reading of the log, with what has to be known of the facts before each page."""

    def __init__(self, reader: LogReader, codec: Codec, filter: LogFilter) -> None:
        self._reader, self._codec, self._filter = reader, codec, filter
        self._keeper = Bookkeeper()
        self._zones: dict[str, str] = {}
        self._closed: dict[str, int] = {}
        """By account, up to where its periods are closed."""

    def end_at(self, position: int) -> None:
        """Read no further."""
        self._filter = replace(self._filter, upto=position)

    def after(self, position: int) -> Iterator[Booked]:
        size = FIRST
        while page := self._reader.read(position, size, self._filter):
            size = min(2 * size, PAGE)
            facts = [self._fact(entry) for entry in page]
            self._look_up_accounts(facts, position)
            self._look_up_holds(facts, position)
            for entry, fact in zip(page, facts, strict=True):
                if isinstance(fact, AccountOpened | TimeZoneChanged | PeriodClosed):
                    self._learn(fact)
                elif (postings := self._keeper.post(fact)) or cost_change(fact) or isinstance(fact, UsageBooked):
                    yield self._booked(entry, fact, postings)
            position = page[-1].position

    def _look_up_accounts(self, facts: Sequence[Fact], before: int) -> None:
        """Learn how each account pays; its zone is as it was before the page."""
        for fact in facts:
            account = _account_of(fact)
            if isinstance(fact, AccountOpened):
                self._keeper.tell(account, prepaid=fact.prepaid)
            elif not self._keeper.knows(account):
                for term in self._known(LogFilter(before, account, topics=topics_of(self._codec, TERMS), terms=True)):
                    assert isinstance(term, AccountOpened | TimeZoneChanged | PeriodClosed)
                    self._learn(term)
                if not self._keeper.knows(account):
                    raise LogCorrupted(f"account {account!r} has facts and was never opened", hint=Advice("log.audit"))

    def _learn(self, term: AccountOpened | TimeZoneChanged | PeriodClosed) -> None:
        if isinstance(term, PeriodClosed):
            self._closed[term.account] = term.period.end
            return
        self._zones[term.account] = term.zone
        if isinstance(term, AccountOpened):
            self._keeper.tell(term.account, prepaid=term.prepaid)

    def _look_up_holds(self, facts: Sequence[Fact], before: int) -> None:
        """Learn what operations that end or are replaced in the page held before it."""
        lacking = {fact.operation.id for fact in facts if isinstance(fact, OperationFact) and self._keeper.lacks(fact)}
        if not lacking:
            return
        topics = topics_of(self._codec, HOLDING)
        for fact in self._known(LogFilter(before, operations=tuple(sorted(lacking)), topics=topics)):
            assert isinstance(fact, HOLDING)
            self._keeper.hold(fact.operation.id, own_hold(fact))

    def _known(self, filter: LogFilter) -> Iterator[Fact]:
        position = 0
        while page := self._reader.read(position, PAGE, filter):
            yield from map(self._fact, page)
            position = page[-1].position

    def _fact(self, entry: Positioned) -> Fact:
        return self._codec.decode(entry.link.topic, entry.link.state)

    def _booked(self, entry: Positioned, fact: Fact, postings: Postings) -> Booked:
        period, account, link = booked_in(fact), _account_of(fact), entry.link
        assert period is not None, "money moves in a period"
        return Booked(
            entry.position,
            str(link.originator_id),
            link.originator_version,
            fact_name(link.topic),
            fact,
            account,
            period,
            self._zones[account],
            self._day(fact, account),
            postings,
            self._keeper.is_prepaid(account),
            period.end <= self._closed.get(account, EARLIEST),
        )

    def _day(self, fact: Fact, account: str) -> str:
        if isinstance(fact, Adjusted):
            return fact.day
        return fact.operation.day if isinstance(fact, OperationFact) else local_day(fact.at, self._zones[account])


def topics_of(codec: Codec, facts: Iterable[type[Fact]]) -> tuple[str, ...]:
    """All names under which facts of these types are stored."""
    return tuple(topic for fact in facts for topic in codec.names_of(fact))


def _account_of(fact: Fact) -> str:
    return fact.operation.account if isinstance(fact, OperationFact) else fact.account
