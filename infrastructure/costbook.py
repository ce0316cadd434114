"""Our own books of costs, read from the operation log that the projector keeps."""

from __future__ import annotations

from application.keeping.reconciliation import BookedCost
from projections.queries import Logged, Views


class CostsInViews:
    """Implements RecordedCosts on the views, which whoever asks brings up first."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def recorded(self, provider: str, since: int, until: int) -> list[BookedCost]:
        rows = self._views.operations(provider=provider, requested=(since, until), limit=None)
        return [_recorded(row) for row in rows]

    def one(self, operation: str) -> BookedCost | None:
        row = self._views.operation(operation)
        return None if row is None else _recorded(row)


def _recorded(row: Logged) -> BookedCost:
    return BookedCost(row.id, row.account, row.model, row.job, row.known_cost, row.state, row.reason, bool(row.late))
