"""Opens every shard of a directory as a studio of its own, and all of them as one.

    directory ── shards ── each: its schema's ledger, files, writer, views ──┐
                                                                             ├─ routed facades ── one Studio
        accounts ── where they are ──────────────────────────────────────────┘

Files of a shard are in a folder of its name, as files belong to one ledger. Slots
at providers are counted in the directory, and so are their jobs: a provider knows nothing of shards.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from domain.errors import InvalidInput, UnknownAccount
from infrastructure.clock import steady
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.shards.addresses import ShardAddress
from infrastructure.shards.booklog import RoutedBooks
from infrastructure.shards.costs import costs_of_shards
from infrastructure.shards.directory import Directory
from infrastructure.shards.facades import RoutedAudit, RoutedKeys, RoutedProviders, RoutedViews
from infrastructure.shards.jobs import claimed_jobs
from infrastructure.shards.map import ShardMap
from infrastructure.shards.routing import Routed
from infrastructure.store.database import Database
from infrastructure.store.slots import SqlSlots

if TYPE_CHECKING:
    from application.studios.services import Services
    from infrastructure.assembly import Parts

OpenOne = Callable[[Settings, "Parts"], AbstractAsyncContextManager[Studio]]
ALIKE: Final = ("catalogue", "around_requests")
"""Fields of a studio that are the same in all shards."""
APART: Final = ("archiving", "relay", "shards", "shard_names", "find_shard")
"""Fields that only a studio of one ledger has, or only one of several."""
KINDS: Final[Mapping[str, type[Routed]]] = {
    "audit": RoutedAudit,
    "books": RoutedBooks,
    "keys": RoutedKeys,
    "providers": RoutedProviders,
    "views": RoutedViews,
}
"""Facades that are more than their calls one by one."""
MADE: Final = ("open_services", "make_worker", "make_sender")
"""Fields that make something of one ledger."""


@contextmanager
def open_directory(settings: Settings) -> Iterator[Directory]:
    """The directory that the settings name; blocks. Raises InvalidInput, StoreUnavailable."""
    lock, statement = settings.lock_seconds, settings.statement_seconds
    with closing(Database(settings.shards, lock_seconds=lock, statement_seconds=statement)) as database:
        yield Directory(database)


def databases_of(settings: Settings) -> list[str]:
    """The URL of every database that ledgers are in; blocks. Raises StoreUnavailable."""
    if not settings.shards:
        return [settings.database]
    with open_directory(settings) as directory:
        return [*directory.shards().values()]


def settings_of(settings: Settings, name: str, url: str) -> Settings:
    """The settings of one shard: its database, and its own places."""
    own: dict[str, Any] = {"database_url": url, "assets": f"{settings.assets.rstrip('/')}/{name}"}
    own["archive"] = settings.archive / name
    if settings.seal_file is not None:
        own["seal_file"] = settings.seal_file.with_name(f"{settings.seal_file.name}.{name}")
    if settings.relay_url is not None:
        own["relay_url"] = SecretStr(f"{settings.relay_url.get_secret_value()}-{name}")
    return settings.of_shard(name, **own)


def settings_of_each(settings: Settings) -> Mapping[str, Settings]:
    """Those of each shard by its name, or of the only ledger, which has none; blocks. Raises as `named_shards`."""
    if not settings.shards:
        return {"": settings}
    with open_directory(settings) as directory:
        return {name: settings_of(settings, name, url) for name, url in named_shards(directory).items()}


def settings_with(settings: Settings, account: str) -> Settings:
    """Those of the ledger that an account is in; blocks. Raises UnknownAccount if it is in none."""
    if not settings.shards:
        return settings
    with open_directory(settings) as directory:
        home = directory.home(account)
        if home is None:
            raise UnknownAccount(f"no account {account!r} in any shard")
        return settings_of(settings, home.shard, named_shards(directory)[home.shard])


@asynccontextmanager
async def open_over_shards(settings: Settings, parts: Parts, open_one: OpenOne) -> AsyncIterator[Studio]:
    """One studio of all shards. Raises NoLedger if there is none, and as opening one does."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(open_directory(settings))
        each = {name: settings_of(settings, name, url) for name, url in named_shards(directory).items()}
        own = replace(
            parts,
            store=claimed_jobs(parts.store, directory),
            slots=lambda _database: SqlSlots(directory.database),
            room=directory.database,
            months=stack.enter_context(costs_of_shards(directory, each)),
        )
        opened: dict[str, Studio] = {}
        for name, one in each.items():
            address = ShardAddress(directory, name, one.database)
            opened[name] = await stack.enter_async_context(open_one(one, replace(own, address=address)))
        yield studio_over(ShardMap(directory, opened, steady))


def named_shards(directory: Directory) -> Mapping[str, str]:
    """The URL of each shard by its name. Raises InvalidInput if there is none."""
    found = directory.shards()
    if not found:
        raise InvalidInput("shards", "there is no shard yet", hint="add one first")
    return found


def studio_over(shards: ShardMap[Studio]) -> Studio:
    """The facades of all shards as one studio's."""
    names = [field.name for field in fields(Studio) if field.name not in (*ALIKE, *MADE, *APART)]
    facades: dict[str, Any] = {name: KINDS.get(name, Routed)(shards, name) for name in names}
    facades["providers"].notified = facades["operations"].notified
    alike: dict[str, Any] = {name: getattr(shards.first, name) for name in ALIKE}
    made: dict[str, Any] = {name: _of_one(name) for name in MADE}
    words = Routed(shards, "services.compare.words")
    made["open_services"] = cache(lambda: _services(shards.first, facades, words))
    several: dict[str, Any] = {
        "shards": tuple(one for _, one in shards),
        "shard_names": tuple(shards.names),
        "find_shard": shards.of,
    }
    return Studio(**facades, **alike, **made, **several)


def _of_one(name: str) -> Callable[..., Any]:
    def refuse(*_asked: Any) -> Any:
        raise InvalidInput("studio", f"{name} is of one ledger", hint="take it of each of studio.shards")

    return refuse


def _services(first: Studio, facades: Mapping[str, Any], words: Any) -> Services:
    """The services of one shard, on operations, assets and words of all."""
    from application.studios.services import services

    one = first.services
    desk = replace(one.desk, operations=facades["operations"])
    archive = facades["library"].archive_named
    return services(desk, one.batch.currency, one.batch.blank, one.compare.draw, words, archive)
