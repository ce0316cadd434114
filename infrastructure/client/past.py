"""The past at a service: the methods of `infrastructure.past.Past`, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from application.keeping.accountviews import AccountView, LimitsView
from application.library.lineage import Lineage
from application.library.records import AssetPage, AssetQuery, LibraryTotals
from infrastructure.client.library import PAGE, page_parameters, query_parameters
from infrastructure.client.records import account_from, limits_from, lineage_from, page_from, totals_from
from infrastructure.client.rows import row_from
from infrastructure.client.views import find_at, sums_at
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from projections.engine.asking import Found
    from projections.engine.columns import ViewRow
    from projections.engine.filters import ViewFilter
    from projections.engine.view import View
    from projections.summing import SumQuestion, UsageSums
    from projections.views.operations import OperationRow

    Row = TypeVar("Row", bound=ViewRow)
    Filter = TypeVar("Filter", bound=ViewFilter)


@dataclass(frozen=True, slots=True)
class RemotePast:
    """The past, at a position of the log or an instant in ISO 8601. Raises InvalidInput for what is no moment."""

    wire: Wire

    async def account(self, account: str, as_of: int | str) -> AccountView:
        """The account as it was. Raises UnknownAccount."""
        path = f"/v1/accounts/{quote(account, safe='')}"
        return account_from(await self._document(path, as_of))

    async def limits(self, account: str, as_of: int | str) -> LimitsView:
        """All limits that held, with what was used, held and left of each. Raises UnknownAccount."""
        return limits_from(await self._document("/v1/limits", as_of, account))

    async def find(
        self,
        view: View[Row, Filter],
        wanted: Filter,
        as_of: int | str,
        *,
        after: str | None = None,
        limit: int | None = None,
    ) -> Found[Row]:
        """Rows of a view as it was, as `RemoteViews.find` finds those of now."""
        return await find_at(self.wire, view, wanted, after, limit, str(as_of))

    async def rows(self, view: View[Row, Filter], wanted: Filter, as_of: int | str) -> list[Row]:
        """All rows that are wanted, as `find` does."""
        return (await self.find(view, wanted, as_of)).rows

    async def sum_up(
        self, asked: SumQuestion, as_of: int | str, *, after: str | None = None, limit: int | None = None
    ) -> UsageSums:
        """Usage and money in groups as they were, as `RemoteViews.sum_up` sums up those of now; not by tags."""
        return await sums_at(self.wire, asked, after, limit, str(as_of))

    async def assets(
        self, account: str, wanted: AssetQuery, as_of: int | str, *, after: str | None = None, limit: int = PAGE
    ) -> AssetPage:
        """The account's assets as they were, the newest first; people's words about them have no past."""
        params = page_parameters(wanted, after, limit)
        return page_from(await self._document("/v1/assets", as_of, account, params))

    async def statistics(self, account: str, wanted: AssetQuery, as_of: int | str) -> LibraryTotals:
        """How many assets there were, how large, and what they cost."""
        found = await self._document("/v1/assets/statistics", as_of, account, query_parameters(wanted))
        return totals_from({name: one for name, one in found.items() if name != "as_of"})

    async def lineage(self, account: str, asset: str, as_of: int | str) -> Lineage:
        """Ancestors and descendants of an asset as they were, and what they had cost. Raises UnknownAsset."""
        return lineage_from(await self._document(f"/v1/assets/{quote(asset, safe='')}/lineage", as_of, account))

    async def balance(
        self, as_of: int | str, account: str = "", at: int | None = None, currency: str | None = None
    ) -> Mapping[str, Any]:
        """The trial balance as it was, for an administrator's key."""
        asked = {"at": None if at is None else iso(at, precision="auto"), "currency": currency}
        return await self._document("/v1/books", as_of, account, asked)

    async def holds(self, account: str, as_of: int | str | None = None) -> list[OperationRow]:
        """The account's operations that held something, or do now, the newest first."""
        from projections.views.operations import OPERATIONS

        found = await self._document("/v1/holds", as_of, account)
        return [row_from(OPERATIONS, one) for one in found["holds"]]

    async def history(self, account: str) -> Mapping[str, Any]:
        """Who changed what of the account, from what to what, when and why; for an administrator's key."""
        return await self._document(f"/v1/accounts/{quote(account, safe='')}/history", None)

    async def difference(self, account: str, since: int | str, until: int | str | None = None) -> Mapping[str, Any]:
        """All that is another at a later moment, or now, than at an earlier one; for an administrator's key."""
        asked = {"since": str(since), "until": None if until is None else str(until)}
        return await self._document(f"/v1/accounts/{quote(account, safe='')}/difference", None, asked=asked)

    async def why(self, operation: str, account: str = "") -> list[Mapping[str, Any]]:
        """Why an operation, or each of a batch, came out as it did. Raises UnknownOperation."""
        path = f"/v1/operations/{quote(operation, safe='')}/why"
        return list((await self._document(path, None, account))["explanations"])

    async def refusals(self, account: str = "", key: str | None = None) -> list[Mapping[str, Any]]:
        """Why the account was refused under an idempotency key, or the last times. Raises InvalidInput."""
        return list((await self._document("/v1/refusals", None, account, {"key": key}))["explanations"])

    async def _document(
        self, path: str, as_of: int | str | None, account: str = "", asked: Mapping[str, str | None] | None = None
    ) -> Mapping[str, Any]:
        told = {**(asked or {}), "as_of": None if as_of is None else str(as_of)}
        params = {name: one for name, one in told.items() if one is not None}
        call = Call(method="GET", path=path, account=account, params=params)
        found: Mapping[str, Any] = await self.wire.document(call)
        return found
