"""The log as a studio shows it: read by position, or followed as it grows."""

from __future__ import annotations

from dataclasses import dataclass

from application.following.feed import Feed
from application.following.follower import Follower
from application.ledger.facts import OperationFacts
from application.ledger.log import Codec
from application.ledger.reader import EVERYTHING, LogFilter, LogReader
from application.ports import Index
from domain.ledger import Fact


@dataclass(frozen=True, slots=True)
class Log:
    """All facts, in the order of their commits; the index finds those of an operation."""

    reader: LogReader
    codec: Codec
    index: Index
    feed: Feed

    def facts(self, operation: str) -> list[Fact]:
        """Every fact about an operation, in order; blocking. Raises UnknownOperation."""
        return OperationFacts(self.reader, self.codec).of(operation)

    def follow(self, after: int | None = None, filter: LogFilter = EVERYTHING) -> Follower:
        """Committed facts as they come, whichever process records them: those after a position, else from now on.

        async with studio.log.follow(position, LogFilter(account="acme")) as entries:
            async for entry in entries: ...
        """
        return self.feed.follow(after, filter)
