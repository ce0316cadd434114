"""Which engine a database is: PostgreSQL or SQLite itself, or one that only speaks like it and has to prove itself."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Final

from sqlalchemy import text

from domain.errors import ImageStudioError
from infrastructure.store.database import Database
from infrastructure.store.order import MARK
from infrastructure.store.reordering import order_of
from infrastructure.store.urls import SQLITE, parse_url
from infrastructure.storecheck import RULES, refuse_unfit

PLAIN: Final = re.compile(r"PostgreSQL \d+(\.\d+)*(beta\d+|rc\d+|devel)?( \([^)]*\))? on ")
"""The beginning of what PostgreSQL says of its version; in brackets is who packed it, or what a fork calls itself."""

FORKS: Final = ("greenplum", "redshift", "polardb", "opengauss", "cloudberry")
"""Words of forks that stand in the brackets."""

DISTRIBUTING: Final = ("citus",)
"""Extensions with which a transaction may be on several machines."""

ASKED: Final = text("SELECT version(), ARRAY(SELECT extname::text FROM pg_extension)")


def foreign_engine(url: str) -> str | None:
    """The name an engine gives itself if it is not PostgreSQL or SQLite; None if it is. Raises StoreUnavailable."""
    if parse_url(url).get_backend_name() == SQLITE:
        return None
    with closing(Database(url, reading=True)) as database:
        [(version, extensions)] = database.rows(ASKED)
    found = [name for name in DISTRIBUTING if name in extensions]
    if found or not is_plain(version):
        return ", ".join((*found, version))
    return None


def is_plain(version: str) -> bool:
    """Whether these are PostgreSQL's own words."""
    return PLAIN.match(version) is not None and not any(name in version.lower() for name in FORKS)


def refuse_foreign(url: str) -> None:
    """Have an engine that only speaks like PostgreSQL prove every rule. Raises StoreError with the first it breaks."""
    if foreign_engine(url) is not None:
        refuse_unfit(url, [rule for rule in RULES if not rule.of_marks or _is_marked(url)])


def _is_marked(url: str) -> bool:
    """Whether there is a ledger whose commits are ordered by marks."""
    try:
        with closing(Database(url, reading=True)) as database:
            return order_of(database) == MARK
    except ImageStudioError:
        return False
