"""Charges by other prices at a service, as its documents have them, for whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoteRepricing:
    """Corrects prices, for a key of the studio's own."""

    wire: Wire

    async def run(
        self,
        book: str,
        since: str,
        until: str,
        *,
        account: str | None = None,
        reason: str = "",
        dry: bool = True,
        rises: bool = False,
    ) -> Document:
        """Price what was charged from a day on and before another again, by a catalogue file in TOML.

        Unless it is a `dry` run, what is to be given back is booked, and with `rises` what is to be raised.
        """
        told = {"book": book, "from": since, "to": until, "reason": reason}
        return await _asked(self.wire, "/v1/reprice", account, {**told, "dry_run": dry, "rises": rises})


@dataclass(frozen=True, slots=True)
class RemoteSimulations:
    """Asks what charges would have been, for a key of the studio's own."""

    wire: Wire

    async def run(
        self,
        since: str,
        until: str,
        *,
        account: str | None = None,
        plan: str | None = None,
        tariff: str | None = None,
        plans: str | None = None,
        book: str | None = None,
        routing: str | None = None,
    ) -> Document:
        """The charges from a day on and before another as they would have been; files are texts in TOML."""
        told = {"plan": plan, "tariff": tariff, "plans": plans, "book": book, "routing": routing}
        return await _asked(self.wire, "/v1/simulate", account, {"from": since, "to": until, **told})


async def _asked(wire: Wire, path: str, account: str | None, body: Mapping[str, Any]) -> Document:
    """Of the account that is named here, or else when the client was made; else of all."""
    asked = {name: value for name, value in body.items() if value is not None}
    call = Call(method="POST", path=path, account=account, body=sent_as_json(asked))
    found: Document = await wire.document(call)
    return found
