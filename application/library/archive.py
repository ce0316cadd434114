"""Assets as one ZIP file: their files under names that are safe and differ, and a manifest that says what each is.

    assets ── file by file, a piece at a time ──> stream ── manifest.json last

Nothing of a file is held in memory but a piece, and the stream need not be one that can be wound back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from application.library.reading import ShownAsset
from application.ports import Asset

MANIFEST: Final = "manifest.json"
EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same assets make the same file."""
READABLE: Final = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Archived:
    """The report of an archive: the names of its files by asset, and the assets whose files are gone."""

    files: Mapping[str, str]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Archiver:
    """`read` gives a file in pieces, `extension` is for a media type, `describe` what the manifest says of an asset."""

    read: Callable[[str, Asset], Iterator[bytes]]
    extension: Callable[[str], str]
    describe: Callable[[ShownAsset], Mapping[str, Any]]

    def write(self, shown: Sequence[tuple[ShownAsset, Asset | None]], stream: BinaryIO) -> Archived:
        """Write them; blocking. Raises AssetMissing, AssetDamaged and what the stream raises, and is then not whole."""
        files: dict[str, str] = {}
        missing: list[str] = []
        entries: list[Mapping[str, Any]] = []
        with ZipFile(stream, "w", ZIP_STORED) as archive:
            for one, file in shown:
                name = None if file is None else f"{one.asset.id}.{self.extension(one.asset.media_type)}"
                if file is None or name is None:
                    missing.append(one.asset.id)
                else:
                    files[one.asset.id] = name
                    self._add(archive, name, one.asset.account, file)
                entries.append({**self.describe(one), "path": name})
            manifest = json.dumps({"assets": entries}, indent=2, ensure_ascii=False)
            archive.writestr(_entry(MANIFEST), manifest.encode())
        return Archived(files, tuple(missing))

    def _add(self, archive: ZipFile, name: str, account: str, file: Asset) -> None:
        with archive.open(_entry(name), "w", force_zip64=True) as target:
            for piece in self.read(account, file):
                target.write(piece)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, EARLIEST)
    entry.external_attr = READABLE
    return entry
