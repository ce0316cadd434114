"""The books: a trial balance over the view, and the postings behind each of its lines, read from the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from application.keeping.books import Booked, BookLog, BookQuery
from domain.chart import Heading, LedgerAccount
from domain.errors import InvalidInput
from projections.engine.database import FactSource, ViewDatabase
from projections.trialbalance import TrialBalance, outputs_of, trial_balance
from projections.views.books import BookFilter


@dataclass(frozen=True, slots=True)
class BookPage:
    """Facts with the postings that were asked for, the assets that their operations made, and where more begin.

    The log was read up to `position`.
    """

    entries: tuple[Booked, ...]
    assets: dict[str, list[str]]
    next: int | None
    position: int


class Books:
    """All of it blocks; whoever wants the newest balances lets the views catch up first."""

    def __init__(self, database: ViewDatabase, source: FactSource) -> None:
        self._database = database
        self.log = BookLog(source.reader, source.codec)

    def balance(self, account: str | None = None, at: int | None = None, currency: str | None = None) -> TrialBalance:
        """The trial balance, of one account if it is named; of what moved in the periods around an instant, if any."""
        return trial_balance(self._database, BookFilter(account=account, at=at, currency=currency))

    def postings(
        self, wanted: BookQuery, after: int = 0, limit: int | None = None, upto: int | None = None
    ) -> BookPage:
        """Facts that moved what is wanted, in the order of the log after a position, at most so many.

        With `upto` those up to that position.
        """
        end = self.log.end() if upto is None else upto
        found = list(islice(self.log.read(wanted, after, end), None if limit is None else limit + 1))
        more = limit is not None and len(found) > limit
        entries = found[:limit]
        operations = sorted({one.operation for one in entries if one.operation is not None})
        return BookPage(tuple(entries), self.assets_of(operations), entries[-1].position if more else None, end)

    def read(self, wanted: BookQuery, after: int, upto: int) -> Iterator[Booked]:
        """All of it, as it is read: for exports."""
        return self.log.read(wanted, after, upto)

    def told_by(self, after: int) -> Callable[[Booked], bool]:
        """Whether whoever read up to a position was told of a fact."""
        return lambda one: one.position <= after

    def assets_of(self, operations: Sequence[str]) -> dict[str, list[str]]:
        """The assets that operations made, by their ids."""
        return outputs_of(self._database, operations) if operations else {}


def named(name: str) -> LedgerAccount:
    """The ledger account of this name. Raises InvalidInput."""
    found = LedgerAccount.parse(name)
    if found is None:
        told = ", ".join(Heading)
        raise InvalidInput("ledger account", f"there is none named {name!r}", hint=f"there are {told}; see the balance")
    return found
