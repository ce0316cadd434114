"""Reading the log: on connections of its own, in the one order, never waiting for a writer."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Integer, Select, bindparam, or_, select, text

from application.ledger.log import Head, Link, Positioned, as_row
from application.ledger.reader import EVERYTHING, BareRow, LogFilter
from application.ledger.transaction import AccountRow, IndexRow
from domain.ledger import account_stream
from domain.streams import account_of, begin_of
from infrastructure.store.database import Database
from infrastructure.store.schema import ACCOUNTS, LOG, OPERATIONS
from infrastructure.store.shortening import About
from infrastructure.store.transactions import ENTRY, LINK, beginnings_by, chunks, to_links

STREAMS = text(
    """WITH RECURSIVE found (stream) AS (
         SELECT min(stream) FROM log WHERE stream >= :first AND stream < :beyond
         UNION ALL
         SELECT (SELECT min(stream) FROM log WHERE stream > found.stream AND stream < :beyond)
         FROM found WHERE found.stream IS NOT NULL)
       SELECT stream FROM found WHERE stream IS NOT NULL"""
)
"""The streams of a range of names: one look into the index for each, however long they are."""

SEEN = "CASE WHEN stream IN (SELECT stream FROM departed) THEN 'account.left' ELSE topic END"
"""The name by which views see a fact: what has gone to another ledger changes none of them."""


BARE, VERSIONED = itemgetter(1, 4, 3), itemgetter(1, 3, 2)
"""By what the states of bare rows are completed."""


class SqlReader:
    """Implements LogReader, StreamReader and ChainReader on one database; every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def end(self) -> int:
        return int(self.database.read("SELECT max(position) FROM log")[0][0] or 0)

    def read(self, after: int, limit: int, filter: LogFilter = EVERYTHING) -> list[Positioned]:
        if filter == LogFilter(filter.upto):
            return self._unfiltered(after, filter.upto, limit)
        query = select(*ENTRY, LOG.c.position).where(LOG.c.position > after)
        if filter.upto is not None:
            query = query.where(LOG.c.position <= filter.upto)
        if filter.account is not None and filter.terms:
            query = query.where(LOG.c.stream == account_stream(filter.account))
        elif filter.account is not None:
            query = query.where(LOG.c.stream.in_(self.streams_of(filter.account)))
        if filter.operations:
            query = query.where(LOG.c.operation.in_(filter.operations))
        if filter.topics:
            query = query.where(LOG.c.topic.in_(filter.topics))
        rows = self._all(query.order_by(LOG.c.position).limit(limit))
        return [Positioned(row[-1], link) for row, link in zip(rows, self.links(rows), strict=True)]

    def _unfiltered(self, after: int, upto: int | None, limit: int) -> list[Positioned]:
        """The driver's own tuples: an audit reads every row."""
        span = f"position > {after:d}" + ("" if upto is None else f" AND position <= {upto:d}")
        rows = self.database.read(f"SELECT {LINK}, position FROM log WHERE {span} ORDER BY position LIMIT {limit:d}")
        return [as_row(Positioned, (row[7], link)) for row, link in zip(rows, self.links(rows), strict=True)]

    def states(self, after: int, upto: int, limit: int) -> Sequence[tuple[int, str, int, str]]:
        query = (
            f"SELECT position, {SEEN} AS topic, version, state, operation FROM log"
            f" WHERE position > {after:d} AND position <= {upto:d} ORDER BY position LIMIT {limit:d}"
        )
        return self.whole(self.database.read(query))

    def whole(self, rows: Sequence[Any]) -> list[tuple[int, str, int, str]]:
        """Bare rows with their states whole, of those that have their operation last."""
        states = self._whole(rows, BARE)
        return [(*row[:3], state) for row, state in zip(rows, states, strict=True)]

    def accounts_after(self, id: str, limit: int, account: str | None = None) -> list[AccountRow]:
        query = select(ACCOUNTS).where(ACCOUNTS.c.id > id)
        if account is not None:
            query = query.where(ACCOUNTS.c.id == account)
        return [AccountRow._make(row) for row in self._all(query.order_by(ACCOUNTS.c.id).limit(limit))]

    def index_after(self, id: str, limit: int, account: str | None = None) -> list[IndexRow]:
        query = select(OPERATIONS).where(OPERATIONS.c.id > id)
        if account is not None:
            query = query.where(OPERATIONS.c.account == account)
        return [IndexRow(*row) for row in self._all(query.order_by(OPERATIONS.c.id).limit(limit))]

    def unindexed(self, first: int, last: int) -> list[int]:
        query = (
            f"SELECT position FROM log WHERE position BETWEEN {first:d} AND {last:d} AND operation IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM operations WHERE operations.id = log.operation)"
        )
        return [row[0] for row in self.database.read(query)]

    def indexed(self, operations: Sequence[str]) -> list[IndexRow]:
        rows: list[IndexRow] = []
        for some in chunks(operations):
            rows += (IndexRow(*row) for row in self._all(select(OPERATIONS).where(OPERATIONS.c.id.in_(some))))
        return rows

    def entries_of(self, operations: Sequence[str]) -> list[Link]:
        links: list[Link] = []
        for some in chunks(operations):
            query = select(*ENTRY).where(LOG.c.operation.in_(some)).order_by(LOG.c.position)
            links += self.links(self._all(query))
        return links

    def streams_of(self, account: str) -> list[str]:
        """Exactly this account's: ids may hold colons, so a range of names may hold others' streams too."""
        prefix = f"ledger:{account}:"
        span = {"first": prefix, "beyond": prefix[:-1] + ";"}  # the character after the colon
        found = [row[0] for row in self.database.rows(STREAMS, span)]
        return [account_stream(account), *(stream for stream in found if account_of(stream) == account)]

    def ledgers_of(self, account: str) -> list[Link]:
        """The first entry of each period's stream, by the period's beginning."""
        _, *streams = self.streams_of(account)
        links: list[Link] = []
        for some in chunks(streams):
            links += self.links(self._all(select(*ENTRY).where(LOG.c.stream.in_(some), LOG.c.version == 1)))
        return sorted(links, key=lambda link: begin_of(link.originator_id))

    def end_of(self, stream: str) -> Head:
        query = select(LOG.c.version, LOG.c.hash).where(LOG.c.stream == stream)
        rows = self._all(query.order_by(LOG.c.version.desc()).limit(1))
        return Head(rows[0][0], bytes(rows[0][1])) if rows else Head()

    def bare(self, stream: str, after: int, upto: int, limit: int, topics: Sequence[str]) -> Sequence[BareRow]:
        names = ", ".join(f":name_{place}" for place in range(len(topics)))
        query = (
            f"SELECT version, topic, state, operation FROM log WHERE stream = :stream AND version > {after:d}"
            f" AND version <= {upto:d} AND topic IN ({names}) ORDER BY version LIMIT {limit:d}"
        )
        asked = {"stream": stream, **{f"name_{place}": topic for place, topic in enumerate(topics)}}
        rows = self.database.rows(text(query).bindparams(**asked))
        states = self._whole(rows, VERSIONED)
        return [(row[0], row[1], state) for row, state in zip(rows, states, strict=True)]

    def newest(self, stream: str, limit: int, topics: Sequence[str]) -> Sequence[Link]:
        def query() -> Select[Any]:
            named = or_(*(LOG.c.topic == topic for topic in topics))
            found = select(*ENTRY).where(LOG.c.stream == bindparam("whose"), named).order_by(LOG.c.version.desc())
            return found.limit(bindparam("most", type_=Integer))

        return self.links(self.database.ask(("newest", *topics), query, {"whose": stream, "most": limit}))

    def operations_in(self, stream: str, upto: int, topics: Sequence[str]) -> Sequence[str]:
        query = select(LOG.c.operation).where(LOG.c.stream == stream, LOG.c.version <= upto, LOG.c.topic.in_(topics))
        return [row[0] for row in self._all(query)]

    def entries_about(self, operations: Sequence[str], topics: Sequence[str]) -> list[Link]:
        links: list[Link] = []
        for some in chunks(operations):
            query = select(*ENTRY).where(LOG.c.operation.in_(some), LOG.c.topic.in_(topics))
            links += self.links(self._all(query.order_by(LOG.c.position)))
        return links

    def entries(self, stream: str, after: int, upto: int, limit: int, topics: Sequence[str]) -> list[Link]:
        query = select(*ENTRY).where(LOG.c.stream == stream, LOG.c.version > after, LOG.c.version <= upto)
        if topics:
            query = query.where(LOG.c.topic.in_(topics))
        return self.links(self._all(query.order_by(LOG.c.version).limit(limit)))

    def links(self, rows: Sequence[Any]) -> list[Link]:
        """Rows of an entry's columns as the links they store."""
        return to_links(rows, self.database.beginnings, beginnings_by(self.database.rows))

    def _whole(self, rows: Sequence[Any], about: About) -> list[str]:
        return self.database.beginnings.whole(rows, about, beginnings_by(self.database.rows))

    def _all(self, query: Select[Any]) -> Sequence[Any]:
        return self.database.rows(query)
