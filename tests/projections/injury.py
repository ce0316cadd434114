"""Faults at the driver: a connection that fails, or a process that dies, just before a chosen statement."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from multiprocessing.context import ForkServerProcess
from typing import Any

from sqlalchemy import event

from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.engine.rebuild import Strides, rebuild
from projections.views import ALL
from tests.faults import processes

SMALL = Strides(range=100, read=30, near=20, pause=0.1)
"""Of a rebuild that goes over a short log in several ranges."""


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


def started(url: str, work: str, statement: str = "never", number: int = 1) -> ForkServerProcess:
    """A process that projects or rebuilds, and dies before the `number`-th statement that begins so."""
    return processes.started(working, url, work, statement, number)


async def working(url: str, work: str, statement: str, number: int) -> None:
    """What it does; nothing of it is awaited."""
    with closing(Database(url)) as database, before(database, statement, number, die):
        source = FactSource(SqlReader(database), FactMapper())
        if work == "project":
            Projector(database, source, ALL, batch=50).advance()
        else:
            rebuild(database, source, ALL, strides=SMALL)
