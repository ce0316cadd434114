"""Handing out the files of assets: many as one archive, one as a small picture, by a link, or as it is.

await studio.library.archive("acme", [asset, other], stream)
await studio.library.archive_named("acme", {"front": asset, "back": other}, stream)
await studio.library.thumbnail("acme", asset)
await studio.library.link("acme", asset, expires=3_600)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from application.library.answers import ShownAsset
from application.library.archive import Archived, Archiver, ToArchive, check_file_names
from application.library.links import USUAL_SECONDS, Links, SignedLink
from application.library.reading import LibraryReader
from application.library.thumbnails import Thumbnails
from application.ports import Asset, Media
from domain.assets import Disposal
from domain.errors import AssetMissing

Seen = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFiles(LibraryReader):
    """The library as far as it hands out files."""

    archiver: Archiver
    thumbnails: Thumbnails
    links: Links

    async def archive(self, account: str, assets: Sequence[str], stream: BinaryIO) -> Archived:
        """Write the files of these assets into a stream as one ZIP file, with a manifest; erased ones are only told.

        Raises UnknownAsset before anything is written; AssetDamaged and what the stream raises leave a part.
        """
        return await self.archive_named(account, {asset: asset for asset in assets}, stream)

    async def archive_named(self, account: str, names: Mapping[str, str], stream: BinaryIO) -> Archived:
        """The same under names of the caller's, to which extensions are added; `names` has the asset of each.

        Raises as `archive`, and InvalidInput for a name that is no file's everywhere.
        """
        return await asyncio.to_thread(self.archiver.write, await self._to_archive(account, names), stream)

    async def archive_pieces(self, account: str, names: Mapping[str, str], seen: Seen) -> Iterator[bytes]:
        """The same archive in pieces, each read when it is asked for; blocking. Raises as `archive_named`.

        `seen` is as much of what the manifest says of an asset as its reader may see.
        """
        describe = self.archiver.describe
        archiver = replace(self.archiver, describe=lambda shown: seen(describe(shown)))
        return archiver.pieces(await self._to_archive(account, names))

    async def _to_archive(self, account: str, names: Mapping[str, str]) -> list[ToArchive]:
        check_file_names(names)
        shown = {asset: await self.show(account, asset) for asset in dict.fromkeys(names.values())}
        files = {asset: await self._file(one) for asset, one in shown.items()}
        return [ToArchive(name, shown[asset], files[asset]) for name, asset in names.items()]

    async def file(self, account: str, asset: str) -> Asset:
        """The file of an asset, to be read by the store. Raises UnknownAsset, AssetMissing if it is erased."""
        return await self._kept(account, asset)

    async def thumbnail(self, account: str, asset: str) -> Media:
        """A small picture of a picture, a film or a model, at most 320 pixels a side; drawn once, and then kept.

        Raises UnknownAsset, AssetMissing if it is erased or its file is gone, InvalidInput if there can be none here.
        """
        file = await self._kept(account, asset)
        drawn, is_new = await self.thumbnails.of(account, file)
        if is_new and (await self.known(account, asset)).standing == Disposal.ERASED:
            await self.thumbnails.forget(account, file)
            raise _gone(asset)
        return drawn

    async def link(self, account: str, asset: str, *, expires: int = USUAL_SECONDS) -> SignedLink:
        """A link by which anybody reads the file for so many seconds, at most seven days.

        In a bucket it is the store's own; of a folder it is a path that an HTTP door serves, which asks `linked`.
        Raises UnknownAsset, AssetMissing, InvalidInput, StoreUnavailable.
        """
        return await self.links.to(account, asset, await self._kept(account, asset), expires)

    async def linked(self, account: str, asset: str, *, expires: int, signature: str) -> Asset:
        """The file that a link leads to, to be read by `store.pieces`; `expires` in epoch seconds, as the link says.

        Raises Unverified before anything is looked up, UnknownAsset, AssetMissing.
        """
        self.links.check(account, asset, expires, signature)
        return await self._kept(account, asset)

    async def content(self, account: str, asset: str) -> Media:
        """The file of an asset, whole. Raises UnknownAsset, AssetMissing, AssetDamaged, StoreUnavailable."""
        return await self.store.load(account, await self._kept(account, asset))

    async def _kept(self, account: str, asset: str) -> Asset:
        file = await self._file(await self.show(account, asset))
        if file is None:
            raise _gone(asset)
        return file

    async def _file(self, shown: ShownAsset) -> Asset | None:
        if shown.asset.standing == Disposal.ERASED:
            return None
        places = (*shown.made_by, *shown.used_by)
        return await asyncio.to_thread(self.files.find, shown.asset.account, shown.asset.id, places)


def _gone(asset: str) -> AssetMissing:
    return AssetMissing(f"the file of asset {asset} is gone", hint="it was erased; make it or bring it again")
