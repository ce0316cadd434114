"""An operation's row in the index: its place, its phase, and what was charged for it."""

from __future__ import annotations

from typing import NamedTuple

from application.ledger.log import as_row
from application.ledger.transaction import IndexRow
from domain.ledger import period_stream
from domain.operation import PHASES, Settled, State


class Moved(NamedTuple):
    """An operation that a group moves: its row now, its phase before (empty if it is new), and its place in a queue."""

    row: IndexRow
    was: str
    provider: str
    place: int


def index_row(state: State) -> IndexRow:
    """An operation's row in the index, as its state says."""
    operation = state.operation
    charged, adjusted = (state.charged, state.adjusted) if isinstance(state, Settled) else (0, 0)
    stream = period_stream(operation.account, operation.period)
    return as_row(IndexRow, (operation.id, operation.account, stream, PHASES[type(state)], charged, adjusted))
