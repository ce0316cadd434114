"""API keys at a service: the methods of `application.keeping.keys.Keys`, over HTTP, for administrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from application.keeping.keys import KeyView, NewKey
from domain.keys import KeyTerms
from infrastructure.client.records import key_from
from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.formats import iso, units_of

PATH: Final = "/v1/keys"
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RemoteKeys:
    """The use cases of those who administer keys; the log names theirs. An empty account is that of their own."""

    wire: Wire

    async def issue(
        self,
        account: str,
        terms: KeyTerms,
        *,
        name: str = "",
        limits: Mapping[str, int | None] = NOTHING,
        reason: str = "",
    ) -> NewKey:
        """A new key; an issue whose answer was lost is not asked for again, as there would be two.

        Raises UnknownAccount, InvalidInput, and Forbidden for what the own key may not do.
        """
        told = {**_told(asdict(terms)), "name": name, "limits": dict(limits), "reason": reason}
        call = Call(method="POST", path=PATH, account=account, body=sent_as_json(told), again=False)
        found = await self.wire.document(call)
        return NewKey(key_from(found), found["secret"])

    async def list(self, account: str = "") -> Sequence[KeyView]:
        """The account's keys, in the order in which they were issued. Raises UnknownAccount."""
        found = await self.wire.document(Call(method="GET", path=PATH, account=account))
        return [key_from(one) for one in found["keys"]]

    async def show(self, account: str, key: str) -> KeyView:
        """One key of the account. Raises UnknownAccount, UnknownApiKey."""
        return key_from(await self.wire.document(Call(method="GET", path=_path(key), account=account)))

    async def change(
        self,
        account: str,
        key: str,
        *,
        changes: Mapping[str, Any] = NOTHING,
        name: str | None = None,
        limits: Mapping[str, int | None] = NOTHING,
        reason: str = "",
    ) -> KeyView:
        """Change what is named of a key's terms (`changes`, by the fields of KeyTerms), its name and its limits.

        Raises UnknownAccount, UnknownApiKey, IllegalTransition if it was revoked, InvalidInput.
        """
        named = {} if name is None else {"name": name}
        told = {**_told(changes), **named, "limits": dict(limits), "reason": reason}
        call = Call(method="PATCH", path=_path(key), account=account, body=sent_as_json(told))
        return key_from(await self.wire.document(call))

    async def revoke(self, account: str, key: str, *, reason: str = "") -> KeyView:
        """Let it open nothing any more. Raises UnknownApiKey."""
        call = Call(method="POST", path=_path(key, "revoke"), account=account, body=sent_as_json({"reason": reason}))
        return key_from(await self.wire.document(call))


def _told(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Terms as a body has them: an instant as text, an amount as an exact decimal."""
    told = dict(terms)
    if told.get("expires") is not None:
        told["expires"] = iso(told["expires"], precision="auto")
    if told.get("approve_above") is not None:
        told["approve_above"] = units_of(told["approve_above"])
    return told


def _path(key: str, *steps: str) -> str:
    return "/".join((PATH, quote(key, safe=""), *steps))
