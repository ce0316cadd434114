"""The files that a copy is made of: each is written durably, and known by the digest of its bytes.

DIR/  manifest.json    which ledger, up to where, its seal, and the digest of every part
      log.ndjson.gz    a table each
      files/           as beside the ledger
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from domain.counts import counted
from domain.errors import InvalidInput, StoreUnavailable
from infrastructure.files.saving import flush_folder
from infrastructure.texts import json_of_file

FORMAT: Final = "image-studio copy 1"
MANIFEST: Final = "manifest.json"
FILES: Final = "files"


@dataclass(frozen=True, slots=True)
class TablePart:
    """One table's part: its file, how many rows it has, and the SHA-256 of the file."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a backup says of itself; `at` in ISO 8601, `files` and `size` of what lies beside the log."""

    ledger: str
    schema: str
    position: int
    at: str
    seal: str
    parts: Mapping[str, TablePart]
    files: int
    size: int
    missing: int
    damaged: int
    account: str = ""
    """The one whose export it is; empty of a whole ledger."""
    format: str = FORMAT


def write_part(folder: Path, table: str, lines: Iterable[bytes]) -> TablePart:
    """Write a table's lines. Raises StoreUnavailable."""
    file = folder / f"{table}.ndjson.gz"
    count = 0
    try:
        with file.open("xb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as packed:
                for line in lines:
                    packed.write(line)
                    count += 1
            raw.flush()
            os.fsync(raw.fileno())
    except OSError as error:
        raise StoreUnavailable(f"{file} cannot be written: {error}", hint="is there space?") from error
    return TablePart(file.name, count, file_digest(file))


def read_part(folder: Path, part: TablePart) -> Iterator[bytes]:
    """A part's lines. Raises InvalidInput if they are not as many as they were, or cannot be read."""
    count = 0
    try:
        with gzip.open(folder / part.file, "rb") as lines:
            for line in lines:
                count += 1
                yield line
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise InvalidInput("backup", f"{part.file} cannot be read: {error}") from error
    if count != part.rows:
        raise InvalidInput("backup", f"{part.file} has {counted(count, 'row')}, and had {part.rows:,}")


def file_digest(file: Path) -> str:
    """The SHA-256 of a file. Raises StoreUnavailable."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StoreUnavailable(f"{file} cannot be read: {error}") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last file of a backup: without it there is none."""
    told = asdict(manifest)
    sealed = {**told, "digest": _digest(told)}
    with (folder / MANIFEST).open("x", encoding="utf-8") as file:
        file.write(json.dumps(sealed, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    flush_folder(folder)


def read_manifest(folder: Path) -> Manifest:
    """Raises InvalidInput for what is no whole backup, or one whose manifest or parts are not what was written."""
    try:
        told: dict[str, Any] = json_of_file((folder / MANIFEST).read_text(encoding="utf-8"))
        digest = told.pop("digest")
        parts = {name: TablePart(**one) for name, one in told["parts"].items()}
        manifest = Manifest(**{**told, "parts": parts})
    except FileNotFoundError as error:
        hint = "name the folder that `backup` made; one that was stopped is not there under its name"
        raise InvalidInput("DIR", f"{folder} is not a backup: it has no {MANIFEST}", hint=hint) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput("DIR", f"the {MANIFEST} of {folder} cannot be read") from error
    if manifest.format != FORMAT:
        raise InvalidInput("DIR", f"is {manifest.format!r}, and this program reads {FORMAT!r}")
    if digest != _digest(told):
        raise InvalidInput("DIR", f"the {MANIFEST} of {folder} was changed", hint="take another backup")
    for name, part in parts.items():
        if Path(part.file).name != part.file or file_digest(folder / part.file) != part.sha256:
            raise InvalidInput("DIR", f"the part {name} was changed since it was written", hint="take another backup")
    return manifest


def _digest(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
