"""The address of a shard is another one from now on: its server moved, or its password changed.

    new address ── the very shard? complete? guarded? ─┬─ the old one is another database, and answers: refused
                                                       └─ written down, with who, when and why

A shard that answers at two addresses that are two databases would be written to in both: that is refused. Whatever
does not answer any more is taken for stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from secrets import randbits
from typing import Final

from sqlalchemy import Connection, text

from domain.advice import Advice
from domain.errors import InvalidInput, NoLedger, StoreError, StoreUnavailable
from infrastructure.clock import now
from infrastructure.opening import foreign_files, lost_facts
from infrastructure.sealfiles import check_sealed
from infrastructure.settings import Settings
from infrastructure.shards.adding import refuse_twin, schema_in
from infrastructure.shards.directory import AddressChange, Directory
from infrastructure.shards.marking import shard_in
from infrastructure.shards.opening import named_shards, open_directory, settings_of
from infrastructure.store.database import Database
from infrastructure.store.identity import ledger_id
from infrastructure.store.migrations import check_schema
from infrastructure.store.migrations.guard import prove
from infrastructure.store.opening import check_opening
from infrastructure.store.options import SEARCH_PATH, options_of
from infrastructure.store.urls import parse_url, shown_url

HELD: Final = text("SELECT pg_advisory_xact_lock(:high, :low)")
SEEN: Final = text("""SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = :high AND objid = :low
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""")
UNMARKED: Final = "no shard: its schema has no mark of a directory"


def change_address(settings: Settings, name: str, url: str, *, reason: str = "") -> AddressChange:
    """Have a shard looked for elsewhere from now on; blocks. The change as it is in the directory's history.

    Raises InvalidInput unless it is that very shard, FactsLost if it lacks facts that it had, StoreError for a log that
    is not guarded, StoreUnavailable if the new address does not answer.
    """
    with open_directory(settings) as directory:
        known = named_shards(directory).get(name)
        if known is None:
            raise InvalidInput("name", f"there is no shard {name!r}", hint=Advice("shards.list"))
        place = schema_in(url, options_of(parse_url(known))[SEARCH_PATH])
        refuse_twin(directory, name, place)
        with closing(Database(place)) as database:
            _check(directory, name, database)
            _refuse_loss(settings_of(settings, name, place), database)
            _refuse_second(known, database)
        change = AddressChange(
            name, now(), str(settings.actor), reason, shown_url(parse_url(known)), shown_url(parse_url(place))
        )
        directory.move_shard(change, known, place)
        return change


def _check(directory: Directory, name: str, database: Database) -> None:
    """Have it be this very shard, writable, and proof against every attack. Raises InvalidInput, StoreError."""
    check_schema(database)
    found = shard_in(database)
    if found != (name, directory.id):
        told = UNMARKED if found is None else f"shard {found[0]!r}"
        whose = " of another directory" if found is not None and found[1] != directory.id else ""
        raise InvalidInput("url", f"that is {told}{whose}", hint="name the database in which the shard is now")
    if database.is_standby():
        raise InvalidInput("url", "that is a standby, which takes no writes", hint="promote it first")
    check_opening(database)
    with database.transaction() as connection:
        prove(connection)


def _refuse_loss(settings: Settings, database: Database) -> None:
    """Hold it against what is known outside: the newest kept seal, and the newest fact that its files have seen."""
    check_sealed(settings, database)
    trouble = foreign_files(settings, ledger_id(database)) or lost_facts(settings, database)
    if trouble is not None:
        raise trouble


def _refuse_second(known: str, database: Database) -> None:
    """Two databases that answer would both be written to. Raises InvalidInput."""
    with _other(known) as connection:
        if connection is None:
            return
        high, low = randbits(31), randbits(31)
        connection.execute(HELD, {"high": high, "low": low})
        if not database.rows(SEEN, {"high": high, "low": low}):
            told = f"the shard answers at {shown_url(parse_url(known))} as well, and that is another database"
            raise InvalidInput("url", told, hint="stop that one first: what runs would go on writing to it")


@contextmanager
def _other(known: str) -> Iterator[Connection | None]:
    """A transaction at the address that is known; None if nobody answers there."""
    with closing(Database(known)) as database:
        try:
            database.rows(text("SELECT 1"))
        except (StoreUnavailable, StoreError, NoLedger):
            yield None
            return
        with database.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")
