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
from operator import attrgetter
from typing import Any, Final

from domain.advice import Advice
from domain.departures import AccountMoved
from domain.errors import ImageStudioError, InvalidInput, InvalidRequest
from domain.invoices import provider_account
from domain.keys import STUDIO
from infrastructure.shards.asking import shard_asked
from infrastructure.shards.map import ShardMap
from infrastructure.shards.ways import ACROSS

OPENS: Final = frozenset({"accounts.open", "invoices.record", "keys.issue", "keys.ensure_first_key"})
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
OF_PROVIDER: Final = "invoices."
"""Calls about the ledger of a provider's invoices, which is an account of its own."""
INSIDE: Final = frozenset(
    {"accounts.ledgers", "books.log", "log.index", "log.reader", "library.words", "operations.results"}
    | {"operations.results.index", "seals.watch", "statements.billed", "webhooks.sending", "webhooks.sending.tables"}
)
"""Parts of facades that are asked by account, too."""
ALIKE: Final = frozenset(
    {"accounts.currency", "accounts.plans", "accounts.selling", "invoices.currency", "library.links", "log.codec"}
    | {"operations.operator", "providers.by_name", "providers.off", "providers.clock", "seals.public_keys"}
    | {"simulations.currency"}
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
            found = self._call(name)
        setattr(self, name, found)
        return found

    def _call(self, name: str) -> Any:
        """The method of that name, as one of all shards."""
        path, method = f"{self._path}.{name}", getattr(self._part(self._shards.first), name)
        if not inspect.ismethod(method):
            raise AttributeError(f"{path} is another one in each shard")
        return _Call(self._shards, self._part, path).calling(method)


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
            return await self._of_all(args, kwargs)
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
            return self._of_all_blocking(args, kwargs)
        if account is None and self._path in FIRST:
            return next((found for _, one in self._shards if (found := self._on(one)(*args, **kwargs))), [])
        return self._on(self._shard(account, args, kwargs))(*args, **kwargs)

    async def _of_all(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The answers of all as one: each is asked, whatever another says. Raises as the first of those that failed."""
        asked = [(self._on(one), shard_asked(name, self._path, args, kwargs)) for name, one in self._shards]
        found = await asyncio.gather(*(call(*own, **named) for call, (own, named) in asked), return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return ACROSS[self._path](dict(zip(self._shards.names, found, strict=True)), *args, **kwargs)

    def _of_all_blocking(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        answers = {}
        for name, one in self._shards:
            own, named = shard_asked(name, self._path, args, kwargs)
            answers[name] = self._on(one)(*own, **named)
        return ACROSS[self._path](answers, *args, **kwargs)

    def _on(self, shard: Any) -> Callable[..., Any]:
        return getattr(self._part(shard), self._name)  # type: ignore[no-any-return]

    def _account(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        """The account that the call names, itself or by what it has of one."""
        if self._path in OF_STUDIO:
            return STUDIO
        if self._path.startswith(OF_PROVIDER) and (provider := self._given("provider", args, kwargs)):
            return provider_account(provider)
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
        told = f"this is asked of one ledger, and there are {len(self._shards.names)} shards"
        raise InvalidInput("database", told, hint=Advice("shards.one"))

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


def reader_of(shard: Any) -> Any:
    """The reader of the log, of the same."""
    return shard.log.reader if hasattr(shard, "log") else shard.reader


def index_of(shard: Any) -> Any:
    """The index of an open studio, or of a ledger that is only read."""
    return shard.log.index if hasattr(shard, "log") else shard.index
