"""An operator's work at a service: the audit as one verdict, recovery, and the erasure of what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from application.keeping.upkeep import Erased
from application.performing.recovery import Recovered
from domain.erasure import ErasureEvidence
from domain.money import Money, check_money
from infrastructure.client.records import record
from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.formats import document


@dataclass(frozen=True, slots=True)
class RemoteVerdict:
    """The findings of an audit: none, or texts of what differs; of views the first rows that do.

    `facts` is how many were replayed, None if they could not be; `seal` is of the whole log, if that was audited.
    """

    clean: bool
    facts: int | None
    problems: tuple[str, ...]
    views: tuple[Mapping[str, Any], ...]
    seal: str | None


@dataclass(frozen=True, slots=True)
class RemoteAudit:
    """Proves what stands beside the log, for administrators; it reads all of the log, and one goes on at a time."""

    wire: Wire

    async def verdict(self, account: str = "") -> RemoteVerdict:
        """Chains, tables, assets, bills and views held against the log: of an account, or, without, of the key's.

        A key of the studio's own that names none audits everything. Raises Forbidden.
        """
        found = await self.wire.document(Call(method="GET", path="/v1/audit", account=account))
        parts = (part for name, part in found.items() if isinstance(part, list) and name != "views")
        problems = tuple(str(one) for part in parts for one in part)
        replay = (found["replay"],) if found["replay"] else ()
        is_clean = found["verdict"] == "clean"
        return RemoteVerdict(is_clean, found["facts"], (*problems, *replay), tuple(found["views"]), found["seal"])


@dataclass(frozen=True, slots=True)
class RemoteUpkeep:
    """The studio's housekeeping, as far as it is done from elsewhere. The log names the key."""

    wire: Wire

    async def recover(self) -> list[Recovered]:
        """Settle what dead processes left open; for the studio's own keys."""
        found = await self.wire.document(Call(method="POST", path="/v1/recover"))
        return [record(Recovered, one) for one in found["recovered"]]

    async def erase(self, operation: str, *, account: str = "", reason: str = "") -> Erased:
        """Delete what a request was asked with and what it delivered, for ever; its facts stay, and still verify.

        For administrators. Raises UnknownOperation, and IllegalTransition while one of its batch is open.
        """
        path = f"/v1/operations/{quote(operation, safe='')}/erase"
        call = Call(method="POST", path=path, account=account, body=sent_as_json({"reason": reason}))
        return record(Erased, await self.wire.document(call))

    async def erase_operation(self, operation: str, *, account: str = "", reason: str = "") -> ErasureEvidence:
        """The same, with its evidence."""
        return await self._erase(account, {"operation": operation, "reason": reason})

    async def erase_user(self, user: str, *, account: str = "", reason: str = "") -> ErasureEvidence:
        """Delete all that a user asked for, got and brought, for ever. Raises as the library does."""
        return await self._erase(account, {"user": user, "reason": reason})

    async def erase_account(self, account: str = "", *, reason: str = "") -> ErasureEvidence:
        """Delete all that anybody of the account asked for, got, brought and named, and its webhooks, for ever."""
        return await self._erase(account, {"everything": True, "reason": reason})

    async def _erase(self, account: str, asked: Mapping[str, Any]) -> ErasureEvidence:
        call = Call(method="POST", path="/v1/erasures", account=account, body=sent_as_json(asked))
        found = await self.wire.document(call)
        return record(ErasureEvidence, {**found, "digest": found["digest"] or ""})

    async def refund(
        self,
        operation: str,
        *,
        account: str = "",
        amount: Money | None = None,
        reason: str,
        reference: str,
    ) -> Mapping[str, Any]:
        """Give back an amount, or all that is left of the charge; its document. For the studio's own keys, as all here.

        The same reference counts once: again, it is told as `repeated`.
        """
        body = {"amount": _told(amount), "reason": reason, "reference": reference}
        return await self._correct(operation, "refund", account, body)

    async def adjust(
        self,
        operation: str,
        *,
        account: str = "",
        price: Money,
        cost: Money | None = None,
        reason: str,
        reference: str,
    ) -> Mapping[str, Any]:
        """Change price and cost of a settled operation, once a reference; its document."""
        body = {"price": _told(price), "cost": _told(cost)}
        return await self._correct(operation, "adjust", account, {**body, "reason": reason, "reference": reference})

    async def correct_cost(
        self, operation: str, *, account: str = "", cost: Money, reason: str, reference: str
    ) -> Mapping[str, Any]:
        """Book what the provider really took, once a reference; its document."""
        body = {"cost": _told(cost), "reason": reason, "reference": reference}
        return await self._correct(operation, "correct-cost", account, body)

    async def _correct(self, operation: str, how: str, account: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        path = f"/v1/operations/{quote(operation, safe='')}/{how}"
        call = Call(method="POST", path=path, account=account, body=sent_as_json(body))
        found: Mapping[str, Any] = await self.wire.document(call)
        return found


def _told(amount: Money | None) -> Mapping[str, Any] | None:
    """An amount as the service takes it. Raises InvalidMoney if it is none."""
    if amount is None:
        return None
    check_money(amount)
    told = document(amount)
    return {"amount": told["amount"], "currency": told["currency"]}
