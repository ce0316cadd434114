"""The writer's transactions: lock, read, then everything written with the commit.

On PostgreSQL the lock is one round trip and the write another: a round trip costs as much as an fsync. The order of
positions is made the order that readers see by a lock that is taken last, when all but the log is written: see `order`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar

from sqlalchemy import Select, select

from application.ledger.log import GENESIS, Head, Link, as_row
from application.ledger.transaction import (
    AccountRow,
    Beside,
    CommitUnknown,
    Conflict,
    ServerChanged,
    SnapshotRow,
    Transaction,
)
from domain.errors import StoreUnavailable
from domain.evidence import Spent
from domain.operation import PHASES, Refused
from infrastructure.store.archive import Archive, SegmentQuery
from infrastructure.store.database import Database
from infrastructure.store.order import CHOSEN, MARK, CommitOrder
from infrastructure.store.schema import LOG
from infrastructure.store.segments import SegmentRow
from infrastructure.store.session import Session
from infrastructure.store.shortening import REQUESTED, Beginnings, Fetch
from infrastructure.store.writes import Rows, postgres_script, sqlite_writes
from projections.engine.sql import texts

CHUNK = 500
NEW_ACCOUNT = "INSERT INTO accounts (id, revision, stream, version, hash, terms_version, terms_hash, last)"
ACCOUNT = "SELECT id, revision, stream, version, hash, terms_version, terms_hash, last FROM accounts"
LOCKED = ACCOUNT.replace(" FROM", f", {CHOSEN} FROM")
"""With the ledger's order of commits, as it is when the lock is asked for."""
KEEP = " ON CONFLICT (id) DO NOTHING"
LINK = "stream, version, topic, state, operation, actor, hash"
SPENT_KEYS = """SELECT keys.account, key, reference, fingerprint, phase
    FROM keys LEFT JOIN operations ON operations.id IN (reference, reference || '.1') WHERE {}"""
"""A batch is refused as a whole, so its first operation tells what became of a key."""
REFUSED = PHASES[Refused]
NEWEST = 2**63 - 1
ENTRY = (LOG.c.stream, LOG.c.version, LOG.c.topic, LOG.c.state, LOG.c.operation, LOG.c.actor, LOG.c.hash)


BEGINS = LOG.c.topic == REQUESTED
BEGINNINGS = f"SELECT operation, state FROM log WHERE topic = '{REQUESTED}' AND {{}}"
ABOUT = itemgetter(2, 4, 3)
"""By what the state of a link's row is completed."""


def to_links(rows: Sequence[Any], beginnings: Beginnings, fetch: Fetch) -> list[Link]:
    """Rows of the log as the links they store."""
    states = beginnings.whole(rows, ABOUT, fetch)
    return [
        as_row(Link, (*row[:3], state.encode(), row[4], row[5], bytes(row[6])))
        for row, state in zip(rows, states, strict=True)
    ]


def beginnings_by(ask: Callable[[Select[Any]], Iterable[Any]], archive: Archive) -> Fetch:
    """How operations begin, by whatever asks a query, or in the archive."""

    def fetch(operations: Sequence[str]) -> Iterator[Any]:
        found: list[Any] = []
        for some in chunks(operations):
            found += ask(select(LOG.c.operation, LOG.c.state).where(LOG.c.operation.in_(some), BEGINS))
        return iter([*found, *archived_beginnings(archive, operations, found)])

    return fetch


def archived_beginnings(archive: Archive, operations: Sequence[str], found: Sequence[Any]) -> list[tuple[str, str]]:
    """The beginnings of those that were not found in the log."""
    lacking = {*operations} - {row[0] for row in found}
    return archive.beginnings(sorted(lacking)) if lacking else []


def archived_links(rows: Iterable[SegmentRow]) -> list[Link]:
    """Facts of the archive as the links that they were."""
    return [as_row(Link, (row[1], row[2], row[3], row[6].encode(), row[4], row[5], row[7])) for row in rows]


def begun_in(links: Iterable[Link]) -> set[str | None]:
    """The operations whose beginning is among these entries: no fact of theirs is in the archive."""
    return {link.operation for link in links if link.topic == REQUESTED}


def is_whole(links: Sequence[Link], heads: Mapping[str, int]) -> bool:
    """Whether entries, by stream and version, follow these versions of their streams and each other."""
    ends = dict(heads)
    for link in links:
        stream, version = str(link.originator_id), link.originator_version
        if version != ends.get(stream, version - 1) + 1:
            return False
        ends[stream] = version
    return True


def merged_links(links: Iterable[Link], others: Iterable[Link]) -> list[Link]:
    """The log's entries and the archive's, by stream and version, each once."""
    found = {(str(link.originator_id), link.originator_version): link for link in (*others, *links)}
    return [found[place] for place in sorted(found)]


def chunks(ids: Sequence[str]) -> list[Sequence[str]]:
    """Some ids at a time."""
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


@dataclass(slots=True)
class SqlTransaction:
    """The part that both databases share: the reads, under the lock."""

    mark: ClassVar[str]
    session: Session
    archive: Archive
    beginnings: Beginnings = field(default_factory=Beginnings)
    links: list[Link] = field(default_factory=list)
    committed: bool = False
    order: CommitOrder = field(default_factory=CommitOrder)
    marked: bool = False
    """Whether the ledger's commits are ordered by marks, on PostgreSQL."""

    def keys(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Spent]:
        rows = self._any(SPENT_KEYS, "keys.account = ? AND key = ?", wanted)
        return {(row[0], row[1]): Spent(row[2], row[3], row[4] == REFUSED) for row in rows}

    def jobs(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        rows = self._any("SELECT provider, job, operation FROM jobs WHERE {}", "provider = ? AND job = ?", wanted)
        return {(row[0], row[1]): row[2] for row in rows}

    def operations(self, wanted: Sequence[str]) -> list[Link]:
        query = f"SELECT {LINK} FROM log WHERE {{}} ORDER BY position"
        links = self._links(self._any(query, "operation = ?", [(id,) for id in wanted]))
        return archived_links(self.archive.of_operations(wanted, begun_in(links))) + links

    def tags(self, wanted: Sequence[str]) -> dict[str, dict[str, str]]:
        query = "SELECT operation, name, value FROM operation_tags WHERE {} ORDER BY operation, name"
        found: dict[str, dict[str, str]] = {}
        for operation, name, told in self._any(query, "operation = ?", [(id,) for id in wanted]):
            found.setdefault(operation, {})[name] = told
        return found

    def charged(self, stream: str, but: Sequence[str]) -> int:
        (whole,) = self._first(
            "SELECT coalesce(sum(charged + adjusted), 0) FROM operations WHERE stream = ?", (stream,)
        )
        query = "SELECT charged + adjusted FROM operations WHERE {}"
        without = self._any(query, "id = ? AND stream = ?", [(id, stream) for id in but])
        return int(whole) - sum(int(row[0]) for row in without)

    def entries_after(self, heads: Sequence[tuple[str, int]]) -> list[Link]:
        query = f"SELECT {LINK} FROM log WHERE {{}} ORDER BY stream, version"
        links = self._links(self._any(query, "stream = ? AND version > ?", heads, size=50))
        if is_whole(links, dict(heads)):
            return links
        return merged_links(links, self._archived_after(heads))

    def _archived_after(self, heads: Sequence[tuple[str, int]]) -> list[Link]:
        asked = (SegmentQuery(streams=(stream,), above=version) for stream, version in heads)
        return archived_links(row for one in asked for row in self.archive.rows(one))

    def head(self, stream: str, upto: int | None = None) -> Head:
        query = "SELECT version, hash FROM log WHERE stream = ? AND version <= ? ORDER BY version DESC LIMIT 1"
        row = self._first(query, (stream, NEWEST if upto is None else upto))
        if row is None or upto is None or row[0] == upto:
            return Head() if row is None else Head(row[0], bytes(row[1]))
        archived = self.archive.rows(SegmentQuery(streams=(stream,), above=row[0], end=upto))
        return Head(archived[-1].version, archived[-1].hash) if archived else Head(row[0], bytes(row[1]))

    def snapshot(self, stream: str, upto: int, above: int = 0) -> SnapshotRow | None:
        between = "stream = ? AND version > ? AND version <= ?"
        query = f"SELECT version, state FROM snapshots WHERE {between} ORDER BY version DESC LIMIT 1"
        row = self._first(query, (stream, above, upto))
        return None if row is None else SnapshotRow(stream, row[0], row[1].encode())

    def append(self, links: Sequence[Link]) -> None:
        self.links += links

    def rows(self) -> Rows:
        """The rows of the log that the links become."""
        stored = self.beginnings.stored
        return [
            (stream, version, topic, operation, actor, stored(topic, operation, state), bytearray(hash))
            for stream, version, topic, state, operation, actor, hash in self.links
        ]

    def _links(self, rows: Iterable[Any]) -> list[Link]:
        return to_links([*rows], self.beginnings, self._begun)

    def _begun(self, operations: Sequence[str]) -> Iterator[Any]:
        found = [*self._any(BEGINNINGS, "operation = ?", [(id,) for id in operations])]
        return iter([*found, *archived_beginnings(self.archive, operations, found)])

    def _first(self, query: str, values: tuple[Any, ...]) -> Any:
        return next(iter(self.session.rows(query.replace("?", self.mark), values)), None)

    def _any(self, query: str, condition: str, wanted: Sequence[tuple[Any, ...]], size: int = CHUNK) -> Iterator[Any]:
        """The rows that meet the condition with any of the wanted values, so many conditions at a time.

        They take the place of the query's braces as one, whatever stands beside it.
        """
        for start in range(0, len(wanted), size):
            some = wanted[start : start + size]
            conditions = " OR ".join([condition] * len(some))
            sql = query.format(f"({conditions})").replace("?", self.mark)
            yield from self.session.rows(sql, [value for values in some for value in values])


def _new(accounts: Sequence[str]) -> list[tuple[str, bytes, bytes]]:
    return [(account, GENESIS, GENESIS) for account in accounts]


class SqliteTransaction(SqlTransaction):
    """BEGIN IMMEDIATE is the lock of all accounts at once."""

    mark = "?"

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        if opening:
            self.session.many(f"{NEW_ACCOUNT} VALUES (?, 0, '', 0, ?, 0, ?, 0){KEEP}", _new(opening))
        locked: dict[str, AccountRow] = {}
        for start in range(0, len(accounts), CHUNK):
            some = accounts[start : start + CHUNK]
            marks = ", ".join("?" * len(some))
            rows = self.session.rows(f"{ACCOUNT} WHERE id IN ({marks})", some)
            locked.update({row[0]: AccountRow._make(row) for row in rows})
        return locked

    def commit(self, beside: Beside) -> int | None:
        position = None
        for sql, rows in sqlite_writes(self.rows(), beside):
            self.session.many(sql, rows)
            if position is None:  # the log is written first
                ((position,),) = self.session.rows("SELECT last_insert_rowid()")
        try:
            self.session.run("COMMIT")
        except StoreUnavailable as error:  # a sync that failed may leave the commit in the file, to be found there
            raise CommitUnknown(str(error)) from error
        self.committed = True
        return position


class PostgresTransaction(SqlTransaction):
    """Row locks by ascending id; then one script with everything written and the commit."""

    mark = "%s"

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        begin = "BEGIN; "
        if opening:
            self.session.run("BEGIN")
            self.session.many(f"{NEW_ACCOUNT} VALUES (%s, 0, '', 0, %s, 0, %s, 0){KEEP}", _new(opening))
            begin = ""
        rows = self.session.rows(
            f"{begin}{LOCKED} WHERE id = ANY (%s::text[]) ORDER BY id FOR UPDATE", (texts(accounts),)
        )
        self.marked = any(row[-1] == MARK for row in rows)
        return {row[0]: AccountRow._make(row[:-1]) for row in rows}

    def commit(self, beside: Beside) -> int | None:
        way = self.order.way(marked=self.marked)
        script, columns = postgres_script(self.rows(), beside, way)
        try:
            self.session.run(f"{script};\nCOMMIT", columns)
            self.committed = True
        except ServerChanged:
            raise
        except (Conflict, StoreUnavailable) as error:
            if self.session.lost:
                raise CommitUnknown(str(error)) from error
            raise
        finally:
            self.order.ended(way, well=self.committed)
        return None


class PostgresReading(PostgresTransaction):
    """For those who only look, also at a standby: nothing is locked, and all is seen as it was at one moment."""

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:  # noqa: ARG002
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        rows = self.session.rows(f"{begin}; {ACCOUNT} WHERE id = ANY (%s::text[])", (texts(accounts),))
        return {row[0]: AccountRow._make(row) for row in rows}


UNITS: Mapping[tuple[bool, bool], tuple[str, type[SqliteTransaction | PostgresTransaction]]] = {
    (True, False): ("BEGIN IMMEDIATE", SqliteTransaction),
    (True, True): ("BEGIN", SqliteTransaction),
    (False, False): ("", PostgresTransaction),
    (False, True): ("", PostgresReading),
}
"""How a transaction begins, and what it is: on SQLite or not, reading or not."""


class SqlStore:
    """The writer's store: begins units on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reading = database.reading

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A unit that is rolled back unless it was committed; an empty one ends without a trace."""
        begin, kind = UNITS[self._database.is_sqlite, self.reading]
        with self._database.session(begin, reading=self.reading) as session:
            at = self._database
            transaction = kind(session, at.archive, at.beginnings, order=at.order)
            yield transaction
            if not transaction.committed:
                session.roll_back()


class SqlReadings(SqlStore):
    """Begins units that lock nothing, on a database that may be written to."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.reading = True
