"""The shard of an account, as one process knows it: asked once, and again when the directory has changed.

account ── remembered, and the directory the same for less than a second ─┬─ its shard
                                                                          └─ a shard refused it: it left, asked again

No rule rests on what is remembered: a shard takes no decision for an account that has left it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Generic, TypeVar

from domain.errors import StoreUnavailable
from infrastructure.shards.directory import Directory, Home, by_hash

LOGGER = logging.getLogger("imagestudio")
Opened = TypeVar("Opened")
FRESH: Final = 1_000_000
"""Microseconds within which the directory is not asked whether it has changed."""


class ShardMap(Generic[Opened]):
    """The opened parts of each shard, found by account; safe from any thread. `steady` counts microseconds."""

    def __init__(self, directory: Directory, opened: Mapping[str, Opened], steady: Callable[[], int]) -> None:
        self._directory, self._opened, self._steady = directory, opened, steady
        self._names: Sequence[str] = sorted(opened)
        self._known: dict[str, str] = {}
        self._changes, self._looked = -1, -FRESH
        self._lock = threading.Lock()

    @property
    def names(self) -> Sequence[str]:
        return self._names

    def __iter__(self) -> Iterator[tuple[str, Opened]]:
        """All, by name."""
        return ((name, self._opened[name]) for name in self._names)

    @property
    def first(self) -> Opened:
        """One of them, for what is the same in all."""
        return self._opened[self._names[0]]

    def at_hand(self, account: str) -> Opened | None:
        """As `of` if nobody need be asked, else None; never blocks."""
        if self._steady() - self._looked >= FRESH:
            return None
        name = self._known.get(account)
        return None if name is None else self._opened[name]

    def of(self, account: str) -> Opened:
        """The shard in which an account is, or would be; blocks. Raises StoreUnavailable."""
        return self.named(self.name_of(account))

    def named(self, name: str) -> Opened:
        """Raises StoreUnavailable for a shard that this process did not open."""
        if name not in self._opened:
            raise StoreUnavailable(f"shard {name!r} was added after this process began", hint="start it again")
        return self._opened[name]

    def name_of(self, account: str) -> str:
        """The name of its shard; what is not in the directory is not remembered."""
        self._look()
        name = self._known.get(account)
        if name is not None:
            return name
        home = self._directory.home(account)
        if home is None:
            return by_hash(account, self._names)
        return self._remember(account, home)

    def opening(self, account: str) -> Opened:
        """The shard in which an account is, or is to be opened: from now on it is in the directory."""
        home = self._directory.home(account) or self._directory.place(account, self._names)
        return self.named(self._remember(account, home))

    def homes(self, accounts: Sequence[str]) -> Mapping[str, Home]:
        """The homes of accounts, of those that the directory knows, as it says now; blocks. Raises StoreUnavailable."""
        return self._directory.homes(accounts)

    def forget(self, account: str) -> None:
        """Ask again: it is not where it was thought to be."""
        self._known.pop(account, None)

    def _remember(self, account: str, home: Home) -> str:
        if home.shard in self._opened:
            self._known[account] = home.shard
        return home.shard

    def _look(self) -> None:
        """Forget what has changed; one looks, and the others go on meanwhile, as all do while nobody can be asked."""
        if self._steady() - self._looked < FRESH or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked = self._steady()
            changes = self._directory.changes()
            if changes != self._changes:
                self._known.clear()
            self._changes = changes
        except StoreUnavailable as error:
            LOGGER.warning("the directory of shards cannot be asked: %s", error)
        finally:
            self._lock.release()
