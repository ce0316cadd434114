"""Rows of views take the pseudonyms of users who are erased.

erasure ── one transaction: the table of the erased ── checkpoints say so ── rows of the user take the pseudonym
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, text

from domain.pseudonyms import ErasedUsers, user_digest
from projections.engine import rows
from projections.engine.columns import STORED, ColumnKind
from projections.engine.hiding import NOBODY, column_of, user_column
from projections.engine.tables import CHECKPOINTS
from projections.engine.view import AnyView, in_order

EVERYBODY: Final = text("SELECT account, digest, pseudonym FROM erased_users")
KEEP: Final = text("INSERT INTO erased_users VALUES (:account, :digest, :pseudonym) ON CONFLICT DO NOTHING")
HERE: Final = CHECKPOINTS.c.view.in_(bindparam("views", expanding=True))
ERASED_NOW: Final = CHECKPOINTS.update().where(HERE).values(erased=CHECKPOINTS.c.erased + 1)


def erased_users(connection: Connection) -> ErasedUsers:
    """All who were erased."""
    found: dict[str, dict[str, str]] = {}
    for account, digest, pseudonym in connection.execute(EVERYBODY):
        found.setdefault(account, {})[digest] = pseudonym
    return ErasedUsers(found) if found else NOBODY


def hide_in_views(connection: Connection, views: Sequence[AnyView], account: str, users: Mapping[str, str]) -> int:
    """Give the rows of users their pseudonyms; how many rows. Whoever folds meanwhile has to fold again."""
    connection.execute(ERASED_NOW, {"views": [view.name for view in views]})
    for user, pseudonym in users.items():
        told = {"account": account, "digest": user_digest(account, user), "pseudonym": pseudonym}
        connection.execute(KEEP, told)
    named = [view for view in in_order(views) if user_column(view)]
    return sum(_rename(connection, view, account, *one) for view in named for one in users.items())


def rows_of_users(connection: Connection, views: Sequence[AnyView], account: str, users: Iterable[str]) -> int:
    """How many rows of views name one of these users."""
    return sum(
        connection.execute(text(f"SELECT count(*) FROM {view.name} {_whose(view)}"), told).scalar_one()
        for told in [{"account": account, "user": user} for user in users]
        for view in views
        if user_column(view)
    )


def _rename(connection: Connection, view: AnyView, account: str, user: str, pseudonym: str) -> int:
    """Of a key the rows are added to those that have the pseudonym already."""
    column, told = user_column(view), {"account": account, "user": user}
    if column not in view.key:
        change = text(f'UPDATE {view.name} SET "{column}" = :pseudonym {_whose(view)}')
        return int(connection.execute(change, {**told, "pseudonym": pseudonym}).rowcount)
    names = view.named(*STORED)
    chosen = ", ".join(f'"{name}"' for name in names)
    found = connection.execute(text(f"SELECT {chosen} FROM {view.name} {_whose(view)}"), told).all()
    connection.execute(text(f"DELETE FROM {view.name} {_whose(view)}"), told)
    kept = [{**dict(zip(names, row, strict=True)), column: pseudonym} for row in found]
    rows.add(connection, [view], {view.name: {tuple(row.pop(name) for name in view.key): row for row in kept}})
    return len(kept)


def _whose(view: AnyView) -> str:
    return f'WHERE "{column_of(view, ColumnKind.ACCOUNT)}" = :account AND "{user_column(view)}" = :user'
