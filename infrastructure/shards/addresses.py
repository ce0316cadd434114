"""The address of a shard as a process that runs knows it.

a new connection ── the directory said where, less than a second ago ─┬─ there
                                                                      └─ asked again; if it is away, where it was
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from application.ledger.writer import Clock
from domain.errors import StoreUnavailable
from infrastructure.clock import steady
from infrastructure.shards.directory import Directory
from infrastructure.store.urls import parse_url, shown_url

LOGGER = logging.getLogger("imagestudio")
FRESH: Final = 1_000_000
"""Microseconds for which an address is taken as it was said."""
LATER: Final = 10_000_000
"""Microseconds for which the last known one is taken once the directory did not answer."""


@dataclass(slots=True)
class ShardAddress:
    """The address of one shard as a process that runs knows it: the directory is asked, but not at every connection."""

    directory: Directory
    name: str
    known: str
    clock: Clock = steady
    _until: int = 0

    def __call__(self) -> str:
        """The place of the next connection; safe from any thread."""
        if self.clock() >= self._until:
            self._until = self.clock() + LATER  # others need not wait for the same answer
            try:
                found = self.directory.shards().get(self.name, self.known)
            except StoreUnavailable as error:
                LOGGER.warning("the directory of shards cannot be asked where %s is: %s", self.name, error)
                return self.known
            if found != self.known:
                LOGGER.warning("shard %s is at %s from now on", self.name, shown_url(parse_url(found)))
            self.known, self._until = found, self.clock() + FRESH
        return self.known
