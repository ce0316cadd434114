"""The log's triggers: made anew by every upgrade, and believed only after each has refused an attack."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from domain.errors import StoreError
from infrastructure.store.schema import APPEND_ONLY, TRIGGER_NAMES, TRIGGERS

PROBE = "INSERT INTO log (stream, version, topic, actor, state, hash) VALUES ('probe', 1, 'probe', '', '{}', '')"

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
    ),
    "postgresql": (
        "UPDATE log SET state = '' WHERE false",
        "DELETE FROM log WHERE false",
        "TRUNCATE log",
        (
            "INSERT INTO log (stream, version, topic, actor, state, hash) SELECT '', 1, '', '', '', '' WHERE false"
            " ON CONFLICT (stream, version) DO UPDATE SET state = ''"
        ),
    ),
}
"""Every way to change a row there is. PostgreSQL's triggers are the statement's own, so they need no row to refuse."""


def arm(connection: Connection) -> None:
    """Make the triggers anew, inside the caller's transaction."""
    dialect = connection.dialect.name
    of_table = "" if dialect == "sqlite" else " ON log"
    for name in TRIGGER_NAMES[dialect]:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{of_table}")
    for statement in TRIGGERS[dialect]:
        connection.exec_driver_sql(statement)


def prove(connection: Connection) -> None:
    """Attack the log inside a savepoint and leave no trace. Raises StoreError where an attack is not refused."""
    connection.execute(text("SAVEPOINT proof"))
    if connection.dialect.name == "sqlite":
        _prove_against_any_sqlite_client(connection)
    else:
        _prove(connection)
    connection.execute(text("ROLLBACK TO SAVEPOINT proof"))
    connection.execute(text("RELEASE SAVEPOINT proof"))


def _prove_against_any_sqlite_client(connection: Connection) -> None:
    """Other programs do not set what ours do: without recursive triggers, REPLACE deletes behind a trigger's back."""
    connection.execute(text(PROBE))
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
        return APPEND_ONLY in str(error.orig)
    return False
