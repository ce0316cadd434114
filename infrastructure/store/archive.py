"""The facts that stand in segments and not in the log any more, for whoever reads the log: one reader, at one place.

    a question ── the log's rows ── which segments may have more? ── none: as ever
                                                                  └─ these: read, once, and merged by position

The log is asked before the list of segments is. Facts leave the log in the transaction that lists their segment, so
that whatever the first question did not find any more, the second one knows. A fact that stands in both is one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Executable, Select, bindparam, select

from infrastructure.store.schema import ARCHIVE_SEGMENTS, ARCHIVED_STREAMS, LEDGER, OPERATIONS
from infrastructure.store.segments import Segment, SegmentRow, damaged, decode_segment
from infrastructure.store.shortening import REQUESTED

NEWEST: Final = 2**63 - 1
OPENED: Final = 4
"""Segments that are kept in memory, some tens of megabytes each."""
CHUNK: Final = 500
PAGE: Final = 2_000


class RowSource(Protocol):
    """The database's part of it."""

    def rows(self, query: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A segment as the database knows it: the file's name, size and SHA-256, and its first and last position."""

    number: int
    name: str
    first: int
    last: int
    facts: int
    taken: int
    size: int
    digest: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentQuery:
    """Which facts are looked for: above a position and up to another, of these streams above a version and up to
    another, of these operations, with these names. Nothing named is any."""

    after: int = -1
    upto: int = NEWEST
    streams: tuple[str, ...] = ()
    above: int = 0
    end: int = NEWEST
    operations: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    def holds(self, row: SegmentRow) -> bool:
        return (
            self.after < row.position <= self.upto
            and self.above < row.version <= self.end
            and (not self.topics or row.topic in self.topics)
        )


NEAR = (
    select(ARCHIVE_SEGMENTS)
    .where(ARCHIVE_SEGMENTS.c.last > bindparam("after"), ARCHIVE_SEGMENTS.c.first <= bindparam("upto"))
    .order_by(ARCHIVE_SEGMENTS.c.number)
)
"""Segments with facts between two positions: asked by all who read the log, at its end above all."""


class Archive:
    """The segments of one database; for all threads. Every method raises LogCorrupted naming what is amiss."""

    def __init__(self, database: RowSource, folder: Path | None) -> None:
        self.folder = folder
        self.opened = 0
        """How many files were read so far."""
        self._ask = database.rows
        self._kept: OrderedDict[int, Segment] = OrderedDict()
        self._turn = threading.Lock()
        self._ledger = ""

    def records(self) -> list[SegmentRecord]:
        """All segments, in the order in which they were made."""
        return self._records(select(ARCHIVE_SEGMENTS))

    def rows(self, wanted: SegmentQuery, limit: int | None = None) -> list[SegmentRow]:
        """The facts that segments hold, in the order of the log, at most `limit`."""
        found: list[SegmentRow] = []
        for record in sorted(self._candidates(wanted), key=lambda record: record.first):
            if limit is not None and len(found) >= limit and record.first > found[limit - 1].position:
                break
            found = sorted([*found, *_found(self.load(record), wanted, limit)])
        return found[:limit]

    def scan(self, wanted: SegmentQuery) -> Iterator[SegmentRow]:
        """All of them, a page at a time."""
        while page := self.rows(wanted, PAGE):
            yield from page
            wanted = replace(wanted, after=page[-1].position)

    def before(self, position: int) -> SegmentRow | None:
        """The last fact up to a position."""
        query = select(ARCHIVE_SEGMENTS).where(ARCHIVE_SEGMENTS.c.first <= position)
        newest: SegmentRow | None = None
        for record in sorted(self._records(query), key=lambda record: record.last, reverse=True):
            if newest is not None and newest.position >= record.last:
                break
            some = self.load(record).between(-1, position)
            newest = max([*some[-1:], *([] if newest is None else [newest])], default=None)
        return newest

    def beginnings(self, operations: Sequence[str]) -> list[tuple[str, str]]:
        """The operation and the state of each `Requested` of some operations."""
        wanted = SegmentQuery(operations=tuple(operations), topics=(REQUESTED,))
        return [(str(row.operation), row.state) for row in self.rows(wanted)]

    def of_operations(self, ids: Collection[str], begun: Collection[str | None]) -> list[SegmentRow]:
        """The facts of those operations whose beginning is not among the log's rows."""
        lacking = tuple(id for id in ids if id not in begun and may_be_archived(id))
        return self.rows(SegmentQuery(operations=lacking)) if lacking else []

    def missing(self) -> list[str]:
        """The files that are not there, or not as long as they were, by name; none is read."""
        return [record.name for record in self.records() if not self._is_there(record)]

    def read(self, record: SegmentRecord) -> bytes:
        """The bytes of a segment, which are those that were written."""
        if self.folder is None:
            raise damaged(record.name, "is needed, and no folder is named where it would be")
        file = self.file(record)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise damaged(record.name, f"cannot be read: {file}: {error.strerror}") from error
        self.opened += 1
        if sha256(content).hexdigest() != record.digest:
            other = f"{len(content):,} of {record.size:,} bytes" if len(content) != record.size else "another SHA-256"
            raise damaged(record.name, f"is not what was written: {file} has {other}")
        return content

    def file(self, record: SegmentRecord) -> Path:
        """The place of a segment: the folder of its ledger."""
        return (self.folder or Path()) / self.ledger / record.name

    def _is_there(self, record: SegmentRecord) -> bool:
        file = self.file(record)
        return self.folder is not None and file.is_file() and file.stat().st_size == record.size

    def load(self, record: SegmentRecord) -> Segment:
        """A segment's facts, from memory if it was read lately."""
        with self._turn:
            known = self._kept.pop(record.number, None)
            if known is None:
                known = decode_segment(record.name, self.read(record), self.ledger)
            self._kept[record.number] = known
            while len(self._kept) > OPENED:
                self._kept.popitem(last=False)
            return known

    @property
    def ledger(self) -> str:
        """The ledger's id, which is the name of its folder; empty if it has none yet."""
        if not self._ledger:
            self._ledger = next((row[0] for row in self._ask(select(LEDGER.c.id))), "")
        return self._ledger

    def _candidates(self, wanted: SegmentQuery) -> Collection[SegmentRecord]:
        at, of = ARCHIVE_SEGMENTS.c, ARCHIVED_STREAMS.c
        if not wanted.operations and not wanted.streams:
            return [SegmentRecord(*row) for row in self._ask(NEAR, {"after": wanted.after, "upto": wanted.upto})]
        near = select(ARCHIVE_SEGMENTS).where(at.last > wanted.after, at.first <= wanted.upto)
        near = near.join(ARCHIVED_STREAMS, of.segment == at.number)
        near = near.where(of.last_version > wanted.above, of.first_version <= wanted.end).distinct()
        if not wanted.operations:
            return self._each(wanted.streams, lambda some: near.where(of.stream.in_(some)))
        known = (OPERATIONS.c.stream == of.stream) & OPERATIONS.c.id.between(of.low, of.high)
        return self._each(wanted.operations, lambda some: near.join(OPERATIONS, known).where(OPERATIONS.c.id.in_(some)))

    def _each(self, names: Sequence[str], query: Callable[[Sequence[str]], Select[Any]]) -> list[SegmentRecord]:
        found: dict[int, SegmentRecord] = {}
        for start in range(0, len(names), CHUNK):
            found.update({one.number: one for one in self._records(query(names[start : start + CHUNK]))})
        return [*found.values()]

    def _records(self, query: Select[Any]) -> list[SegmentRecord]:
        return [SegmentRecord(*row) for row in self._ask(query.order_by(ARCHIVE_SEGMENTS.c.number))]


def _found(segment: Segment, wanted: SegmentQuery, limit: int | None) -> list[SegmentRow]:
    if wanted.operations:
        some = [row for id in wanted.operations for row in segment.by_operation.get(id, ())]
        some = [row for row in some if not wanted.streams or row.stream in wanted.streams]
    elif wanted.streams:
        some = [row for stream in wanted.streams for row in segment.stretch(stream, wanted.above, wanted.end)]
    else:
        between = segment.between(wanted.after, wanted.upto)
        if not wanted.topics:
            return [*between[:limit]]
        some = [*between]
    return [row for row in some if wanted.holds(row)]


def merged(rows: Sequence[Any], others: Sequence[Any], place: int, limit: int | None = None) -> list[Any]:
    """The log's rows and the archive's, in the order of the number at a place, each once."""
    if not others:
        return [*rows]
    found = {row[place]: row for row in (*others, *rows)}
    return [found[number] for number in sorted(found)][:limit]


def may_be_archived(operation: str) -> bool:
    """Whether an id may be an operation's, and not that of an asset or an alarm, of which no fact leaves the log."""
    return "-" in operation and ":" not in operation
