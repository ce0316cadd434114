"""One dialect and one memory of compiled statements a process, for all the databases that its tests open.

test ── Database ── create_engine ── "sqlite", "postgresql+psycopg2" ──> the dialect of this process

A program opens one database and compiles a statement once; tests open thousands, and compiled each statement in each of
them: a sixth of their time.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final, Self

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

STATEMENTS: Final[LRUCache[Any, Any]] = LRUCache(5_000)
"""A key names the dialect, so that one memory does for both."""


class Shared(DefaultDialect):
    """A dialect that is made once for equal options."""

    _made: Final[dict[object, Any]] = {}
    _making: Final = Lock()

    def __new__(cls, **options: Any) -> Self:
        key = (cls, frozenset(options.items()))
        with cls._making:
            if key not in cls._made:
                made = super().__new__(cls)
                super(Shared, made).__init__(**options)
                cls._made[key] = made
            found: Self = cls._made[key]
            return found

    def __init__(self, **options: Any) -> None:
        """It was made before."""

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=STATEMENTS)


class Sqlite(Shared, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class Postgres(Shared, PGDialect_psycopg2):
    supports_statement_cache = True


def share_dialects() -> None:
    """From now on engines of this process share."""
    for name in ("sqlite", "sqlite.pysqlite"):
        registry.register(name, __name__, Sqlite.__name__)
    registry.register("postgresql.psycopg2", __name__, Postgres.__name__)
