"""The facades of all shards that are more than their calls one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from application.keeping.providers import Providers
from application.ledger.positions import Positions
from application.providing.callbacks import Callbacks
from domain.errors import InvalidRequest
from domain.keytext import id_in
from domain.ledger import account_stream
from infrastructure.shards.map import ShardMap
from infrastructure.shards.routing import Routed
from infrastructure.store.reader import SqlReader
from projections.engine.asking import Found
from projections.engine.view import AnyView

TRIES: Final = 5
ACCOUNTS: Final = 500
"""Accounts that are looked up at a time."""


class RoutedAudit(Routed):
    """All audits, each by itself as well."""

    def of(self, account: str | None) -> dict[str, Any]:
        """The audit of an account's shard, or those of all, by the shard's name; blocks."""
        names = self._shards.names if account is None else [self._shards.name_of(account)]
        return {name: self._part(self._shards.named(name)) for name in names}

    def misplaced(self, account: str | None) -> list[str]:
        """Every account, or that one, that takes decisions in a shard in which the directory does not have it; blocks.

        Whoever opened it there went past the directory, as did a copy of a shard that is older than a move.
        """
        readers = {name: self._part(one).reader for name, one in self._shards}
        return [told for name, reader in readers.items() for told in misplaced_in(name, reader, self._shards, account)]


class RoutedKeys(Routed):
    """Keys are looked up in all shards, and believed of that one alone in which their account is."""

    @cached_property
    def _found(self) -> dict[str, str]:
        """By a key's public id, its account."""
        return {}

    async def known(self, secret: str) -> Any:
        id = id_in(secret) or ""
        account = self._found.get(id)
        if account is None:
            account = (await self._anywhere(secret)).account
        shard: Any = self._shards.at_hand(account) or await asyncio.to_thread(self._shards.of, account)
        holder = await shard.keys.known(secret)
        self._found[id] = account
        return holder

    async def _anywhere(self, secret: str) -> Any:
        unknown: InvalidRequest | None = None
        for _, one in self._shards:
            try:
                return await one.keys.known(secret)
            except InvalidRequest as error:
                unknown = error
        assert unknown is not None, "there is a shard"
        raise unknown


class RoutedViews(Routed):
    """Rows of all shards say of which position of each they are."""

    def find(self, view: AnyView, wanted: Any = None, **page: Any) -> Found[Any]:
        """As `Views.find`; asked again, a few times, if a view went on meanwhile, as rows are of one position."""
        if getattr(wanted, "account", None) is not None:
            return self._found(view, wanted, **page)
        for _ in range(TRIES):
            before = self._positions(view)
            found = self._found(view, wanted, **page)
            if self._positions(view).logs == before.logs:
                break
        return replace(found, position=before)

    @cached_property
    def _found(self) -> Callable[..., Found[Any]]:
        found: Callable[..., Found[Any]] = self._call("find")
        return found

    def _positions(self, view: AnyView) -> Positions:
        return Positions({name: self._part(one).position(view) for name, one in self._shards})


class RoutedProviders(Routed):
    """A callback is about an operation of whichever shard."""

    notified: Callable[[str, str, int], Awaitable[object]]

    def callbacks(self, provider: str) -> Callbacks:
        """As `Providers.callbacks`."""
        one: Providers = self._shards.first.providers
        return replace(one, notified=self.notified).callbacks(provider)


def misplaced_in(shard: str, reader: SqlReader, shards: ShardMap[Any], account: str | None) -> Iterator[str]:
    """As `RoutedAudit.misplaced`, of one shard."""
    after, gone = "", reader.departed()
    while rows := reader.accounts_after(after, ACCOUNTS, account):
        after, homes = rows[-1].id, shards.homes([row.id for row in rows])
        for id in (row.id for row in rows if account_stream(row.id) not in gone):
            home = homes.get(id)
            if home is None:
                yield f"account {id!r} is in shard {shard}, and the directory does not know it"
            elif shard not in (home.shard, home.moving_to, home.moved_from):
                yield f"account {id!r} is in shard {shard}, and the directory says {home.shard}"
