"""Our log through the eventsourcing library's interfaces: recorders for events, snapshots and tracking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    DataError,
    IntegrityError,
    Notification,
    NotSupportedError,
    OperationalError,
    StoredEvent,
    Subscription,
)
from sqlalchemy import Connection, Select, Table, func, select

from application.ledger.log import GENESIS, link_hash
from application.ledger.transaction import Conflict
from domain.errors import StoreRefused, StoreUnavailable
from infrastructure.store.database import Database
from infrastructure.store.order import COMMIT_ORDER, NEWEST
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import LOG, SNAPSHOTS
from infrastructure.store.transactions import beginnings_by

ABOUT = itemgetter(2, -1, 3)
"""By what the state of a row is completed."""

COLUMNS = ("position", "stream", "version", "topic", "operation", "actor", "state", "hash")


@contextmanager
def library_errors() -> Iterator[None]:
    """Our errors as the library names them."""
    try:
        yield
    except Conflict as error:
        raise IntegrityError(str(error)) from error
    except StoreUnavailable as error:
        raise OperationalError(str(error)) from error
    except StoreRefused as error:
        raise DataError(str(error)) from error


def _range(table: Table, stream: str, gt: int | None, lte: int | None, desc: bool, limit: int | None) -> Any:
    query = select(table.c.stream, table.c.version, table.c.topic, table.c.state).where(table.c.stream == stream)
    if gt is not None:
        query = query.where(table.c.version > gt)
    if lte is not None:
        query = query.where(table.c.version <= lte)
    return query.order_by(table.c.version.desc() if desc else table.c.version).limit(limit)


class SnapshotRecorder(AggregateRecorder):
    """Snapshots, as the library keeps aggregates' events: by stream and version, without positions."""

    table = SNAPSHOTS

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:  # noqa: ARG002
        rows = [
            {
                "stream": str(e.originator_id),
                "version": e.originator_version,
                "topic": e.topic,
                "state": e.state.decode(),
            }
            for e in stored_events
        ]
        if rows:
            with library_errors(), self._database.transaction() as connection:
                connection.execute(self.table.insert(), rows)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        with library_errors():
            rows = self._states(_range(self.table, str(originator_id), gt, lte, desc, limit))
            return [StoredEvent(originator_id, row[1], row[2], state.encode()) for row, state in rows]

    def _states(self, query: Select[Any]) -> Iterable[tuple[Any, str]]:
        """The rows of a query, and the state of each."""
        return ((row, row[3]) for row in self._database.rows(query))


def _chained(connection: Connection, events: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    """The rows of new events after the log's last, each hash going on from the one before it in its stream."""
    rows: list[dict[str, Any]] = []
    ends: dict[str, bytes] = {}
    for position, event in zip(_positions(connection, len(events)), events, strict=True):
        stream, version = str(event.originator_id), event.originator_version
        before = ends[stream] if stream in ends else _hash_before(connection, stream, version)
        operation, actor = getattr(event, "operation", None), getattr(event, "actor", "")
        ends[stream] = link_hash(before, stream, version, event.topic, operation, actor, event.state)
        row = (position, stream, version, event.topic, operation, actor, event.state.decode(), ends[stream])
        rows.append(dict(zip(COLUMNS, row, strict=True)))
    return rows


def _positions(connection: Connection, count: int) -> Sequence[int]:
    """So many positions after the log's last; on PostgreSQL its sequence moves along."""
    if connection.dialect.name == "sqlite":
        end = connection.execute(select(func.max(LOG.c.position))).scalar() or 0
        return range(end + 1, end + count + 1)
    numbered = f"generate_series(1, {count:d}) AS number ORDER BY number"
    query = f"SELECT greatest(newest.position + number, nextval(newest.numbers)) FROM {NEWEST}, {numbered}"
    return connection.exec_driver_sql(query).scalars().all()


def _hash_before(connection: Connection, stream: str, version: int) -> bytes:
    query = select(LOG.c.hash).where(LOG.c.stream == stream, LOG.c.version < version)
    return bytes(connection.execute(query.order_by(LOG.c.version.desc()).limit(1)).scalar() or GENESIS)


class LogRecorder(SnapshotRecorder, ApplicationRecorder):
    """The log: hash chains, positions in commit order, and the writer's transaction where one is given."""

    table = LOG

    def _states(self, query: Select[Any]) -> Iterable[tuple[Any, str]]:
        """Whole, as by their operation, which is a row's last value then."""
        rows = self._database.rows(query.add_columns(LOG.c.operation))
        states = self._database.beginnings.whole(
            rows, ABOUT, beginnings_by(self._database.rows, self._database.archive)
        )
        return zip(rows, states, strict=True)

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        transaction: Any = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> Sequence[int] | None:
        """Append to the writer's unit, which writes with its commit; alone, append and return the positions."""
        if transaction is not None:
            transaction.append(stored_events)
            return None
        with library_errors(), self._database.transaction() as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql(COMMIT_ORDER)
            rows = _chained(connection, stored_events)
            if rows:
                connection.execute(LOG.insert(), rows)
            return [row["position"] for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        query = select(LOG.c.stream, LOG.c.version, LOG.c.topic, LOG.c.state, LOG.c.position)
        if start is not None:
            query = query.where(LOG.c.position >= start if inclusive_of_start else LOG.c.position > start)
        with library_errors():
            end = SqlReader(self._database).end()
        query = query.where(LOG.c.position <= (end if stop is None else min(stop, end)))
        if topics:
            query = query.where(LOG.c.topic.in_(topics))
        with library_errors():
            rows = self._states(query.order_by(LOG.c.position).limit(limit))
            return [Notification(row[0], row[1], row[2], state.encode(), row[4]) for row, state in rows]

    def max_notification_id(self) -> int | None:
        with library_errors():
            return SqlReader(self._database).end() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:  # noqa: ARG002
        raise NotSupportedError("views are advanced by projectors, in batches; see projections")
