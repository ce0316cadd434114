"""Approvals at a service: the methods of `application.asking.approvals.Approvals`, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote as quoted

from application.asking.approvals import ApprovalPage, ApprovalView
from infrastructure.client.records import approval_from
from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire

PATH: Final = "/v1/approvals"


@dataclass(frozen=True, slots=True)
class RemoteApprovals:
    """The requests that wait for a person, and their leave; the key that asked for one never approves it."""

    wire: Wire

    async def list(
        self, account: str | None = None, *, over: bool = False, after: str | None = None, limit: int = 100
    ) -> ApprovalPage:
        """Requests that people were asked to approve, the newest first, without those that are over unless `over`.

        A key of the studio's own that names no account asks for all.
        """
        params = {"limit": str(limit), "over": str(over).lower(), **({} if after is None else {"after": after})}
        found = await self.wire.document(Call(method="GET", path=PATH, account=account or "", params=params))
        return ApprovalPage(tuple(map(approval_from, found["approvals"])), found["next"])

    async def show(self, account: str, quote: str) -> ApprovalView:
        """One that was asked for, and how it stands. Raises UnknownQuote."""
        call = Call(method="GET", path=f"{PATH}/{quoted(quote, safe='')}", account=account)
        return approval_from(await self.wire.document(call))

    async def give(self, account: str, quote: str, *, reason: str = "") -> ApprovalView:
        """Approve it: the request that was quoted goes through from now on, once. Again, nothing is recorded.

        Raises UnknownQuote, Forbidden if the key may not, InvalidInput if it is over.
        """
        body = sent_as_json({"quote": quote, "reason": reason})
        return approval_from(await self.wire.document(Call(method="POST", path=PATH, account=account, body=body)))
