"""Faults at the driver: a connection that fails, or a process that dies, just before a chosen statement.

python -m tests.projections.injury URL project|rebuild [STATEMENT COUNT]      dies before the COUNT-th STATEMENT
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event

from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.engine.rebuild import Strides, rebuild
from projections.views import ALL

SMALL = Strides(range=100, read=30, near=20, pause=0.1)
"""Of a rebuild that goes over a short log in several ranges."""

ROOT = Path(__file__).parent.parent.parent


class Injury(Exception):
    """What a broken driver raises."""


def open_source(url: str) -> FactSource:
    """The log, for a process of its own."""
    return FactSource(SqlReader(Database(url)), FactMapper())


@contextmanager
def before(database: Database, statement: str, number: int, act: Callable[[], None]) -> Iterator[None]:
    """Act once, before the `number`-th statement that begins so."""
    numbers = count(1)
    with each(database, statement, lambda: act() if next(numbers) == number else None):
        yield


@contextmanager
def each(database: Database, statement: str, act: Callable[[], None]) -> Iterator[None]:
    """Act before each statement that begins so."""

    def look(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.startswith(statement):
            act()

    event.listen(database.engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", look)


def injure() -> None:
    """Fail as a driver does."""
    raise Injury


def die() -> None:
    """End without any farewell."""
    os.kill(os.getpid(), signal.SIGKILL)


def started(url: str, *arguments: str) -> subprocess.Popen[bytes]:
    """This module in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "tests.projections.injury", url, *arguments], cwd=ROOT)


def main(url: str, work: str, statement: str = "", number: str = "1") -> None:
    with closing(Database(url)) as database, before(database, statement or "never", int(number), die):
        source = FactSource(SqlReader(database), FactMapper())
        if work == "project":
            Projector(database, source, ALL, batch=50).advance()
        else:
            rebuild(database, source, ALL, strides=SMALL)


def run(arguments: Sequence[str]) -> None:
    main(*arguments)


if __name__ == "__main__":
    run(sys.argv[1:])
