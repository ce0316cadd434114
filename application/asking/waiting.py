"""Waiting for operations that others perform, by the feed of commits and not by asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from application.following.feed import Feed
from application.ledger.log import Codec
from application.ledger.reader import LogFilter
from application.ports import Index, Indexed
from application.scope import operations_of
from domain.advice import Advice
from domain.errors import OperationPending
from domain.operation import CLOSED_PHASES, Charged, Rejected, Released


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Operations that are performed by another process, or by nobody for now."""

    index: Index
    codec: Codec
    feed: Feed

    async def until_ended(self, account: str, operation: str, known: list[Indexed], deadline: float) -> list[Indexed]:
        """Wait for others, told of each end by the feed. Raises OperationPending."""
        wanted = LogFilter(operations=tuple(one.operation for one in known), topics=_ends(self.codec))
        async with self.feed.follow(filter=wanted) as ends:
            with suppress(TimeoutError, StopAsyncIteration):  # too long, or the studio is closed
                async with asyncio.timeout_at(deadline):
                    while not are_closed(known := await operations_of(self.index, account, operation)):
                        await anext(ends)
                    return known
            raise OperationPending(operation, "it is still open", hint=Advice("operation.settle"))


def are_closed(known: Sequence[Indexed]) -> bool:
    return all(one.phase in CLOSED_PHASES for one in known)


def _ends(codec: Codec) -> tuple[str, ...]:
    """The stored names of the facts with which an operation ends."""
    return tuple(name for shape in (Charged, Released, Rejected) for name in codec.names_of(shape))
