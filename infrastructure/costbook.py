"""Our own books of costs, read from the operation log that the projector keeps."""

from __future__ import annotations

from application.reconciliation import Recorded
from projections.queries import Logged, Views


class ViewBooks:
    """Implements CostBook on the views, which whoever asks brings up first."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def recorded(self, provider: str, since: int, until: int) -> list[Recorded]:
        rows = self._views.operations(provider=provider, requested=(since, until), limit=None)
        return [_recorded(row) for row in rows]

    def one(self, operation: str) -> Recorded | None:
        row = self._views.operation(operation)
        return None if row is None else _recorded(row)


def _recorded(row: Logged) -> Recorded:
    return Recorded(row.id, row.account, row.model, row.job, row.known_cost, row.state, row.reason, bool(row.late))
