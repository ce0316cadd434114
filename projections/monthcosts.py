"""Our recorded costs of a provider's month by model: one sum over the operation log, as far as it is folded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, func, select

from application.keeping.invoicedmonths import ModelCost
from projections.engine.database import ViewDatabase
from projections.engine.tables import live
from projections.views.operations import OPERATIONS

SENT = ("dispatched", "submitted", "completed")
"""States of operations that may have cost something, and have not ended."""


class CostsOfMonths:
    """Implements MonthCosts on the operation log, which whoever asks brings up first; blocking."""

    def __init__(self, database: ViewDatabase) -> None:
        self._database = database

    def of_month(self, provider: str, since: int, until: int) -> list[ModelCost]:
        """By model. Raises StoreUnavailable."""
        rows = self._database.rows(_query(provider, since, until))
        return [ModelCost(model, *(int(number) for number in numbers)) for model, *numbers in rows]


def _query(provider: str, since: int, until: int) -> Select[Any]:
    log = live(OPERATIONS).c
    billable = (log.state == "charged") | (log.cost != 0) | (log.cost_unknown > 0)
    counts = (
        _count(billable),
        _count(log.cost_unknown > 0),
        _count(log.estimated > 0),
        _count(log.state.in_(SENT)),
    )
    total = cast(func.coalesce(func.sum(log.cost), 0), BigInteger)
    query = select(log.model, *counts, total).where(
        log.provider == provider, log.requested_at >= since, log.requested_at < until
    )
    found = query.group_by(log.model).subquery()
    some = found.c[1] + found.c[4] > 0
    return select(found).where(some).order_by(found.c.model)


def _count(holds: ColumnElement[bool]) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(case((holds, 1), else_=0)), 0), BigInteger)
