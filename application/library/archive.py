"""Assets as one ZIP file: their files under names that are safe and differ, and a manifest that says what each is.

    names of assets ── file by file, a piece at a time ──> stream ── manifest.json last

Nothing of a file is held in memory but a piece, and the stream need not be one that can be wound back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from application.library.answers import ShownAsset
from application.ports import Asset
from domain.errors import InvalidInput
from domain.inputs import shortened

MANIFEST: Final = "manifest.json"
LONGEST_NAME: Final = 100
"""Characters, without the extension."""
UNSAFE: Final = frozenset('/\\:*?"<>|')
EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same assets make the same file."""
READABLE: Final = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Archived:
    """The report of an archive: the asset of each of its files, by their names, and the assets whose files are gone."""

    files: Mapping[str, str]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToArchive:
    """An asset that is to be in an archive under a name, which gets its extension; no file: it is only told."""

    name: str
    shown: ShownAsset
    file: Asset | None


@dataclass(frozen=True, slots=True)
class Archiver:
    """`read` gives a file in pieces, `extension` is for a media type, `describe` what the manifest says of an asset."""

    read: Callable[[str, Asset], Iterator[bytes]]
    extension: Callable[[str], str]
    describe: Callable[[ShownAsset], Mapping[str, Any]]

    def write(self, wanted: Sequence[ToArchive], stream: BinaryIO) -> Archived:
        """Write them; blocking. Raises AssetMissing, AssetDamaged and what the stream raises, and is then not whole."""
        files: dict[str, str] = {}
        missing: list[str] = []
        entries: list[Mapping[str, Any]] = []
        with ZipFile(stream, "w", ZIP_STORED) as archive:
            for one in wanted:
                asset = one.shown.asset
                name = None if one.file is None else f"{one.name}.{self.extension(asset.media_type)}"
                if one.file is None or name is None:
                    missing.append(asset.id)
                else:
                    files[name] = asset.id
                    self._add(archive, name, asset.account, one.file)
                entries.append({**self.describe(one.shown), "path": name})
            manifest = json.dumps({"assets": entries}, indent=2, ensure_ascii=False)
            archive.writestr(_entry(MANIFEST), manifest.encode())
        return Archived(files, tuple(dict.fromkeys(missing)))

    def _add(self, archive: ZipFile, name: str, account: str, file: Asset) -> None:
        with archive.open(_entry(name), "w", force_zip64=True) as target:
            for piece in self.read(account, file):
                target.write(piece)


def check_file_names(names: Iterable[str]) -> None:
    """Each may name a file on any system, whether letter case counts there or not. Raises InvalidInput."""
    met = {MANIFEST.partition(".")[0]}
    for name in names:
        whole = 1 <= len(name) <= LONGEST_NAME and name.isprintable() and UNSAFE.isdisjoint(name)
        if not whole or name[0] == "." or name[-1] in " ." or name.casefold() in met:
            told = f"{shortened(name)} cannot name a file of the archive"
            raise InvalidInput("names", told, hint=f"use 1 to {LONGEST_NAME} letters and digits, each name once")
        met.add(name.casefold())


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, EARLIEST)
    entry.external_attr = READABLE
    return entry
