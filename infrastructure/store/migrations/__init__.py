"""The schema's revisions: run in one transaction, under an exclusive lock, adding to the log and never rewriting it.

    open a studio ── ensure_schema ─┬─ a new SQLite file ── made on the spot
                                    ├─ older, or missing ── SchemaMismatch: imagestudio db upgrade
                                    └─ newer ────────────── SchemaMismatch

However many processes and threads upgrade at once, one does the work and the others find it done.
"""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import URL, Connection, inspect, text

from domain.advice import Advice
from domain.errors import SchemaMismatch, StoreError
from infrastructure.store.database import PATIENT_SECONDS, Database
from infrastructure.store.migrations.guard import arm, prove
from infrastructure.store.schema import METADATA, VERSION_TABLE
from infrastructure.store.urls import SQLITE, shown_url
from projections.engine.database import ONE_SCHEMA

REVISIONS = ("0001", "0002")
"""In order; named here so that opening a database that is up to date needs no Alembic."""

HEAD = REVISIONS[-1]

SCRIPTS = ":".join(__name__.rsplit(".", 1))
"""This package, as Alembic names a folder of scripts within another."""
PATIENCE = 600
"""Seconds to wait for another process's upgrade, which ends: far more than one takes on a slow machine."""
UPGRADING = 0x1A6E57D11
"""The advisory lock's number on PostgreSQL."""


def upgrade_schema(url: str) -> None:
    """Bring the schema to this program's, whole or not at all; the log's triggers are made anew and tried.

    Raises SchemaMismatch for a newer schema or a database of another program, StoreUnavailable.
    """
    with closing(Database(url, lock_seconds=PATIENCE, statement_seconds=PATIENT_SECONDS)) as database:
        _upgrade(database)


def current(url: str) -> str | None:
    """The revision of the database, None where it has no schema. Raises StoreUnavailable."""
    with closing(Database(url)) as database:
        return revision_of(database)


def check_schema(database: Database) -> None:
    """Raise SchemaMismatch unless the schema is exactly this program's."""
    if (other := other_schema(revision_of(database), database.url)) is not None:
        raise other


def other_schema(revision: str | None, url: URL) -> SchemaMismatch | None:
    """The error of a revision that is not this program's, with what to do about it."""
    if revision is not None and revision not in REVISIONS:
        told = f"the database's schema is {revision}, newer than this program's {HEAD}"
        return SchemaMismatch(told, hint="use the program that upgraded it, or a newer one")
    if revision == HEAD:
        return None
    told = f"the database's schema is {revision or 'missing'}, this program needs {HEAD}"
    shown = shown_url(url)
    first = revision is None
    hint = Advice("database.make", database=shown) if first else Advice("database.upgrade", database=shown)
    return SchemaMismatch(told, hint=hint)


def ensure_schema(database: Database) -> None:
    """The step of opening a studio: make the schema in a new SQLite file, refuse everything else that does not fit."""
    if database.is_sqlite and is_empty(database):
        upgrade_schema(database.url.render_as_string(hide_password=False))
    check_schema(database)


def is_empty(database: Database) -> bool:
    """Whether there is no table at all, of nobody's."""
    with database.connect() as connection:
        return not inspect(connection).get_table_names()


def revision_of(database: Database) -> str | None:
    """None if it has no schema of ours. Raises StoreUnavailable."""
    with database.connect() as connection:
        return _revision_of(connection)


def _revision_of(connection: Connection) -> str | None:
    """The revision of the schema that is first in the search path, None where no ledger is there."""
    if VERSION_TABLE not in _tables(connection):
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return revision


def _tables(connection: Connection) -> set[str]:
    """Those of the schema that is first in the search path, in which new ones are made; not all that are visible."""
    is_postgres = connection.dialect.name != SQLITE
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar() if is_postgres else None
    return set(inspect(connection).get_table_names(schema=schema))


def _upgrade(database: Database) -> None:
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(ONE_SCHEMA)
        _lock(connection)
        revision = _revision_of(connection)
        if revision is not None and revision not in REVISIONS and (other := other_schema(revision, database.url)):
            raise other
        if revision is None:
            _refuse_encoding(connection)
            _refuse_strangers(connection)
        if revision != HEAD:
            _run_revisions(connection)
        arm(connection)
        prove(connection)


def _lock(connection: Connection) -> None:
    """SQLite's transaction is exclusive as it is begun. On PostgreSQL upgrades take turns, and keep all others out.

    Whoever waits here waits for an upgrade that will end, as long as one statement may take.
    """
    if connection.dialect.name == "sqlite":
        return
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({UPGRADING})"))
    if _revision_of(connection) is not None:
        connection.execute(text("LOCK TABLE accounts, log IN ACCESS EXCLUSIVE MODE"))  # in the writers' order


def _refuse_encoding(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        return
    encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar()
    if encoding != "UTF8":
        raise StoreError(
            f"the database keeps texts as {encoding}, the ledger needs UTF8",
            hint="make one with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )


def _refuse_strangers(connection: Connection) -> None:
    strangers = _tables(connection) & set(METADATA.tables)
    if strangers:
        raise SchemaMismatch(
            f"the database has tables of another program: {', '.join(sorted(strangers))}",
            hint=Advice("database.choose"),
        )


def _run_revisions(connection: Connection) -> None:
    from alembic.command import upgrade as run
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    run(config, HEAD)
