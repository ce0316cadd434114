"""A service's statements and periods, as its documents have them, and a statement in any of its formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoteStatements:
    """An account's bills. Whoever closes, issues, voids or gives needs a key of the studio's own."""

    wire: Wire

    async def periods(self, account: str = "") -> Sequence[Document]:
        """The account's billing periods, whether each is closed, and its statement."""
        found = await self._get("/v1/statements/periods", account)
        return tuple(found["periods"])

    async def list(self, account: str = "") -> Sequence[Document]:
        """The statements that were issued, by number."""
        return tuple((await self._get("/v1/statements", account))["statements"])

    async def preview(self, account: str = "", period: str | None = None) -> Document:
        """A draft of a period's statement, or of the first that is not closed."""
        return await self._get("/v1/statements/preview", account, {} if period is None else {"period": period})

    async def show(self, account: str = "", which: str = "") -> Document:
        """A statement by its number or its period. Raises as the library does."""
        return await self._get(f"/v1/statements/{quote(which, safe='')}", account)

    async def content(self, account: str = "", which: str = "", format: str = "pdf") -> bytes:
        """A statement as a document: "csv", "html" or "pdf"."""
        call = Call(
            method="GET", path=f"/v1/statements/{quote(which, safe='')}", account=account, params={"format": format}
        )
        return (await self.wire.ask(call)).content

    async def close(self, account: str, period: str, *, carry: bool = False, reason: str = "") -> Document:
        """Close a period that is over, for ever."""
        path = f"/v1/periods/{quote(period, safe='')}/close"
        return await self._post(path, account, {"carry": carry, "reason": reason})

    async def issue(self, account: str, period: str, *, reason: str = "") -> Document:
        """Issue a closed period's statement."""
        return await self._post("/v1/statements", account, {"period": period, "reason": reason})

    async def void(self, account: str, number: str, reason: str) -> Document:
        """Let a statement hold no more."""
        return await self._post(f"/v1/statements/{quote(number, safe='')}/void", account, {"reason": reason})

    async def goodwill(
        self, account: str, amount: str, *, reason: str, reference: str, period: str | None = None
    ) -> Document:
        """Give an amount back for the charges of a period, once a reference."""
        body = {"amount": amount, "reason": reason, "reference": reference, "period": period}
        return await self._post("/v1/goodwill", account, body)

    async def _get(self, path: str, account: str, params: Mapping[str, str] | None = None) -> Document:
        found: Document = await self.wire.document(Call(method="GET", path=path, account=account, params=params or {}))
        return found

    async def _post(self, path: str, account: str, body: Mapping[str, Any]) -> Document:
        found: Document = await self.wire.document(
            Call(method="POST", path=path, account=account, body=sent_as_json(body))
        )
        return found
