"""The names that people give to API keys, in a table beside the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, bindparam, delete, insert, select

from infrastructure.store.database import Database
from infrastructure.store.schema import KEY_NAMES
from infrastructure.store.tables import small_write


def _names() -> Select[Any]:
    return select(KEY_NAMES.c.key, KEY_NAMES.c.name).where(KEY_NAMES.c.account == bindparam("whose"))


class SqlKeyNames:
    """Implements KeyNames."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, account: str) -> Mapping[str, str]:
        return {row[0]: row[1] for row in self._database.ask("key names", _names, {"whose": account})}

    def put(self, account: str, key: str, name: str) -> None:
        with small_write(self._database) as connection:
            here = (KEY_NAMES.c.account == account) & (KEY_NAMES.c.key == key)
            connection.execute(delete(KEY_NAMES).where(here))
            if name:
                connection.execute(insert(KEY_NAMES).values(account=account, key=key, name=name))
