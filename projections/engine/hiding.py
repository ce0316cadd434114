"""Users who were erased, in views: rows have their pseudonyms, whichever facts they are folded from.

fold ── the erased of the checkpoint ── changes with the pseudonym ── the same checkpoint still, or folded again
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from domain.pseudonyms import ErasedUsers
from projections.engine.columns import ColumnKind
from projections.engine.view import AnyView, Change, Reads

NOBODY: Final = ErasedUsers()


def hiding(view: AnyView, reads: Reads, erased: ErasedUsers) -> Reads:
    """The changes of a view, with pseudonyms in the place of users who were erased."""
    if not erased or not user_column(view):
        return reads
    shown = _shower(view, erased)
    change, each = reads.change, reads.each
    return Reads(
        None if change is None else lambda fact: shown(change(fact)),
        reads.names,
        None if each is None else lambda fact: [shown(one) for one in each(fact)],
    )


def _shower(view: AnyView, erased: ErasedUsers) -> Callable[[Change], Change]:
    owner, user = column_of(view, ColumnKind.ACCOUNT), user_column(view)

    def shown(change: Change) -> Change:
        key, sums, notes = change
        told: dict[str, Any] = {**dict(zip(view.key, key, strict=True)), **notes}
        if told.get(owner) not in erased.pseudonyms or told.get(user) is None:
            return change
        name = erased.named(told[owner], told[user])
        if name == told[user]:
            return change
        if user in notes:
            return key, sums, {**notes, user: name}
        return tuple(name if one == user else value for one, value in zip(view.key, key, strict=True)), sums, notes

    return shown


@cache
def user_column(view: AnyView) -> str:
    """The column that names a user, empty if there is none."""
    return column_of(view, ColumnKind.USER)


def column_of(view: AnyView, kind: ColumnKind) -> str:
    """The first stored column of a kind, empty if there is none."""
    return next((column.name for column in view.stored if column.kind is kind), "")
