"""The facts of closed periods as segments: read in the order of the log, each held against the one before it.

A period's first fact and its last stay in the log, and so do facts of no operation, and of operations of which these
or another period have facts too. A segment holds those as well: its chains have no holes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from sqlalchemy import select

from application.ledger.log import Head, link_hash
from domain.errors import LogCorrupted
from domain.operation import CLOSED_PHASES
from infrastructure.archiving.choosing import ClosedPeriod
from infrastructure.store.archive import may_be_archived
from infrastructure.store.database import Database
from infrastructure.store.schema import LOG, OPERATIONS
from infrastructure.store.segments import SegmentRow
from infrastructure.store.shortening import Beginnings
from infrastructure.store.transactions import beginnings_by, chunks

FACTS: Final = 20_000
"""Of a segment, at most: some twenty megabytes in memory, and a second's work."""
PAGE: Final = 2_000
ABOUT: Final = itemgetter(3, 4, 6)


@dataclass(slots=True)
class Bundle:
    """The facts of a segment that is to be written; `taken` are those that then leave the log."""

    rows: list[SegmentRow] = field(default_factory=list)
    before: dict[str, bytes] = field(default_factory=dict)
    """By stream, the hash before its first fact here."""
    taken: Sequence[SegmentRow] = ()

    def add(self, row: SegmentRow, before: Head) -> None:
        self.before.setdefault(row.stream, before.hash)
        self.rows.append(row)

    @property
    def operations(self) -> list[str]:
        """Those whose facts leave the log."""
        return sorted({str(row.operation) for row in self.taken})

    def streams(self) -> list[dict[str, object]]:
        """The rows of `archived_streams`, without their segment."""
        found: dict[str, dict[str, object]] = {}
        for row in self.rows:
            one = found.setdefault(row.stream, {"first_version": row.version, "low": "", "high": ""})
            one |= {"stream": row.stream, "last_version": row.version, "hash": row.hash}
        for row in self.taken:
            one, id = found[row.stream], str(row.operation)
            one |= {"low": min(id, str(one["low"] or id)), "high": max(id, str(one["high"]))}
        return [*found.values()]


def bundles(database: Database, periods: Sequence[ClosedPeriod], facts: int = FACTS) -> Iterator[Bundle]:
    """The facts of some periods, so many at a time. Raises LogCorrupted, StoreUnavailable."""
    ends = {one.stream: one.head for one in periods}
    goals = {one.stream: one.end for one in periods}
    bundle, stays = Bundle(), {one.stays for one in periods}
    for row in _rows(database, min(one.first for one in periods), max(one.last for one in periods)):
        goal = goals.get(row.stream)
        if goal is None or not ends[row.stream].version < row.version <= goal.version:
            continue
        before, ends[row.stream] = ends[row.stream], _linked(ends[row.stream], row)
        if row.version == goal.version:
            if row.hash != goal.hash:
                raise LogCorrupted(f"stream {row.stream} version {row.version} is not what was closed")
            continue
        bundle.add(row, before)
        if len(bundle.rows) == facts:
            yield from _chosen(database, bundle, stays)
            bundle = Bundle()
    if any(ends[stream].version != goal.version for stream, goal in goals.items()):
        raise LogCorrupted("closed periods lack entries: nothing is archived of a damaged log")
    yield from _chosen(database, bundle, stays)


def _chosen(database: Database, bundle: Bundle, stays: Collection[str | None]) -> Iterator[Bundle]:
    """With the facts that leave the log, if there are any; those of operations that stay do not."""
    phases = _phases(database, bundle.rows)
    leave = {id: stream for id, stream in phases.items() if id not in stays}
    bundle.taken = [row for row in bundle.rows if leave.get(str(row.operation)) == row.stream]
    if bundle.taken:
        yield bundle


def _phases(database: Database, rows: Sequence[SegmentRow]) -> Mapping[str, str]:
    """The streams of those operations that are closed, and of which no other stream has facts."""
    ids = sorted({row.operation for row in rows if row.operation is not None and may_be_archived(row.operation)})
    known: dict[str, str] = {}
    for some in chunks(ids):
        index = select(OPERATIONS.c.id, OPERATIONS.c.stream, OPERATIONS.c.phase).where(OPERATIONS.c.id.in_(some))
        known.update({row[0]: row[1] for row in database.rows(index) if row[2] in CLOSED_PHASES})
        facts = select(LOG.c.operation, LOG.c.stream).where(LOG.c.operation.in_(some)).distinct()
        for id, stream in database.rows(facts):
            if known.get(id) != stream:
                known.pop(id, None)
    return known


def _rows(database: Database, first: int, last: int) -> Iterator[SegmentRow]:
    """All of the log between two positions, whole."""
    beginnings, fetch, after = Beginnings(), beginnings_by(database.rows, database.archive), first - 1
    query = select(LOG).order_by(LOG.c.position).limit(PAGE)
    while page := database.rows(query.where(LOG.c.position > after, LOG.c.position <= last)):
        for row, state in zip(page, beginnings.whole(page, ABOUT, fetch), strict=True):
            yield SegmentRow(row[0], row[1], row[2], row[3], row[4], row[5], state, bytes(row[7]))
        after = page[-1][0]


def _linked(before: Head, row: SegmentRow) -> Head:
    if row.version != before.version + 1:
        raise LogCorrupted(f"stream {row.stream} goes from version {before.version} to {row.version}")
    hash = link_hash(before.hash, row.stream, row.version, row.topic, row.operation, row.actor, row.state.encode())
    if hash != row.hash:
        raise LogCorrupted(f"stream {row.stream} version {row.version} is not what was written")
    return Head(row.version, hash)
