"""Which quotes wait for a person, read from the view that the projector keeps."""

from __future__ import annotations

from collections.abc import Sequence

from projections.queries import Views
from projections.views.approvals import APPROVALS, ApprovalFilter


class ApprovalsInViews:
    """Implements ApprovalRecords on the views, which it brings up first."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def page(
        self, account: str | None, holding: int | None, after: str | None, limit: int
    ) -> tuple[Sequence[tuple[str, str]], str | None]:
        self._views.catch_up()
        wanted = ApprovalFilter(account=account, holding=holding)
        found = self._views.find(APPROVALS, wanted, after=after, limit=limit)
        return [(row.account, row.quote) for row in found.rows], found.next
