"""Assets as one ZIP file: their files under names that are safe and differ, and a manifest that says what each is.

    names of assets ── file by file, a piece at a time ──> stream ── manifest.json last

Nothing of a file is held in memory but a piece, and the stream need not be one that can be wound back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import RawIOBase
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
        stream.writelines(self.pieces(wanted))
        return self.told(wanted)

    def pieces(self, wanted: Sequence[ToArchive]) -> Iterator[bytes]:
        """The archive as it grows; blocking. Raises AssetMissing, AssetDamaged, and is then not whole."""
        grown = _Grown()
        with ZipFile(grown, "w", ZIP_STORED) as archive:
            for one in wanted:
                if one.file is not None:
                    yield from self._added(archive, grown, one, one.file)
            entries = [{**self.describe(one.shown), "path": self._path(one)} for one in wanted]
            manifest = json.dumps({"assets": entries}, indent=2, ensure_ascii=False)
            archive.writestr(_entry(MANIFEST), manifest.encode())
        yield grown.taken()

    def told(self, wanted: Sequence[ToArchive]) -> Archived:
        """The report of an archive of these."""
        paths = {self._path(one): one.shown.asset.id for one in wanted}
        gone = (one.shown.asset.id for one in wanted if one.file is None)
        return Archived({path: id for path, id in paths.items() if path is not None}, tuple(dict.fromkeys(gone)))

    def _path(self, one: ToArchive) -> str | None:
        return None if one.file is None else f"{one.name}.{self.extension(one.shown.asset.media_type)}"

    def _added(self, archive: ZipFile, grown: _Grown, one: ToArchive, file: Asset) -> Iterator[bytes]:
        with archive.open(_entry(f"{self._path(one)}"), "w", force_zip64=True) as target:
            for piece in self.read(one.shown.asset.account, file):
                target.write(piece)
                yield grown.taken()


class _Grown(RawIOBase):
    """Collects what is written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def archived_in(file: BinaryIO) -> Archived:
    """The report that the manifest of a whole archive makes. Raises BadZipFile, and KeyError if it has none."""
    with ZipFile(file) as archive:
        entries = json.loads(archive.read(MANIFEST))["assets"]
    files = {one["path"]: one["id"] for one in entries if one["path"] is not None}
    return Archived(files, tuple(dict.fromkeys(one["id"] for one in entries if one["path"] is None)))


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
