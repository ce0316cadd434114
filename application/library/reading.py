"""Reading an account's library: what was made and brought, found again, with what paid for it.

page = await studio.library.list("acme")
shown = await studio.library.show("acme", page.assets[0].id)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from application.library.answers import NO_WORDS, ShownAsset
from application.library.files import OUTPUT, AssetFiles
from application.library.lineage import Kin, Lineage, lineage_of
from application.library.records import (
    ALL_KEPT,
    AssetLink,
    AssetPage,
    AssetQuery,
    AssetRecord,
    AssetRecords,
    LibraryTotals,
)
from application.library.words import WordStore
from application.ports import AssetStore, Index
from domain.advice import Advice
from domain.assets import Disposal
from domain.errors import UnknownAsset, UnknownOperation

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryReader:
    """The library of every account; each question names its own. `advance` brings the views up to the log first, and
    `index_prompts` the words of prompts."""

    records: AssetRecords
    files: AssetFiles
    store: AssetStore
    advance: Callable[[], Awaitable[object]]
    index_prompts: Callable[[], object]
    word_store: WordStore
    index: Index

    async def list(
        self, account: str, wanted: AssetQuery = ALL_KEPT, *, after: str | None = None, limit: int = PAGE
    ) -> AssetPage:
        """Assets of the account in the order that is wanted, after the cursor of a page before in the same order.

        Raises InvalidInput for a word or a cursor that there is not, UnknownKind, StoreUnavailable.
        """
        await self.advance()
        if wanted.text is not None:
            await asyncio.to_thread(self.index_prompts)
        return await asyncio.to_thread(self.records.page, account, wanted, after, limit)

    async def statistics(self, account: str, wanted: AssetQuery = ALL_KEPT) -> LibraryTotals:
        """How many assets there are, how large they are, and what they cost: in all, by type, and by what made them.

        Raises as `list`.
        """
        await self.advance()
        if wanted.text is not None:
            await asyncio.to_thread(self.index_prompts)
        return await asyncio.to_thread(self.records.totals, account, wanted)

    async def show(self, account: str, asset: str) -> ShownAsset:
        """All that is known of one asset. Raises UnknownAsset, StoreUnavailable."""
        record = await self.known(account, asset)
        places = await asyncio.to_thread(self.records.places, account, asset)
        file = await asyncio.to_thread(self.files.find, account, asset, places)
        path = await asyncio.to_thread(self.store.path, account, file) if file is not None else None
        return ShownAsset(
            record,
            tuple(link for link in places if link.role == OUTPUT),
            tuple(link for link in places if link.role != OUTPUT),
            file.digest if file is not None else None,
            path,
            (await asyncio.to_thread(self.word_store.of, account, [asset])).get(asset, NO_WORDS),
            None if file is None or record.standing == Disposal.ERASED else self.store.where(account, file),
        )

    async def lineage(self, account: str, asset: str) -> Lineage:
        """Ancestors and descendants of the asset, and what it cost with all that it came from.

        Raises UnknownAsset, StoreUnavailable.
        """
        record = await self.known(account, asset)
        up = await asyncio.to_thread(self.records.ancestors, account, asset)
        down = await asyncio.to_thread(self.records.descendants, account, asset)
        return lineage_of(record, *(Kin(tuple(assets), tuple(links)) for assets, links in (up, down)))

    async def of_operation(self, account: str, operation: str) -> tuple[AssetLink, ...]:
        """The inputs and outputs of an operation, or of all of a batch. Raises UnknownOperation."""
        await self.advance()
        links = await asyncio.to_thread(self.records.of_operation, account, operation)
        if not links:
            known = await asyncio.to_thread(self.index.operations, operation)
            if account not in [one.account for one in known]:
                raise UnknownOperation.of(operation)
        return tuple(links)

    async def known(self, account: str, asset: str) -> AssetRecord:
        """The asset as it stands now. Raises UnknownAsset if the account has none of this id."""
        await self.advance()
        record = await asyncio.to_thread(self.records.one, account, asset)
        if record is None:
            raise UnknownAsset(f"there is no asset {asset!r}", hint=Advice("asset.list"))
        return record
