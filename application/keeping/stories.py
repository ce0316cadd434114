"""Stories that the log tells, of an operation or of anything else, fact by fact in its one order.

stories_of ── index: the operations of an id ── one Story each: its facts, and the zone of its account's clock
entries ───── the log, or a part of it, page by page
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from application.ledger.reader import LogFilter
from application.scope import owned
from domain.errors import UnknownAccount, UnknownOperation

if TYPE_CHECKING:
    from application.keeping.accountviews import AccountReader
    from application.ledger.log import Codec, Positioned
    from application.ledger.moments import Moment
    from application.ledger.reader import LogReader
    from application.ports import Index
    from domain.ledger import Fact

PAGE = 500
UTC = "UTC"


class ToldFrom(Protocol):
    """The studio or ledger that stories are read from: an open studio, or a ledger that is only read."""

    @property
    def reader(self) -> LogReader: ...

    @property
    def codec(self) -> Codec: ...

    @property
    def index(self) -> Index: ...


@dataclass(frozen=True, slots=True)
class Event:
    """A stored fact: where it is in the log, its stored name, who did it, itself, and what is stored of it."""

    position: int
    topic: str
    actor: str
    fact: Fact
    data: Any


@dataclass(frozen=True, slots=True)
class Story:
    """All that happened to one operation, and the zone whose clock its account shows."""

    operation: str
    events: Sequence[Event]
    zone: str


async def stories_of(ledger: ToldFrom, accounts: AccountReader, id: str, account: str | None = None) -> list[Story]:
    """The story of one operation, or those of a batch, of an account if one is named. Raises UnknownOperation."""
    known = await asyncio.to_thread(ledger.index.operations, id)
    return [await _story(ledger, accounts, one.operation, one.account) for one in owned(known, id, account)]


def until(stories: Sequence[Story], moment: Moment, id: str) -> list[Story]:
    """The stories as they stood at a moment. Raises UnknownOperation if nothing had been asked then."""
    told = [
        replace(one, events=[event for event in one.events if event.position <= moment.position]) for one in stories
    ]
    found = [one for one in told if one.events]
    if not found:
        raise UnknownOperation.of(id)
    return found


async def _story(ledger: ToldFrom, accounts: AccountReader, id: str, account: str) -> Story:
    try:
        zone = (await accounts.show(account)).zone
    except UnknownAccount:
        zone = UTC
    read = entries(ledger.reader, LogFilter(operations=(id,)))
    return Story(id, [event_of(ledger.codec, entry) async for entry in read], zone)


def event_of(codec: Codec, entry: Positioned) -> Event:
    """A row of the log with the fact that it stores. Raises LogCorrupted."""
    link = entry.link
    fact, data = codec.decode(link.topic, link.state), json.loads(link.state)
    return Event(entry.position, link.topic, link.actor, fact, data)


async def entries(
    reader: LogReader, wanted: LogFilter, after: int = 0, limit: int | None = None
) -> AsyncIterator[Positioned]:
    """The rows of the log that are wanted, read a page at a time, at most so many."""
    left = limit
    while left is None or left > 0:
        page = await asyncio.to_thread(reader.read, after, PAGE if left is None else min(left, PAGE), wanted)
        for entry in page:
            yield entry
        if not page:
            return
        after = page[-1].position
        left = None if left is None else left - len(page)
