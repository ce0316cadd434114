"""The studio's tables written through the bare drivers, with as few statements and round trips as there can be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg2

from infrastructure.store.order import COMMIT_ORDER
from infrastructure.store.urls import parse_url

Row = tuple[Any, ...]
CHARGED = "SELECT count(*) FROM operations WHERE phase = 'charged'"
HASH = bytes(32)
"""What stands in the columns that hold the studio's hashes: as long, and free."""


@dataclass(slots=True)
class Rows:
    """What one batch writes, as the columns of the statements below."""

    log: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    requested: list[Row] = field(default_factory=list)
    moved: list[Row] = field(default_factory=list)
    leased: list[Row] = field(default_factory=list)
    closed: list[Row] = field(default_factory=list)
    contents: list[Row] = field(default_factory=list)


class Tables(Protocol):
    """One connection, used by one thread at a time."""

    def open(self, accounts: Sequence[str], stream: str) -> None:
        """Make account rows that are missing; `stream` takes an account's id."""

    def lock(self, accounts: Sequence[str]) -> Mapping[str, tuple[int, str, int]]:
        """Begin and lock: revision, stream and version of each account."""

    def newer(self, stream: str, version: int) -> Sequence[tuple[str, str, str]]:
        """Name and JSON of the stream's entries above a version."""

    def write(self, rows: Rows) -> None:
        """Everything, and the commit."""

    def charged(self) -> int:
        """How many operations the index says are charged."""

    def close(self) -> None: ...


class SqliteTables:
    """WAL, synchronous=FULL, and the studio's other settings."""

    WRITES: Mapping[str, str] = {
        "log": "INSERT INTO log (stream, version, topic, operation, actor, state, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        "accounts": "UPDATE accounts SET revision = ?, version = ?, hash = ? WHERE id = ?",
        "requested": (
            "INSERT INTO operations (id, account, stream, phase, charged, adjusted)"
            " VALUES (?, ?, ?, 'dispatched', 0, 0)"
        ),
        "moved": "UPDATE operations SET phase = 'charged', charged = ?, adjusted = 0 WHERE id = ?",
        "leased": "INSERT INTO leases (operation, account, owner, epoch, expires) VALUES (?, ?, ?, 1, ?)",
        "closed": "DELETE FROM leases WHERE operation = ?",
        "contents": "INSERT INTO contents (batch, account, secret, body) VALUES (?, ?, ?, ?)",
    }

    def __init__(self, url: str) -> None:
        path = parse_url(url).database
        assert path is not None
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536", "wal_autocheckpoint = 4000"):
            self._connection.execute(f"PRAGMA {pragma}")

    def open(self, accounts: Sequence[str], stream: str) -> None:
        rows = [(account, stream.format(account), HASH, HASH) for account in accounts]
        self._connection.executemany("INSERT OR IGNORE INTO accounts VALUES (?, 0, ?, 0, ?, 0, ?, 0)", rows)

    def lock(self, accounts: Sequence[str]) -> Mapping[str, tuple[int, str, int]]:
        self._connection.execute("BEGIN IMMEDIATE")
        marks = ", ".join("?" * len(accounts))
        query = f"SELECT id, revision, stream, version FROM accounts WHERE id IN ({marks})"
        return {row[0]: row[1:] for row in self._connection.execute(query, accounts)}

    def newer(self, stream: str, version: int) -> Sequence[tuple[str, str, str]]:
        query = "SELECT topic, operation, state FROM log WHERE stream = ? AND version > ? ORDER BY version"
        return self._connection.execute(query, (stream, version)).fetchall()

    def write(self, rows: Rows) -> None:
        for name, sql in self.WRITES.items():
            if some := getattr(rows, name):
                self._connection.executemany(sql, some)
        self._connection.execute("COMMIT")

    def charged(self) -> int:
        return int(self._connection.execute(CHARGED).fetchone()[0])

    def close(self) -> None:
        self._connection.close()


class PostgresTables:
    """The lock is one round trip, everything written and the commit another."""

    WRITES: Mapping[str, str] = {
        "log": (
            "INSERT INTO log (stream, version, topic, operation, actor, state, hash)"
            " SELECT s, v, t, o, w, j, decode(h, 'hex')"
            " FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
            " AS new (s, v, t, o, w, j, h)"
        ),
        "accounts": (
            "UPDATE accounts SET revision = r, version = v, hash = decode(h, 'hex')"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS new (r, v, h, a) WHERE id = a"
        ),
        "requested": (
            "INSERT INTO operations (id, account, stream, phase, charged, adjusted)"
            " SELECT i, a, s, 'dispatched', 0, 0 FROM unnest(%s::text[], %s::text[], %s::text[]) AS new (i, a, s)"
        ),
        "moved": (
            "UPDATE operations SET phase = 'charged', charged = c, adjusted = 0"
            " FROM unnest(%s::bigint[], %s::text[]) AS new (c, i) WHERE id = i"
        ),
        "leased": (
            "INSERT INTO leases (operation, account, owner, epoch, expires) SELECT i, a, o, 1, e"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS new (i, a, o, e)"
        ),
        "closed": "DELETE FROM leases WHERE operation = ANY (%s)",
        "contents": (
            "INSERT INTO contents (batch, account, secret, body) SELECT i, a, decode(s, 'hex'), b"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS new (i, a, s, b)"
        ),
    }
    LOCK = "BEGIN; SELECT id, revision, stream, version FROM accounts WHERE id = ANY (%s) ORDER BY id FOR UPDATE"

    def __init__(self, url: str) -> None:
        dsn = parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg2.connect(dsn)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()

    def open(self, accounts: Sequence[str], stream: str) -> None:
        self._cursor.executemany(
            "INSERT INTO accounts VALUES (%s, 0, %s, 0, %s, 0, %s, 0) ON CONFLICT DO NOTHING",
            [(account, stream.format(account), HASH, HASH) for account in accounts],
        )

    def lock(self, accounts: Sequence[str]) -> Mapping[str, tuple[int, str, int]]:
        self._cursor.execute(self.LOCK, (accounts,))
        return {row[0]: row[1:] for row in self._cursor.fetchall()}

    def newer(self, stream: str, version: int) -> Sequence[tuple[str, str, str]]:
        query = "SELECT topic, operation, state FROM log WHERE stream = %s AND version > %s ORDER BY version"
        self._cursor.execute(query, (stream, version))
        found: list[tuple[str, str, str]] = self._cursor.fetchall()
        return found

    def write(self, rows: Rows) -> None:
        statements = [COMMIT_ORDER]
        parameters: list[list[Any]] = []
        for name, sql in self.WRITES.items():
            if some := getattr(rows, name):
                statements.append(sql)
                parameters += _columns(some)
        self._cursor.execute(";".join((*statements, "COMMIT")), parameters)

    def charged(self) -> int:
        self._cursor.execute(CHARGED)
        (count,) = self._cursor.fetchall()[0]
        return int(count)

    def close(self) -> None:
        self._connection.close()


def _columns(rows: Sequence[Row]) -> Iterator[list[Any]]:
    """Columns of a script's arrays, bytes in hex."""
    for column in zip(*rows, strict=True):
        yield [value.hex() for value in column] if isinstance(column[0], bytes) else list(column)


def open_tables(url: str) -> Tables:
    """The tables of a database that has the studio's schema."""
    return SqliteTables(url) if parse_url(url).get_backend_name() == "sqlite" else PostgresTables(url)
