"""What an operator may do at any time: recover what was left open, erase what was asked, sweep what nobody needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from application.admission import Body
from application.log import Codec
from application.ports import Content, Contents, Swept
from application.reader import LogFilter, LogReader
from application.recovery import Recovered, Recoverer
from application.results import Results
from application.writer import Clock
from domain.errors import IllegalTransition, UnknownOperation
from domain.operation import CLOSED_PHASES, ProviderCompleted, Requested

PAGE = 1_000


class Shelf(Protocol):
    """An asset store that can forget."""

    async def erase(self, account: str, digest: str) -> bool: ...

    async def sweep(self, referenced: Callable[[str], Collection[str]], *, grace_seconds: int, now: int) -> Swept: ...

    def folder(self, account: str) -> str:
        """The name under which an account's files are swept."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of one batch: whether its content was still there, and how many files."""

    batch: str
    content: bool
    files: int


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The studio's housekeeping. `grace_seconds` protects files whose first reference may not be written yet."""

    recoverer: Recoverer
    reader: LogReader
    codec: Codec
    results: Results
    contents: Contents
    shelf: Shelf
    clock: Clock
    grace_seconds: int

    async def recover(self) -> list[Recovered]:
        """Settle what dead processes left open; one fact each."""
        return await self.recoverer.run()

    async def working(self) -> tuple[int, int | None]:
        """How many operations are worked on under a lease that still runs, and when the last of these ends."""
        return await asyncio.to_thread(self.recoverer.performer.ownership.leases.running, self.clock())

    async def erase(self, operation: str) -> Erased:
        """Delete what a request was asked with and what it delivered, for ever; its facts stay, and still verify.

        Files that other operations of the account share stay too. Raises UnknownOperation, and IllegalTransition
        while the operation is open.
        """
        account, batch = await asyncio.to_thread(self._closed_batch, operation)
        own, others = await asyncio.to_thread(self._digests, account, batch)
        erased = await asyncio.to_thread(self.contents.erase, batch)
        files = [await self.shelf.erase(account, digest) for digest in sorted(own - others)]
        return Erased(batch, erased, sum(files))

    async def sweep(self) -> Swept:
        """Delete files that nothing references, older than the grace period."""
        referenced = await asyncio.to_thread(self._referenced)

        def needed(folder: str) -> Collection[str]:
            return referenced.get(folder, frozenset())

        return await self.shelf.sweep(needed, grace_seconds=self.grace_seconds, now=self.clock())

    def _closed_batch(self, operation: str) -> tuple[str, str]:
        known = self.results.index.operations(operation)
        if not known:
            raise UnknownOperation(f"no operation {operation!r}", hint="list them with 'imagestudio operations'")
        for fact in self.results.facts(known[0].operation):
            if isinstance(fact, Requested):
                batch, account = fact.operation.batch, fact.operation.account
                break
        still_open = [one for one in self.results.index.operations(batch) if one.phase not in CLOSED_PHASES]
        if still_open:
            raise IllegalTransition(f"operation {still_open[0].operation} is still open", hint="wait until it ends")
        return account, batch

    def _digests(self, account: str, batch: str) -> tuple[set[str], set[str]]:
        """The digests of a batch, and those of all other batches of its account."""
        own, others = set[str](), set[str]()
        for owner, digests in self._used(account):
            (own if owner == batch else others).update(digests)
        return own, others

    def _used(self, account: str) -> Iterator[tuple[str, list[str]]]:
        """Batches of an account with the digests of their files, delivered and given."""
        for completed in self._completed(account):
            yield completed.operation.batch, [stored.digest for stored in completed.assets]
        for content in self._contents(account):
            yield content.batch, _inputs(content)

    def _referenced(self) -> dict[str, set[str]]:
        by_folder: dict[str, set[str]] = {}
        for completed in self._completed(None):
            folder = self.shelf.folder(completed.operation.account)
            by_folder.setdefault(folder, set()).update(stored.digest for stored in completed.assets)
        for content in self._contents(None):
            by_folder.setdefault(self.shelf.folder(content.account), set()).update(_inputs(content))
        return by_folder

    def _completed(self, account: str | None) -> Iterator[ProviderCompleted]:
        wanted = LogFilter(account=account, topics=self.codec.names_of(ProviderCompleted))
        position = 0
        while page := self.reader.read(position, PAGE, wanted):
            for entry in page:
                fact = self.codec.decode(entry.link.topic, entry.link.state)
                if isinstance(fact, ProviderCompleted):
                    yield fact
            position = page[-1].position

    def _contents(self, account: str | None) -> Iterator[Content]:
        after = ""
        while page := self.contents.page(after, PAGE, account):
            yield from page
            after = page[-1].batch


def _inputs(content: Content) -> list[str]:
    return [asset.digest for assets in Body.from_json(content.body).media.values() for asset in assets]
