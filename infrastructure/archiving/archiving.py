"""Archives closed periods: their operations' facts leave the database for files, and are read as if they had not.

    choose ── a bundle of facts ── one file: written, flushed, read back, compared ── one transaction: the file is
                                                                       listed, and the facts it holds are deleted

Stopped anywhere, the facts are in the log, or the file is whole and listed. A file that is listed nowhere is one that
nobody needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from application.keeping.walking import Problem
from application.ledger.log import Codec
from domain.counts import counted
from domain.errors import LogCorrupted, StoreUnavailable
from domain.operation import CLOSED_PHASES
from infrastructure.archiving.choosing import LeftPeriod, PeriodChoice, chosen_periods
from infrastructure.archiving.collecting import FACTS, Bundle, bundles
from infrastructure.files.saving import Temporary, flush_folder
from infrastructure.store.archive import Archive, SegmentRecord
from infrastructure.store.database import Database
from infrastructure.store.guarding import ARCHIVING
from infrastructure.store.identity import established_id
from infrastructure.store.schema import ACCOUNTS, ARCHIVE_SEGMENTS, ARCHIVED_STREAMS, LOG, OPERATIONS
from infrastructure.store.segments import damaged, decode_segment, encode_segment
from infrastructure.store.transactions import chunks

Told = Callable[[float, str], None]
HINT: Final = "nothing was taken out of the log; archive again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedPeriods:
    """The periods that were archived, or would be, by account and name, the segments, and the periods that stay."""

    dry_run: bool
    periods: tuple[tuple[str, str], ...]
    segments: tuple[SegmentRecord, ...] = ()
    left: tuple[LeftPeriod, ...] = ()


@dataclass(frozen=True, slots=True)
class PeriodArchive:
    """The archive of one ledger; all of it blocks. `clock` tells epoch microseconds."""

    database: Database
    codec: Codec
    clock: Callable[[], int]
    facts: int = field(default=FACTS)
    """Of a segment, at most."""

    @property
    def archive(self) -> Archive:
        return self.database.archive

    def run(
        self, before: date | None = None, *, dry_run: bool = False, told: Told = lambda _fraction, _message: None
    ) -> ArchivedPeriods:
        """Archive the closed periods, all of them or those that had ended when a day began where their account is.

        Raises IllegalTransition, LogCorrupted, StoreUnavailable.
        """
        chosen = chosen_periods(self.database, self.codec, before.isoformat() if before is not None else "")
        periods = tuple((one.account, one.name) for one in chosen.ready)
        segments = () if dry_run or not periods else tuple(self._written(chosen, told))
        return ArchivedPeriods(dry_run=dry_run, periods=periods, segments=segments, left=tuple(chosen.left))

    def segments(self) -> list[SegmentRecord]:
        """All segments, the oldest first. Raises StoreUnavailable."""
        return self.archive.records()

    def problems(self) -> list[Problem]:
        """Read every segment, and say what is amiss with which. Raises StoreUnavailable."""
        return [*segment_problems(self.database)]

    def _written(self, chosen: PeriodChoice, told: Told) -> Iterator[SegmentRecord]:
        ledger, last = established_id(self.database), max(one.last for one in chosen.ready)
        for bundle in bundles(self.database, chosen.ready, self.facts):
            record = self._segment(bundle, ledger)
            with self.database.transaction() as connection, self.database.patiently(connection):
                _take(connection, bundle, record)
            told(record.last / last, f"segment {record.name}")
            yield record

    def _segment(self, bundle: Bundle, ledger: str) -> SegmentRecord:
        """Write the file, durable, and read it back. Raises StoreUnavailable if it is not what was to be written."""
        if self.archive.folder is None:
            raise StoreUnavailable("no folder is named for the archive", hint=HINT)
        content = encode_segment(ledger, bundle.rows, bundle.before)
        digest, number = sha256(content).hexdigest(), self._next()
        name, ends = f"{number:06}-{digest[:12]}.xz", (bundle.rows[0].position, bundle.rows[-1].position)
        counts = (len(bundle.rows), len(bundle.taken), len(content))
        record = SegmentRecord(number, name, *ends, *counts, digest, self.clock())
        _write(self.archive.folder / ledger / name, content)
        if decode_segment(name, self.archive.read(record), ledger).rows != bundle.rows:
            raise StoreUnavailable(f"segment {name} was not written as it should be", hint=HINT)
        return record

    def _next(self) -> int:
        return int(self.database.rows(select(func.coalesce(func.max(ARCHIVE_SEGMENTS.c.number), 0)))[0][0]) + 1


def _write(file: Path, content: bytes) -> None:
    """The file, durable under its name, whole or not at all. Raises StoreUnavailable."""
    missing = [above for above in file.parents if not above.exists()]
    try:
        with closing(Temporary(file.parent)) as temporary:
            temporary.write(content)
            temporary.flush()
            temporary.move(file)
        for folder in {file.parent, *(made.parent for made in missing)}:
            flush_folder(folder)
    except OSError as error:
        told = f"segment {file.name} cannot be written to {file.parent}: {error.strerror or type(error).__name__}"
        raise StoreUnavailable(told, hint=HINT) from error


def _take(connection: Connection, bundle: Bundle, record: SegmentRecord) -> None:
    """List the segment and delete what it holds, under the locks of its accounts. Raises StoreUnavailable, Conflict."""
    streams = bundle.streams()
    _lock(connection, bundle)
    names = [column.name for column in ARCHIVE_SEGMENTS.c]
    values = (record.number, record.name, record.first, record.last, record.facts, record.taken)
    rest = (record.size, record.digest, record.at)
    connection.execute(insert(ARCHIVE_SEGMENTS), [dict(zip(names, (*values, *rest), strict=True))])
    connection.execute(insert(ARCHIVED_STREAMS), [{**one, "segment": record.number} for one in streams])
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(ARCHIVING)
    gone, positions = 0, [str(row.position) for row in bundle.taken]
    for some in chunks(positions):
        gone += connection.execute(delete(LOG).where(LOG.c.position.in_([*map(int, some)]))).rowcount
    if gone != len(positions):
        raise StoreUnavailable(
            f"the log has {gone:,} of {counted(len(positions), 'fact')} that were to leave it", hint=HINT
        )


def _lock(connection: Connection, bundle: Bundle) -> None:
    """Hold the accounts, and find nothing changed that was seen before: nothing is current, and nothing open."""
    streams = {row.stream for row in bundle.rows}
    accounts = sorted({stream.removeprefix("ledger:").rpartition(":")[0] for stream in streams})
    for some in chunks(accounts):
        held = select(ACCOUNTS.c.stream).where(ACCOUNTS.c.id.in_(some)).order_by(ACCOUNTS.c.id).with_for_update()
        if streams & {*connection.execute(held).scalars()}:
            raise StoreUnavailable("a period became an account's current one", hint=HINT)
    closed, operations = 0, bundle.operations
    for some in chunks(operations):
        phases = select(func.count()).where(OPERATIONS.c.id.in_(some), OPERATIONS.c.phase.in_(sorted(CLOSED_PHASES)))
        closed += connection.execute(phases).scalar_one()
    if closed != len(operations):
        raise StoreUnavailable("operations of a closed period are open", hint=HINT)


def segment_problems(database: Database, *, whole: bool = True) -> Iterator[Problem]:
    """Everything that is amiss with the files of the archive: each is read. Raises StoreUnavailable.

    Unless it is the `whole` of them, their digests alone are held against them: for whoever reads their facts next.
    """
    for record in database.archive.records():
        try:
            if whole:
                _check(database, record)
            else:
                database.archive.read(record)
        except LogCorrupted as error:
            yield Problem(record.first, "", 0, error.message)


def _check(database: Database, record: SegmentRecord) -> None:
    archive, kept = database.archive, ARCHIVED_STREAMS.c
    rows = decode_segment(record.name, archive.read(record), archive.ledger).rows
    ends = {row.stream: (row.version, row.hash) for row in rows}
    listed = database.rows(select(kept.stream, kept.last_version, kept.hash).where(kept.segment == record.number))
    if ends != {row[0]: (row[1], bytes(row[2])) for row in listed} or len(rows) != record.facts:
        raise damaged(record.name, "does not end as the database says")
