"""Handing out the files of assets: many as one archive.

await studio.library.archive("acme", [asset, other], stream)
await studio.library.archive_named("acme", {"front": asset, "back": other}, stream)
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from application.library.archive import Archived, Archiver, ToArchive, check_file_names
from application.library.reading import LibraryReader, ShownAsset
from application.ports import Asset
from domain.assets import Disposal


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFiles(LibraryReader):
    """The library as far as it hands out files."""

    archiver: Archiver

    async def archive(self, account: str, assets: Sequence[str], stream: BinaryIO) -> Archived:
        """Write the files of these assets into a stream as one ZIP file, with a manifest; erased ones are only told.

        Raises UnknownAsset before anything is written; AssetDamaged and what the stream raises leave a part.
        """
        return await self.archive_named(account, {asset: asset for asset in assets}, stream)

    async def archive_named(self, account: str, names: Mapping[str, str], stream: BinaryIO) -> Archived:
        """The same under names of the caller's, to which extensions are added; `names` has the asset of each.

        Raises as `archive`, and InvalidInput for a name that is no file's everywhere.
        """
        check_file_names(names)
        shown = {asset: await self.show(account, asset) for asset in dict.fromkeys(names.values())}
        files = {asset: await self._file(one) for asset, one in shown.items()}
        wanted = [ToArchive(name, shown[asset], files[asset]) for name, asset in names.items()]
        return await asyncio.to_thread(self.archiver.write, wanted, stream)

    async def _file(self, shown: ShownAsset) -> Asset | None:
        if shown.asset.standing == Disposal.ERASED:
            return None
        places = (*shown.made_by, *shown.used_by)
        return await asyncio.to_thread(self.files.find, shown.asset.account, shown.asset.id, places)
