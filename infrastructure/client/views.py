"""Rows of a service's views, as its documents have them: amounts exact, instants in UTC, null for what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infrastructure.client.rows import parameters_of_filter, route_of, row_from
from infrastructure.client.wire import Call, Wire

if TYPE_CHECKING:
    from projections.engine.asking import Found
    from projections.engine.columns import ViewRow
    from projections.engine.filters import ViewFilter
    from projections.engine.view import View
    from projections.summing import SumQuestion, UsageSums

PAGE: Final = 100
MOST: Final = 500
"""Rows of one answer."""

Row = TypeVar("Row", bound="ViewRow")
Filter = TypeVar("Filter", bound="ViewFilter")


@dataclass(frozen=True, slots=True)
class RemoteRows:
    """Rows, and the cursor after which more follow, if any do; `total` are their sums by currency, if they are all."""

    rows: tuple[Mapping[str, Any], ...]
    total: tuple[Mapping[str, Any], ...] | None
    next: str | None


@dataclass(frozen=True, slots=True)
class RemoteViews:
    """Rows by `find` and `rows`, as the library's; or each list as its documents are, such as `usage(user="ann")`.

    Raises InvalidInput for another filter.
    """

    wire: Wire

    async def find(
        self,
        view: View[Row, Filter],
        wanted: Filter | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
    ) -> Found[Row]:
        """Rows in the view's order, at most so many, after the cursor of a page before: as the library finds them.

        Raises InvalidInput for a view or a wish that a service has not.
        """
        return await find_at(self.wire, view, wanted, after, limit)

    async def rows(self, view: View[Row, Filter], wanted: Filter | None = None) -> list[Row]:
        """All rows that are wanted, as `find` does."""
        return (await self.find(view, wanted)).rows

    async def sum_up(self, asked: SumQuestion, *, after: str | None = None, limit: int | None = None) -> UsageSums:
        """Usage and money in groups, at most so many, after the cursor of a page before.

        The position is the last page's. Costs are in no sums if the key may not see them. Raises InvalidInput,
        InvalidPeriod.
        """
        return await sums_at(self.wire, asked, after, limit)

    async def usage(self, /, **wanted: Any) -> RemoteRows:
        """Sums of who did what in each period; filters: user, kind, api_key, at."""
        return await self._rows("usage", **wanted)

    async def periods(self, /, **wanted: Any) -> RemoteRows:
        """Billing periods with their totals."""
        return await self._rows("periods", **wanted)

    async def spend(self, /, **wanted: Any) -> RemoteRows:
        """Days, with what was spent on each at each model."""
        return await self._rows("spend", **wanted)

    async def operations(self, /, **wanted: Any) -> RemoteRows:
        """Operations, the newest first."""
        return await self._rows("operations", **wanted)

    async def costs(self, /, **wanted: Any) -> RemoteRows:
        """Models' months; for a key of the studio."""
        return await self._rows("costs", **wanted)

    async def books(self, /, *, account: str = "", **wanted: Any) -> Mapping[str, Any]:
        """The trial balance, for an administrator's key; filters: at, currency."""
        params = {one: str(told) for one, told in wanted.items()}
        found: Mapping[str, Any] = await self.wire.document(
            Call(method="GET", path="/v1/books", account=account, params=params)
        )
        return found

    async def postings(
        self, /, *, account: str = "", after: str | None = None, limit: int = PAGE, **wanted: Any
    ) -> RemoteRows:
        """The postings behind it, for an administrator's key; filters: ledger_account, at."""
        params = {**{one: str(told) for one, told in wanted.items()}, "limit": str(limit)}
        if after is not None:
            params["after"] = after
        found = await self.wire.document(Call(method="GET", path="/v1/books/postings", account=account, params=params))
        return RemoteRows(tuple(found["postings"]), None, found.get("next"))

    async def _rows(
        self, name: str, *, account: str = "", after: str | None = None, limit: int = PAGE, **wanted: Any
    ) -> RemoteRows:
        params = {**{one: str(told) for one, told in wanted.items()}, "limit": str(limit)}
        if after is not None:
            params["after"] = after
        found = await self.wire.document(Call(method="GET", path=f"/v1/{name}", account=account, params=params))
        total = found["total"]
        return RemoteRows(tuple(found[name]), None if total is None else tuple(total), found.get("next"))


async def find_at(
    wire: Wire,
    view: View[Row, Filter],
    wanted: Filter | None,
    after: str | None,
    limit: int | None,
    as_of: str | None = None,
) -> Found[Row]:
    """Rows of a view as it is, or was; asked for a page at a time."""
    from projections.engine.asking import Found

    account, params = parameters_of_filter(view, wanted)
    name, found, cursor = route_of(view), list[Row](), after
    then = {} if as_of is None else {"as_of": as_of}
    while True:
        page = MOST if limit is None else min(MOST, limit - len(found))
        asked = {**params, **then, "limit": str(page), **({} if cursor is None else {"after": cursor})}
        call = Call(method="GET", path=f"/v1/{name}", account=account, params=asked)
        document = await wire.document(call)
        found += [row_from(view, one) for one in document[name]]
        cursor = document.get("next")
        if cursor is None or len(found) == limit:
            return Found(found, cursor, after is None and cursor is None)


async def sums_at(
    wire: Wire, asked: SumQuestion, after: str | None, limit: int | None, as_of: str | None = None
) -> UsageSums:
    """Sums as they are, or were; asked for a page at a time."""
    from infrastructure.client.sums import parameters_of_question, sums_from

    account, params = parameters_of_question(asked)
    params |= {} if as_of is None else {"as_of": as_of}
    documents, cursor, left = list[Mapping[str, Any]](), after, limit
    while True:
        page = MOST if left is None else min(MOST, left)
        told = {**params, "limit": str(page), **({} if cursor is None else {"after": cursor})}
        documents.append(await wire.document(Call(method="GET", path="/v1/usage", account=account, params=told)))
        cursor, left = documents[-1].get("next"), None if left is None else left - page
        if cursor is None or left == 0:
            return sums_from(asked, documents)
