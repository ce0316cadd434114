"""A shard is made: its schema, the ledger's tables in that, and then its line in the directory.

Stopped at any point, the same command goes on: a schema that is not in the directory is nobody's shard yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from domain.advice import Advice
from domain.errors import InvalidInput, StoreUnavailable
from infrastructure.settings import Settings
from infrastructure.shards.adopting import adopt
from infrastructure.shards.directory import AddressChange, Directory, Home
from infrastructure.shards.marking import mark
from infrastructure.shards.opening import open_directory
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.options import SEARCH_PATH, options_of, with_settings
from infrastructure.store.reader import SqlReader
from infrastructure.store.urls import SQLITE, parse_url, shown_url
from infrastructure.storecheck.engines import refuse_foreign
from projections.queries import statuses

SIZE: Final = text(
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
)
"""The bytes of the schema's tables, with their indexes."""
NAME: Final = re.compile("[a-z][a-z0-9_]{0,30}")
RESERVED: Final = frozenset({"public", "information_schema"})
"""Schemas of the database's own, and of whoever else uses it."""


@dataclass(frozen=True, slots=True)
class ShardLine:
    """One shard: where it is, its accounts, the end of its log, its bytes, and how far a view is behind at the most; or
    why nobody can tell."""

    name: str
    url: str
    accounts: int
    position: int | None
    size: int | None = None
    lag: int | None = None
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class ShardList:
    """All shards, the accounts that are being moved, and the addresses that shards had, the newest change last."""

    shards: Sequence[ShardLine]
    moves: dict[str, Home]
    changes: Sequence[AddressChange]


def add_shard(settings: Settings, name: str, url: str, *, take_over: bool = False) -> ShardLine:
    """Make a shard in a database of PostgreSQL, in a schema of its name unless the URL names one; blocks.

    A ledger that is there becomes the shard, with its accounts; one of another directory only to `take_over` from that.

    Raises InvalidInput, StoreError for an engine that does not keep what a ledger rests on, StoreUnavailable.
    """
    if not NAME.fullmatch(name):
        told = "is not 1 to 31 small letters, digits and _, a letter first"
        raise InvalidInput("name", f"{name!r} {told}", hint="such as eu_1")
    if name in RESERVED or name.startswith("pg_"):
        raise InvalidInput("name", f"{name!r} is a schema that a database has already", hint="such as eu_1")
    if parse_url(url).get_backend_name() == SQLITE:
        raise InvalidInput("url", "a SQLite ledger is one file, and no shard", hint="such as postgresql://HOST/NAME")
    place = schema_in(url, name)
    refuse_foreign(place)
    with open_directory(settings) as directory:
        directory.make()
        _refuse_other(directory, name, place)
        refuse_twin(directory, name, place)
        with closing(Database(place)) as database, database.transaction() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {options_of(database.url)[SEARCH_PATH]}")
        upgrade_schema(place)
        with closing(Database(place)) as database, database.transaction() as connection:
            mark(connection, name, directory.id, take_over=take_over)
        adopt(directory, name, place)
        directory.add(name, place)
        return _line(name, place, directory.accounts())


def list_shards(settings: Settings) -> ShardList:
    """Every shard as it is now; blocks. Raises StoreUnavailable."""
    with open_directory(settings) as directory:
        shards = directory.shards()
        accounts = directory.accounts()
        lines = [_line(name, url, accounts) for name, url in shards.items()]
        return ShardList(lines, directory.moves(), directory.address_changes())


def schema_in(url: str, name: str) -> str:
    """The address with one schema, which is `name` unless it says which. Raises InvalidInput for several."""
    parsed = parse_url(url).set(drivername="postgresql")
    options = {SEARCH_PATH: name, **options_of(parsed)}
    if not NAME.fullmatch(options[SEARCH_PATH]):
        raise InvalidInput("url", f"names {options[SEARCH_PATH]!r}, and a shard is one schema", hint="leave it out")
    return with_settings(parsed, options).render_as_string(hide_password=False)


def _refuse_other(directory: Directory, name: str, url: str) -> None:
    """A name is one shard's for ever."""
    if directory.shards().get(name, url) != url:
        raise InvalidInput("name", f"there is another shard {name!r}", hint=Advice("shards.moved"))


def refuse_twin(directory: Directory, name: str, url: str) -> None:
    """Two shards in one schema would be one ledger with two owners. Raises InvalidInput."""
    twin = next((one for one, place in directory.shards().items() if place == url and one != name), None)
    if twin is not None:
        raise InvalidInput("url", f"that is shard {twin!r}", hint="name another database, or another schema")


def _line(name: str, url: str, accounts: dict[str, int]) -> ShardLine:
    shown = shown_url(parse_url(url))
    try:
        with closing(Database(url, reading=True)) as database:
            reader = SqlReader(database)
            lag = max(one.lag for one in statuses(database, reader))
            return ShardLine(name, shown, accounts.get(name, 0), reader.end(), int(database.rows(SIZE)[0][0]), lag)
    except StoreUnavailable as error:
        return ShardLine(name, shown, accounts.get(name, 0), None, lacks=error.message)
