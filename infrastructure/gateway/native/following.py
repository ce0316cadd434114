"""The facts of operations that are there, and then each as it is committed, until no more can come."""

from __future__ import annotations

from collections.abc import AsyncIterator

from application.following.log import Log
from application.keeping.stories import entries
from application.ledger.log import Positioned
from application.ledger.reader import LogFilter
from domain.operation import Charged, Rejected, Released


async def until_ended(log: Log, wanted: LogFilter, after: int) -> AsyncIterator[Positioned]:
    """Those after a position; what is there already is read before anything is told."""
    known = [entry async for entry in entries(log.reader, wanted)]
    ends = frozenset(name for shape in (Charged, Released, Rejected) for name in log.codec.names_of(shape))
    missing: set[str | None] = set(wanted.operations)
    missing -= {entry.link.operation for entry in known if entry.link.topic in ends}
    return _told(log, wanted, after, known, missing, ends)


async def _told(
    log: Log, wanted: LogFilter, after: int, known: list[Positioned], missing: set[str | None], ends: frozenset[str]
) -> AsyncIterator[Positioned]:
    for entry in known:
        if entry.position > after:
            yield entry
    if not missing:
        return
    async with log.follow(max([after, *(entry.position for entry in known)]), wanted) as found:
        async for entry in found:
            yield entry
            if entry.link.topic in ends:
                missing.discard(entry.link.operation)
            if not missing:
                return
