"""Reading the log: on connections of its own, in the one order, never waiting for a writer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from sqlalchemy import Integer, Label, Select, bindparam, func, or_, select, text

from application.ledger.log import Head, Link, Positioned, as_row
from application.ledger.reader import EVERYTHING, BareRow, LogFilter
from application.ledger.transaction import AccountRow, IndexRow
from domain.ledger import account_stream
from domain.streams import NEVER, account_of, begin_of
from infrastructure.store.archive import NEWEST, SegmentQuery, may_be_archived, merged
from infrastructure.store.bystream import StreamRows
from infrastructure.store.database import Database
from infrastructure.store.order import CHOSEN, MARK, SAFE, WRITTEN
from infrastructure.store.schema import ACCOUNTS, ARCHIVE_SEGMENTS, DEPARTED, LEDGER, LOG, OPERATIONS
from infrastructure.store.segments import SegmentRow
from infrastructure.store.shortening import REQUESTED, About
from infrastructure.store.transactions import (
    ENTRY,
    LINK,
    archived_links,
    beginnings_by,
    begun_in,
    chunks,
    is_whole,
    merged_links,
    to_links,
)

STREAMS = text(
    """WITH RECURSIVE found (stream) AS (
         SELECT min(stream) FROM log WHERE stream >= :first AND stream < :beyond
         UNION ALL
         SELECT (SELECT min(stream) FROM log WHERE stream > found.stream AND stream < :beyond)
         FROM found WHERE found.stream IS NOT NULL)
       SELECT stream FROM found WHERE stream IS NOT NULL"""
)
"""The streams of a range of names: one look into the index for each, however long they are."""

LEFT = "account.left"
SEEN = f"CASE WHEN stream IN (SELECT stream FROM departed) THEN '{LEFT}' ELSE topic END"
"""The name by which views see a fact: what has gone to another ledger changes none of them."""

ABOVE = "(SELECT count(*) FROM archive_segments WHERE last > {:d}) AS archived"
"""How many segments have facts above a position, in the very look that reads the log."""

BARE, VERSIONED = itemgetter(1, 4, 3), itemgetter(1, 3, 2)
"""By what the states of bare rows are completed."""


LOGGED = (*ENTRY, LOG.c.position)
"""The columns of an entry with its position, which is the last."""

ORDERED = select(LEDGER.c.commit_order).scalar_subquery()
"""As `CHOSEN`."""


class SqlReader:
    """Implements LogReader, StreamReader and ChainReader on one database; every method raises StoreUnavailable.

    Facts that were archived are read as if they stood in the log; LogCorrupted names a segment that cannot be read.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.archive = database.archive

    def end(self) -> int:
        order = self.database.order
        if not order.marked:
            newest, way = self.database.read(WRITTEN)[0]
            if way != MARK or self.database.is_sqlite:
                return int(newest)
        safe, newest, way = self.database.read(SAFE)[0]
        order.marked = way == MARK
        return order.safe_end(safe, newest)

    def written(self) -> int:
        return int(self.database.read(WRITTEN)[0][0])

    def read(self, after: int, limit: int, filter: LogFilter = EVERYTHING) -> list[Positioned]:
        if filter == LogFilter(filter.upto):
            return self._unfiltered(after, filter.upto, limit)
        streams: tuple[str, ...] = ()
        if filter.account is not None:
            own = account_stream(filter.account)
            streams = (own,) if filter.terms else tuple(self.streams_of(filter.account))
        by_stream = bool(streams) and not filter.operations
        rows = (
            self._of_streams(streams, after, limit, filter)
            if by_stream
            else self._safely(filter.upto, lambda upto: self._chosen(streams, after, limit, replace(filter, upto=upto)))
            if not filter.operations
            else self._chosen(streams, after, limit, filter)
        )
        whole = [as_row(Positioned, (row[7], link)) for row, link in zip(rows, self.links(rows), strict=True)]
        if filter.terms or (rows and not rows[0][-1]):
            return whole
        if filter.operations and not filter.topics and not self._lacks(filter.operations, rows):
            return whole  # the usual question, about operations of which all is in the log
        upto = NEWEST if filter.upto is None else filter.upto
        asked = SegmentQuery(
            after=after, upto=upto, streams=streams, operations=tuple(filter.operations), topics=tuple(filter.topics)
        )
        return merged(whole, self._archived(asked, limit), 0, limit)

    def _safely(self, upto: int | None, look: Callable[[int | None], Sequence[Any]]) -> Sequence[Any]:
        """The rows of a look at many accounts' entries: where no end is given, up to the one that is safe.

        Their last value but one is the ledger's order of commits, at the moment of the look itself.
        """
        if upto is not None:
            return look(upto)
        if not self.database.order.marked:
            rows = look(None)
            if not rows or rows[0][-2] != MARK or self.database.is_sqlite:
                return rows
        return look(self.end())

    def _of_streams(self, streams: Sequence[str], after: int, limit: int, filter: LogFilter) -> Sequence[Any]:
        """Rows of an account; what left the log before they were read is counted after that."""
        end = self.written() if filter.upto is None else filter.upto
        rows = StreamRows(self.database, filter.topics, end).after(streams, after, limit)
        above = self.database.read(f"SELECT {ABOVE.format(after)}")[0][0]
        return [(*row, above) for row in rows]

    def _chosen(self, streams: Sequence[str], after: int, limit: int, filter: LogFilter) -> Sequence[Any]:
        query = select(*LOGGED, ORDERED, _segments_above(after)).where(LOG.c.position > after)
        if filter.upto is not None:
            query = query.where(LOG.c.position <= filter.upto)
        if filter.account is not None:
            query = query.where(LOG.c.stream.in_(streams))
        if filter.operations:
            query = query.where(LOG.c.operation.in_(filter.operations))
        if filter.topics:
            query = query.where(LOG.c.topic.in_(filter.topics))
        return self._all(query.order_by(LOG.c.position).limit(limit))

    def _lacks(self, operations: Sequence[str], rows: Sequence[Any]) -> bool:
        """Whether some may be in the archive, as the log's rows do not begin with what was asked for."""
        begun = {row[4] for row in rows if row[2] == REQUESTED}
        return any(id not in begun and may_be_archived(id) for id in operations)

    def _archived(self, asked: SegmentQuery, limit: int | None = None) -> list[Positioned]:
        return self._placed(self.archive.rows(asked, limit))

    def _placed(self, rows: Sequence[SegmentRow]) -> list[Positioned]:
        return [Positioned(row[0], link) for row, link in zip(rows, archived_links(rows), strict=True)]

    def _unfiltered(self, after: int, upto: int | None, limit: int) -> list[Positioned]:
        """The driver's own tuples: an audit reads every row."""

        def look(upto: int | None) -> Sequence[Any]:
            span = f"position > {after:d}" + ("" if upto is None else f" AND position <= {upto:d}")
            about = f"{LINK}, position, {CHOSEN}, {ABOVE.format(after)}"
            return self.database.read(f"SELECT {about} FROM log WHERE {span} ORDER BY position LIMIT {limit:d}")

        rows = self._safely(upto, look)
        whole = [as_row(Positioned, (row[7], link)) for row, link in zip(rows, self.links(rows), strict=True)]
        if not _may_have_more(rows, after, upto):
            return whole
        asked = SegmentQuery(after=after, upto=NEWEST if upto is None else upto)
        return merged(whole, self._archived(asked, limit), 0, limit)

    def states(self, after: int, upto: int, limit: int) -> Sequence[tuple[int, str, int, str]]:
        def look(upto: int | None) -> Sequence[Any]:
            span = f"position > {after:d}" + ("" if upto is None else f" AND position <= {upto:d}")
            about = f"position, {SEEN} AS topic, version, state, operation, {CHOSEN}, {ABOVE.format(after)}"
            return self.database.read(f"SELECT {about} FROM log WHERE {span} ORDER BY position LIMIT {limit:d}")

        rows = self._safely(None if upto == NEWEST else upto, look)
        whole = self.whole(rows)
        if not _may_have_more(rows, after, upto):
            return whole
        archived = self.archive.rows(SegmentQuery(after=after, upto=upto), limit)
        gone = {row[0] for row in self.database.read("SELECT stream FROM departed")} if archived else ()
        seen = [(row[0], LEFT if row.stream in gone else row.topic, row.version, row.state) for row in archived]
        return merged(whole, seen, 0, limit)

    def whole(self, rows: Sequence[Any]) -> list[tuple[int, str, int, str]]:
        """Bare rows with their states whole, of those that begin with these columns and have their operation next."""
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

    def lacking(self, operations: Collection[str]) -> set[str]:
        wanted, known = sorted(operations), set[str]()
        for some in chunks(wanted):
            asked = ("?" if self.database.is_sqlite else "%s",) * len(some)
            query = f"SELECT id FROM operations WHERE id IN ({', '.join(asked)})"
            known.update(row[0] for row in self.database.read(query, tuple(some)))
        return {*wanted} - known

    def indexed(self, operations: Sequence[str]) -> list[IndexRow]:
        rows: list[IndexRow] = []
        for some in chunks(operations):
            rows += (IndexRow(*row) for row in self._all(select(OPERATIONS).where(OPERATIONS.c.id.in_(some))))
        return rows

    def entries_of(self, operations: Sequence[str]) -> list[Link]:
        links: list[Link] = []
        for some in chunks(operations):
            rows = self._all(select(*LOGGED).where(LOG.c.operation.in_(some)).order_by(LOG.c.position))
            found = [(row[-1], link) for row, link in zip(rows, self.links(rows), strict=True)]
            archived = self.archive.of_operations(some, begun_in(link for _, link in found))
            links += [link for _, link in merged(found, self._placed(archived), 0)]
        return links

    def departed(self) -> set[str]:
        """The streams that have gone to another ledger."""
        return {row[0] for row in self._all(select(DEPARTED.c.stream))}

    def versions_of(self, streams: Sequence[str], upto: int) -> dict[str, int]:
        """The last version of each stream up to a position, of those that had begun."""
        found: dict[str, int] = {}
        for some in chunks(streams):
            query = select(LOG.c.stream, func.max(LOG.c.version)).where(LOG.c.stream.in_(some), LOG.c.position <= upto)
            found |= {row[0]: int(row[1]) for row in self._all(query.group_by(LOG.c.stream))}
        return found

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
        whole = [(row[0], row[1], state) for row, state in zip(rows, states, strict=True)]
        wanted = SegmentQuery(streams=(stream,), above=after, end=upto, topics=tuple(topics))
        archived = [(row.version, row.topic, row.state) for row in self.archive.rows(wanted, limit)]
        return merged(whole, archived, 0, limit)

    def newest(self, stream: str, limit: int, topics: Sequence[str]) -> Sequence[Link]:
        def query() -> Select[Any]:
            named = or_(*(LOG.c.topic == topic for topic in topics))
            found = select(*ENTRY).where(LOG.c.stream == bindparam("whose"), named).order_by(LOG.c.version.desc())
            return found.limit(bindparam("most", type_=Integer))

        links = self.links(self.database.ask(("newest", *topics), query, {"whose": stream, "most": limit}))
        if begin_of(stream) == NEVER:
            return links  # an account's own, of which nothing is archived
        archived = archived_links(self.archive.rows(SegmentQuery(streams=(stream,), topics=tuple(topics))))
        return merged_links(links, archived)[: -limit - 1 : -1]

    def unsettled_in(self, stream: str, upto: int, holds: Sequence[str], ends: Sequence[str]) -> Sequence[str]:
        of = select(LOG.c.operation).where(LOG.c.stream == stream, LOG.c.version <= upto)
        open_ones = of.where(LOG.c.topic.in_(holds)).except_(of.where(LOG.c.topic.in_(ends))).subquery()
        rows = self._all(select(open_ones.c.operation))
        if self.archive.rows(SegmentQuery(streams=(stream,), end=upto), 1):  # some may have left before they were read
            return sorted({*self.operations_in(stream, upto, holds)} - {*self.operations_in(stream, upto, ends)})
        return sorted(row[0] for row in rows)

    def operations_in(self, stream: str, upto: int, topics: Sequence[str]) -> Sequence[str]:
        query = select(LOG.c.position, LOG.c.operation)
        rows = self._all(query.where(LOG.c.stream == stream, LOG.c.version <= upto, LOG.c.topic.in_(topics)))
        archived = self.archive.rows(SegmentQuery(streams=(stream,), end=upto, topics=tuple(topics)))
        return [row[1] for row in merged(rows, [(row.position, row.operation) for row in archived], 0)]

    def entries_about(self, operations: Sequence[str], topics: Sequence[str]) -> list[Link]:
        links: list[Link] = []
        for some in chunks(operations):
            query = select(*LOGGED).where(LOG.c.operation.in_(some), LOG.c.topic.in_(topics))
            rows = self._all(query.order_by(LOG.c.position))
            found = [(row[-1], link) for row, link in zip(rows, self.links(rows), strict=True)]
            wanted = SegmentQuery(operations=tuple(filter(may_be_archived, some)), topics=tuple(topics))
            others = self._archived(wanted) if wanted.operations else []
            links += [link for _, link in merged(found, others, 0)]
        return links

    def entries(self, stream: str, after: int, upto: int, limit: int, topics: Sequence[str]) -> list[Link]:
        query = select(*ENTRY).where(LOG.c.stream == stream, LOG.c.version > after, LOG.c.version <= upto)
        if topics:
            query = query.where(LOG.c.topic.in_(topics))
        links = self.links(self._all(query.order_by(LOG.c.version).limit(limit)))
        if not topics and is_whole(links, {stream: after}) and len(links) == min(limit, max(upto - after, 0)):
            return links
        wanted = SegmentQuery(streams=(stream,), above=after, end=upto, topics=tuple(topics))
        return merged_links(links, archived_links(self.archive.rows(wanted, limit)))[:limit]

    def links(self, rows: Sequence[Any]) -> list[Link]:
        """Rows of an entry's columns as the links they store."""
        return to_links(rows, self.database.beginnings, beginnings_by(self.database.rows, self.archive))

    def _whole(self, rows: Sequence[Any], about: About) -> list[str]:
        return self.database.beginnings.whole(rows, about, beginnings_by(self.database.rows, self.archive))

    def _all(self, query: Select[Any]) -> Sequence[Any]:
        return self.database.rows(query)


def _segments_above(position: int) -> Label[int]:
    """As `ABOVE`."""
    above = select(func.count()).select_from(ARCHIVE_SEGMENTS).where(ARCHIVE_SEGMENTS.c.last > position)
    return above.scalar_subquery().label("archived")


def _may_have_more(rows: Sequence[Any], after: int, upto: int | None) -> bool:
    """Whether the archive has facts there; rows end with how many segments do.

    If the log has none above a position, nor has the archive: its last fact is never taken out of it.
    """
    return bool(rows[0][-1]) if rows else upto is not None and after < upto
