"""Sums of what ended in a span, as alerts are judged by: of one scope, by measure, from the view of quarters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from sqlalchemy import BigInteger, ColumnElement, cast, func, select

from domain.account import ACCOUNT
from domain.alerting import CHARGED
from domain.alerts import COST, FAILED
from domain.kinds import KINDS
from domain.periods import Period
from domain.plans import SPEND
from domain.windows import Window
from projections.engine.database import ViewDatabase
from projections.engine.tables import CHECKPOINTS, live
from projections.views.quarters import QUARTERS

COLUMNS = {"user": "user", "project": "project", "key": "api_key"}
"""The column by which a scope is told, by the word that the scope begins with."""


class QuarterSums:
    """Implements AlertSums on the views; `advance` brings them up to the log."""

    def __init__(self, database: ViewDatabase, advance: Callable[[], int]) -> None:
        self._database, self._advance = database, advance

    def bring_up(self) -> int:
        self._advance()
        return self._position()

    def within(self, account: str, scope: str, window: str, span: Period) -> tuple[int, Mapping[str, int]]:
        table, before = live(QUARTERS).c, self._position()
        here = select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.view == QUARTERS.name).scalar_subquery()
        names = ("outputs", "price", "cost", "charged", "failed")
        sums = (cast(func.coalesce(func.sum(table[name]), 0), BigInteger) for name in names)
        query = select(here, table.kind, *sums).where(table.account == account, *_within(scope, window, span))
        rows = self._database.rows(query.group_by(table.kind))
        found: Counter[str] = Counter()
        for _, kind, outputs, price, cost, charged, failed in rows:
            found.update({SPEND: price, COST: cost, CHARGED: charged, FAILED: failed})
            if kind in KINDS:
                found[KINDS[kind]] += outputs
        # Rows never go, so what is nothing now was nothing then.
        return (rows[0][0], found) if rows else (before, found)

    def _position(self) -> int:
        found = self._database.rows(select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.view == QUARTERS.name))
        return int(found[0][0]) if found else 0


def _within(scope: str, window: str, span: Period) -> Iterator[ColumnElement[bool]]:
    table = live(QUARTERS).c
    if window == Window.PERIOD:
        yield table.period_start == span.start
    else:
        yield from (table.quarter >= span.start, table.quarter < span.end)
    word, _, id = scope.partition(":")
    if scope != ACCOUNT:
        yield table[COLUMNS[word]] == id
