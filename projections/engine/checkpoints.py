"""How far each view is: checkpoints that are moved by compare-and-set, in the transaction that writes the rows.

BEGIN ─ checkpoint: from here to there, or CheckpointMoved ─ rows of each view, by key ─ COMMIT
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, bindparam, select, text, update

from projections.engine.tables import CHECKPOINTS


class CheckpointMoved(Exception):
    """Somebody else moved the checkpoint; what was folded for it is void."""


HERE = CHECKPOINTS.c.view.in_(bindparam("views", expanding=True))
ALL = select(
    CHECKPOINTS.c.view,
    CHECKPOINTS.c.position,
    CHECKPOINTS.c.failed_at,
    CHECKPOINTS.c.error,
    CHECKPOINTS.c.token.is_not(None),
    CHECKPOINTS.c.erased,
)
MARKS = ALL.where(HERE)


def _move(mine: ColumnElement[bool]) -> Update:
    standing = HERE & (CHECKPOINTS.c.position == bindparam("old")) & CHECKPOINTS.c.error.is_(None)
    standing &= CHECKPOINTS.c.erased == bindparam("known")
    held = select(CHECKPOINTS.c.view).where(standing, mine).order_by(CHECKPOINTS.c.view).with_for_update()
    return update(CHECKPOINTS).where(CHECKPOINTS.c.view.in_(held)).values(position=bindparam("new"))


MOVES = (_move(CHECKPOINTS.c.token.is_(None)), _move(CHECKPOINTS.c.token == bindparam("mine")))
"""The move of views that nobody rebuilds, and of those that one does; building it anew costs more than the move."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a view is, the fact it chokes on, and whether a rebuild holds it."""

    view: str
    position: int
    failed_at: int | None
    error: str | None
    held: bool
    erased: int

    @property
    def moves(self) -> bool:
        """Whether a projector takes it on."""
        return self.error is None and not self.held


def marks_by_rows(rows: Iterable[Sequence[Any]], names: Iterable[str]) -> dict[str, Mark]:
    """How far each of these views is, by the rows of all checkpoints."""
    known = {
        view: Mark(view, position, failed_at, error, bool(held), erased)
        for view, position, failed_at, error, held, erased in rows
    }
    return {name: known[name] for name in names if name in known}


def marks(connection: Connection, names: Iterable[str]) -> dict[str, Mark]:
    """How far each view is; those never begun are missing."""
    rows = connection.execute(MARKS, {"views": list(names)})
    return {row[0]: Mark(*row) for row in rows}


def begin(connection: Connection, names: Iterable[str]) -> None:
    """Give each view a checkpoint at the log's beginning, unless it has one."""
    insert = text("INSERT INTO view_checkpoints (view, position) VALUES (:view, 0) ON CONFLICT (view) DO NOTHING")
    connection.execute(insert, [{"view": name} for name in sorted(names)])


def others_erased(connection: Connection) -> None:
    """Say that other users are erased than were known: whoever folds or rebuilds reads them anew."""
    connection.execute(update(CHECKPOINTS).values(erased=CHECKPOINTS.c.erased + 1))


def claim(connection: Connection, names: Iterable[str], token: str) -> None:
    """Begin these checkpoints anew as `token`'s, whoever had them; a transaction that holds one is waited for."""
    insert = text(
        "INSERT INTO view_checkpoints (view, position, token) VALUES (:view, 0, :token)"
        " ON CONFLICT (view) DO UPDATE SET position = 0, token = excluded.token"
    )
    for name in sorted(names):
        connection.execute(insert, {"view": name, "token": token})


def lock(connection: Connection, names: Iterable[str]) -> None:
    """Hold the checkpoints until the transaction ends, taken by name, so that nobody waits in a circle."""
    rows = select(CHECKPOINTS.c.view).where(CHECKPOINTS.c.view.in_(list(names)))
    connection.execute(rows.order_by(CHECKPOINTS.c.view).with_for_update()).all()


def erasures(connection: Connection, names: Iterable[str]) -> int:
    """How many erasures of users these views know."""
    return max((mark.erased for mark in marks(connection, names).values()), default=0)


def move(
    connection: Connection, names: Sequence[str], old: int, new: int, token: str | None = None, erased: int = 0
) -> None:
    """Take the checkpoints from `old` to `new`; `erased` is how many erasures were known when it was folded.

    Raises CheckpointMoved if one has moved or stopped, is another's, or somebody was erased meanwhile.
    """
    told = {"known": erased} if token is None else {"known": erased, "mine": token}
    moved = connection.execute(MOVES[token is not None], {"views": names, "old": old, "new": new, **told})
    if moved.rowcount != len(names):
        raise CheckpointMoved


def stop(connection: Connection, view: str, position: int, failed_at: int, error: str) -> None:
    """Note why a view stands still, unless it has moved on meanwhile."""
    here = (CHECKPOINTS.c.view == view) & (CHECKPOINTS.c.position == position)
    connection.execute(update(CHECKPOINTS).where(here).values(failed_at=failed_at, error=error))


def forget_failure(connection: Connection, view: str) -> None:
    """Forget why a view stands still."""
    here = CHECKPOINTS.c.view == view
    connection.execute(update(CHECKPOINTS).where(here).values(failed_at=None, error=None))
