"""Queries of the views: their rows, and how far behind each view is.

Amounts are micro-units, without the costs of `cost_unknown` operations, instants epoch microseconds UTC, `units`
millionths of a unit. An answer is one statement, and so of one moment, also while a rebuilt table is swapped in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Select, bindparam, cast, func, select

from application.ledger.reader import LogReader
from domain.errors import InvalidInput
from projections.engine import asking, checkpoints
from projections.engine.asking import Found
from projections.engine.columns import ViewRow
from projections.engine.database import ViewDatabase, writing
from projections.engine.filters import ViewFilter
from projections.engine.tables import CHECKPOINTS, FRESH, live
from projections.engine.view import AnyView, View
from projections.rememberedsums import RememberedSums
from projections.summing import SumQuestion, UsageSums
from projections.tagged import known_tags
from projections.views import ALL
from projections.views.spend import SPEND

Row = TypeVar("Row", bound=ViewRow)
Filter = TypeVar("Filter", bound=ViewFilter)


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """How far a view is: `lag` in positions of the log; the fact it chokes on; how far its rebuild is."""

    view: str
    position: int
    lag: int
    failed_at: int | None
    error: str | None
    rebuilding: int | None


class Views:
    """All queries, of any view: `views.find(USAGE, UsageFilter(account="acme"))`. Raises StoreUnavailable."""

    def __init__(
        self, database: ViewDatabase, reader: LogReader, advance: Callable[[], int], views: Sequence[AnyView] = ALL
    ) -> None:
        self._database = database
        self._reader = reader
        self._advance = advance
        self._views = views
        self._sums = RememberedSums(database)

    def find(
        self,
        view: View[Row, Filter],
        wanted: Filter | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
    ) -> Found[Row]:
        """Rows in the view's order, at most so many, after the cursor of a page before.

        Raises InvalidInput for a word or a cursor that there is not, UnknownKind.
        """
        return asking.find_rows(self._database, view, wanted or view.filter(), after, limit)

    def rows(self, view: View[Row, Filter], wanted: Filter | None = None) -> list[Row]:
        """All rows that are wanted, as `find` does."""
        return self.find(view, wanted).rows

    def one(self, view: View[Row, Filter], *key: str | int) -> Row | None:
        """The row of a key, None if the view does not know it (yet)."""
        return asking.one(self._database, view, key)

    def sum_up(self, asked: SumQuestion, *, after: str | None = None, limit: int | None = None) -> UsageSums:
        """Usage and money in groups, at most so many, after the cursor of a page before.

        Raises InvalidInput for what cannot be asked, InvalidPeriod for an unknown zone, UnknownKind.
        """
        return self._sums.sum_up(asked, after, limit)

    def tags(self, operations: Sequence[str]) -> dict[str, dict[str, str]]:
        """The tags of operations that have any, by id, as they are now."""
        return known_tags(self._database, operations)

    def spent_by_day(self, account: str, since: str) -> list[tuple[str, int]]:
        """Charges with their corrections, in micro-units, on each of an account's days from one on, in order."""
        rows = self._database.ask("spent by day", _spent_by_day, {"whose": account, "since": since})
        return [(row[0], row[1]) for row in rows]

    def position(self, view: AnyView) -> int:
        """The position of the log that a view is folded up to."""
        rows = self._database.rows(select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.view == view.name))
        return int(rows[0][0]) if rows else 0

    def status(self) -> list[ViewStatus]:
        """How far each view is behind the log."""
        return statuses(self._database, self._reader, self._views)

    def catch_up(self) -> int:
        """Bring the views up to the log now, as one command does before it asks them; how many facts that took."""
        return self._advance()

    def retry(self, view: str) -> None:
        """Let a view that stands still try its fact again. Raises InvalidInput for an unknown name."""
        if view not in (known.name for known in self._views):
            raise InvalidInput("view", f"there is no view {view!r}", hint=", ".join(v.name for v in self._views))
        with writing(self._database) as connection:
            checkpoints.forget_failure(connection, view)


def _spent_by_day() -> Select[Any]:
    table = live(SPEND)
    days = select(table.c.day, cast(func.sum(table.c.price), BigInteger)).group_by(table.c.day)
    wanted = (table.c.account == bindparam("whose"), table.c.day >= bindparam("since"))
    return days.where(*wanted).order_by(table.c.day)


def statuses(database: ViewDatabase, reader: LogReader, views: Sequence[AnyView] = ALL) -> list[ViewStatus]:
    """How far each view is behind the log."""
    rows = {row.view: row for row in database.rows(select(CHECKPOINTS))}
    end = reader.written()
    return [_status(view.name, rows, end) for view in views]


def _status(view: str, rows: Mapping[str, Any], end: int) -> ViewStatus:
    row, fresh = rows.get(view), rows.get(view + FRESH)
    rebuilding = fresh.position if fresh is not None else None
    if row is None:
        return ViewStatus(view, 0, end, None, None, rebuilding)
    return ViewStatus(view, row.position, max(end - row.position, 0), row.failed_at, row.error, rebuilding)
