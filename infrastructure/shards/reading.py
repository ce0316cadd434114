"""The ledgers of all shards as one that is only read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from infrastructure.clock import steady
from infrastructure.settings import Settings
from infrastructure.shards.booklog import RoutedBooks
from infrastructure.shards.costs import refuse_twice
from infrastructure.shards.directory import Directory
from infrastructure.shards.facades import RoutedAudit, RoutedViews
from infrastructure.shards.map import ShardMap
from infrastructure.shards.opening import named_shards, open_directory, settings_of
from infrastructure.shards.routing import Routed

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.keeping.watch import WatchStanding
    from infrastructure.reading import ReadingLedger

ROUTED: Final = ("accounts", "keys", "statements", "alerts", "webhooks", "reader", "index", "views", "books", "past")
KINDS: Final[Mapping[str, type[Routed]]] = {"books": RoutedBooks, "views": RoutedViews}
BESIDE: Final = ("contents",)
"""Parts that are asked of each shard until one has an answer."""


class ReadingShards:
    """As ReadingLedger; what is of one ledger alone it does not have, but for what is found amiss in any."""

    def __init__(self, settings: Settings, directory: Directory, shards: ShardMap[ReadingLedger]) -> None:
        self.settings, self._directory, self._shards = settings, directory, shards
        self.by_shard = dict(shards)
        self.ledger_of = shards.of
        self.codec = shards.first.codec
        self.audit = RoutedAudit(shards, "audit")
        self.lost = next((one.lost for _, one in shards if one.lost is not None), None)
        self.foreign = next((one.foreign for _, one in shards if one.foreign is not None), None)
        for name in (*ROUTED, *BESIDE):
            setattr(self, name, cast("Any", KINDS.get(name, Routed)(shards, name)))

    def refuse_twice(self) -> None:
        """Raises StoreUnavailable while an account is in two of them."""
        refuse_twice(self._directory)

    def is_standby(self) -> bool:
        """Whether the database of any shard only follows another. Raises StoreUnavailable."""
        return any(one.is_standby() for _, one in self._shards)

    def watched(self) -> WatchStanding | None:
        """As of one ledger, of all; None if a shard has no watch."""
        from infrastructure.shards.gathering import gathered_watches

        found = {name: standing for name, one in self._shards if (standing := one.watched()) is not None}
        return gathered_watches(found) if len(found) == len(self._shards.names) else None


@contextmanager
def open_reading_over(
    settings: Settings, open_one: Callable[[Settings], AbstractContextManager[ReadingLedger]]
) -> Iterator[ReadingLedger]:
    """All of them; blocking. Raises as opening one does."""
    with ExitStack() as stack:
        directory = stack.enter_context(open_directory(settings))
        opened = {
            name: stack.enter_context(open_one(settings_of(settings, name, url)))
            for name, url in named_shards(directory).items()
        }
        yield cast("ReadingLedger", ReadingShards(settings, directory, ShardMap(directory, opened, steady)))
