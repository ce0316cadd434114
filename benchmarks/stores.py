"""Databases for a run: fresh ones, and ones filled to a size, made once and kept until the run ends."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.fill import Size, copy, fill
from infrastructure.store.migrations import upgrade_schema
from tests.postgres import fresh_database, running_postgres

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
LEDGER = "ledger.db"


@dataclass(frozen=True, slots=True)
class Place:
    """A database with the studio's schema, and a folder beside it."""

    url: str
    folder: Path


@dataclass(slots=True)
class Stores:
    """Everything on disk and in the server that a run uses; gone when it ends."""

    stack: ExitStack = field(default_factory=ExitStack)
    masters: dict[Size, Place] = field(default_factory=dict)
    filled_ones: dict[tuple[str, Size, str], Place] = field(default_factory=dict)
    started: str = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stack.close()

    @property
    def server(self) -> str:
        """The URL of a PostgreSQL that syncs, started when first asked for. Raises PostgresUnavailable."""
        if not self.started:
            self.started = self.stack.enter_context(running_postgres(fsync=True))
        return self.started

    @contextmanager
    def fresh(self, database: str) -> Iterator[Place]:
        """An empty one, for as long as the context lasts; its files are deleted at the end of the run.

        Where many files were deleted, ext4 makes new ones slowly for minutes (docs/decisions/0012).
        """
        with ExitStack() as stack:
            yield self._fresh(database, stack)

    def filled(self, database: str, size: Size, use: str) -> Place:
        """One filled to a size, shared by all who name the same `use`."""
        key = (database, size, use)
        if key not in self.filled_ones:
            self.filled_ones[key] = self._copy(database, self._master(size))
        return self.filled_ones[key]

    def _fresh(self, database: str, stack: ExitStack) -> Place:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="imagestudio-benchmark-")))
        is_sqlite = database == SQLITE
        url = f"sqlite:///{folder / LEDGER}" if is_sqlite else stack.enter_context(fresh_database(self.server))
        upgrade_schema(url)
        return Place(url, folder)

    def _master(self, size: Size) -> Place:
        if size not in self.masters:
            place = self._fresh(SQLITE, self.stack)
            fill(place.url, size)
            with closing(sqlite3.connect(place.folder / LEDGER)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.masters[size] = place
        return self.masters[size]

    def _copy(self, database: str, master: Place) -> Place:
        place = self._fresh(database, self.stack)
        if database == SQLITE:
            shutil.copyfile(master.folder / LEDGER, place.folder / LEDGER)
        else:
            copy(master.url, place.url)
        return place
