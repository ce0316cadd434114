"""Reading the log in the one order every reader shares."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ledger.log import Head, Link, Positioned


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which entries to read; None, no operations and no topics are any. `upto` is the last position, inclusive."""

    upto: int | None = None
    account: str | None = None
    operations: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    terms: bool = False
    """Of the account's own stream alone, and of none of its periods'."""


EVERYTHING = LogFilter()

BareRow = tuple[int, str, str]
"""Version, stored name and state of an entry."""


class LogReader(Protocol):
    """Never waits for a missing number: a reader that has seen a position will not later find one below it."""

    def end(self) -> int:
        """The last committed position below which nothing is still to come, 0 if there is none."""

    def written(self) -> int:
        """The last committed position; where commits are ordered by marks, one below it may still be to come."""

    def read(self, after: int, limit: int, filter: LogFilter = EVERYTHING) -> Sequence[Positioned]:
        """Entries above a position, in order, at most `limit`.

        Up to an end that `end` has told somebody, or else to where it is now. Those of one account, or about some
        operations, are all that there are.
        """

    def states(self, after: int, upto: int, limit: int) -> Sequence[tuple[int, str, int, str]]:
        """The bare rows (position, topic, version, state as JSON text) that views are folded from, in order.

        Up to an end that `end` has told somebody, or to where it is now for the highest number there is.
        """

    def departed(self) -> Collection[str]:
        """The streams of accounts that have gone to another ledger: views count none of their facts."""


class StreamReader(Protocol):
    """Reads one stream by itself, in the order of its versions."""

    def ledgers_of(self, account: str) -> Sequence[Link]:
        """The first entry of each period's stream of an account, by the period's beginning."""

    def end_of(self, stream: str) -> Head:
        """The stream's last version and its hash."""

    def bare(self, stream: str, after: int, upto: int, limit: int, topics: Sequence[str]) -> Sequence[BareRow]:
        """As `entries`, without what a chain needs: version, stored name and state as JSON text."""

    def newest(self, stream: str, limit: int, topics: Sequence[str]) -> Sequence[Link]:
        """The last entries of a stream that have one of these topics, the newest first; at most `limit`."""

    def unsettled_in(self, stream: str, upto: int, holds: Sequence[str], ends: Sequence[str]) -> Sequence[str]:
        """The operations of a stream up to a version that have entries of some topics and none of others."""

    def operations_in(self, stream: str, upto: int, topics: Sequence[str]) -> Sequence[str]:
        """The operations of all entries of a stream up to a version that have one of these topics."""

    def entries_about(self, operations: Sequence[str], topics: Sequence[str]) -> Sequence[Link]:
        """The entries about some operations that have one of these topics, in order."""

    def entries(self, stream: str, after: int, upto: int, limit: int, topics: Sequence[str]) -> Sequence[Link]:
        """Entries above one version, up to another, of these topics if any are named; at most `limit`."""
