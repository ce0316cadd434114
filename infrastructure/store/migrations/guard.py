"""The log's triggers: made anew by every upgrade, and believed only after each has refused an attack."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from domain.errors import StoreError
from infrastructure.store.guarding import (
    APPEND_ONLY,
    ARCHIVE_ONLY,
    ARCHIVE_TABLES,
    ARCHIVE_TRIGGERS,
    ARCHIVING,
    TRIGGER_NAMES,
    TRIGGERS,
)

PROBE = "INSERT INTO log (stream, version, topic, actor, state, hash) VALUES ('probe', 1, 'probe', '', '{}', '')"
PROBES = (
    PROBE.replace("(stream", "(position, stream").replace("('probe'", "(0, 'probe'"),  # no number is taken for it
    "INSERT INTO archive_segments VALUES (0, 'probe', 0, 0, 0, 0, 0, '', 0)",
    "INSERT INTO archived_streams VALUES ('probe', 0, 1, 1, '', '', '')",
)
_OF_ARCHIVE = tuple(
    attack for table in ARCHIVE_TABLES for attack in (f"DELETE FROM {table}", f"UPDATE {table} SET {{}} = 0")
)
ON_ARCHIVE = tuple(attack.format("at" if "archive_segments" in attack else "first_version") for attack in _OF_ARCHIVE)

ATTACKS = {
    "sqlite": (
        "UPDATE log SET state = '' WHERE stream = 'probe'",
        "UPDATE OR REPLACE log SET version = 2 WHERE stream = 'probe'",
        "DELETE FROM log WHERE stream = 'probe'",
        PROBE.replace("INSERT", "INSERT OR REPLACE"),
        (
            "REPLACE INTO log (position, stream, version, topic, actor, state, hash)"
            " SELECT position, 'other', 1, topic, actor, state, hash FROM log WHERE stream = 'probe'"
        ),
        f"{PROBE} ON CONFLICT (stream, version) DO UPDATE SET state = ''",
        *ON_ARCHIVE,
    ),
    "postgresql": (
        "UPDATE log SET state = '' WHERE false",
        "DELETE FROM log WHERE false",
        "TRUNCATE log",
        (
            "INSERT INTO log (stream, version, topic, actor, state, hash) SELECT '', 1, '', '', '', '' WHERE false"
            " ON CONFLICT (stream, version) DO UPDATE SET state = ''"
        ),
        f"{ARCHIVING}; DELETE FROM log WHERE stream = 'probe'",
        *ON_ARCHIVE,
    ),
}
"""Every way to change a row there is. PostgreSQL's triggers are the statement's own, so they need no row to refuse,
but for what says that it archives."""


def arm(connection: Connection) -> None:
    """Make the triggers anew, inside the caller's transaction."""
    dialect = connection.dialect.name
    of_table = "" if dialect == "sqlite" else " ON log"
    for name in TRIGGER_NAMES[dialect]:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{of_table}")
    for table, name in ARCHIVE_TRIGGERS[dialect]:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{of_table and f' ON {table}'}")
    for statement in TRIGGERS[dialect]:
        connection.exec_driver_sql(statement)


def prove(connection: Connection) -> None:
    """Attack the log inside a savepoint and leave no trace. Raises StoreError where an attack is not refused."""
    connection.execute(text("SAVEPOINT proof"))
    for probe in PROBES:
        connection.execute(text(probe))
    if connection.dialect.name == "sqlite":
        _prove_against_any_sqlite_client(connection)
    else:
        _prove(connection)
    connection.execute(text("ROLLBACK TO SAVEPOINT proof"))
    connection.execute(text("RELEASE SAVEPOINT proof"))


def _prove_against_any_sqlite_client(connection: Connection) -> None:
    """Other programs do not set what ours do: without recursive triggers, REPLACE deletes behind a trigger's back."""
    connection.execute(text("PRAGMA recursive_triggers = OFF"))
    try:
        _prove(connection)
    finally:
        connection.execute(text("PRAGMA recursive_triggers = ON"))


def _prove(connection: Connection) -> None:
    for attack in ATTACKS[connection.dialect.name]:
        if not is_refused(connection, attack):
            raise StoreError(f"the log does not refuse: {attack}", hint="nothing was changed; report this, please")


def is_refused(connection: Connection, attack: str) -> bool:
    """Whether the log refuses a statement, which leaves no trace then; inside the caller's transaction."""
    connection.execute(text("SAVEPOINT attack"))
    try:
        connection.execute(text(attack))
    except DBAPIError as error:
        connection.execute(text("ROLLBACK TO SAVEPOINT attack"))
        return any(told in str(error.orig) for told in (APPEND_ONLY, ARCHIVE_ONLY))
    return False
