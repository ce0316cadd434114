"""An account's library, and its people's decisions about it: each is one fact, with its actor and reason.

await studio.library.add("acme", Path("lake.jpg"))
await studio.library.trash("acme", asset, reason="blurred")
await studio.library.restore("acme", asset)
await studio.library.expire("acme", asset, at=instant)
await studio.library.erase("acme", asset)             the file is deleted, for ever
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.writer import Clock
from application.library.adding import Adder, title_by_name
from application.library.answers import BRINGING, AddedAsset, Bringing, ErasedAssets
from application.library.handing import LibraryFiles
from application.library.records import AssetRecord
from application.library.words import Words, kept_text
from domain.actor import Actor
from domain.disposing import SeenAsset, erase_assets, expire_asset, restore_asset, trash_asset
from domain.ledger import Decide

AT_ONCE = 100
"""Assets erased by one append, and found to be due at a time."""


class ErasableFiles(Protocol):
    """An asset store that can forget."""

    async def erase(self, account: str, digest: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Library(LibraryFiles):
    """The library of every account. `trash_time` is how long an asset stays in the trash, in microseconds.

    Each fact names who did it: `by`, or else the `operator` for whom this process works.
    """

    writer: Ledgers
    shelf: ErasableFiles
    clock: Clock
    operator: Actor
    trash_time: int
    adder: Adder

    @property
    def words(self) -> Words:
        """Titles, descriptions, tags, favourites and collections."""
        return Words(store=self.word_store, known=self.known, clock=self.clock)

    async def add(self, account: str, file: Path | AsyncIterator[bytes], *, new: Bringing = BRINGING) -> AddedAsset:
        """Bring a file into the library, as it is and without an operation; the same bytes are the same asset.

        Raises InvalidInput for what is no media or too large, UnknownAccount, IllegalTransition if the account is
        suspended or closed, StoreUnavailable.
        """
        if new.title:
            kept_text("title", new.title)
        added = await self.adder.add(account, file, new, str(new.by or self.operator))
        title, words = new.title or title_by_name(file), self.words
        if new.title or (title and not (await words.of(account, added.id))[added.id].title):
            await self.known(account, added.id)
            await words.describe(account, added.id, title=title)
        return AddedAsset(await self.known(account, added.id), added.is_new)

    async def trash(self, account: str, asset: str, *, by: Actor | None = None, reason: str = "") -> AssetRecord:
        """Leave it out of the library, until it is restored or its time in the trash is over.

        Raises UnknownAsset, AssetMissing if it is erased.
        """
        seen = await self._seen(account, asset)
        return await self._decide(account, seen, lambda led, now: trash_asset(led, account, seen, reason, now), by)

    async def restore(self, account: str, asset: str, *, by: Actor | None = None, reason: str = "") -> AssetRecord:
        """Have it in the library again. Raises UnknownAsset, AssetMissing if it is erased."""
        seen = await self._seen(account, asset)
        return await self._decide(account, seen, lambda led, now: restore_asset(led, account, seen, reason, now), by)

    async def expire(
        self, account: str, asset: str, *, at: int | None, by: Actor | None = None, reason: str = ""
    ) -> AssetRecord:
        """Have it erased once the instant is past, or never by itself.

        Raises UnknownAsset, AssetMissing if it is erased, InvalidInput for an instant in the past.
        """
        seen = await self._seen(account, asset)
        return await self._decide(account, seen, lambda led, now: expire_asset(led, account, seen, at, reason, now), by)

    async def erase(self, account: str, *assets: str, by: Actor | None = None, reason: str = "") -> ErasedAssets:
        """Delete their files for ever; their facts stay, and with them what they cost and what came of them.

        Raises UnknownAsset, and IllegalTransition while an operation that came with one of them is open; nothing is
        erased then.
        """
        found = [await self.known(account, asset) for asset in dict.fromkeys(assets)]
        done = [
            await self._erase(account, found[at : at + AT_ONCE], by, reason) for at in range(0, len(found), AT_ONCE)
        ]
        return _together(done)

    async def empty_trash(self, account: str, *, by: Actor | None = None, reason: str = "") -> ErasedAssets:
        """Erase all that is in the account's trash. Raises as `erase`."""
        await self.advance()
        now = self.clock()
        return await self._erase_due(account, now, now + 1, by, reason)

    async def erase_due(self) -> ErasedAssets:
        """Erase what has expired, and what has been in the trash long enough, of all accounts, as a service does."""
        await self.advance()
        now = self.clock()
        return await self._erase_due(None, now, now - self.trash_time, None, "its time was over")

    async def _erase_due(
        self, account: str | None, now: int, trashed_before: int, by: Actor | None, reason: str
    ) -> ErasedAssets:
        done, met = list[ErasedAssets](), set[tuple[str, str]]()
        while True:
            due = await asyncio.to_thread(self.records.due, account, now, trashed_before, AT_ONCE)
            new = [one for one in due if (one.account, one.id) not in met]
            if not new:
                return _together(done)
            met |= {(one.account, one.id) for one in new}
            for owner in dict.fromkeys(one.account for one in new):
                done.append(await self._erase(owner, [one for one in new if one.account == owner], by, reason))
            await self.advance()

    async def _erase(self, account: str, records: Sequence[AssetRecord], by: Actor | None, reason: str) -> ErasedAssets:
        """The facts first, then the files: a crash between them leaves files that a sweep deletes."""
        places = {one.id: await asyncio.to_thread(self.records.places, account, one.id) for one in records}
        files = [await asyncio.to_thread(self.files.find, account, id, links) for id, links in places.items()]
        seen = [
            SeenAsset(one.id, one.last_seen, tuple({link.operation for link in places[one.id] if link.role == "input"}))
            for one in records
        ]
        named = tuple({operation for one in seen for operation in one.used_by})
        await self.writer.put(
            Proposal(
                account,
                lambda ledger, now: erase_assets(ledger, account, seen, reason, now),
                operations=named,
                assets=tuple(places),
                actor=str(by or self.operator),
            )
        )
        await asyncio.to_thread(self._forget, account, tuple(places))
        gone = [await self.shelf.erase(account, file.digest) for file in files if file is not None]
        return ErasedAssets(tuple(places), sum(gone))

    def _forget(self, account: str, assets: Sequence[str]) -> None:
        """Delete what tells which files were added, then the words about assets, and leave no trace of either."""
        for asset in assets:
            for content in self.files.additions(account, asset):
                self.files.contents.erase(content)
        self.word_store.forget(account, assets)

    async def _seen(self, account: str, asset: str) -> SeenAsset:
        return SeenAsset(asset, (await self.known(account, asset)).last_seen)

    async def _decide(self, account: str, asset: SeenAsset, decide: Decide, by: Actor | None) -> AssetRecord:
        proposal = Proposal(account, decide, assets=(asset.id,), actor=str(by or self.operator))
        await self.writer.put(proposal)
        return await self.known(account, asset.id)


def _together(done: Sequence[ErasedAssets]) -> ErasedAssets:
    return ErasedAssets(tuple(id for one in done for id in one.assets), sum(one.files for one in done))
