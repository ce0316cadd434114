"""The costs that we recorded, read from the operation log that the projector keeps."""

from __future__ import annotations

from application.keeping.reconciliation import BookedCost
from projections.queries import Views
from projections.views.operations import OPERATIONS, OperationFilter, OperationRow


class CostsInViews:
    """Implements RecordedCosts on the views, which whoever asks brings up first."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def recorded(self, provider: str, since: int, until: int) -> list[BookedCost]:
        wanted = OperationFilter(provider=provider, requested=(since, until))
        return [_recorded(row) for row in self._views.rows(OPERATIONS, wanted)]

    def one(self, operation: str) -> BookedCost | None:
        row = self._views.one(OPERATIONS, operation)
        return None if row is None else _recorded(row)


def _recorded(row: OperationRow) -> BookedCost:
    return BookedCost(row.id, row.account, row.model, row.job, row.known_cost, row.state, row.reason, bool(row.late))
