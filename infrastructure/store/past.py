"""The log at an earlier position: where its streams stood, and ledgers as they were.

A stream's positions grow with its versions, so that its version at a position is found by halving: some twenty looks by
the index for a million facts. Nothing here scans.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Select, bindparam, func, select

from application.keeping.chains import account_row
from application.ledger.log import Head, Link, Positioned
from application.ledger.transaction import AccountRow, SnapshotRow, Transaction
from domain.evidence import Spent
from domain.ledger import account_stream
from domain.streams import begin_of
from infrastructure.store.archive import NEWEST, SegmentQuery, merged
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import LOG
from infrastructure.store.transactions import ENTRY, SqlReadings, archived_links

PAGE = 5_000
REMEMBERED = 500
"""Moments of accounts whose streams' ends are remembered."""
LOOKED_THROUGH = 2_000
"""Streams of which the rare entries are remembered."""

Looked = tuple[int, str]
"""Of an entry: its position, and its state as JSON."""


class SqlPast:
    """Implements PastReader on one database; every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reader, self.archive = SqlReader(database), database.archive
        self._ends: dict[tuple[str, int], dict[str, int]] = {}
        self._rare: dict[tuple[str, tuple[str, ...]], tuple[int, list[Positioned]]] = {}

    def end(self) -> int:
        return self.reader.end()

    def ends_at(self, account: str, position: int) -> dict[str, int]:
        """Found once for all that is asked of a moment, as nothing changes there any more."""
        known = self._ends.get((account, position))
        if known is not None:
            return known
        ends = self._found_ends(account, position)
        if len(self._ends) >= REMEMBERED:
            self._ends.clear()
        self._ends[account, position] = ends
        return ends

    def _found_ends(self, account: str, position: int) -> dict[str, int]:
        ends: dict[str, int] = {}
        for stream in self.reader.streams_of(account):
            version = self._last(stream, lambda found: found[0] <= position)
            if version:
                ends[stream] = version
        return ends

    def position_at(self, account: str | None, instant: int) -> int:
        if account is None:
            return self._position_of_all(instant)
        found = 0
        for stream in self.reader.streams_of(account):
            version = self._last(stream, lambda found: _at(found[1]) <= instant)
            if version:
                found = max(found, self._entry(stream, version)[0])
        return found

    def instant_at(self, account: str | None, position: int) -> int:
        found = self._before(position) if account is None else self._newest(self.ends_at(account, position))
        return 0 if found is None else _at(found[1])

    def rows(self, stream: str, after: int, upto: int) -> Iterator[tuple[int, str, int, str]]:
        while after < upto:
            values = {"stream": stream, "after": after, "upto": upto, "most": PAGE}
            page = self.database.ask("past rows", _rows, values)
            wanted = SegmentQuery(streams=(stream,), above=after, end=upto)
            archived = [(row[0], row[3], row[2], row[6]) for row in self.archive.rows(wanted, PAGE)]
            found = merged(self.reader.whole(page), archived, 2, PAGE)
            yield from found
            if len(found) < PAGE:
                return
            after = found[-1][2]

    def rare(self, stream: str, upto: int, topics: Sequence[str]) -> list[Positioned]:
        """Up to where a stream was looked through nothing changes any more, and the rest is what came since."""
        key = stream, tuple(topics)
        read, found = self._rare.get(key, (0, []))
        if read < upto:
            read, found = upto, [*found, *self.entries(stream, upto, topics, read)]
            if len(self._rare) >= LOOKED_THROUGH:
                self._rare.clear()
            self._rare[key] = read, found
        return [one for one in found if one.link.originator_version <= upto]

    def entries(self, stream: str, upto: int, topics: Sequence[str], above: int = 0) -> list[Positioned]:
        where = (LOG.c.stream == stream, LOG.c.version > above, LOG.c.version <= upto)
        query = select(*ENTRY, LOG.c.position).where(*where)
        if topics:
            query = query.where(LOG.c.topic.in_(topics))
        rows = self.database.rows(query.order_by(LOG.c.version))
        found = [Positioned(row[-1], link) for row, link in zip(rows, self.reader.links(rows), strict=True)]
        archived = self.archive.rows(SegmentQuery(streams=(stream,), above=above, end=upto, topics=tuple(topics)))
        others = [Positioned(row[0], link) for row, link in zip(archived, archived_links(archived), strict=True)]
        return merged(found, others, 0)

    def hash_at(self, position: int) -> bytes:
        rows = self.database.ask("past hash", _hash, {"position": position})
        if rows:
            return bytes(rows[0][0])
        return next((row.hash for row in self.archive.rows(SegmentQuery(after=position - 1, upto=position))), b"")

    def head(self, stream: str, version: int) -> Head:
        links = self.links([(stream, version - 1, version)])
        return Head(version, links[0].hash) if links else Head()

    def links(self, wanted: Sequence[tuple[str, int, int]]) -> list[Link]:
        """The entries of streams, each above one version and up to another."""
        found: list[Link] = []
        for stream, after, upto in wanted:
            found += self.reader.entries(stream, after, upto, NEWEST, ())
        return found

    def row_at(self, account: str, position: int) -> AccountRow | None:
        """The row that an account had at a position; None if it was not there yet."""
        ends = self.ends_at(account, position)
        if not ends:
            return None
        terms = account_stream(account)
        last = self._newest(ends)
        assert last is not None, "a stream that has begun has an entry"
        begun = {stream: self._entry(stream, 1)[0] for stream in ends if stream != terms}
        current = max(begun, key=begun.__getitem__, default="")
        if current and _at(last[1]) < begin_of(current):
            return account_row(self.reader, account, position)  # a wrong clock's period was ended: all of it tells
        heads = [self.head(stream, ends.get(stream, 0)) for stream in (current, terms)]
        return AccountRow.of(account, sum(ends.values()), current, heads[0], heads[1], _at(last[1]))

    def _newest(self, ends: Mapping[str, int]) -> Looked | None:
        """The last entry of all."""
        entries = (self._entry(stream, version) for stream, version in ends.items())
        return max(entries, key=lambda entry: entry[0], default=None)

    def _last(self, stream: str, holds: Callable[[Looked], bool]) -> int:
        """The last version of which this holds, 0 if of none; whatever holds of one holds of those before it."""
        low, high = 0, self.reader.end_of(stream).version
        if high and holds(self._entry(stream, high)):
            return high
        while high - low > 1:
            middle = (low + high) // 2
            if holds(self._entry(stream, middle)):
                low = middle
            else:
                high = middle
        return low

    def _entry(self, stream: str, version: int) -> Looked:
        rows = self.database.ask("past entry", _entry, {"stream": stream, "version": version})
        if rows:
            return rows[0][0], rows[0][1]
        (archived,) = self.archive.rows(SegmentQuery(streams=(stream,), above=version - 1, end=version))
        return archived.position, archived.state

    def _before(self, position: int) -> Looked | None:
        rows = self.database.ask("past before", _before, {"position": position})
        archived = self.archive.before(position)
        if archived is not None and (not rows or archived.position > rows[0][0]):
            return archived.position, archived.state
        return (rows[0][0], rows[0][1]) if rows else None

    def _position_of_all(self, instant: int) -> int:
        """Instants of different accounts may be a little out of order: this is where the clock passed the instant."""
        low, high = 0, self.end() + 1
        while high - low > 1:
            middle = (low + high) // 2
            found = self._before(middle)
            if found is None or _at(found[1]) <= instant:
                low = middle
            else:
                high = middle
        found = self._before(low)
        return 0 if found is None else found[0]


def _at(state: str) -> int:
    return int(json.loads(state)["at"])


def _entry() -> Select[Any]:
    where = (LOG.c.stream == bindparam("stream"), LOG.c.version == bindparam("version"))
    return select(LOG.c.position, LOG.c.state).where(*where)


def _before() -> Select[Any]:
    query = select(LOG.c.position, LOG.c.state).where(LOG.c.position <= bindparam("position"))
    newest = select(func.max(LOG.c.position)).where(LOG.c.position <= bindparam("position")).scalar_subquery()
    return query.where(LOG.c.position == newest)


def _hash() -> Select[Any]:
    return select(LOG.c.hash).where(LOG.c.position == bindparam("position"))


def _rows() -> Select[Any]:
    query = select(LOG.c.position, LOG.c.topic, LOG.c.version, LOG.c.state, LOG.c.operation).where(*_span())
    return query.order_by(LOG.c.version).limit(bindparam("most"))


def _span() -> tuple[Any, ...]:
    upto = LOG.c.version <= bindparam("upto")
    return LOG.c.stream == bindparam("stream"), LOG.c.version > bindparam("after"), upto


@dataclass(frozen=True, slots=True)
class PastTransaction:
    """A reading at a position: what is read through it is as it was there. It is never committed."""

    now: Transaction
    past: SqlPast
    position: int
    ends: dict[str, int]

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        self.now.lock(accounts, opening)
        found = {account: self.past.row_at(account, self.position) for account in accounts}
        for row in filter(None, found.values()):
            self.ends.update({row.stream: row.version, account_stream(row.id): row.terms_version})
        return {account: row for account, row in found.items() if row is not None}

    def entries_after(self, heads: Sequence[tuple[str, int]]) -> list[Link]:
        return self.past.links([(stream, after, self.ends.get(stream, 0)) for stream, after in heads])

    def head(self, stream: str, upto: int | None = None) -> Head:
        return self.past.head(stream, self.ends.get(stream, 0) if upto is None else upto)

    def snapshot(self, stream: str, upto: int, above: int = 0) -> SnapshotRow | None:
        return self.now.snapshot(stream, upto, above)

    def keys(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Spent]:
        return self._never(wanted)

    def jobs(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        return self._never(wanted)

    def operations(self, wanted: Sequence[str]) -> list[Link]:
        return self._never(wanted)

    def tags(self, wanted: Sequence[str]) -> dict[str, dict[str, str]]:
        return self._never(wanted)

    def charged(self, stream: str, but: Sequence[str]) -> int:
        return self._never((stream, but))

    def append(self, links: Sequence[Link]) -> None:
        self._never(links)

    def commit(self, beside: Any) -> int | None:
        return self._never(beside)

    def _never(self, asked: object) -> NoReturn:
        raise AssertionError(f"the past is looked at, and nothing is decided on it: {asked}")


class PastReadings:
    """Begins readings of ledgers as they were at a position."""

    def __init__(self, past: SqlPast, position: int) -> None:
        self._past, self._position = past, position
        self._now = SqlReadings(past.database)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._now.begin() as now:
            yield PastTransaction(now, self._past, self._position, {})
