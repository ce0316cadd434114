"""The small tables beside the log, one class a table: index, contents, leases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Column, ColumnElement, Connection, and_, delete, func, or_, select, update

from application.ledger.transaction import Conflict
from application.ports import Content, Indexed, Lease
from domain.errors import StoreUnavailable
from domain.evidence import Spent
from domain.streams import NEVER, begin_of
from domain.tags import BLANK
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import ACCOUNTS, CONTENTS, JOBS, KEYS, LEASES, OPERATION_TAGS, OPERATIONS, WORDS
from infrastructure.store.transactions import REFUSED

SEPARATOR, AFTER_SEPARATOR = ".", "/"
"""Operations of a batch are BATCH.1, BATCH.2, …: all ids from the separator up to the character that follows it."""

FIRST = SEPARATOR + "1"

CHUNK = 500


@contextmanager
def small_write(database: Database) -> Iterator[Connection]:
    """A small write of its own, which its caller may simply try again. Raises StoreUnavailable."""
    try:
        with database.transaction() as connection:
            yield connection
    except Conflict as error:
        raise StoreUnavailable(f"the write was lost: {error}", hint="try again") from error


def of_batch(column: Column[str], batch: str) -> ColumnElement[bool]:
    """The operation of this id, and all of the batch of this id."""
    return or_(column == batch, and_(column > batch + SEPARATOR, column < batch + AFTER_SEPARATOR))


class SqlIndex:
    """The index of operations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def operations(self, id: str) -> list[Indexed]:
        query = select(OPERATIONS.c.id, OPERATIONS.c.account, OPERATIONS.c.phase)
        rows = self._database.rows(query.where(of_batch(OPERATIONS.c.id, id)))
        found = [Indexed(row[0], row[1], row[2]) for row in rows]
        return sorted(found, key=lambda one: (len(one.operation), one.operation))

    def jobs(self, provider: str, jobs: Sequence[str]) -> dict[str, str]:
        query = select(JOBS.c.job, JOBS.c.operation).where(JOBS.c.provider == provider)
        found: dict[str, str] = {}
        for start in range(0, len(jobs), CHUNK):
            some = jobs[start : start + CHUNK]
            found.update((row[0], row[1]) for row in self._database.rows(query.where(JOBS.c.job.in_(some))))
        return found

    def accounts(self, after: str, limit: int) -> list[str]:
        query = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id > after).order_by(ACCOUNTS.c.id).limit(limit)
        return [row[0] for row in self._database.rows(query)]

    def period_before(self, account: str, instant: int) -> str | None:
        streams = SqlReader(self._database).streams_of(account)
        begun = [stream for stream in streams if NEVER < begin_of(stream) <= instant]
        return max(begun, key=begin_of, default=None)

    def key(self, account: str, key: str) -> Spent | None:
        first = OPERATIONS.c.id.in_((KEYS.c.reference, KEYS.c.reference + FIRST))
        query = select(KEYS.c.reference, KEYS.c.fingerprint, OPERATIONS.c.phase).outerjoin_from(KEYS, OPERATIONS, first)
        rows = self._database.rows(query.where(KEYS.c.account == account, KEYS.c.key == key))
        return next((Spent(row[0], row[1], row[2] == REFUSED) for row in rows), None)

    def keys_between(self, account: str, low: str, high: str, limit: int) -> list[tuple[str, str]]:
        first = OPERATIONS.c.id.in_((KEYS.c.reference, KEYS.c.reference + FIRST))
        query = select(KEYS.c.key, OPERATIONS.c.phase).join_from(KEYS, OPERATIONS, first)
        query = query.where(KEYS.c.account == account, KEYS.c.key >= low, KEYS.c.key < high)
        return [(row[0], row[1]) for row in self._database.rows(query.order_by(KEYS.c.key.desc()).limit(limit))]


class SqlContents:
    """The content that was asked, erasable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, batch: str) -> Content | None:
        row = next(iter(self._database.rows(select(CONTENTS).where(CONTENTS.c.batch == batch))), None)
        return None if row is None else Content(row[0], row[1], bytes(row[2]), row[3])

    def page(self, after: str, limit: int, account: str | None = None) -> list[Content]:
        query = select(CONTENTS).where(CONTENTS.c.batch > after).order_by(CONTENTS.c.batch).limit(limit)
        if account is not None:
            query = query.where(CONTENTS.c.account == account)
        return [Content(row[0], row[1], bytes(row[2]), row[3]) for row in self._database.rows(query)]

    def erase(self, batch: str) -> bool:
        with small_write(self._database) as connection:
            erased = connection.execute(delete(CONTENTS).where(CONTENTS.c.batch == batch)).rowcount
            connection.execute(delete(WORDS).where(of_batch(WORDS.c.operation, batch)))
        return bool(erased)

    def tags(self, operation: str) -> dict[str, str]:
        query = select(OPERATION_TAGS.c.name, OPERATION_TAGS.c.value).distinct()
        here = of_batch(OPERATION_TAGS.c.operation, operation), OPERATION_TAGS.c.name != BLANK
        return {row[0]: row[1] for row in self._database.rows(query.where(*here).order_by(OPERATION_TAGS.c.name))}

    def words(self, operation: str) -> str:
        rows = self._database.rows(select(WORDS.c.said).where(WORDS.c.operation == operation))
        return str(rows[0][0]) if rows else ""


class SqlLeases:
    """Who works on what, until when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def renew(self, operations: Sequence[str], owner: str, expires: int) -> set[str]:
        held = and_(LEASES.c.operation.in_(operations), LEASES.c.owner == owner)
        with small_write(self._database) as connection:
            connection.execute(update(LEASES).where(held).values(expires=expires))
            return set(connection.execute(select(LEASES.c.operation).where(held)).scalars())

    def expired(self, now: int) -> list[Lease]:
        query = select(LEASES.c.operation, LEASES.c.account, LEASES.c.owner, LEASES.c.epoch, LEASES.c.expires)
        ended = query.where(LEASES.c.expires < now).order_by(LEASES.c.expires)
        return [Lease(*row) for row in self._database.rows(ended)]

    def running(self, now: int) -> tuple[int, int | None]:
        query = select(func.count(), func.max(LEASES.c.expires)).where(LEASES.c.expires >= now)
        with self._database.connect() as connection:
            count, latest = connection.execute(query).one()
        return count, latest

    def claim(self, lease: Lease, owner: str, expires: int) -> bool:
        unchanged = and_(
            LEASES.c.operation == lease.operation,
            LEASES.c.epoch == lease.epoch,
            LEASES.c.expires == lease.expires,
        )
        taken = update(LEASES).where(unchanged).values(owner=owner, epoch=lease.epoch + 1, expires=expires)
        with small_write(self._database) as connection:
            return connection.execute(taken).rowcount == 1
