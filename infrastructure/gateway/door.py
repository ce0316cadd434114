"""Who asks: the key that a request brings, the account for which it acts, and the user for whom it asks.

Authorization: Bearer isk_… ── known? ── in its scopes? ── KeyCaller: account, user, project, actor
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.requests import HTTPConnection

from domain.authority import KeyHolder
from domain.errors import Forbidden, Unauthenticated
from domain.ids import check_id
from domain.keys import KeyScope
from infrastructure.gateway.rates import Rates

ACCOUNT: Final = "x-imagestudio-account"
"""The header by which a key of the studio's own names the account for which it acts."""
QUOTE: Final = "x-imagestudio-quote"
"""The header by which a request that a person approved names its quote, where the body is another API's."""
FORWARDED: Final = ("x-openwebui-user-id", "x-litellm-end-user-id")
"""Headers by which chat interfaces say for whom they ask."""


class Keyring(Protocol):
    """Knows every key."""

    async def known(self, secret: str) -> KeyHolder:
        """The holder of a live key, by its secret. Raises Unauthenticated, StoreUnavailable."""

    async def shown_before(self, account: str, key: str) -> KeyHolder:
        """The holder of a live key whose secret was known before, by its id. Raises alike."""


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """Somebody who came in, and the account that they named."""

    holder: KeyHolder
    named: str | None = None

    @property
    def account(self) -> str:
        """The account that pays, and whose things are seen. Raises InvalidInput, UnknownAccount."""
        return self.holder.account_for(self.named)

    @property
    def account_or_all(self) -> str | None:
        """The same, or None, for all accounts, if a key of the studio's own names none."""
        return None if self.holder.runs_studio and self.named is None else self.account

    def asks(self, request: HTTPConnection, named: object = None) -> dict[str, Any]:
        """The fields of a request that say for whom it is, and who approved it; `named` is a user whom the body names.

        A user whom the key may not name is left out. Raises InvalidInput for what is no id.
        """
        told = next((request.headers[name] for name in FORWARDED if request.headers.get(name)), named)
        user = self.holder.user_for(None if told in (None, "") else check_id("user", told))  # type: ignore[arg-type]
        quote = request.headers.get(QUOTE)
        return {"user": user, "project": self.holder.project_for(), "by": self.holder.actor, "quote": quote}

    def asks_as(self, user: str | None, project: str | None) -> dict[str, Any]:
        """The same for a body of ours, which names them on purpose. Raises Forbidden for what the key may not name."""
        own_user, own_project = self.holder.user_for(user), self.holder.project_for(project)
        for name, told, own in (("user", user, own_user), ("project", project, own_project)):
            if told not in (None, own):
                hint = f"leave {name} out, or use a key that may name one"
                raise Forbidden(f"key {self.holder.key} does not ask for {name} {told!r}", hint=hint)
        return {"user": own_user, "project": own_project, "by": self.holder.actor}


@dataclass(frozen=True, slots=True)
class Door:
    """Lets callers in."""

    keys: Keyring
    rates: Rates
    shown: Callable[[str], Awaitable[object]]
    """Raises UnknownAccount for what is none."""

    async def enter(self, request: HTTPConnection, scope: KeyScope) -> KeyCaller:
        """The caller. Raises Unauthenticated for a key that is none, Forbidden for one that may not do this,
        TooManyRequests, and UnknownAccount for a question about an account that is none: it has no sums, not even 0."""
        holder = await self.keys.known(_secret_in(request.headers))
        self.count(request, holder)
        holder.require(scope)
        named = request.headers.get(ACCOUNT)
        if named is not None and holder.runs_studio and request.scope.get("method") == "GET":
            await self.shown(named)
        return KeyCaller(holder, named)

    def count(self, request: HTTPConnection, holder: KeyHolder) -> None:
        """One more request of a key, however it was shown. Raises TooManyRequests."""
        request.state.key = holder.key
        if holder.terms.per_minute is not None:
            request.state.more_headers = self.rates.take(holder.key, holder.terms.per_minute)


def _secret_in(headers: Mapping[str, str]) -> str:
    """The key that the headers bring. Raises Unauthenticated."""
    word, _, secret = headers.get("authorization", "").partition(" ")
    if word.lower() == "bearer" and secret.strip():
        return secret.strip()
    if headers.get("x-api-key"):
        return headers["x-api-key"]
    raise Unauthenticated("no key came with the request", hint="send it as: Authorization: Bearer isk_…")
