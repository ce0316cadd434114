"""Our costs of a provider's month in all shards, which its invoices are held against.

    invoices of a provider ── an account of their own ── in one shard, as any account is
    costs of its operations ── views of every shard ── added up, model by model

An account that is being moved is in two shards for a while, and its costs would be counted twice: then nobody is told.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from application.keeping.invoicedmonths import ModelCost
from domain.errors import StoreUnavailable
from infrastructure.opening import Access, StudioLog, catch_up, open_log
from infrastructure.settings import Settings
from infrastructure.shards.directory import Directory
from projections.monthcosts import CostsOfMonths


class CostsOfShards:
    """Implements CostsOfLedgers. The shards are opened when they are first asked, on connections of their own."""

    def __init__(self, directory: Directory, settings: Mapping[str, Settings]) -> None:
        """The settings of each shard by its name."""
        self._directory, self._settings = directory, settings
        self._stack, self._opened = ExitStack(), dict[str, StudioLog]()
        self._lock = threading.Lock()

    def close(self) -> None:
        self._stack.close()

    def of_month(self, provider: str, since: int, until: int) -> Sequence[ModelCost]:
        """By model. Raises StoreUnavailable."""
        found: defaultdict[str, list[ModelCost]] = defaultdict(list)
        for log in self._logs().values():
            for one in CostsOfMonths(log.database).of_month(provider, since, until):
                found[one.model].append(one)
        return [_added(model, found[model]) for model in sorted(found)]

    async def refresh(self) -> None:
        """Raises StoreUnavailable, also while an account is in two shards."""
        await asyncio.to_thread(self._refresh)

    def _refresh(self) -> None:
        refuse_twice(self._directory)
        for name, log in self._logs().items():
            catch_up(self._settings[name], log.database, log.codec)

    def _logs(self) -> Mapping[str, StudioLog]:
        with self._lock:
            for name, settings in self._settings.items():
                if name not in self._opened:
                    self._opened[name] = open_log(settings, Access.READ)
                    self._stack.callback(self._opened[name].close)
            return self._opened


def _added(model: str, several: Sequence[ModelCost]) -> ModelCost:
    names = ("operations", "unknown", "estimated", "open", "cost")
    return ModelCost(model, **{name: sum(getattr(one, name) for one in several) for name in names})


def refuse_twice(directory: Directory) -> None:
    """Raises StoreUnavailable while an account that is moved may be counted in two shards."""
    for account, home in directory.moves().items():
        told = f"account {account!r} is being moved to {home.moving_to or home.shard}, and would be counted twice"
        raise StoreUnavailable(told, hint="let the move come to its end, or run it again")


@contextmanager
def costs_of_shards(directory: Directory, settings: Mapping[str, Settings]) -> Iterator[CostsOfShards]:
    """Closed afterwards."""
    found = CostsOfShards(directory, settings)
    try:
        yield found
    finally:
        found.close()
