"""Invoices of providers at a service, as its documents have them, for whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoteInvoices:
    """Invoices of providers, for a key of the studio's own. Each raises as the library does."""

    wire: Wire

    async def zone(self, provider: str) -> str:
        """The zone whose months the provider bills."""
        found = (await self.months(provider))[0]["zone"]
        return str(found)

    async def record(
        self,
        provider: str,
        number: str,
        *,
        month: str,
        amount: str,
        currency: str,
        lines: Sequence[Document] = (),
        zone: str = "",
        reason: str = "",
    ) -> Document:
        """Record it, once a number; lines are objects with name, model, quantity and amount."""
        body = {"number": number, "month": month, "amount": {"amount": amount, "currency": currency}}
        return await self._post(provider, "invoices", {**body, "lines": [*lines], "zone": zone, "reason": reason})

    async def void(self, provider: str, number: str, reason: str) -> Document:
        """Let an invoice hold no more."""
        return await self._post(provider, f"invoices/{quote(number, safe='')}/void", {"reason": reason})

    async def settle(self, provider: str, month: str, reason: str) -> Document:
        """Take the rest of a month's difference as expense or income."""
        return await self._post(provider, f"months/{quote(month, safe='')}/settle", {"reason": reason})

    async def compare(self, provider: str, month: str) -> Document:
        """A month's costs against its invoices, with the prices that they suggest."""
        return await self._get(provider, f"months/{quote(month, safe='')}")

    async def months(self, provider: str) -> Sequence[Document]:
        """Every month that has an invoice."""
        return tuple((await self._get(provider, "months"))["months"])

    async def list(self, provider: str) -> Sequence[Document]:
        """Every invoice that was recorded."""
        return tuple((await self._get(provider, "invoices"))["invoices"])

    async def drifts(self, provider: str = "") -> Sequence[Document]:
        """The alerts that were raised, the newest first, each with its month and the prices that this suggests."""
        params = {"provider": provider} if provider else {}
        found = await self.wire.document(Call(method="GET", path="/v1/alerts/drift", params=params))
        return tuple(found["drift"])

    async def _get(self, provider: str, path: str) -> Document:
        found: Document = await self.wire.document(Call(method="GET", path=_path(provider, path)))
        return found

    async def _post(self, provider: str, path: str, body: Mapping[str, Any]) -> Document:
        call = Call(method="POST", path=_path(provider, path), body=sent_as_json(body))
        found: Document = await self.wire.document(call)
        return found


def _path(provider: str, path: str) -> str:
    return f"/v1/providers/{quote(provider, safe='')}/{path}"
