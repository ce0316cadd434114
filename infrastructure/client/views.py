"""Rows of a service's views, as its documents have them: amounts exact, instants in UTC, null for what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infrastructure.client.wire import Call, Wire

PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class RemoteRows:
    """Rows, and the cursor after which more follow, if any do; `total` are their sums by currency, if they are all."""

    rows: tuple[Mapping[str, Any], ...]
    total: tuple[Mapping[str, Any], ...] | None
    next: str | None


@dataclass(frozen=True, slots=True)
class RemoteViews:
    """Each list by the filters of its view, such as `usage(user="ann")`. Raises InvalidInput for another filter."""

    wire: Wire

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
