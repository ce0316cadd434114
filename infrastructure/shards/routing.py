"""The facades of several shards as one: a call goes to its account's shard, to all shards, or to nobody.

    studio.accounts.suspend("acme", …)             names its account ── that shard
    studio.operations.account_of(operation)        names what one shard knows ── the first that does
    studio.views.find(USAGE)                       of all accounts ── every shard ── merged
    studio.seals.take()                            of one ledger ── refused: one shard's own database is asked

The way of a call follows from its parameters, but for the few that are named below.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from operator import attrgetter
from typing import Any, Final

from domain.advice import Advice
from domain.departures import AccountMoved
from domain.errors import ImageStudioError, InvalidInput, InvalidRequest
from domain.keys import STUDIO
from domain.keytext import id_in
from infrastructure.shards.map import ShardMap
from infrastructure.shards.merging import ACROSS, asked_of_each

OPENS: Final = frozenset({"accounts.open", "keys.issue", "keys.ensure_first_key"})
"""Calls that may make an account, which is in its shard for ever after."""
NAMED_BY: Final = ("account", "request", "prepared", "wanted", "asked", "filter")
"""Parameters that are an account, or have one."""
KNOWN: Final = frozenset({"operations.notified", "log.facts", "past.operations"})
"""Calls about an operation, or several of one account, that do not name it."""
FIRST: Final = frozenset(
    {"operations.account_of", "approvals.account_of", "log.index.operations", "index.operations", "contents.tags"}
)
"""Calls that any shard may answer that has an answer."""
OF_STUDIO: Final = frozenset({"keys.ensure_first_key"})
"""Calls about the studio's own account."""
INSIDE: Final = frozenset(
    {"books.log", "log.index", "log.reader", "library.words", "operations.results", "operations.results.index"}
)
"""Parts of facades that are asked by account, too."""
ALIKE: Final = frozenset(
    {"accounts.currency", "accounts.plans", "library.links", "log.codec", "operations.operator", "providers.by_name"}
    | {"providers.off", "providers.clock"}
)
"""Parts of facades that are the same in all shards."""


class Routed:
    """A facade, or a part of one, of all shards."""

    def __init__(self, shards: ShardMap[Any], path: str) -> None:
        self._shards, self._path = shards, path
        self._part = attrgetter(path)

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}"
        if path in INSIDE:
            found: Any = Routed(self._shards, path)
        elif path in ALIKE:
            return getattr(self._part(self._shards.first), name)
        else:
            method = getattr(self._part(self._shards.first), name)
            if not inspect.ismethod(method):
                raise AttributeError(f"{path} is another one in each shard")
            found = _Call(self._shards, self._part, path).calling(method)
        setattr(self, name, found)
        return found


class _Call:
    """How one method is called."""

    def __init__(self, shards: ShardMap[Any], part: Callable[[Any], Any], path: str) -> None:
        self._shards, self._part, self._path = shards, part, path
        self._name = path.rpartition(".")[2]

    def calling(self, method: Callable[..., Any]) -> Callable[..., Any]:
        self._parameters = list(inspect.signature(method).parameters)
        return self._awaited if inspect.iscoroutinefunction(method) else self._blocking

    async def _awaited(self, *args: Any, **kwargs: Any) -> Any:
        account = self._account(args, kwargs)
        if account is None and self._path in ACROSS:
            named = asked_of_each(self._path, args, kwargs)
            answers = await asyncio.gather(*(self._on(one)(*args, **named) for _, one in self._shards))
            return ACROSS[self._path](dict(zip(self._shards.names, answers, strict=True)), *args, **kwargs)
        if account is None and self._path in FIRST:
            return await self._first(args, kwargs)
        shard = None if account is None or self._path in OPENS else self._shards.at_hand(account)
        if shard is None:
            shard = await asyncio.to_thread(self._shard, account, args, kwargs)
        try:
            return await self._on(shard)(*args, **kwargs)
        except AccountMoved as moved:
            self._shards.forget(moved.account)
            return await self._on(await asyncio.to_thread(self._shards.of, moved.account))(*args, **kwargs)

    def _blocking(self, *args: Any, **kwargs: Any) -> Any:
        account = self._account(args, kwargs)
        if account is None and self._path in ACROSS:
            named = asked_of_each(self._path, args, kwargs)
            answers = {name: self._on(one)(*args, **named) for name, one in self._shards}
            return ACROSS[self._path](answers, *args, **kwargs)
        if account is None and self._path in FIRST:
            return next((found for _, one in self._shards if (found := self._on(one)(*args, **kwargs))), [])
        return self._on(self._shard(account, args, kwargs))(*args, **kwargs)

    def _on(self, shard: Any) -> Callable[..., Any]:
        return getattr(self._part(shard), self._name)  # type: ignore[no-any-return]

    def _account(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        """The account that the call names, itself or by what it has of one."""
        if self._path in OF_STUDIO:
            return STUDIO
        for name in NAMED_BY:
            given = self._given(name, args, kwargs)
            if given is not None:
                found = given if isinstance(given, str) else getattr(given, "account", None)
                found = found if found is not None else getattr(getattr(given, "wanted", None), "account", None)
                if found is not None:
                    return str(found)
        return None

    def _given(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if name in kwargs:
            return kwargs[name]
        place = self._parameters.index(name) if name in self._parameters else len(args)
        return args[place] if place < len(args) else None

    def _shard(self, account: str | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The one that is asked; blocks. Raises InvalidInput if it is none."""
        if account is not None:
            return self._shards.opening(account) if self._path in OPENS else self._shards.of(account)
        operations = getattr(self._given("filter", args, kwargs), "operations", ())
        if self._path in KNOWN:
            operations = self._given("ids", args, kwargs) or (self._given("operation", args, kwargs),)
        if operations:
            return self._of_operation(operations[0])
        told = f"{self._path} is of one ledger, and there are {len(self._shards.names)} shards"
        raise InvalidInput("account", told, hint=Advice("shards.one"))

    def _of_operation(self, operation: str) -> Any:
        """The shard of the account whose an operation is; any, if nobody knows it: that one says so."""
        for _, one in self._shards:
            for known in index_of(one).operations(operation):
                return self._shards.of(known.account)
        return self._shards.first

    async def _first(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        unknown: ImageStudioError | None = None
        for _, one in self._shards:
            try:
                return await self._on(one)(*args, **kwargs)
            except InvalidRequest as error:
                unknown = error
        assert unknown is not None, "there is a shard"
        raise unknown


def index_of(shard: Any) -> Any:
    """The index of an open studio, or of a ledger that is only read."""
    return shard.log.index if hasattr(shard, "log") else shard.index


class RoutedAudit(Routed):
    """All audits, each by itself as well."""

    def of(self, account: str | None) -> dict[str, Any]:
        """The audit of an account's shard, or those of all, by the shard's name; blocks."""
        names = self._shards.names if account is None else [self._shards.name_of(account)]
        return {name: self._part(self._shards.named(name)) for name in names}


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
